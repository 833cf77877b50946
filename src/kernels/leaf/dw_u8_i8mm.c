/* Depthwise convolution u8 x s8 for NEON with dot products of unsigned with signed bytes. */
#include "dw_u8_128.h"
#define B_DOT(a, x, w) vusdotq_s32(a, vreinterpretq_u8_s32(x), vreinterpretq_s8_s32(w))
#define KERNEL w_dw_u8__i8mm
#include "dw_u8_body.h"
