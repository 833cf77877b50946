/* Depthwise convolution in f32 over the names of vec_*.h; the including file sets KERNEL.
 *
 * One vector of channels at a time walks all rows of a panel of columns, so that its input rows stay in the first cache.
 * Along a row, up to 8 neighbouring outputs are computed together: each input vector is loaded once a filter row and used
 * by every output it belongs to. Where the distance of pixels puts them into so few sets of the cache that a panel does not
 * fit, two outputs of all channels are computed before the next two. Each output sums its taps in order from the bias, with fused multiply-add; columns beyond
 * the image count as zeros where the filter has a fixed width and are left out otherwise, whatever the tile. */
#include "dw_panel.h"
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

/* `wide` outputs from column x; kw and sw are constants, dilation along the row is 1. With edge, columns beyond the image
 * are read as zeros. */
INLINE void inner_fixed(const strip *s, size_t x, int wide, bool full, bool edge, int kw, int sw) {
    static const float zeros[VL];
    const w_window *g = &s->d->g;
    V acc[WIDE], w[5];
    UNROLL for (int i = 0; i < wide; i++) acc[i] = VLOAD(s->bias);
    size_t left = x * (size_t)sw - g->pl;
    for (size_t ky = s->ty.lo; ky < s->ty.hi; ky++) {
        const float *row = s->image + (ptrdiff_t)((ky * g->dh * g->iw + x * (size_t)sw) * g->c);
        const float *wk = s->w + ky * (size_t)kw * W_DW_LANES;
        UNROLL for (int k = 0; k < kw; k++) w[k] = VLOAD(wk + k * W_DW_LANES);
        _Pragma("GCC unroll 20") for (int j = 0; j < (wide - 1) * sw + kw; j++) {
            const float *p = row + (size_t)j * g->c;
            if (edge && left + (size_t)j >= g->iw) p = zeros; /* wraps around before the image */
            V v = load(p, s->n, full);
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
            V w = VLOAD(s->w + (ky * g->kw + kx) * W_DW_LANES);
            UNROLL for (int i = 0; i < wide; i++) acc[i] = VFMA(load(p + (size_t)i * g->sw * g->c, s->n, full), w, acc[i]);
        }
    finish(s, acc, x, wide, full);
}

/* The windows of columns [x, x + wide) lie wholly inside the row. */
static inline bool inside(const w_window *g, size_t x, size_t wide) {
    return x * g->sw >= g->pl && (x + wide - 1) * g->sw + (g->kw - 1) * g->dw < g->iw + g->pl;
}

/* `call` with its width m a constant. */
#define WIDTH(value, call) { enum { m = value }; call; break; }
#define EACH_WIDTH(call) \
    switch (wide) { \
    case 1: WIDTH(1, call) \
    case 2: WIDTH(2, call) \
    case 3: WIDTH(3, call) \
    case 4: WIDTH(4, call) \
    case 5: WIDTH(5, call) \
    case 6: WIDTH(6, call) \
    case 7: WIDTH(7, call) \
    default: WIDTH(8, call) \
    }
/* Columns [x, end) in tiles of nearly equal width; `edge` when a tile's columns reach beyond the image. */
#define SPAN(name, full, kw, sw) \
    static void name(const strip *s, size_t x, size_t end) { \
        for (size_t tiles = (end - x + WIDE - 1) / WIDE, wide; tiles; tiles--, x += wide) { \
            wide = (end - x + tiles - 1) / tiles; \
            if (inside(&s->d->g, x, wide)) { \
                EACH_WIDTH(inner_fixed(s, x, m, full, false, kw, sw)) \
            } else { \
                EACH_WIDTH(inner_fixed(s, x, m, full, true, kw, sw)) \
            } \
        } \
    }
SPAN(span_3_1, true, 3, 1)
SPAN(tail_3_1, false, 3, 1)
SPAN(span_3_2, true, 3, 2)
SPAN(tail_3_2, false, 3, 2)
SPAN(span_5_1, true, 5, 1)
SPAN(tail_5_1, false, 5, 1)
SPAN(span_5_2, true, 5, 2)
SPAN(tail_5_2, false, 5, 2)

INLINE void any(const strip *s, size_t x, size_t end, bool full) {
    const w_window *g = &s->d->g;
    const w_taps all = {0, g->kw};
    for (; x < end && !inside(g, x, 1); x++) inner_any(s, x, 1, full, w_taps_at(x, g->kw, g->sw, g->dw, g->pl, g->iw));
    for (; x + 4 <= end && inside(g, x, 4); x += 4) inner_any(s, x, 4, full, all);
    for (; x < end; x++) inner_any(s, x, 1, full, w_taps_at(x, g->kw, g->sw, g->dw, g->pl, g->iw));
}

static void span_any(const strip *s, size_t x, size_t end) { any(s, x, end, true); }
static void tail_any(const strip *s, size_t x, size_t end) { any(s, x, end, false); }

typedef void span_fn(const strip *s, size_t x, size_t end);

static span_fn *span_of(const w_window *g, bool full) {
    if (g->dw != 1 || g->sw > 2) return full ? span_any : tail_any;
    if (g->kw == 3 && g->sw == 1) return full ? span_3_1 : tail_3_1;
    if (g->kw == 3) return full ? span_3_2 : tail_3_2;
    if (g->kw == 5 && g->sw == 1) return full ? span_5_1 : tail_5_1;
    if (g->kw == 5) return full ? span_5_2 : tail_5_2;
    return full ? span_any : tail_any;
}

static void late(const strip *s, size_t x, size_t end) {
    v_act_late_rows(&s->d->ep, s->out + x * s->d->g.c, end - x, s->d->g.c, s->n);
}

/* All whole vectors of `channels` at `wide` outputs from column x: pixels and weights as they lie. */
#define ACROSS(name, side, step) \
    static void name(strip s, size_t x, size_t wide, size_t c, size_t channels) { \
        bool in = inside(&s.d->g, x, wide); \
        size_t block = s.d->g.kh * s.d->g.kw * W_DW_LANES; \
        for (size_t end = c + channels; c + VL <= end; c += VL) { \
            if (wide == 2 && in) inner_fixed(&s, x, 2, true, false, side, step); \
            else if (wide == 2) inner_fixed(&s, x, 2, true, true, side, step); \
            else inner_fixed(&s, x, 1, true, true, side, step); \
            s.image += VL; s.bias += VL; s.out += VL; \
            if (s.res) s.res += VL; \
            s.w += (c + VL) % W_DW_LANES ? VL : block - (W_DW_LANES - VL); \
        } \
    }
ACROSS(across_3_1, 3, 1)
ACROSS(across_3_2, 3, 2)
ACROSS(across_5_1, 5, 1)
ACROSS(across_5_2, 5, 2)

typedef void across_fn(strip s, size_t x, size_t wide, size_t c, size_t channels);

static across_fn *across_of(const w_window *g) {
    if (g->dw != 1 || g->sw > 2 || (g->kw != 3 && g->kw != 5)) return NULL;
    return g->kw == 3 ? (g->sw == 1 ? across_3_1 : across_3_2) : (g->sw == 1 ? across_5_1 : across_5_2);
}

/* Row r of n channels from c. */
static strip strip_of(const w_dw_f32 *d, size_t r, size_t c, size_t n) {
    const w_window *g = &d->g;
    size_t y = r % g->oh;
    ptrdiff_t top = w_window_start(y, g->sh, g->pt);
    ptrdiff_t first = ((ptrdiff_t)(r / g->oh * g->ih) + top) * (ptrdiff_t)g->iw - (ptrdiff_t)g->pl;
    return (strip){.d = d, .cl = v_bounds(&d->ep), .image = d->in + (first * (ptrdiff_t)g->c + (ptrdiff_t)c),
                   .w = d->w + w_dw_f32_at(g->kh * g->kw, c), .bias = d->bias + c,
                   .out = d->out + r * g->ow * g->c + c, .res = d->res ? d->res + r * g->ow * g->c + c : NULL,
                   .ty = w_taps_at(y, g->kh, g->sh, g->dh, g->pt, g->ih), .n = n};
}

/* Rows [r0, r1) of columns [x0, x1) of n channels from c. */
static void vector(const w_dw_f32 *d, size_t r0, size_t r1, size_t x0, size_t x1, size_t c, size_t n) {
    span_fn *span = span_of(&d->g, n >= VL);
    for (size_t r = r0; r < r1; r++) {
        strip s = strip_of(d, r, c, n);
        span(&s, x0, x1);
        if (v_act_is_late(d->ep.act)) late(&s, x0, x1);
    }
}

/* The same for all channels from c0 to c1, two columns after the other. */
static void pixels(const w_dw_f32 *d, across_fn *across, size_t r0, size_t r1, size_t c0, size_t c1) {
    size_t whole = (c1 - c0) / VL * VL, ow = d->g.ow;
    for (size_t r = r0; r < r1; r++) {
        for (size_t x = 0; x < ow; x += 2) across(strip_of(d, r, c0, VL), x, ow - x < 2 ? 1 : 2, c0, whole);
        for (size_t c = c0; c < c0 + whole && v_act_is_late(d->ep.act); c += VL) {
            strip s = strip_of(d, r, c, VL);
            late(&s, 0, ow);
        }
    }
    if (c0 + whole < c1) vector(d, r0, r1, 0, ow, c0 + whole, c1 - c0 - whole);
}

void KERNEL(const w_dw_f32 *d, size_t r0, size_t r1, size_t c0, size_t c1) {
    size_t panel = w_dw_panel(&d->g, sizeof(float)), ow = d->g.ow;
    across_fn *across = across_of(&d->g);
    if (across && panel == 0) { /* the rows of a panel would not stay in the first cache */
        pixels(d, across, r0, r1, c0, c1);
        return;
    }
    if (panel == 0) panel = ow;
    for (size_t x = 0; x < ow; x += panel)
        for (size_t c = c0; c < c1; c += VL) vector(d, r0, r1, x, ow - x < panel ? ow : x + panel, c, c1 - c < VL ? c1 - c : VL);
}
