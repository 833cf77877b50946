/* Kernels over bytes, except the depthwise convolution, for AVX2. */
#include "../x86/vec_avx2.h"
#define NAME(kernel) w_##kernel##__avx2
#include "bytes_body.h"
