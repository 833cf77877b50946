/* u8 x s8 implicit GEMM in portable C: the bits that every other u8 kernel must give. */
#include "kernels.h"
#include "requant_ref.h"
#include "rows.h"
#include <string.h>

enum { NR = 8 };

static void store(const w_u8_igemm *g, const int32_t *acc, const float *mul, const float *bias, size_t p, size_t col, size_t cols) {
    for (size_t j = 0; j < cols; j++) {
        size_t o = p * g->out_stride + col + j, r = p * g->res_stride + col + j;
        float y = fmaf((float)acc[j], mul[j] * g->late_scale, bias[j]);
        if (g->res_kind == W_RES_F32) y = fmaf(((const float *)g->res)[r], g->res_scale, y);
        if (g->res_kind == W_RES_U8) y = fmaf((float)(((const uint8_t *)g->res)[r] - g->res_zero), g->res_scale, y);
        y = act_steps_ref(&g->ep, y, g->act_scale);
        if (g->out_u8) ((uint8_t *)g->out)[o] = round_ref(y, g->zero);
        else ((float *)g->out)[o] = y;
    }
}

static void row(const w_u8_igemm *g, const uint8_t *block, size_t p, size_t col, size_t cols) {
    int32_t acc[NR];
    float mul[NR], bias[NR];
    memcpy(acc, block, sizeof acc);
    for (size_t j = 0; j < NR; j++) acc[j] = (int32_t)((uint32_t)acc[j] * (uint32_t)g->late_zero);
    memcpy(mul, block + sizeof acc, sizeof mul);
    memcpy(bias, block + 2 * sizeof acc, sizeof bias);
    const int8_t *w = (const int8_t *)(block + 3 * sizeof acc);
    size_t quads = w_u8_quads(g->rows.c);
    for (size_t t = 0; t < g->rows.taps; t++, w += quads * NR * 4) {
        const uint8_t *a = w_row_u8(&g->rows, t, p);
        for (size_t c = 0; c < g->rows.c; c++)
            for (size_t j = 0; j < NR; j++) acc[j] = (int32_t)((uint32_t)acc[j] + (uint32_t)(a[c] * w[(c / 4 * NR + j) * 4 + c % 4]));
    }
    store(g, acc, mul, bias, p, col, cols);
}

void w_u8_igemm_1x8__ref(const w_u8_igemm *g, size_t p0, size_t p1, size_t b0, size_t b1) {
    size_t bytes = w_u8_block(W_PACK_S8_QUAD, NR, g->rows.taps, g->rows.c);
    for (size_t b = b0; b < b1; b++) {
        size_t left = g->n - b * NR;
        for (size_t p = p0; p < p1; p++) row(g, (const uint8_t *)g->w + b * bytes, p, b * NR, left < NR ? left : NR);
    }
}
