/* The implicit GEMM in portable C: the meaning that every other f32 tile is checked against. Sums in f32, in order. */
#include "kernels.h"
#include "act_ref.h"
#include "rows.h"

enum { NR = 8 };

static void row(const w_f32_igemm *g, const float *w, size_t p, size_t col, size_t cols) {
    float acc[NR];
    for (size_t j = 0; j < NR; j++) acc[j] = w[j];
    w += NR;
    for (size_t t = 0; t < g->rows.taps; t++) {
        const float *a = w_row_f32(&g->rows, t, p);
        for (size_t c = 0; c < g->rows.c; c++, w += NR)
            for (size_t j = 0; j < NR; j++) acc[j] += a[c] * w[j];
    }
    float *out = g->out + p * g->out_stride + col;
    const float *res = g->res ? g->res + p * g->res_stride + col : NULL;
    for (size_t j = 0; j < cols; j++) out[j] = act_ref(&g->ep, res ? acc[j] + res[j] : acc[j]);
}

void w_f32_igemm_1x8__ref(const w_f32_igemm *g, size_t p0, size_t p1, size_t b0, size_t b1) {
    size_t block = w_f32_block(NR, g->rows.taps * g->rows.c);
    for (size_t b = b0; b < b1; b++) {
        size_t left = g->n - b * NR;
        for (size_t p = p0; p < p1; p++) row(g, g->w + b * block, p, b * NR, left < NR ? left : NR);
    }
}
