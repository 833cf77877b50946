/* Element-wise kernels and softmax in f32 for AVX-512. */
#include "../x86/vec_avx512.h"
#define NAME(kernel) w_##kernel##_f32__avx512
#include "eltwise_f32_body.h"
