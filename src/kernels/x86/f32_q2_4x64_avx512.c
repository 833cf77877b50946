/* f32 rows by 2-bit weights, AVX-512: 8 sums. */
#include "vec_avx512.h"
#define NV 4
#define BITS 2
#define KERNEL w_f32_q2_4x64__avx512
#include "../body/f32_narrow_body.h"
