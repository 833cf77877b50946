/* Depthwise convolution u8 x s8 for NEON: both widened to 16 bits. */
#include "dw_u8_128.h"
static inline __attribute__((always_inline)) B dot(B a, B x, B w) {
    uint8x16_t u = vreinterpretq_u8_s32(x);
    int8x16_t s = vreinterpretq_s8_s32(w);
    int16x8_t x0 = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(u))), x1 = vreinterpretq_s16_u16(vmovl_high_u8(u));
    int16x8_t w0 = vmovl_s8(vget_low_s8(s)), w1 = vmovl_high_s8(s);
    B lo = vpaddq_s32(vmull_s16(vget_low_s16(x0), vget_low_s16(w0)), vmull_high_s16(x0, w0));
    B hi = vpaddq_s32(vmull_s16(vget_low_s16(x1), vget_low_s16(w1)), vmull_high_s16(x1, w1));
    return vaddq_s32(a, vpaddq_s32(lo, hi));
}
#define B_DOT(a, x, w) dot(a, x, w)
#define KERNEL w_dw_u8__neon
#include "dw_u8_body.h"
