/* The u8 x s8 implicit GEMM for NEON: 16 accumulators, two for each column. */
#include "u8_quads_neon.h"
#define MR 4
#define NV 2
#define KERNEL w_u8_igemm_4x8__neon
#include "u8_quads_body.h"
