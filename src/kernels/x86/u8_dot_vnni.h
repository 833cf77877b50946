/* One quad with AVX512-VNNI or AVX-VNNI. */
#ifndef W_U8_DOT_VNNI_H
#define W_U8_DOT_VNNI_H
#include "dpbusd.h"
#define PACK W_PACK_S8_QUAD
#define PLANES 1
#define AHEAD 4
static inline __attribute__((always_inline)) void dot(VI *acc, VI x, const VI *w, int nv) {
    _Pragma("GCC unroll 16") for (int v = 0; v < nv; v++) VPDPBUSD(acc[v], x, w[v]);
}
#endif
