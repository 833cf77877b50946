/* The u8 x s8 implicit GEMM for AVX512-VNNI, for few rows: 8 accumulators over 64 columns, so that weights stream. */
#include "u8_dot_vnni.h"
#define MR 2
#define NV 4
#define KERNEL w_u8_igemm_2x64__vnni
#include "u8_igemm_body.h"
