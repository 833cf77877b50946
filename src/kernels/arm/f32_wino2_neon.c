/* Winograd's transforms of 2x2 outputs for NEON: four channels at once. */
#include "vec_neon.h"
#define EDGE 2
#define KERNEL_IN w_f32_wino2_in__neon
#define KERNEL_OUT w_f32_wino2_out__neon
#include "../body/f32_wino_body.h"
