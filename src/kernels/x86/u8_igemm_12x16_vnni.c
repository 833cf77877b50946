/* The u8 x s8 implicit GEMM for AVX512-VNNI, for few output channels: 12 accumulators. */
#include "u8_dot_vnni.h"
#define MR 12
#define NV 1
#define KERNEL w_u8_igemm_12x16__vnni
#include "u8_igemm_body.h"
