/* Depthwise convolution u8 x s8 for NEON with dot products of unsigned bytes: 128 is added to the weights, and what that adds
 * to the sum is taken off again. */
#include "dw_u8_128.h"
static inline __attribute__((always_inline)) B dot(B a, B x, B w) {
    uint8x16_t bias = vdupq_n_u8(128), u = vreinterpretq_u8_s32(x);
    uint32x4_t with = vdotq_u32(vreinterpretq_u32_s32(a), u, veorq_u8(vreinterpretq_u8_s32(w), bias));
    return vreinterpretq_s32_u32(vsubq_u32(with, vdotq_u32(vdupq_n_u32(0), u, bias)));
}
#define B_DOT(a, x, w) dot(a, x, w)
#define KERNEL w_dw_u8__dotprod
#include "dw_u8_body.h"
