/* s16 x s16 products for AVX-512. */
#include "vec_avx512.h"
#define MR 8
#define NV 2
#define KERNEL w_s16_gemm_8x32__avx512
#define MADD(acc, x, b) acc = IADD(acc, _mm512_madd_epi16(x, b))
#include "../body/s16_gemm_body.h"
