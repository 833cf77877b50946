/* The u8 x s8 implicit GEMM for AVX512-VNNI, for few output channels: eight bytes of a row are broadcast at once, and each half of
 * the columns has its own accumulator, whose even lanes sum the first quads of the octets and odd lanes the second ones. So eight
 * rows make sixteen independent sums, as they do in a tile of two vectors, for half the broadcasts. */
#include "dpbusd.h"
#define MR 8
#define NV 1
#define KERNEL w_u8_igemm_8x16__vnni
#define PACK W_PACK_S8_OCTET
#include "../body/u8_store_vec.h"

#define OCTET (NR * 8) /* bytes of weights */
typedef double octet_bits __attribute__((may_alias, aligned(1)));
typedef float quad_bits __attribute__((may_alias, aligned(1)));

INLINE void products(VI acc[2], VI x, const VI b[2]) {
    UNROLL for (int h = 0; h < 2; h++) VPDPBUSD(acc[h], x, b[h]);
}

INLINE void octet(VI acc[MR][2], const uint8_t *const a[MR], size_t at, const uint8_t *w, int mr) {
    VI b[2] = {ILOAD(w), ILOAD(w + 64)};
    UNROLL for (int m = 0; m < mr; m++) products(acc[m], _mm512_castpd_si512(_mm512_set1_pd(*(const octet_bits *)(a[m] + at))), b);
}

/* The last n < 8 bytes of every row. The weights beyond them are zero, whatever they meet. */
INLINE void rest(VI acc[MR][2], const uint8_t *const a[MR], size_t at, size_t n, const uint8_t *w, int mr) {
    VI b[2] = {ILOAD(w), ILOAD(w + 64)};
    if (n == 4) {
        UNROLL for (int m = 0; m < mr; m++) products(acc[m], ICAST(VSET1(*(const quad_bits *)(a[m] + at))), b);
        return;
    }
    uint64_t x[MR] = {0};
    for (int m = 0; m < mr; m++)
        for (size_t i = 0; i < n; i++) x[m] |= (uint64_t)a[m][at + i] << 8 * i;
    UNROLL for (int m = 0; m < mr; m++) products(acc[m], _mm512_set1_epi64((int64_t)x[m]), b);
}

/* Adds the two quads of every column. */
INLINE VI fold(const VI acc[2]) {
    const VI even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    VI odd = IADD(even, ISET1(1));
    return IADD(_mm512_permutex2var_epi32(acc[0], even, acc[1]), _mm512_permutex2var_epi32(acc[0], odd, acc[1]));
}

INLINE void tile(const w_u8_igemm *g, const scales *sc, const uint8_t *block, size_t p, size_t col, size_t cols, int mr, int nv) {
    VI acc[MR][2], sum[MR][NV];
    UNROLL for (int m = 0; m < mr; m++) acc[m][0] = acc[m][1] = ISET1(0);
    const uint8_t *w = block + NR * 12, *a[MR];
    for (size_t t = 0, shift = 0; t < g->rows.taps; t++) {
        if (t == 0 || g->rows.tap_table) UNROLL for (int m = 0; m < mr; m++) a[m] = w_row_u8(&g->rows, t, p + (size_t)m);
        else shift += g->rows.tap_stride;
        size_t c = shift, n = shift + g->rows.c;
        for (; c + 16 <= n; c += 16, w += 2 * OCTET)
            UNROLL for (size_t q = 0; q < 2; q++) octet(acc, a, c + q * 8, w + q * OCTET, mr);
        for (; c + 8 <= n; c += 8, w += OCTET) octet(acc, a, c, w, mr);
        if (c == n) continue;
        rest(acc, a, c, n - c, w, mr);
        w += OCTET;
    }
    start_tile(g, block, sum, mr, nv);
    UNROLL for (int m = 0; m < mr; m++) sum[m][0] = IADD(sum[m][0], fold(acc[m]));
    store_tile(g, sc, sum, p, col, cols, mr, nv);
}
#include "../body/u8_blocks.h"
