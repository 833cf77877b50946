/* Pooling in f32 for AVX2. */
#include "../x86/vec_avx2.h"
#define POOL w_pool_f32__avx2
#define GLOBAL w_global_f32__avx2
#include "pool_f32_body.h"
