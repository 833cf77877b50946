/* The u8 x s8 implicit GEMM for AVX-512 without VNNI: 16 accumulators beside the weights of a quad. */
#include "u8_dot_avx512.h"
#define MR 8
#define NV 2
#define KERNEL w_u8_igemm_8x32__avx512
#include "u8_igemm_body.h"
