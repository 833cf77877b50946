/* The f32 implicit GEMM for AVX-512: 16 accumulators, two weight vectors. */
#include "vec_avx512.h"
#define MR 8
#define NV 2
#define KERNEL w_f32_igemm_8x32__avx512
#include "../body/f32_igemm_body.h"
