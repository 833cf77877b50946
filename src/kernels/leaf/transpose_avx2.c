/* Transposes of 32-bit elements for AVX2: few rows or columns as interleaving, all else by blocks of 8 x 8. */
#include "kernels.h"
#include <immintrin.h>

static void block(float *d, size_t ds, const float *s, size_t ss) {
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

static void plain(float *d, size_t ds, const float *s, size_t ss, size_t rows, size_t cols) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) d[c * ds + r] = s[r * ss + c];
}

/* Three rows into triples: what every colour image needs. */
static void three_rows(float *restrict d, const float *restrict s, size_t ss, size_t cols) {
    for (size_t c = 0; c < cols; c++) {
        d[c * 3] = s[c];
        d[c * 3 + 1] = s[ss + c];
        d[c * 3 + 2] = s[2 * ss + c];
    }
}

void w_transpose_x32__avx2(void *dst, size_t ds, const void *src, size_t ss, size_t rows, size_t cols) {
    float *d = dst;
    const float *s = src;
    size_t r = 0, whole = cols / 8 * 8;
    if (rows == 3 && ds == 3) {
        three_rows(d, s, ss, cols);
        return;
    }
    for (; r + 8 <= rows; r += 8) {
        for (size_t c = 0; c < whole; c += 8) block(d + c * ds + r, ds, s + r * ss + c, ss);
        plain(d + whole * ds + r, ds, s + r * ss + whole, ss, 8, cols - whole);
    }
    plain(d + r, ds, s + r * ss, ss, rows - r, cols);
}
