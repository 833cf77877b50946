/* One row of f32 against streaming weights, NEON: 16 accumulators. */
#include "vec_neon.h"
#define NV 4
#define STREAMS 4
#define KERNEL w_f32_gemv_1x16__neon
#include "../body/f32_gemv_body.h"
