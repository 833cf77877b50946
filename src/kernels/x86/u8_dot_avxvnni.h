/* One quad with AVX-VNNI: four u8 x s8 products into a lane, without saturation. In assembly because gcc 12 copies the accumulator
 * before and after each intrinsic. */
#ifndef W_U8_DOT_AVXVNNI_H
#define W_U8_DOT_AVXVNNI_H
#include "vec_avx2.h"
#define PACK W_PACK_S8_QUAD
#define PLANES 1
#define AHEAD 4
static inline __attribute__((always_inline)) void dot(VI *acc, VI x, const VI *w, int nv) {
    _Pragma("GCC unroll 16") for (int v = 0; v < nv; v++) __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc[v]) : "x"(x), "x"(w[v]));
}
#endif
