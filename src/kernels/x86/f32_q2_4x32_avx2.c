/* f32 rows by 2-bit weights, AVX2: 8 sums. */
#include "vec_avx2.h"
#define NV 4
#define BITS 2
#define KERNEL w_f32_q2_4x32__avx2
#include "../body/f32_narrow_body.h"
