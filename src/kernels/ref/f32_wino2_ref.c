/* Winograd's transforms of 2x2 outputs, one number at a time. */
#include "wino_scalar.h"
#define EDGE 2
#define KERNEL_IN w_f32_wino2_in__ref
#define KERNEL_OUT w_f32_wino2_out__ref
#include "../body/f32_wino_body.h"
