/* Winograd's transforms of 2x2 outputs for AVX-512: sixteen channels at once. */
#include "vec_avx512.h"
#define EDGE 2
#define KERNEL_IN w_f32_wino2_in__avx512
#define KERNEL_OUT w_f32_wino2_out__avx512
#include "../body/f32_wino_body.h"
