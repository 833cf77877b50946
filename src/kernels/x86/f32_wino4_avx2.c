/* Winograd's transforms of 4x4 outputs for AVX2: eight channels at once. */
#include "vec_avx2.h"
#define EDGE 4
#define KERNEL_IN w_f32_wino4_in__avx2
#define KERNEL_OUT w_f32_wino4_out__avx2
#include "../body/f32_wino_body.h"
