/* Depthwise convolution in f32 for AVX2. */
#include "../x86/vec_avx2.h"
#define KERNEL w_dw_f32__avx2
#include "dw_f32_body.h"
