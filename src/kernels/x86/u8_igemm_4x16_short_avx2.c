/* The u8 x s8 implicit GEMM for AVX2, for short sums: 8 accumulators, and no panel to fill. */
#include "u8_dot_avx2.h"
#define MR 4
#define NV 2
#define KERNEL w_u8_igemm_4x16_short__avx2
#include "u8_igemm_body.h"
