/* f32 rows by bf16 weights, AVX2: 8 sums. */
#include "vec_avx2.h"
#define NV 4
#define BITS W_BITS_BF16
#define KERNEL w_f32_bf16_4x32__avx2
#include "../body/f32_narrow_body.h"
