/* Depthwise convolution u8 x s8 -> s32 over bytes; the including file sets KERNEL and the names below.
 *
 *   B           a vector of BN bytes, all channels of one tap
 *   B_LOAD_N    the first n channels, the others anything that is not read from memory
 *   B_DOT(a, x, w)  a + the four products of each 32-bit lane, exact
 *
 * Four vertical taps of a column are unpacked twice, so that every 32-bit lane holds the four bytes of one channel; one
 * dot product then takes four taps. The column is unpacked once and used by every output that it belongs to. Padding is
 * read from a row of zero points. Lanes come in the order of w_dw_u8_lane, and packing back restores it. Sums are exact;
 * the rest follows w_u8_igemm, one operation after the other. */
#include "dw_panel.h"
#include "kernels.h"
#include "vec_act.h"
#include "vec_bytes.h"

#define WIDE (BN / 16) /* vectors of outputs computed together */

/* One vector of channels of one output row. */
typedef struct strip {
    const w_dw_u8 *d;
    const uint8_t *image, *zero; /* the image and the padding, at these channels */
    const uint8_t *block;        /* constants and weights, at this half of the block */
    size_t n;                    /* bytes in the vector: channels, or channels of `pixels` neighbours */
    size_t pixels;
    ptrdiff_t top;               /* input row of tap row 0 */
    bool bounded;                /* the activation is none, relu or clip */
    float lo, hi;                /* bounds of the output in units of its scale, the activation's included */
} strip;

/* Four rows of taps: where column 0 lies and the step to the next, 0 for a row of padding. Rows beyond the filter have zero
 * weights, so that any bytes do. */
typedef struct lines { const uint8_t *row[4]; size_t step[4]; } lines;

static inline lines lines_of(const strip *s, size_t group) {
    const w_window *g = &s->d->g;
    lines l;
    for (size_t j = 0; j < 4; j++) {
        ptrdiff_t y = s->top + (ptrdiff_t)((group * 4 + j) * g->dh);
        bool inside = group * 4 + j < g->kh && y >= 0 && (size_t)y < g->ih;
        l.row[j] = inside ? s->image + (size_t)y * g->iw * g->c : s->zero;
        l.step[j] = inside ? g->c : 0;
    }
    return l;
}

/* The four quarters of one column of taps in `rows` rows: q[j] holds channels 4 j ... 4 j + 3 of every 16. With edge the
 * column may lie outside the image. */
INLINE void column(const strip *s, const lines *l, ptrdiff_t x, bool full, bool edge, int rows, B q[4]) {
    bool outside = edge && (size_t)x >= s->d->g.iw; /* wraps around before the image */
    B t[4] = {B_ZERO, B_ZERO, B_ZERO, B_ZERO};
    UNROLL for (int j = 0; j < rows; j++) {
        const uint8_t *p = outside ? s->zero : l->row[j] + x * (ptrdiff_t)l->step[j];
        t[j] = full ? B_LOAD(p) : B_LOAD_N(p, s->n);
    }
    B a = B_UNPACKLO8(t[0], t[1]), b = B_UNPACKHI8(t[0], t[1]), c = B_UNPACKLO8(t[2], t[3]), d = B_UNPACKHI8(t[2], t[3]);
    q[0] = B_UNPACKLO16(a, c);
    q[1] = B_UNPACKHI16(a, c);
    q[2] = B_UNPACKLO16(b, d);
    q[3] = B_UNPACKHI16(b, d);
}

static inline V constant(const strip *s, int at) { return VLOAD((const float *)(const void *)(s->block + at)); }

/* Rescaled and activated. Bounds are applied after the scale of the output instead of before: multiplication by a positive
 * number keeps order, so that the bits are the same. */
INLINE V scaled(const strip *s, V y, V mul, V bias) {
    y = VADD(VMUL(y, mul), bias);
    if (s->bounded) return y;
    v_act_exact(&s->d->ep, (w_bounds){0, 0}, &y, 1);
    return y;
}

INLINE void store_real(const strip *s, B acc[4], float *out) {
    float t[4][BN / 4];
    w_bounds cl = v_bounds(&s->d->ep);
    for (int j = 0; j < 4; j++) {
        V y = scaled(s, VITOF(acc[j]), constant(s, 256 + j * 64), constant(s, 512 + j * 64));
        VSTORE(t[j], VMIN(VSET1(cl.hi), VMAX(VSET1(cl.lo), y)));
    }
    for (size_t c = 0; c < s->n; c++) out[c] = t[c % 16 / 4][c / 16 * 4 + c % 4];
}

INLINE void finish(const strip *s, B (*acc)[4], int wide, size_t at, bool full) {
    const w_dw_u8 *d = s->d;
    size_t step = s->pixels * d->g.c;
    if (!d->out_u8) {
        for (int i = 0; i < wide; i++) store_real(s, acc[i], (float *)d->out + at + (size_t)i * step);
        return;
    }
    V inv = VSET1(d->q.inv_scale), lo = VSET1(s->lo), hi = VSET1(s->hi);
    UNROLL for (int j = 0; j < 4; j++) {
        V mul = constant(s, 256 + j * 64), bias = constant(s, 512 + j * 64);
        UNROLL for (int i = 0; i < wide; i++) {
            V t = VMUL(scaled(s, VITOF(acc[i][j]), mul, bias), inv);
            acc[i][j] = VFTOI(VMIN(VMAX(t, lo), hi));
        }
    }
    B zero = B_SET16((short)d->q.zero);
    UNROLL for (int i = 0; i < wide; i++) {
        uint8_t *o = (uint8_t *)d->out + at + (size_t)i * step;
        B a = B_ADD16(B_PACK32(acc[i][0], acc[i][1]), zero), b = B_ADD16(B_PACK32(acc[i][2], acc[i][3]), zero);
        if (full) B_STORE(o, B_PACK16(a, b));
        else B_STORE_N(o, s->n, B_PACK16(a, b));
    }
}

/* WIDE vectors of outputs from column x, `apart` columns from one to the next, all taps inside the row; kw and apart are
 * constants, dilation along the row is 1. */
INLINE void outputs(const strip *s, size_t at, size_t x, bool full, int kw, int apart) {
    const w_window *g = &s->d->g;
    B acc[WIDE][4];
    UNROLL for (int i = 0; i < WIDE; i++)
        UNROLL for (int j = 0; j < 4; j++) acc[i][j] = B_LOAD(s->block + j * 64);
    ptrdiff_t left = w_window_start(x, g->sw, g->pl);
    for (size_t group = 0; group * 4 < g->kh; group++) {
        const uint8_t *w = s->block + 768 + group * (size_t)kw * 256;
        lines l = lines_of(s, group);
        UNROLL for (int c = 0; c < (WIDE - 1) * apart + kw; c++) {
            B q[4];
            column(s, &l, left + c, full, false, kw == 3 ? 3 : 4, q);
            UNROLL for (int i = 0; i < WIDE; i++) {
                int k = c - i * apart;
                if (k < 0 || k >= kw) continue;
                UNROLL for (int j = 0; j < 4; j++) acc[i][j] = B_DOT(acc[i][j], q[j], B_LOAD(w + k * 256 + j * 64));
            }
        }
    }
    finish(s, acc, WIDE, at, full);
}

/* One vector of outputs, any filter, any place. */
INLINE void output(const strip *s, size_t at, size_t x, bool full) {
    const w_window *g = &s->d->g;
    B acc[4];
    UNROLL for (int j = 0; j < 4; j++) acc[j] = B_LOAD(s->block + j * 64);
    ptrdiff_t left = w_window_start(x, g->sw, g->pl);
    for (size_t group = 0; group * 4 < g->kh; group++) {
        lines l = lines_of(s, group);
        for (size_t k = 0; k < g->kw; k++) {
            const uint8_t *w = s->block + 768 + (group * g->kw + k) * 256;
            B q[4];
            column(s, &l, left + (ptrdiff_t)(k * g->dw), full, true, 4, q);
            UNROLL for (int j = 0; j < 4; j++) acc[j] = B_DOT(acc[j], q[j], B_LOAD(w + j * 64));
        }
    }
    finish(s, &acc, 1, at, full);
}

static void one_by_one(const strip *s, size_t at, size_t x, size_t end) {
    strip one = *s;
    one.n /= s->pixels;
    one.pixels = 1;
    for (; x < end; x++)
        if (one.n == BN) output(&one, at + x * s->d->g.c, x, true);
        else output(&one, at + x * s->d->g.c, x, false);
}

/* Output columns whose window lies wholly inside the row. */
static inline w_taps inside(const w_window *g) {
    size_t span = (g->kw - 1) * g->dw, lo = (g->pl + g->sw - 1) / g->sw;
    size_t hi = g->iw + g->pl > span ? (g->iw + g->pl - span - 1) / g->sw + 1 : 0;
    lo = lo < g->ow ? lo : g->ow;
    hi = hi < g->ow ? hi : g->ow;
    return (w_taps){lo, hi > lo ? hi : lo};
}

INLINE void row(const strip *s, size_t at, size_t x, size_t end, bool full, int kw, int apart) {
    const w_window *g = &s->d->g;
    w_taps in = inside(g);
    size_t step = WIDE * s->pixels, stop = end < in.hi ? end : in.hi, first = x < in.lo ? in.lo : x;
    if (first < stop) {
        one_by_one(s, at, x, first);
        for (x = first; x + step <= stop; x += step) outputs(s, at + x * g->c, x, full, kw, apart);
    }
    one_by_one(s, at, x, end);
}

typedef void row_fn(const strip *s, size_t at, size_t x, size_t end);

/* Filters of kw columns; from one vector to the next `apart` columns: the stride, or with few channels and stride 1 the
 * neighbours that a vector holds. */
#define ROW(kw, apart) \
    static void row_##kw##_##apart(const strip *s, size_t at, size_t x, size_t end) { \
        if (s->n == BN) row(s, at, x, end, true, kw, apart); \
        else row(s, at, x, end, false, kw, apart); \
    }
ROW(3, 1)
ROW(3, 2)
ROW(3, 4)
ROW(5, 1)
ROW(5, 2)

/* Filters that have a row function: 3 x 3 and five columns, without dilation along the row. */
static bool is_common(const w_window *g) {
    return g->dw == 1 && g->sw <= 2 && ((g->kw == 3 && g->kh == 3) || g->kw == 5);
}

/* Neighbouring pixels that one vector takes: 1, 2 or 4. */
static size_t pixels_of(const w_window *g) {
    if (g->sw != 1 || !is_common(g)) return 1;
    if (g->c <= BN / 4 && g->kw == 3) return 4;
    return g->c <= BN / 2 ? 2 : 1;
}

static row_fn *row_of(const w_window *g) {
    size_t apart = g->sw * pixels_of(g); /* several pixels only with stride 1 */
    if (!is_common(g)) return one_by_one;
    if (g->kw == 5) return apart == 1 ? row_5_1 : row_5_2;
    return apart == 1 ? row_3_1 : apart == 2 ? row_3_2 : row_3_4;
}

static void set_bounds(strip *s) {
    const w_requant *q = &s->d->q;
    w_bounds cl = v_bounds(&s->d->ep);
    s->bounded = s->d->ep.act <= W_KACT_CLIP;
    float lo = cl.lo * q->inv_scale, hi = cl.hi * q->inv_scale;
    s->lo = lo > (float)-q->zero ? lo : (float)-q->zero;
    s->hi = hi < (float)(255 - q->zero) ? hi : (float)(255 - q->zero);
}

/* Rows [r0, r1) of columns [x0, x1), one vector of channels from c. */
static void vector(const w_dw_u8 *d, size_t r0, size_t r1, size_t x0, size_t x1, size_t c, size_t n) {
    const w_window *g = &d->g;
    row_fn *fn = row_of(g);
    size_t pixels = pixels_of(g);
    strip s = {.d = d, .zero = d->zero + c, .n = n * pixels, .pixels = pixels,
               .block = (const uint8_t *)d->w + c / 64 * w_dw_u8_block(g) + c % 64 / BN * 32};
    set_bounds(&s);
    for (size_t r = r0; r < r1; r++) {
        s.image = d->in + r / g->oh * g->ih * g->iw * g->c + c;
        s.top = w_window_start(r % g->oh, g->sh, g->pt);
        fn(&s, r * g->ow * g->c + c, x0, x1);
    }
}

void KERNEL(const w_dw_u8 *d, size_t r0, size_t r1, size_t c0, size_t c1) {
    size_t panel = w_dw_panel(&d->g, 1), ow = d->g.ow;
    if (panel == 0) {
        for (size_t r = r0; r < r1; r++)
            for (size_t c = c0; c < c1; c += BN) vector(d, r, r + 1, 0, ow, c, c1 - c < BN ? c1 - c : BN);
        return;
    }
    for (size_t x = 0; x < ow; x += panel)
        for (size_t c = c0; c < c1; c += BN) vector(d, r0, r1, x, ow - x < panel ? ow : x + panel, c, c1 - c < BN ? c1 - c : BN);
}
