/* One quad with the dot product of unsigned bytes: four products into a lane. */
#ifndef W_U8_QUADS_DOTPROD_H
#define W_U8_QUADS_DOTPROD_H
#include "vec_neon.h"
#define BIAS 128u
#define WEIGHTS(w) veorq_u8(w, vdupq_n_u8(128))
typedef uint32x4_t sums;
#define NO_SUMS vdupq_n_u32(0)
#define add_quad(s, w, x, q) vdotq_laneq_u32(s, w, x, q)
#define total(s) vreinterpretq_s32_u32(s)
#endif
