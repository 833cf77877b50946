/* Element-wise kernels and softmax in f32 for NEON. */
#include "../arm/vec_neon.h"
#define NAME(kernel) w_##kernel##_f32__neon
#include "eltwise_f32_body.h"
