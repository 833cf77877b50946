/* Winograd's transforms of 4x4 outputs for AVX-512: sixteen channels at once. */
#include "vec_avx512.h"
#define EDGE 4
#define KERNEL_IN w_f32_wino4_in__avx512
#define KERNEL_OUT w_f32_wino4_out__avx512
#include "../body/f32_wino_body.h"
