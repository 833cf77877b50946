/* Winograd's transforms of 2x2 outputs for AVX2: eight channels at once. */
#include "vec_avx2.h"
#define EDGE 2
#define KERNEL_IN w_f32_wino2_in__avx2
#define KERNEL_OUT w_f32_wino2_out__avx2
#include "../body/f32_wino_body.h"
