/* Depthwise convolution u8 x s8 for AVX512-VNNI. */
#include "dw_u8_512.h"
#define B_DOT(a, x, w) _mm512_dpbusd_epi32(a, x, w)
#define KERNEL w_dw_u8__vnni
#include "dw_u8_body.h"
