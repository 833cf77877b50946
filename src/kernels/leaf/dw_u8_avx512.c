/* Depthwise convolution u8 x s8 for AVX-512 without VNNI. The byte product instruction saturates sums of two products, so
 * even and odd taps are multiplied apart. */
#include "dw_u8_512.h"
#define B_DOT(a, x, w) dot(a, x, w)
static inline B dot(B a, B x, B w) {
    B one = _mm512_set1_epi16(1), even = _mm512_set1_epi16(0xff);
    B e = _mm512_maddubs_epi16(x, _mm512_and_si512(w, even)), o = _mm512_maddubs_epi16(x, _mm512_andnot_si512(even, w));
    return _mm512_add_epi32(a, _mm512_add_epi32(_mm512_madd_epi16(e, one), _mm512_madd_epi16(o, one)));
}
#define KERNEL w_dw_u8__avx512
#include "dw_u8_body.h"
