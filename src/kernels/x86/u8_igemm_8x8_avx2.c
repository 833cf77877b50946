/* The u8 x s8 implicit GEMM for AVX2, for few output channels: 8 accumulators. */
#include "vec_avx2.h"
#define MR 8
#define NV 1
#define KERNEL w_u8_igemm_8x8__avx2
#include "u8_pairs_body.h"
