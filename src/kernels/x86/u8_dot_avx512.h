/* One quad without dot-product instructions: bytes 0 and 2, then 1 and 3, as u16 against s16 weights. Exact. */
#ifndef W_U8_DOT_AVX512_H
#define W_U8_DOT_AVX512_H
#include "vec_avx512.h"
#define PACK W_PACK_S16_EVEN_ODD
#define PLANES 2
#define AHEAD 1
static inline __attribute__((always_inline)) void dot(VI *acc, VI x, const VI *w, int nv) {
    VI even = _mm512_and_si512(x, _mm512_set1_epi32(0x00ff00ff)), odd = _mm512_srli_epi16(x, 8);
    _Pragma("GCC unroll 16") for (int v = 0; v < nv; v++) {
        VI sum = _mm512_add_epi32(_mm512_madd_epi16(even, w[v * 2]), _mm512_madd_epi16(odd, w[v * 2 + 1]));
        acc[v] = _mm512_add_epi32(acc[v], sum);
    }
}
#endif
