/* One quad without dot-product instructions: u8 x u8 products of 16 bits, added in pairs to 32. A vector of four columns takes
 * two vectors of sums, two for each column. */
#ifndef W_U8_QUADS_NEON_H
#define W_U8_QUADS_NEON_H
#include "vec_neon.h"
#define BIAS 128u
#define WEIGHTS(w) veorq_u8(w, vdupq_n_u8(128))
typedef struct sums { uint32x4_t lo, hi; } sums;
#define NO_SUMS ((sums){vdupq_n_u32(0), vdupq_n_u32(0)})
static inline __attribute__((always_inline)) sums add_quad(sums s, uint8x16_t w, uint8x16_t x, const int q) {
    uint8x8_t quad = vreinterpret_u8_u32(vdup_laneq_u32(vreinterpretq_u32_u8(x), q));
    return (sums){vpadalq_u16(s.lo, vmull_u8(vget_low_u8(w), quad)), vpadalq_u16(s.hi, vmull_u8(vget_high_u8(w), quad))};
}
static inline VI total(sums s) { return vreinterpretq_s32_u32(vpaddq_u32(s.lo, s.hi)); }
#endif
