/* The u8 x s8 implicit GEMM for AVX-512 without VNNI, for few output channels: 12 accumulators. */
#include "u8_dot_avx512.h"
#define MR 12
#define NV 1
#define KERNEL w_u8_igemm_12x16__avx512
#include "u8_igemm_body.h"
