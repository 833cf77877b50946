/* The u8 x s8 implicit GEMM for AVX2, for short sums: 8 accumulators, and no panel to fill. Four vectors share what
 * takes the bytes of a row's quad apart; the weights stay in L1. */
#include "u8_dot_avx2.h"
#define MR 2
#define NV 4
#define KERNEL w_u8_igemm_2x32_short__avx2
#include "u8_igemm_body.h"
