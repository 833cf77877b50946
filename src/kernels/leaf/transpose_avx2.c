/* Transposes for AVX2: three rows, as every colour image has, into triples; all else by blocks of 8 x 8. */
#include "kernels.h"
#include <immintrin.h>

static void block_x32(float *d, size_t ds, const float *s, size_t ss) {
    __m256 r[8], t[8];
    for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_ps(s + (size_t)i * ss);
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_ps(d + (size_t)i * ds, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_storeu_ps(d + (size_t)(i + 4) * ds, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
}

#define PLAIN(type, name) \
    static void name(type *d, size_t ds, const type *s, size_t ss, size_t rows, size_t cols) { \
        for (size_t r = 0; r < rows; r++) \
            for (size_t c = 0; c < cols; c++) d[c * ds + r] = s[r * ss + c]; \
    }
PLAIN(float, plain_x32)
PLAIN(uint8_t, plain_x8)

static void three_rows_x32(float *restrict d, const float *restrict s, size_t ss, size_t cols) {
    for (size_t c = 0; c < cols; c++) {
        d[c * 3] = s[c];
        d[c * 3 + 1] = s[ss + c];
        d[c * 3 + 2] = s[2 * ss + c];
    }
}

/* ---- bytes ---- */

static void block_x8(uint8_t *d, size_t ds, const uint8_t *s, size_t ss) {
    __m128i r[8], t[4], u[4];
    for (int i = 0; i < 8; i++) r[i] = _mm_loadl_epi64((const __m128i *)(s + (size_t)i * ss));
    for (int i = 0; i < 4; i++) t[i] = _mm_unpacklo_epi8(r[2 * i], r[2 * i + 1]); /* pairs of rows */
    for (int i = 0; i < 2; i++) {
        u[i] = _mm_unpacklo_epi16(t[2 * i], t[2 * i + 1]); /* four rows: columns 0-3, then 4-7 */
        u[i + 2] = _mm_unpackhi_epi16(t[2 * i], t[2 * i + 1]);
    }
    for (int half = 0; half < 2; half++) {
        __m128i two[2] = {_mm_unpacklo_epi32(u[2 * half], u[2 * half + 1]), _mm_unpackhi_epi32(u[2 * half], u[2 * half + 1])};
        for (int i = 0; i < 4; i++) {
            __m128i column = i % 2 ? _mm_unpackhi_epi64(two[i / 2], two[i / 2]) : two[i / 2];
            _mm_storel_epi64((__m128i *)(d + (size_t)(4 * half + i) * ds), column);
        }
    }
}

/* Byte i of the third part `part` of 16 triples comes from row (16 part + i) % 3, column (16 part + i) / 3; -1: another row. */
static __m128i from_row(int part, int row) {
    int8_t at[16];
    for (int i = 0; i < 16; i++) at[i] = (int8_t)((16 * part + i) % 3 == row ? (16 * part + i) / 3 : -1);
    return _mm_loadu_si128((const __m128i *)at);
}

static void three_rows_x8(uint8_t *d, const uint8_t *s, size_t ss, size_t cols) {
    __m128i at[3][3];
    size_t c = 0;
    for (int part = 0; part < 3; part++)
        for (int row = 0; row < 3; row++) at[part][row] = from_row(part, row);
    for (; c + 16 <= cols; c += 16) {
        __m128i r[3];
        for (int row = 0; row < 3; row++) r[row] = _mm_loadu_si128((const __m128i *)(s + (size_t)row * ss + c));
        for (int part = 0; part < 3; part++) {
            __m128i mixed = _mm_or_si128(_mm_shuffle_epi8(r[0], at[part][0]), _mm_shuffle_epi8(r[1], at[part][1]));
            _mm_storeu_si128((__m128i *)(d + c * 3 + 16 * (size_t)part), _mm_or_si128(mixed, _mm_shuffle_epi8(r[2], at[part][2])));
        }
    }
    plain_x8(d + c * 3, 3, s + c, ss, 3, cols - c);
}

#define TRANSPOSE(type, bits) \
    void w_transpose_x##bits##__avx2(void *dst, size_t ds, const void *src, size_t ss, size_t rows, size_t cols) { \
        type *d = dst; \
        const type *s = src; \
        size_t r = 0, whole = cols / 8 * 8; \
        if (rows == 3 && ds == 3) { \
            three_rows_x##bits(d, s, ss, cols); \
            return; \
        } \
        for (; r + 8 <= rows; r += 8) { \
            for (size_t c = 0; c < whole; c += 8) block_x##bits(d + c * ds + r, ds, s + r * ss + c, ss); \
            plain_x##bits(d + whole * ds + r, ds, s + r * ss + whole, ss, 8, cols - whole); \
        } \
        plain_x##bits(d + r, ds, s + r * ss, ss, rows - r, cols); \
    }
TRANSPOSE(float, 32)
TRANSPOSE(uint8_t, 8)
