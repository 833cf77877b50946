/* The u8 x s8 implicit GEMM over the names of vec_*.h; the including file sets MR, NV (1, 2 or 4), KERNEL, PACK, PLANES
 * (weight vectors per quad and vector of columns), AHEAD (quads
 * per turn of the inner loop) and dot(acc, x, w, nv): the exact sums of the products of one quad.
 *
 * Quads of activations are broadcast; the last quad of a run is put together byte by byte, so that nothing beyond the run is
 * read. */
#include "kernels.h"
#include "rows.h"
#include "tile_heights.h"
#include "u8_store_vec.h"
#include <string.h>

#define NR (NV * VL)
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
    UNROLL for (int v = 0; v < nv; v++) {
        VI z = ILOAD(block + v * VL * 4);
        UNROLL for (int m = 0; m < mr; m++) acc[m][v] = z;
    }
    const uint8_t *w = block + WIDTH(nv) * 12;
    for (size_t t = 0; t < g->rows.taps; t++) {
        const uint8_t *a[MR];
        UNROLL for (int m = 0; m < mr; m++) a[m] = w_row_u8(&g->rows, t, p + (size_t)m);
        size_t c = 0, n = g->rows.c;
        for (; AHEAD > 1 && c + 4 * AHEAD <= n; c += 4 * AHEAD, w += QUAD(nv) * AHEAD)
            UNROLL for (size_t q = 0; q < AHEAD; q++) quad(acc, a, c + q * 4, w + q * QUAD(nv), mr, nv);
        for (; c + 4 <= n; c += 4, w += QUAD(nv)) quad(acc, a, c, w, mr, nv);
        if (c == n) continue;
        uint8_t last[MR][4];
        UNROLL for (int m = 0; m < mr; m++) {
            for (size_t i = 0; i < 4; i++) last[m][i] = c + i < n ? a[m][c + i] : 0;
            a[m] = last[m];
        }
        quad(acc, a, 0, w, mr, nv);
        w += QUAD(nv);
    }
    store_tile(g, sc, acc, p, col, cols, mr, nv);
}
#define TILE(p, h, nv) tile(g, &sc, block, p, col, cols, h, nv)
#define BLOCK(nv) \
    static void block_##nv(const w_u8_igemm *g, const uint8_t *block, size_t p0, size_t p1, size_t col, size_t cols) { \
        const float *constants = (const float *)(block + WIDTH(nv) * 4); \
        scales sc = {constants, constants + WIDTH(nv), VSET1((float)(0 - g->zero)), VSET1((float)(255 - g->zero)), VSET1(g->inv_scale)}; \
        FOR_TILES(p0, p1, nv) \
    }
BLOCK(1)
#if NV > 1
BLOCK(2)
#endif
#if NV > 2
BLOCK(3)
BLOCK(4)
#endif

void KERNEL(const w_u8_igemm *g, size_t p0, size_t p1, size_t b0, size_t b1) {
    size_t bytes = w_u8_block(PACK, NR, g->rows.taps, g->rows.c);
    for (size_t b = b0; b < b1 && p0 < p1; b++) {
        size_t col = b * NR, cols = g->n - col < NR ? g->n - col : NR;
        const uint8_t *block = (const uint8_t *)g->w + b * bytes;
        switch ((cols + VL - 1) / VL) {
#if NV > 2
        case 4: block_4(g, block, p0, p1, col, cols); break;
        case 3: block_3(g, block, p0, p1, col, cols); break;
#endif
#if NV > 1
        case 2: block_2(g, block, p0, p1, col, cols); break;
#endif
        default: block_1(g, block, p0, p1, col, cols);
        }
    }
}
