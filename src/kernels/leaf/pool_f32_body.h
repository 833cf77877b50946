/* Pooling in f32 over the names of vec_*.h; the including file sets POOL and GLOBAL. Each output takes its taps in order,
 * one running maximum or sum per channel; a NaN does not stay in a
 * running maximum, as in the reference. */
#include "kernels.h"
#include "vec_act.h"

#define NV 4 /* vectors of channels at a time */

INLINE V load(const float *p, size_t n, bool full) { return full ? VLOAD(p) : vload_n(p, n); }

INLINE void take(V *acc, const float *p, int nv, size_t n, bool full, bool average) {
    UNROLL for (int v = 0; v < nv; v++) {
        V x = load(p + v * VL, n, full);
        acc[v] = average ? VADD(acc[v], x) : VMAX(acc[v], x);
    }
}

INLINE void start(V *acc, int nv, bool average) {
    UNROLL for (int v = 0; v < nv; v++) acc[v] = average ? VSET1(0.0f) : VSET1(-__builtin_inff());
}

INLINE void store(const w_kepi *ep, float *out, V *acc, int nv, size_t n, bool full, float mul) {
    UNROLL for (int v = 0; v < nv; v++) {
        V y = VMUL(acc[v], VSET1(mul));
        y = ep->act == W_KACT_NONE ? y : v_act(ep, y);
        if (full) VSTORE(out + v * VL, y);
        else vstore_n(out + v * VL, n, y);
    }
}

typedef struct spot { const float *in; float *out; size_t ny, nx, down, right; float mul; } spot; /* taps and their steps */

INLINE void pixel(const w_pool_f32 *k, const spot *s, size_t c, int nv, size_t n, bool full, bool average) {
    V acc[NV];
    start(acc, nv, average);
    for (size_t y = 0; y < s->ny; y++)
        for (size_t x = 0; x < s->nx; x++) take(acc, s->in + c + y * s->down + x * s->right, nv, n, full, average);
    store(&k->ep, s->out + c, acc, nv, n, full, s->mul);
}

INLINE void channels(const w_pool_f32 *k, const spot *s, bool average) {
    size_t c = 0;
    for (; c + NV * VL <= k->g.c; c += NV * VL) pixel(k, s, c, NV, VL, true, average);
    for (; c + VL <= k->g.c; c += VL) pixel(k, s, c, 1, VL, true, average);
    if (c < k->g.c) pixel(k, s, c, 1, k->g.c - c, false, average);
}

void POOL(const w_pool_f32 *k, size_t r0, size_t r1) {
    const w_window *g = &k->g;
    for (size_t r = r0; r < r1; r++) {
        size_t image = r / g->oh, y = r % g->oh;
        w_taps ty = w_taps_at(y, g->kh, g->sh, g->dh, g->pt, g->ih);
        size_t iy = image * g->ih + (size_t)(w_window_start(y, g->sh, g->pt) + (ptrdiff_t)(ty.lo * g->dh));
        for (size_t x = 0; x < g->ow; x++) {
            w_taps tx = w_taps_at(x, g->kw, g->sw, g->dw, g->pl, g->iw);
            size_t ix = (size_t)(w_window_start(x, g->sw, g->pl) + (ptrdiff_t)(tx.lo * g->dw));
            spot s = {k->in + (iy * g->iw + ix) * g->c, k->out + (r * g->ow + x) * g->c, ty.hi - ty.lo, tx.hi - tx.lo,
                      g->dh * g->iw * g->c, g->dw * g->c, 1.0f};
            if (k->average) {
                s.mul = 1.0f / (float)(k->county[y] * k->countx[x]);
                channels(k, &s, true);
            } else channels(k, &s, false);
        }
    }
}

INLINE void column(const w_global_pool *k, size_t c, int nv, size_t n, bool full, bool average) {
    V acc[NV];
    start(acc, nv, average);
    for (size_t r = 0; r < k->rows; r++) take(acc, (const float *)k->in + r * k->c + c, nv, n, full, average);
    store(&k->ep, (float *)k->out + c, acc, nv, n, full, average ? 1.0f / (float)k->rows : 1.0f);
}

INLINE void columns(const w_global_pool *k, size_t c, size_t c1, bool average) {
    for (; c + NV * VL <= c1; c += NV * VL) column(k, c, NV, VL, true, average);
    for (; c + VL <= c1; c += VL) column(k, c, 1, VL, true, average);
    if (c < c1) column(k, c, 1, c1 - c, false, average);
}

void GLOBAL(const w_global_pool *k, size_t c0, size_t c1) {
    if (k->average) columns(k, c0, c1, true);
    else columns(k, c0, c1, false);
}
