/* Winograd's transforms for AVX-512: sixteen channels at once. */
#include "vec_avx512.h"
#define KERNEL_IN w_f32_wino_in__avx512
#define KERNEL_OUT w_f32_wino_out__avx512
#include "../body/f32_wino_body.h"
