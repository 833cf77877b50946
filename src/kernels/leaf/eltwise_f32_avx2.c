/* Element-wise kernels and softmax in f32 for AVX2. */
#include "../x86/vec_avx2.h"
#define NAME(kernel) w_##kernel##_f32__avx2
#include "eltwise_f32_body.h"
