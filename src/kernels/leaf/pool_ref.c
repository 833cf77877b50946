/* Pooling in portable C. */
#include "kernels.h"
#include "requant_ref.h"

/* The taps of one output position, and its divisor. */
typedef struct place { w_taps ty, tx; size_t first; } place; /* first: element offset of tap (ty.lo, tx.lo), channel 0 */

static place place_of(const w_window *g, size_t r, size_t x) {
    size_t y = r % g->oh;
    place p = {w_taps_at(y, g->kh, g->sh, g->dh, g->pt, g->ih), w_taps_at(x, g->kw, g->sw, g->dw, g->pl, g->iw), 0};
    size_t iy = (size_t)(w_window_start(y, g->sh, g->pt) + (ptrdiff_t)(p.ty.lo * g->dh));
    size_t ix = (size_t)(w_window_start(x, g->sw, g->pl) + (ptrdiff_t)(p.tx.lo * g->dw));
    p.first = ((r / g->oh * g->ih + iy) * g->iw + ix) * g->c;
    return p;
}

void w_pool_f32__ref(const w_pool_f32 *k, size_t r0, size_t r1) {
    const w_window *g = &k->g;
    for (size_t r = r0; r < r1; r++)
        for (size_t x = 0; x < g->ow; x++) {
            place p = place_of(g, r, x);
            float mul = k->average ? 1.0f / (float)(k->county[r % g->oh] * k->countx[x]) : 1.0f;
            for (size_t c = 0; c < g->c; c++) {
                float acc = k->average ? 0.0f : -INFINITY;
                for (size_t ky = 0; ky < p.ty.hi - p.ty.lo; ky++)
                    for (size_t kx = 0; kx < p.tx.hi - p.tx.lo; kx++) {
                        float v = k->in[p.first + (ky * g->dh * g->iw + kx * g->dw) * g->c + c];
                        acc = k->average ? acc + v : max_ref(acc, v);
                    }
                k->out[(r * g->ow + x) * g->c + c] = act_ref(&k->ep, acc * mul);
            }
        }
}

void w_pool_u8__ref(const w_pool_u8 *k, size_t r0, size_t r1) {
    const w_window *g = &k->g;
    for (size_t r = r0; r < r1; r++)
        for (size_t x = 0; x < g->ow; x++) {
            place p = place_of(g, r, x);
            int32_t taps = (int32_t)((p.ty.hi - p.ty.lo) * (p.tx.hi - p.tx.lo));
            float mul = k->average ? k->scale / (float)(k->county[r % g->oh] * k->countx[x]) : 0.0f;
            for (size_t c = 0; c < g->c; c++) {
                int32_t sum = 0;
                uint8_t max = 0;
                for (size_t ky = 0; ky < p.ty.hi - p.ty.lo; ky++)
                    for (size_t kx = 0; kx < p.tx.hi - p.tx.lo; kx++) {
                        uint8_t v = k->in[p.first + (ky * g->dh * g->iw + kx * g->dw) * g->c + c];
                        sum += v;
                        max = v > max ? v : max;
                    }
                float y = act_ref(&k->ep, (float)(sum - taps * k->zx) * mul);
                k->out[(r * g->ow + x) * g->c + c] = k->average ? requant_ref(&k->q, y) : max;
            }
        }
}

void w_global_f32__ref(const w_global_pool *k, size_t c0, size_t c1) {
    const float *in = k->in;
    for (size_t c = c0; c < c1; c++) {
        float acc = k->average ? 0.0f : -INFINITY;
        for (size_t r = 0; r < k->rows; r++) {
            float v = in[r * k->c + c];
            acc = k->average ? acc + v : max_ref(acc, v);
        }
        ((float *)k->out)[c] = act_ref(&k->ep, k->average ? acc * (1.0f / (float)k->rows) : acc);
    }
}

void w_global_u8__ref(const w_global_pool *k, size_t c0, size_t c1) {
    const uint8_t *in = k->in;
    float mul = k->average ? k->scale / (float)k->rows : k->scale;
    for (size_t c = c0; c < c1; c++) {
        int32_t acc = 0;
        for (size_t r = 0; r < k->rows; r++) {
            int32_t v = in[r * k->c + c];
            acc = k->average ? acc + v : v > acc ? v : acc;
        }
        float y = act_ref(&k->ep, (float)(acc - (k->average ? (int32_t)k->rows : 1) * k->zx) * mul);
        if (k->out_u8) ((uint8_t *)k->out)[c] = requant_ref(&k->q, y);
        else ((float *)k->out)[c] = y;
    }
}
