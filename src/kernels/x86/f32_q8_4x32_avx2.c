/* f32 rows by 8-bit weights, AVX2: 8 sums. */
#include "vec_avx2.h"
#define NV 4
#define BITS 8
#define KERNEL w_f32_q8_4x32__avx2
#include "../body/f32_narrow_body.h"
