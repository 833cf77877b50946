/* Depthwise convolution in f32 for NEON. */
#include "../arm/vec_neon.h"
#define KERNEL w_dw_f32__neon
#include "dw_f32_body.h"
