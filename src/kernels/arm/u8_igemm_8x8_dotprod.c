/* The u8 x s8 implicit GEMM for NEON with dot products: 16 accumulators. */
#include "u8_quads_dotprod.h"
#define MR 8
#define NV 2
#define KERNEL w_u8_igemm_8x8__dotprod
#include "u8_quads_body.h"
