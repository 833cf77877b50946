/* The f32 implicit GEMM for one or a few rows, where weights stream from a far level: one row at a time, NV vectors of columns.
 * A run is cut into STREAMS equal stretches (and a rest, which goes to sum 0), each read forward with its own partial sum: they
 * hide the latency of the multiply-add, and several streams draw more from L3 and DRAM than one. The sums are added in pairs
 * at the end; the bias starts sum 0. Asking for lines ahead made it slower. The including file sets NV (4), STREAMS (2 or 4)
 * and KERNEL. */
#include "kernels.h"
#include "rows.h"
#define MR 1
#define TALL MR
#include "tile_heights.h"
#include "f32_store_vec.h"

#define NR (NV * VL)

INLINE void step(V acc[NV], float a, const float *w, int nv) {
    V x = VSET1(a);
    UNROLL for (int v = 0; v < nv; v++) acc[v] = VFMA(x, VLOAD(w + v * VL), acc[v]);
}

INLINE void row(const w_f32_igemm *g, const float *w, size_t p, size_t col, size_t cols, int nv) {
    V acc[STREAMS][NV];
    UNROLL for (int v = 0; v < nv; v++) {
        acc[0][v] = VLOAD(w + v * VL);
        UNROLL for (int s = 1; s < STREAMS; s++) acc[s][v] = VSET1(0.0f);
    }
    w += WIDTH(nv);
    for (size_t t = 0; t < g->rows.taps; t++) {
        const float *a = w_row_f32(&g->rows, t, p);
        size_t stretch = g->rows.c / STREAMS, i = 0;
        for (; i < stretch; i++)
            UNROLL for (size_t s = 0; s < STREAMS; s++) step(acc[s], a[s * stretch + i], w + (s * stretch + i) * WIDTH(nv), nv);
        for (i = stretch * STREAMS; i < g->rows.c; i++) step(acc[0], a[i], w + i * WIDTH(nv), nv);
        w += g->rows.c * WIDTH(nv);
    }
    UNROLL for (int v = 0; v < nv; v++) {
        V low = VADD(acc[0][v], acc[1][v]);
#if STREAMS == 4
        low = VADD(low, VADD(acc[2][v], acc[3][v]));
#endif
        acc[0][v] = low;
    }
    store_tile(g, clamp_of(&g->ep), acc, p, col, cols, 1, nv);
}

void KERNEL(const w_f32_igemm *g, size_t p0, size_t p1, size_t b0, size_t b1) {
    for (size_t b = b0; b < b1; b++) {
        size_t col = b * NR, cols = g->n - col < NR ? g->n - col : NR;
        const float *w = g->w + b * w_f32_block(NR, g->rows.taps * g->rows.c);
        for (size_t p = p0; p < p1; p++)
            switch ((cols + VL - 1) / VL) {
            case 1: row(g, w, p, col, cols, 1); break;
            case 2: row(g, w, p, col, cols, 2); break;
            case 3: row(g, w, p, col, cols, 3); break;
            default: row(g, w, p, col, cols, 4); break;
            }
        if (v_act_is_late(g->ep.act)) act_late(g, p0, p1, col, cols);
    }
}
