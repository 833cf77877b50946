/* s16 x s16 products for AVX2. */
#include "vec_avx2.h"
#define MR 6
#define NV 2
#define KERNEL w_s16_gemm_6x16__avx2
#define MADD(acc, x, b) acc = IADD(acc, _mm256_madd_epi16(x, b))
#include "../body/s16_gemm_body.h"
