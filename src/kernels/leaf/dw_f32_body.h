/* Depthwise convolution in f32 over the names of vec_*.h; the including file sets KERNEL.
 *
 * One vector of channels at a time walks all rows of the range, so that its input rows stay in the first cache. Along a
 * row, up to 8 neighbouring outputs are computed together: each input vector is loaded once a filter row and used by
 * every output it belongs to. Windows that hang over the left or right edge are computed one by one. Each output sums its
 * taps in order from the bias, with fused multiply-add, whichever way it is computed. */
#include "kernels.h"
#include "vec_act.h"

#define WIDE 8 /* outputs computed together */

/* What stays fixed along one row of one vector of channels. */
typedef struct strip {
    const w_dw_f32 *d;
    w_bounds cl;
    const float *image; /* tap (0, 0) of output column 0 of this row, this channel; may lie before the image */
    const float *w, *bias;
    float *out;         /* output column 0, this channel */
    const float *res;
    w_taps ty;
    size_t n;           /* channels in the vector */
} strip;

INLINE V load(const float *p, size_t n, bool full) { return full ? VLOAD(p) : vload_n(p, n); }

INLINE void finish(const strip *s, V *acc, size_t x, int wide, bool full) {
    size_t c = s->d->g.c;
    if (s->res) {
        UNROLL for (int i = 0; i < wide; i++) acc[i] = VADD(acc[i], load(s->res + (x + i) * c, s->n, full));
    }
    v_act_exact(&s->d->ep, s->cl, acc, wide);
    UNROLL for (int i = 0; i < wide; i++) {
        float *o = s->out + (x + i) * c;
        if (full) VSTORE(o, acc[i]);
        else vstore_n(o, s->n, acc[i]);
    }
}

/* `wide` outputs from column x, window wholly inside the row; kw and sw are constants, dilation along the row is 1. */
INLINE void inner_fixed(const strip *s, size_t x, int wide, bool full, int kw, int sw) {
    const w_window *g = &s->d->g;
    V acc[WIDE], w[5];
    UNROLL for (int i = 0; i < wide; i++) acc[i] = VLOAD(s->bias);
    for (size_t ky = s->ty.lo; ky < s->ty.hi; ky++) {
        const float *row = s->image + (ptrdiff_t)((ky * g->dh * g->iw + x * (size_t)sw) * g->c);
        const float *wk = s->w + ky * (size_t)kw * s->d->cp;
        UNROLL for (int k = 0; k < kw; k++) w[k] = VLOAD(wk + (size_t)k * s->d->cp);
        _Pragma("GCC unroll 20") for (int j = 0; j < (wide - 1) * sw + kw; j++) {
            V v = load(row + (size_t)j * g->c, s->n, full);
            UNROLL for (int i = 0; i < wide; i++) {
                int k = j - i * sw;
                if (k >= 0 && k < kw) acc[i] = VFMA(v, w[k], acc[i]);
            }
        }
    }
    finish(s, acc, x, wide, full);
}

/* The same for any filter, stride and dilation, with taps [tx.lo, tx.hi) of each filter row. */
INLINE void inner_any(const strip *s, size_t x, int wide, bool full, w_taps tx) {
    const w_window *g = &s->d->g;
    V acc[WIDE];
    UNROLL for (int i = 0; i < wide; i++) acc[i] = VLOAD(s->bias);
    for (size_t ky = s->ty.lo; ky < s->ty.hi; ky++)
        for (size_t kx = tx.lo; kx < tx.hi; kx++) {
            const float *p = s->image + (ptrdiff_t)((ky * g->dh * g->iw + x * g->sw + kx * g->dw) * g->c);
            V w = VLOAD(s->w + (ky * g->kw + kx) * s->d->cp);
            UNROLL for (int i = 0; i < wide; i++) acc[i] = VFMA(load(p + (size_t)i * g->sw * g->c, s->n, full), w, acc[i]);
        }
    finish(s, acc, x, wide, full);
}

#define EACH_WIDTH(call) \
    switch (wide) { \
    case 1: call(1); break; \
    case 2: call(2); break; \
    case 3: call(3); break; \
    case 4: call(4); break; \
    case 5: call(5); break; \
    case 6: call(6); break; \
    case 7: call(7); break; \
    default: call(8); break; \
    }
#define SPAN(name, call) \
    static void name(const strip *s, size_t x, size_t end) { \
        for (size_t tiles = (end - x + WIDE - 1) / WIDE, wide; tiles; tiles--, x += wide) { \
            wide = (end - x + tiles - 1) / tiles; \
            EACH_WIDTH(call) \
        } \
    }
#define F31(m) inner_fixed(s, x, m, true, 3, 1)
#define T31(m) inner_fixed(s, x, m, false, 3, 1)
#define F32(m) inner_fixed(s, x, m, true, 3, 2)
#define T32(m) inner_fixed(s, x, m, false, 3, 2)
#define F51(m) inner_fixed(s, x, m, true, 5, 1)
#define T51(m) inner_fixed(s, x, m, false, 5, 1)
#define F52(m) inner_fixed(s, x, m, true, 5, 2)
#define T52(m) inner_fixed(s, x, m, false, 5, 2)
#define FANY(m) inner_any(s, x, m, true, (w_taps){0, s->d->g.kw})
#define TANY(m) inner_any(s, x, m, false, (w_taps){0, s->d->g.kw})
SPAN(span_3_1, F31)
SPAN(tail_3_1, T31)
SPAN(span_3_2, F32)
SPAN(tail_3_2, T32)
SPAN(span_5_1, F51)
SPAN(tail_5_1, T51)
SPAN(span_5_2, F52)
SPAN(tail_5_2, T52)
SPAN(span_any, FANY)
SPAN(tail_any, TANY)

typedef void span_fn(const strip *s, size_t x, size_t end);

static span_fn *span_of(const w_window *g, bool full) {
    if (g->dw != 1 || g->sw > 2) return full ? span_any : tail_any;
    if (g->kw == 3 && g->sw == 1) return full ? span_3_1 : tail_3_1;
    if (g->kw == 3) return full ? span_3_2 : tail_3_2;
    if (g->kw == 5 && g->sw == 1) return full ? span_5_1 : tail_5_1;
    if (g->kw == 5) return full ? span_5_2 : tail_5_2;
    return full ? span_any : tail_any;
}

static void edge(const strip *s, size_t x, size_t end) {
    const w_window *g = &s->d->g;
    for (; x < end; x++) {
        w_taps tx = w_taps_at(x, g->kw, g->sw, g->dw, g->pl, g->iw);
        if (s->n >= VL) inner_any(s, x, 1, true, tx);
        else inner_any(s, x, 1, false, tx);
    }
}

static void late(const strip *s) {
    for (size_t x = 0; x < s->d->g.ow; x++) {
        float *o = s->out + x * s->d->g.c;
        vstore_n(o, s->n, v_act_late(&s->d->ep, vload_n(o, s->n)));
    }
}

/* Output columns whose window lies wholly inside the row. */
static w_taps inside(const w_window *g) {
    size_t span = (g->kw - 1) * g->dw, lo = (g->pl + g->sw - 1) / g->sw;
    size_t hi = g->iw + g->pl > span ? (g->iw + g->pl - span - 1) / g->sw + 1 : 0;
    lo = lo < g->ow ? lo : g->ow;
    hi = hi < g->ow ? hi : g->ow;
    return (w_taps){lo, hi > lo ? hi : lo};
}

static void vector(const w_dw_f32 *d, size_t r0, size_t r1, size_t c, size_t n) {
    const w_window *g = &d->g;
    w_taps in = inside(g);
    span_fn *span = span_of(g, n >= VL);
    strip s = {.d = d, .cl = v_bounds(&d->ep), .w = d->w + c, .bias = d->bias + c, .n = n};
    for (size_t r = r0; r < r1; r++) {
        size_t y = r % g->oh;
        ptrdiff_t top = w_window_start(y, g->sh, g->pt);
        ptrdiff_t first = ((ptrdiff_t)(r / g->oh * g->ih) + top) * (ptrdiff_t)g->iw - (ptrdiff_t)g->pl;
        s.image = d->in + (first * (ptrdiff_t)g->c + (ptrdiff_t)c);
        s.out = d->out + r * g->ow * g->c + c;
        s.res = d->res ? d->res + r * g->ow * g->c + c : NULL;
        s.ty = w_taps_at(y, g->kh, g->sh, g->dh, g->pt, g->ih);
        edge(&s, 0, in.lo);
        span(&s, in.lo, in.hi);
        edge(&s, in.hi, g->ow);
        if (v_act_is_late(d->ep.act)) late(&s);
    }
}

void KERNEL(const w_dw_f32 *d, size_t r0, size_t r1, size_t c0, size_t c1) {
    for (size_t c = c0; c < c1; c += VL) vector(d, r0, r1, c, c1 - c < VL ? c1 - c : VL);
}
