/* One quad with AVX512-VNNI: four u8 x s8 products into a lane, without saturation. */
#ifndef W_U8_DOT_VNNI_H
#define W_U8_DOT_VNNI_H
#include "vec_avx512.h"
#define PACK W_PACK_S8_QUAD
#define PLANES 1
static inline __attribute__((always_inline)) void dot(VI *acc, VI x, const VI *w, int nv) {
    _Pragma("GCC unroll 16") for (int v = 0; v < nv; v++) acc[v] = _mm512_dpbusd_epi32(acc[v], x, w[v]);
}
#endif
