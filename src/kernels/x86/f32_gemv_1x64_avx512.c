/* One row of f32 against streaming weights, AVX-512: 16 accumulators. */
#include "vec_avx512.h"
#define NV 4
#define STREAMS 4
#define KERNEL w_f32_gemv_1x64__avx512
#include "../body/f32_gemv_body.h"
