/* Kernels over bytes, except the depthwise convolution, for NEON. */
#include "../arm/vec_neon.h"
#define NAME(kernel) w_##kernel##__neon
#include "bytes_body.h"
