/* Depthwise convolution u8 x s8 for AVX-VNNI: the names of dw_u8_body.h on 32 bytes. */
#include "../x86/dpbusd.h"
#include "store_n_256.h"

#define BN 32
typedef __m256i B;
#define B_LOAD(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define B_STORE(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), v)
#define B_UNPACKLO8(a, b) _mm256_unpacklo_epi8(a, b)
#define B_UNPACKHI8(a, b) _mm256_unpackhi_epi8(a, b)
#define B_UNPACKLO16(a, b) _mm256_unpacklo_epi16(a, b)
#define B_UNPACKHI16(a, b) _mm256_unpackhi_epi16(a, b)
#define B_DOWN(w, above) _mm256_or_si256(_mm256_slli_epi32(w, 8), _mm256_srli_epi32(above, 24))
#define B_CLAMP(x, lo, hi) VCLAMP_Q(x, lo, hi)
#define B_PACK32(a, b) _mm256_packs_epi32(a, b)
#define B_ADD16(a, b) _mm256_adds_epi16(a, b)
#define B_PACK16(a, b) _mm256_packus_epi16(a, b)
#define B_LOAD_N(p, n) load_n(p, n)
#define B_STORE_N(p, n, v) store_n(p, n, v)
#define B_DOT(a, x, w) dot(a, x, w)
static inline __attribute__((always_inline)) B dot(B a, B x, B w) {
    VPDPBUSD(a, x, w);
    return a;
}

/* 0 < n < 16 bytes, in overlapping pieces; the others are 0. */
static inline __m128i load_half(const uint8_t *p, size_t n) {
    uint64_t lo = 0, hi = 0;
    uint32_t a, b;
    if (n >= 8) {
        memcpy(&lo, p, 8);
        memcpy(&hi, p + n - 8, 8);
        hi = n > 8 ? hi >> 8 * (16 - n) : 0;
    } else if (n >= 4) {
        memcpy(&a, p, 4);
        memcpy(&b, p + n - 4, 4);
        lo = a | (uint64_t)b << 8 * (n - 4);
    } else {
        for (size_t i = 0; i < n; i++) lo |= (uint64_t)p[i] << 8 * i;
    }
    return _mm_set_epi64x((long long)hi, (long long)lo);
}
static inline B load_n(const uint8_t *p, size_t n) {
    if (n < 16) return _mm256_zextsi128_si256(load_half(p, n));
    B v = _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p));
    return n > 16 ? _mm256_inserti128_si256(v, load_half(p + 16, n - 16), 1) : v;
}
#define KERNEL w_dw_u8__avxvnni
#include "dw_u8_body.h"
