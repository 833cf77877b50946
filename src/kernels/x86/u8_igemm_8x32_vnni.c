/* The u8 x s8 implicit GEMM for AVX512-VNNI: 16 accumulators. */
#include "u8_dot_vnni.h"
#define MR 8
#define NV 2
#define KERNEL w_u8_igemm_8x32__vnni
#include "u8_igemm_body.h"
