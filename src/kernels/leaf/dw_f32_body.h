/* Depthwise convolution in f32 over the names of vec_*.h; the including file sets KERNEL.
 *
 * Up to 8 neighbouring outputs of all channels are computed, one vector of channels after the other, before the next ones: memory is
 * read and written as it lies, and each input vector is loaded once a filter row for every output it belongs to. Each output sums
 * its taps in order from the bias, with fused multiply-add; columns beyond the image count as zeros where the filter has a fixed
 * width and are left out otherwise, whatever the tile. */
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

/* To the next vector of channels, from c on: pixels and weights as they lie. */
static inline void advance(strip *s, size_t c) {
    const w_window *g = &s->d->g;
    s->image += VL, s->bias += VL, s->out += VL;
    if (s->res) s->res += VL;
    s->w += (c + VL) % W_DW_LANES ? VL : g->kh * g->kw * W_DW_LANES - (W_DW_LANES - VL);
}

/* Channels [c, end) at `wide` outputs from column x; the last vector may not be whole. */
#define ACROSS(name, side, step) \
    static void name(const strip *first, size_t x, size_t wide, size_t c, size_t end) { \
        strip s = *first; \
        bool in = inside(&s.d->g, x, wide); \
        for (; c + VL <= end; advance(&s, c), c += VL) { \
            if (in) EACH_WIDTH(inner_fixed(&s, x, m, true, false, side, step)) \
            else EACH_WIDTH(inner_fixed(&s, x, m, true, true, side, step)) \
        } \
        s.n = end - c; \
        if (s.n) EACH_WIDTH(inner_fixed(&s, x, m, false, true, side, step)) \
    }
ACROSS(across_3_1, 3, 1)
ACROSS(across_3_2, 3, 2)
ACROSS(across_5_1, 5, 1)
ACROSS(across_5_2, 5, 2)

#define ANY 4 /* outputs of any other window, where all its columns are inside */
static void across_any(const strip *first, size_t x, size_t wide, size_t c, size_t end) {
    strip s = *first;
    const w_window *g = &s.d->g;
    w_taps tx = w_taps_at(x, g->kw, g->sw, g->dw, g->pl, g->iw);
    for (; c + VL <= end; advance(&s, c), c += VL) {
        if (wide == ANY) inner_any(&s, x, ANY, true, tx);
        else inner_any(&s, x, 1, true, tx);
    }
    s.n = end - c;
    for (size_t i = 0; s.n && i < wide; i++) inner_any(&s, x + i, 1, false, tx);
}

typedef void across_fn(const strip *first, size_t x, size_t wide, size_t c, size_t end);

static across_fn *across_of(const w_window *g) {
    if (g->dw != 1 || g->sw > 2 || (g->kw != 3 && g->kw != 5)) return across_any;
    return g->kw == 3 ? (g->sw == 1 ? across_3_1 : across_3_2) : (g->sw == 1 ? across_5_1 : across_5_2);
}

/* Outputs of a tile at most: so many that what their windows read of a vector of channels does not meet in a set of the first cache
 * (64 sets of 8 lines), to which pixels come that lie a multiple of its reach apart. */
static size_t widest(const w_window *g) {
    size_t step = g->c * sizeof(float), common = step & -step, sets = common >= 4096 ? 1 : common <= 64 ? 64 : 4096 / common;
    return (WIDE - 1) * g->sw + g->kw <= sets * 8 / g->kh ? WIDE : WIDE / 2;
}

/* Of the columns [x, end), nearly as many for every tile. */
static size_t tile_width(const w_window *g, bool any, size_t x, size_t end, size_t most) {
    size_t tiles = (end - x + most - 1) / most;
    return !any ? (end - x + tiles - 1) / tiles : end - x >= ANY && inside(g, x, ANY) ? ANY : 1;
}

/* Row r, channels from c. */
static strip strip_of(const w_dw_f32 *d, size_t r, size_t c) {
    const w_window *g = &d->g;
    size_t y = r % g->oh;
    ptrdiff_t top = w_window_start(y, g->sh, g->pt);
    ptrdiff_t first = ((ptrdiff_t)(r / g->oh * g->ih) + top) * (ptrdiff_t)g->iw - (ptrdiff_t)g->pl;
    return (strip){.d = d, .cl = v_bounds(&d->ep), .image = d->in + (first * (ptrdiff_t)g->c + (ptrdiff_t)c),
                   .w = d->w + w_dw_f32_at(g->kh * g->kw, c), .bias = d->bias + c,
                   .out = d->out + r * g->ow * g->c + c, .res = d->res ? d->res + r * g->ow * g->c + c : NULL,
                   .ty = w_taps_at(y, g->kh, g->sh, g->dh, g->pt, g->ih)};
}

void KERNEL(const w_dw_f32 *d, size_t r0, size_t r1, size_t c0, size_t c1) {
    const w_window *g = &d->g;
    across_fn *across = across_of(g);
    size_t most = widest(g), c = g->c;
    for (size_t r = r0; r < r1; r++) {
        const strip s = strip_of(d, r, c0);
        for (size_t x = 0, wide; x < g->ow; x += wide) {
            wide = tile_width(g, across == across_any, x, g->ow, most);
            across(&s, x, wide, c0, c1);
        }
        if (v_act_is_late(d->ep.act)) v_act_late_rows(&d->ep, d->out + r * g->ow * c + c0, g->ow, c, c1 - c0);
    }
}
