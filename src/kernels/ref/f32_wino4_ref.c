/* Winograd's transforms of 4x4 outputs, one number at a time. */
#include "wino_scalar.h"
#define EDGE 4
#define KERNEL_IN w_f32_wino4_in__ref
#define KERNEL_OUT w_f32_wino4_out__ref
#include "../body/f32_wino_body.h"
