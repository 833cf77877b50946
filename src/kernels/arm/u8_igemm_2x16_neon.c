/* The u8 x s8 implicit GEMM for NEON: 16 accumulators, two for each column; for few rows. */
#include "u8_quads_neon.h"
#define MR 2
#define NV 4
#define KERNEL w_u8_igemm_2x16__neon
#include "u8_quads_body.h"
