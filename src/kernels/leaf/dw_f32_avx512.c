/* Depthwise convolution in f32 for AVX-512. */
#include "../x86/vec_avx512.h"
#define KERNEL w_dw_f32__avx512
#include "dw_f32_body.h"
