/* Winograd's transforms of 4x4 outputs for NEON: four channels at once. */
#include "vec_neon.h"
#define EDGE 4
#define KERNEL_IN w_f32_wino4_in__neon
#define KERNEL_OUT w_f32_wino4_out__neon
#include "../body/f32_wino_body.h"
