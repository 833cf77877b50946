/* The f32 implicit GEMM for AVX2 and FMA: 12 accumulators, two weight vectors. */
#include "vec_avx2.h"
#define MR 6
#define TALL 12 /* rows of a tile that is one vector wide */
#define NV 2
#define KERNEL w_f32_igemm_6x16__avx2
#include "../body/f32_igemm_body.h"
