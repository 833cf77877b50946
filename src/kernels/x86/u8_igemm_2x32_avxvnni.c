/* The u8 x s8 implicit GEMM for AVX-VNNI, for few rows: 8 accumulators over 32 columns, so that weights stream. */
#include "u8_dot_vnni.h"
#define MR 2
#define NV 4
#define KERNEL w_u8_igemm_2x32__avxvnni
#include "u8_igemm_body.h"
