/* Kernels over bytes, except the depthwise convolution, for AVX-512. */
#include "../x86/vec_avx512.h"
#define NAME(kernel) w_##kernel##__avx512
#include "bytes_body.h"
