/* One quad with the dot product of signed with unsigned bytes: four products into a lane, and no bias. */
#ifndef W_U8_QUADS_I8MM_H
#define W_U8_QUADS_I8MM_H
#include "vec_neon.h"
#define BIAS 0u
#define WEIGHTS(w) (w)
typedef int32x4_t sums;
#define NO_SUMS vdupq_n_s32(0)
#define add_quad(s, w, x, q) vsudotq_laneq_s32(s, vreinterpretq_s8_u8(w), x, q)
#define total(s) (s)
#endif
