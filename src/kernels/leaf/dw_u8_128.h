/* The names of dw_u8_body.h on 16 bytes, except the dot product. */
#include "../arm/vec_neon.h"

#define BN 16
typedef VI B;
#define B_LOAD(p) vreinterpretq_s32_u8(vld1q_u8(p))
#define B_STORE(p, v) vst1q_u8(p, vreinterpretq_u8_s32(v))
#define B_OF8(op, a, b) vreinterpretq_s32_u8(op(vreinterpretq_u8_s32(a), vreinterpretq_u8_s32(b)))
#define B_OF16(op, a, b) vreinterpretq_s32_u16(op(vreinterpretq_u16_s32(a), vreinterpretq_u16_s32(b)))
#define B_UNPACKLO8(a, b) B_OF8(vzip1q_u8, a, b)
#define B_UNPACKHI8(a, b) B_OF8(vzip2q_u8, a, b)
#define B_UNPACKLO16(a, b) B_OF16(vzip1q_u16, a, b)
#define B_UNPACKHI16(a, b) B_OF16(vzip2q_u16, a, b)
#define B_DOWN(w, above) vreinterpretq_s32_u32(vsriq_n_u32(vshlq_n_u32(vreinterpretq_u32_s32(w), 8), vreinterpretq_u32_s32(above), 24))
#define B_CLAMP(x, lo, hi) VCLAMP_Q(x, lo, hi)
#define B_PACK32(a, b) B_OF16(vuzp1q_u16, a, b) /* lanes -255 ... 255 */
#define B_ADD16(a, b) B_OF16(vaddq_u16, a, b)
#define B_PACK16(a, b) B_OF8(vuzp1q_u8, a, b)
static inline B B_LOAD_N(const uint8_t *p, size_t n) {
    uint8_t t[16] = {0};
    memcpy(t, p, n);
    return B_LOAD(t);
}
static inline void B_STORE_N(uint8_t *p, size_t n, B v) {
    uint8_t t[16];
    B_STORE(t, v);
    memcpy(p, t, n);
}
