/* Four f32 lanes: the names that the shared kernel bodies are written in. NEON's maximum lets every NaN through; the bodies
 * want the second operand where one is a NaN, hence comparisons. */
#ifndef W_VEC_NEON_H
#define W_VEC_NEON_H
#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <string.h>

#define VL 4
typedef float32x4_t V;
typedef int32x4_t VI;
#define VSET1(x) vdupq_n_f32(x)
#define VLOAD(p) vld1q_f32(p)
#define VSTORE(p, v) vst1q_f32(p, v)
#define VADD(a, b) vaddq_f32(a, b)
#define VSUB(a, b) vsubq_f32(a, b)
#define VMUL(a, b) vmulq_f32(a, b)
#define VDIV(a, b) vdivq_f32(a, b)
#define VFMA(a, b, c) vfmaq_f32(c, a, b)
static inline V VMAX(V lo, V x) { return vbslq_f32(vcgtq_f32(lo, x), lo, x); } /* a NaN in x stays */
static inline V VMIN(V hi, V x) { return vbslq_f32(vcltq_f32(hi, x), hi, x); }
#define VROUND(x) vrndnq_f32(x)
#define VFLOOR(x) vrndmq_f32(x)
#define VCEIL(x) vrndpq_f32(x)
#define VANY_GT(a, b) (vmaxvq_u32(vcgtq_f32(a, b)) != 0)
#define VSQRT(x) vsqrtq_f32(x)
#define VPOW2(x) vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(x), vdupq_n_s32(127)), 23))
#define VBITS(op, a, b) vreinterpretq_f32_u32(op(vreinterpretq_u32_f32(a), vreinterpretq_u32_f32(b)))
#define VABS(x) vabsq_f32(x)
#define VSIGN(x) VBITS(vandq_u32, x, VSET1(-0.0f))
#define VOR(a, b) VBITS(vorrq_u32, a, b)
#define VXOR(a, b) VBITS(veorq_u32, a, b)
#define VSELECT_LT(a, b, yes, no) vbslq_f32(vcltq_f32(a, b), yes, no)
#define VKEEP_NAN(a, r) vbslq_f32(vceqq_f32(a, a), r, a)

/* The first n lanes, 0 <= n; the others are zero and not touched in memory. */
static inline V vload_n(const float *p, size_t n) {
    V v = VSET1(0.0f);
    if (n >= 4) return vld1q_f32(p);
    if (n & 2) v = vcombine_f32(vld1_f32(p), vget_low_f32(v));
    if (n == 3) return vld1q_lane_f32(p + 2, v, 2);
    return n == 1 ? vld1q_lane_f32(p, v, 0) : v;
}
static inline void vstore_n(float *p, size_t n, V v) {
    if (n >= 4) {
        vst1q_f32(p, v);
        return;
    }
    if (n & 2) vst1_f32(p, vget_low_f32(v));
    if (n == 3) vst1q_lane_f32(p + 2, v, 2);
    else if (n == 1) vst1q_lane_f32(p, v, 0);
}

/* Integers: 32-bit lanes, and u8 in memory. */
#define ISET1(x) vdupq_n_s32(x)
#define ILOAD(p) vld1q_s32((const int32_t *)(const void *)(p))
#define IADD(a, b) vaddq_s32(a, b)
#define ISUB(a, b) vsubq_s32(a, b)
#define IMUL(a, b) vmulq_s32(a, b)
#define IMAX(a, b) vmaxq_s32(a, b)
#define ICVT(v) vcvtnq_s32_f32(v) /* to nearest even */
#define ICAST(v) vreinterpretq_s32_f32(v)
#define IREAL(a) vreinterpretq_f32_s32(a)
#define VCVT(i) vcvtq_f32_s32(i)
static inline V VMAX_Q(V x, V lo) { return VMAX(x, lo); } /* a NaN in x becomes lo */
static inline V VMIN_Q(V x, V hi) { return VMIN(x, hi); }
#define VCLAMP_Q(x, lo, hi) VMIN_Q(VMAX_Q(x, lo), hi)
static inline VI uload_n(const uint8_t *p, size_t n) {
    uint32_t bits = 0;
    if (n >= 4) memcpy(&bits, p, 4);
    else
        for (size_t i = 0; i < n; i++) bits |= (uint32_t)p[i] << 8 * i;
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(bits)))));
}
/* Lanes 0 ... 255 as bytes: those of a, then those of b. */
static inline uint8x8_t upack(VI a, VI b) {
    return vmovn_u16(vcombine_u16(vmovn_u32(vreinterpretq_u32_s32(a)), vmovn_u32(vreinterpretq_u32_s32(b))));
}
static inline void ustore_n(uint8_t *p, size_t n, VI q) {
    uint32_t bits = vget_lane_u32(vreinterpret_u32_u8(upack(q, q)), 0);
    if (n >= 4) memcpy(p, &bits, 4);
    else
        for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(bits >> 8 * i);
}
static inline void ustore(uint8_t *p, VI q) { ustore_n(p, 4, q); }
#define ISET16(x) vreinterpretq_s32_s16(vdupq_n_s16((int16_t)(x)))
/* Four vectors, plus a zero point in 16-bit lanes unless it is 0 (plain), as bytes: a piece of VL for each, in order. */
static inline VI upack_4(VI a, VI b, VI c, VI d, VI zero, bool plain) {
    int16x8_t h = vcombine_s16(vmovn_s32(a), vmovn_s32(b)), k = vcombine_s16(vmovn_s32(c), vmovn_s32(d)), z = vreinterpretq_s16_s32(zero);
    if (!plain) h = vaddq_s16(h, z), k = vaddq_s16(k, z);
    return vreinterpretq_s32_s8(vcombine_s8(vmovn_s16(h), vmovn_s16(k)));
}
/* One piece, two from an even one on, or four. */
static inline void ustore_pieces(uint8_t *p, VI x, int first, int count) {
    uint8_t all[16];
    if (count == 4) vst1q_u8(p, vreinterpretq_u8_s32(x));
    else if (count == 2) vst1_u8(p, first ? vget_high_u8(vreinterpretq_u8_s32(x)) : vget_low_u8(vreinterpretq_u8_s32(x)));
    else {
        vst1q_u8(all, vreinterpretq_u8_s32(x));
        memcpy(p, all + 4 * first, 4);
    }
}
static inline void ustore_part(uint8_t *p, VI x, int piece, size_t n) {
    uint8_t all[16];
    vst1q_u8(all, vreinterpretq_u8_s32(x));
    memcpy(p, all + 4 * piece, n < 4 ? n : 4);
}
#endif
