/* The f32 implicit GEMM for AVX2 and FMA, for few output channels: 12 accumulators, one weight vector. */
#include "vec_avx2.h"
#define MR 12
#define NV 1
#define KERNEL w_f32_igemm_12x8__avx2
#include "../body/f32_igemm_body.h"
