/* f32 rows by bf16 weights, AVX-512: 8 sums. */
#include "vec_avx512.h"
#define NV 4
#define BITS W_BITS_BF16
#define KERNEL w_f32_bf16_4x64__avx512
#include "../body/f32_narrow_body.h"
