/* Depthwise convolution u8 x s8 for AVX2. The byte product instruction saturates sums of two products, so even and odd
 * taps are multiplied apart. */
#include "../x86/vec_avx2.h"
#include <string.h>

#define BN 32
typedef __m256i B;
#define B_ZERO _mm256_setzero_si256()
#define B_LOAD(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define B_STORE(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), v)
#define B_UNPACKLO8(a, b) _mm256_unpacklo_epi8(a, b)
#define B_UNPACKHI8(a, b) _mm256_unpackhi_epi8(a, b)
#define B_UNPACKLO16(a, b) _mm256_unpacklo_epi16(a, b)
#define B_UNPACKHI16(a, b) _mm256_unpackhi_epi16(a, b)
#define B_PACK32(a, b) _mm256_packs_epi32(a, b)
#define B_PACK16(a, b) _mm256_packus_epi16(a, b)
#define B_LOAD_N(p, n) load_n(p, n)
#define B_STORE_N(p, n, v) store_n(p, n, v)
#define B_DOT(a, x, w) dot(a, x, w)

static inline B load_n(const uint8_t *p, size_t n) {
    uint8_t t[32] = {0};
    memcpy(t, p, n);
    return B_LOAD(t);
}
static inline void store_n(uint8_t *p, size_t n, B v) {
    uint8_t t[32];
    B_STORE(t, v);
    memcpy(p, t, n);
}
static inline B dot(B a, B x, B w) {
    B one = _mm256_set1_epi16(1), even = _mm256_set1_epi16(0xff);
    B e = _mm256_maddubs_epi16(x, _mm256_and_si256(w, even)), o = _mm256_maddubs_epi16(x, _mm256_andnot_si256(even, w));
    return _mm256_add_epi32(a, _mm256_add_epi32(_mm256_madd_epi16(e, one), _mm256_madd_epi16(o, one)));
}
#define KERNEL w_dw_u8__avx2
#include "dw_u8_body.h"
