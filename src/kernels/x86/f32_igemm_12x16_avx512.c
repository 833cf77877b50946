/* The f32 implicit GEMM for AVX-512, for few output channels: 12 accumulators, one weight vector. */
#include "vec_avx512.h"
#define MR 12
#define NV 1
#define KERNEL w_f32_igemm_12x16__avx512
#include "../body/f32_igemm_body.h"
