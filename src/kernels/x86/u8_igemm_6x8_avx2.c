/* The u8 x s8 implicit GEMM for AVX2, for few output channels: 6 accumulators. */
#include "u8_dot_avx2.h"
#define MR 6
#define NV 1
#define KERNEL w_u8_igemm_6x8__avx2
#include "u8_igemm_body.h"
