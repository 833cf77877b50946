/* The u8 x s8 implicit GEMM over the names of vec_*.h; the including file sets MR, NV (1, 2 or 4), KERNEL, PACK, PLANES
 * (weight vectors per quad and vector of columns), AHEAD (quads per turn of the inner loop) and dot(acc, x, w, nv): the exact
 * sums of the products of one quad.
 *
 * Quads of activations are broadcast; the last quad of a run is put together byte by byte, so that nothing beyond the run is
 * read. */
#include "../body/u8_store_vec.h"

#define QUAD(nv) (WIDTH(nv) * 4 * PLANES) /* bytes of weights */
typedef float quad_bits __attribute__((may_alias, aligned(1)));

/* The quad at byte `at` of every row. */
INLINE void quad(VI acc[MR][NV], const uint8_t *const a[MR], size_t at, const uint8_t *w, int mr, int nv) {
    VI b[NV * PLANES];
    UNROLL for (int i = 0; i < PLANES; i++)
        UNROLL for (int v = 0; v < nv; v++) b[v * PLANES + i] = ILOAD(w + (i * WIDTH(nv) + v * VL) * 4);
    UNROLL for (int m = 0; m < mr; m++) dot(acc[m], ICAST(VSET1(*(const quad_bits *)(a[m] + at))), b, nv);
}

INLINE void tile(const w_u8_igemm *g, const scales *sc, const uint8_t *block, size_t p, size_t col, size_t cols, int mr, int nv) {
    VI acc[MR][NV];
    start_tile(g, block, acc, mr, nv);
    const uint8_t *w = block + WIDTH(nv) * 12;
    const uint8_t *a[MR];
    for (size_t t = 0, shift = 0; t < g->rows.taps; t++) {
        if (t == 0 || g->rows.tap_table) UNROLL for (int m = 0; m < mr; m++) a[m] = w_row_u8(&g->rows, t, p + (size_t)m);
        else shift += g->rows.tap_stride; /* runs may be short: finding where they start costs as much as they do */
        size_t c = shift, n = shift + g->rows.c;
        for (; AHEAD > 1 && c + 4 * AHEAD <= n; c += 4 * AHEAD, w += QUAD(nv) * AHEAD)
            UNROLL for (size_t q = 0; q < AHEAD; q++) quad(acc, a, c + q * 4, w + q * QUAD(nv), mr, nv);
        for (; c + 4 <= n; c += 4, w += QUAD(nv)) quad(acc, a, c, w, mr, nv);
        if (c == n) continue;
        const uint8_t *end[MR];
        uint8_t last[MR][4];
        UNROLL for (int m = 0; m < mr; m++) {
            for (size_t i = 0; i < 4; i++) last[m][i] = c + i < n ? a[m][c + i] : 0;
            end[m] = last[m];
        }
        quad(acc, end, 0, w, mr, nv);
        w += QUAD(nv);
    }
    store_tile(g, sc, acc, p, col, cols, mr, nv);
}
#include "../body/u8_blocks.h"
