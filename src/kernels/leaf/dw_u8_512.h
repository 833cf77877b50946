/* The names of dw_u8_body.h on 64 bytes, except the dot product. */
#include "../x86/vec_avx512.h"

#define BN 64
typedef __m512i B;
#define B_ZERO _mm512_setzero_si512()
#define B_LOAD(p) _mm512_loadu_si512(p)
#define B_STORE(p, v) _mm512_storeu_si512(p, v)
#define B_UNPACKLO8(a, b) _mm512_unpacklo_epi8(a, b)
#define B_UNPACKHI8(a, b) _mm512_unpackhi_epi8(a, b)
#define B_UNPACKLO16(a, b) _mm512_unpacklo_epi16(a, b)
#define B_UNPACKHI16(a, b) _mm512_unpackhi_epi16(a, b)
#define B_CLAMP(x, lo, hi) VMIN(hi, x) /* packing makes 0 of what is below, and of a NaN */
#define B_PACK32(a, b) _mm512_packs_epi32(a, b)
#define B_PACK16(a, b) _mm512_packus_epi16(a, b)
#define B_LOAD_N(p, n) _mm512_maskz_loadu_epi8(((__mmask64)1 << (n)) - 1, p)
#define B_STORE_N(p, n, v) store_n(p, n, v)

/* By pieces: masked byte stores are slow on some CPUs. n < 64. */
static inline void store_n(uint8_t *p, size_t n, B v) {
    __m256i h = _mm512_castsi512_si256(v);
    if (n & 32) {
        _mm256_storeu_si256((__m256i *)(void *)p, h);
        p += 32;
        h = _mm512_extracti64x4_epi64(v, 1);
    }
    __m128i q = _mm256_castsi256_si128(h);
    if (n & 16) {
        _mm_storeu_si128((__m128i *)(void *)p, q);
        p += 16;
        q = _mm256_extracti128_si256(h, 1);
    }
    if (n & 8) {
        _mm_storel_epi64((__m128i *)(void *)p, q);
        p += 8;
        q = _mm_srli_si128(q, 8);
    }
    if (n & 7) _mm_mask_storeu_epi8(p, (__mmask16)((1u << (n & 7)) - 1), q);
}
