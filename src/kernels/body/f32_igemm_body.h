/* The f32 implicit GEMM over the names of vec_*.h; the including file sets MR (rows of a tile), NV (vectors of a tile, 1 or
 * 2) and KERNEL (its name). A last block with few columns leaves its empty vector out, and may have taller tiles (TALL), so
 * that as many sums hide the latency. Sums: one per element, from the bias, in order, with fused multiply-add. */
#include "kernels.h"
#include "rows.h"
#include "ahead.h"
#ifndef TALL
#define TALL MR
#endif
#include "f32_store_vec.h"

#define NR (NV * VL)

#define AHEAD_K 64 /* elements of its sums after which a tile brings the next lines */

/* next: NULL where weights are near. */
INLINE void tile(const w_f32_igemm *g, bounds cl, const float *w, ahead *next, size_t p, size_t col, size_t cols, int mr, int nv) {
    V acc[TALL][NV];
    UNROLL for (int v = 0; v < nv; v++) {
        V b = VLOAD(w + v * VL);
        UNROLL for (int m = 0; m < mr; m++) acc[m][v] = b;
    }
    w += WIDTH(nv);
    const float *a[TALL];
    for (size_t t = 0, shift = 0; t < g->rows.taps; t++) {
        if (t == 0 || g->rows.tap_table) UNROLL for (int m = 0; m < mr; m++) a[m] = w_row_f32(&g->rows, t, p + (size_t)m);
        else shift += g->rows.tap_stride; /* runs may be short: finding where they start costs as much as they do */
        for (size_t c = shift, end = shift + g->rows.c, stop = end; c < end; stop = end) {
            if (next) {
                if (end - c > AHEAD_K) stop = c + AHEAD_K;
                bring(next);
            }
            _Pragma("GCC unroll 2") for (; c < stop; c++, w += WIDTH(nv)) { /* four: gcc then copies sums from register to register */
                V b[NV];
                UNROLL for (int v = 0; v < nv; v++) b[v] = VLOAD(w + v * VL);
                UNROLL for (int m = 0; m < mr; m++) {
                    V x = VSET1(a[m][c]);
                    UNROLL for (int v = 0; v < nv; v++) acc[m][v] = VFMA(x, b[v], acc[m][v]);
                }
            }
        }
    }
    store_tile(g, cl, acc, p, col, cols, mr, nv);
}
#define TILE(p, h, nv) tile(g, cl, w, next, p, col, cols, h, nv)

static void block_1(const w_f32_igemm *g, const float *w, size_t p0, size_t p1, size_t col, size_t cols) {
    bounds cl = clamp_of(&g->ep);
    ahead *next = NULL;
    FOR_TILES_OF(TALL, p0, p1, 1)
}
#if NV > 1
static void block_2(const w_f32_igemm *g, const float *w, size_t p0, size_t p1, size_t col, size_t cols) {
    bounds cl = clamp_of(&g->ep);
    ahead *next = NULL;
    FOR_TILES(p0, p1, 2)
}
#endif
static void block_ahead(const w_f32_igemm *g, const float *w, ahead then, size_t p0, size_t p1, size_t col) {
    bounds cl = clamp_of(&g->ep);
    ahead *next = &then;
    size_t cols = NR;
    FOR_TILES(p0, p1, NV)
}

void KERNEL(const w_f32_igemm *g, size_t p0, size_t p1, size_t b0, size_t b1) {
    size_t block = w_f32_block(NR, g->rows.taps * g->rows.c), all = block * sizeof(float) * (b1 - b0);
    size_t lines = p0 < p1 && g->rows.c >= AHEAD_K ? lines_ahead((p1 - p0 + MR - 1) / MR, AHEAD_K * NR * sizeof(float), all) : 0;
    for (size_t b = b0; b < b1 && p0 < p1; b++) {
        size_t col = b * NR, cols = g->n - col < NR ? g->n - col : NR;
        const float *w = g->w + b * block;
        if (lines && b + 1 < b1) block_ahead(g, w, (ahead){(const char *)(w + block), lines}, p0, p1, col);
#if NV > 1
        else if (cols > VL) block_2(g, w, p0, p1, col, cols);
#endif
        else block_1(g, w, p0, p1, col, cols);
        if (v_act_is_late(g->ep.act)) act_late(g, p0, p1, col, cols);
    }
}
