/* Pooling in f32 for AVX-512. */
#include "../x86/vec_avx512.h"
#define POOL w_pool_f32__avx512
#define GLOBAL w_global_f32__avx512
#include "pool_f32_body.h"
