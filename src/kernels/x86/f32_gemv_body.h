/* The f32 implicit GEMM for one or a few rows, where weights stream from a far level: one row at a time, NV vectors of columns.
 * STREAMS partial sums per element hide the latency of the multiply-add: element i of a run goes to sum i % STREAMS, the sums
 * are added in pairs at the end; the bias starts sum 0. The including file sets NV (4), STREAMS (2 or 4) and KERNEL. */
#include "kernels.h"
#include "rows.h"
#define MR 1
#include "tile_heights.h"
#include "f32_store_vec.h"

#define NR (NV * VL)
#define AHEAD 1536 /* bytes prefetched ahead; across the end of a block that is the next one */

INLINE void step(V acc[STREAMS][NV], const float *a, const float *w, int s, int nv) {
    V x = VSET1(a[s]);
    w += s * NR;
    UNROLL for (int v = 0; v < NV; v++) _mm_prefetch((const char *)(w + v * VL) + AHEAD, _MM_HINT_T0);
    UNROLL for (int v = 0; v < nv; v++) acc[s][v] = VFMA(x, VLOAD(w + v * VL), acc[s][v]);
}

INLINE void row(const w_f32_igemm *g, const float *w, size_t p, size_t col, size_t cols, int nv) {
    V acc[STREAMS][NV];
    UNROLL for (int v = 0; v < nv; v++) {
        acc[0][v] = VLOAD(w + v * VL);
        UNROLL for (int s = 1; s < STREAMS; s++) acc[s][v] = VSET1(0.0f);
    }
    w += NR;
    for (size_t t = 0; t < g->rows.taps; t++) {
        const float *a = w_row_f32(&g->rows, t, p);
        size_t c = g->rows.c;
        for (; c >= STREAMS; c -= STREAMS, a += STREAMS, w += STREAMS * NR)
            UNROLL for (int s = 0; s < STREAMS; s++) step(acc, a, w, s, nv);
        UNROLL for (int s = 0; s < STREAMS - 1; s++)
            if ((size_t)s < c) step(acc, a, w, s, nv);
        w += c * NR;
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
