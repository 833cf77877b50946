/* The u8 x s8 implicit GEMM for NEON with dot products: 16 accumulators; for few rows. */
#include "u8_quads_dotprod.h"
#define MR 4
#define NV 4
#define KERNEL w_u8_igemm_4x16__dotprod
#include "u8_quads_body.h"
