/* Winograd's transforms for NEON: four channels at once. */
#include "vec_neon.h"
#define KERNEL_IN w_f32_wino_in__neon
#define KERNEL_OUT w_f32_wino_out__neon
#include "../body/f32_wino_body.h"
