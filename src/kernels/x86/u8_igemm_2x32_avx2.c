/* The u8 x s8 implicit GEMM for AVX2, for few rows: 8 accumulators over 32 columns, so that weights stream. */
#include "vec_avx2.h"
#define MR 2
#define NV 4
#define KERNEL w_u8_igemm_2x32__avx2
#include "u8_pairs_body.h"
