/* The u8 x s8 implicit GEMM for AVX512-VNNI, for 16 output channels: eight bytes of a row are broadcast at once, and each half
 * of the columns has its own accumulator, whose even lanes sum the first quad of each octet and odd lanes the second. That
 * takes half the broadcasts, which are what the tile of one vector waits for. */
#include "vec_avx512.h"
#include "kernels.h"
#include "rows.h"
#define MR 8
#define NV 1
#define NR 16
#include "tile_heights.h"
#include "u8_store_vec.h"

typedef double octet_bits __attribute__((may_alias, aligned(1)));

INLINE void octet(VI acc[MR][2], const uint8_t *const a[MR], size_t at, const uint8_t *w, int mr) {
    VI b[2] = {ILOAD(w), ILOAD(w + 64)};
    UNROLL for (int m = 0; m < mr; m++) {
        VI x = _mm512_castpd_si512(_mm512_set1_pd(*(const octet_bits *)(a[m] + at)));
        UNROLL for (int h = 0; h < 2; h++) __asm__("vpdpbusd %2, %1, %0" : "+v"(acc[m][h]) : "v"(x), "v"(b[h]));
    }
}

/* Adds the two quads of every column. */
INLINE VI fold(const VI acc[2]) {
    const VI even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    VI odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    return _mm512_add_epi32(_mm512_permutex2var_epi32(acc[0], even, acc[1]), _mm512_permutex2var_epi32(acc[0], odd, acc[1]));
}

INLINE void tile(const w_u8_igemm *g, const scales *sc, const uint8_t *block, size_t p, size_t col, size_t cols, int mr) {
    VI acc[MR][2], sum[MR][NV];
    UNROLL for (int m = 0; m < mr; m++) acc[m][0] = acc[m][1] = _mm512_setzero_si512();
    const uint8_t *w = block + NR * 12;
    for (size_t t = 0; t < g->rows.taps; t++) {
        const uint8_t *a[MR];
        UNROLL for (int m = 0; m < mr; m++) a[m] = w_row_u8(&g->rows, t, p + (size_t)m);
        size_t c = 0, n = g->rows.c;
        for (; c + 16 <= n; c += 16, w += 256)
            UNROLL for (size_t q = 0; q < 2; q++) octet(acc, a, c + q * 8, w + q * 128, mr);
        for (; c + 8 <= n; c += 8, w += 128) octet(acc, a, c, w, mr);
        if (c == n) continue;
        uint8_t last[MR][8];
        UNROLL for (int m = 0; m < mr; m++) {
            for (size_t i = 0; i < 8; i++) last[m][i] = c + i < n ? a[m][c + i] : 0;
            a[m] = last[m];
        }
        octet(acc, a, 0, w, mr);
        w += 128;
    }
    UNROLL for (int m = 0; m < mr; m++) sum[m][0] = IADD(fold(acc[m]), ILOAD(block));
    store_tile(g, sc, sum, p, col, cols, mr, 1);
}
#define TILE(p, h, nv) tile(g, &sc, block, p, col, cols, h)

void w_u8_igemm_8x16__vnni(const w_u8_igemm *g, size_t p0, size_t p1, size_t b0, size_t b1) {
    size_t bytes = w_u8_block(W_PACK_S8_OCTET, NR, g->rows.taps, g->rows.c);
    for (size_t b = b0; b < b1 && p0 < p1; b++) {
        size_t col = b * NR, cols = g->n - col < NR ? g->n - col : NR;
        const uint8_t *block = (const uint8_t *)g->w + b * bytes;
        const float *constants = (const float *)(block + NR * 4);
        scales sc = {constants, constants + NR, VSET1((float)(0 - g->zero)), VSET1((float)(255 - g->zero)), VSET1(g->inv_scale)};
        FOR_TILES(p0, p1, 1)
    }
}
