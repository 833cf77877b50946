/* The names of dw_u8_body.h on 64 bytes, except the dot product. */
#include "../x86/vec_avx512.h"

#define BN 64
typedef __m512i B;
#define B_LOAD(p) _mm512_loadu_si512(p)
#define B_STORE(p, v) _mm512_storeu_si512(p, v)
#define B_UNPACKLO8(a, b) _mm512_unpacklo_epi8(a, b)
#define B_UNPACKHI8(a, b) _mm512_unpackhi_epi8(a, b)
#define B_UNPACKLO16(a, b) _mm512_unpacklo_epi16(a, b)
#define B_UNPACKHI16(a, b) _mm512_unpackhi_epi16(a, b)
#define B_CLAMP(x, lo, hi) VCLAMP_Q(x, lo, hi)
#define B_PACK32(a, b) _mm512_packs_epi32(a, b)
#define B_PACK16(a, b) _mm512_packus_epi16(a, b)
#define B_ADD16(a, b) _mm512_adds_epi16(a, b)
#define B_LOAD_N(p, n) _mm512_maskz_loadu_epi8(((__mmask64)1 << (n)) - 1, p)
#define B_DOWN(w, above) _mm512_or_si512(_mm512_slli_epi32(w, 8), _mm512_srli_epi32(above, 24))
#define PARTS 4
/* The first n channels of each of two or four places, one after the other; n <= 64 / parts. */
static inline B B_JOIN(const uint8_t *const p[PARTS], size_t n, int parts) {
    if (parts == 2) {
        __mmask32 m = n >= 32 ? ~(__mmask32)0 : ((__mmask32)1 << n) - 1;
        return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_maskz_loadu_epi8(m, p[0])), _mm256_maskz_loadu_epi8(m, p[1]), 1);
    }
    __mmask16 m = vmask(n);
    B v = _mm512_castsi128_si512(_mm_maskz_loadu_epi8(m, p[0]));
    v = _mm512_inserti32x4(v, _mm_maskz_loadu_epi8(m, p[1]), 1);
    v = _mm512_inserti32x4(v, _mm_maskz_loadu_epi8(m, p[2]), 2);
    return _mm512_inserti32x4(v, _mm_maskz_loadu_epi8(m, p[3]), 3);
}
/* The first of the parts in every part. */
static inline B B_SPREAD(B v, int parts) { return parts == 2 ? _mm512_shuffle_i32x4(v, v, 0x44) : parts == 4 ? _mm512_shuffle_i32x4(v, v, 0) : v; }
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

/* The first n channels of each of the first `there` parts, whose places are `apart`. */
static inline void B_STORE_PARTS(uint8_t *p, size_t apart, size_t there, size_t n, B v, int parts) {
    for (size_t i = 0; i < there; i++, p += apart) {
        if (parts == 2 && n == 32) _mm256_storeu_si256((__m256i *)(void *)p, _mm512_castsi512_si256(v));
        else if (parts == 4 && n == 16) _mm_storeu_si128((__m128i *)(void *)p, _mm512_castsi512_si128(v));
        else store_n(p, n, v);
        v = parts == 2 ? _mm512_shuffle_i32x4(v, v, 0xee) : _mm512_shuffle_i32x4(v, v, 0x39);
    }
}
