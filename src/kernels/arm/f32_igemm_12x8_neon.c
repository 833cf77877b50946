/* The f32 implicit GEMM for NEON: 24 accumulators, two weight vectors. */
#include "vec_neon.h"
#define MR 12
#define NV 2
#define KERNEL w_f32_igemm_12x8__neon
#include "../body/f32_igemm_body.h"
