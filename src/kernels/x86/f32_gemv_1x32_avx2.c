/* One row of f32 against streaming weights, AVX2: 8 accumulators. */
#include "vec_avx2.h"
#define NV 4
#define STREAMS 2
#define KERNEL w_f32_gemv_1x32__avx2
#include "../body/f32_gemv_body.h"
