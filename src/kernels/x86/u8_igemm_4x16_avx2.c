/* The u8 x s8 implicit GEMM for AVX2: 8 accumulators beside the weights of a quad. */
#include "vec_avx2.h"
#define MR 4
#define NV 2
#define KERNEL w_u8_igemm_4x16__avx2
#include "u8_pairs_body.h"
