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
#include "kernels.h"
#include "vec_act.h"
#include "vec_bytes.h"

#define WIDE 4 /* outputs computed together */

/* One vector of channels of one output row. */
typedef struct strip {
    const w_dw_u8 *d;
    const uint8_t *image, *zero; /* the image and the padding, at these channels */
    const uint8_t *block;        /* constants and weights, at this part of the block */
    size_t n;                    /* channels in the vector */
    ptrdiff_t top;               /* input row of tap row 0 */
} strip;

static inline const uint8_t *tap_at(const strip *s, ptrdiff_t y, ptrdiff_t x) {
    const w_window *g = &s->d->g;
    bool inside = y >= 0 && x >= 0 && (size_t)y < g->ih && (size_t)x < g->iw;
    return inside ? s->image + ((size_t)y * g->iw + (size_t)x) * g->c : s->zero;
}

/* The four quarters of one column of up to four taps: q[j] holds channels 4 j ... 4 j + 3 of every 16. */
INLINE void column(const strip *s, size_t group, ptrdiff_t x, bool full, B q[4]) {
    const w_window *g = &s->d->g;
    size_t taps = g->kh - group * 4;
    B t[4];
    UNROLL for (size_t j = 0; j < 4; j++) {
        if (j >= taps) {
            t[j] = B_ZERO;
            continue;
        }
        const uint8_t *p = tap_at(s, s->top + (ptrdiff_t)((group * 4 + j) * g->dh), x);
        t[j] = full ? B_LOAD(p) : B_LOAD_N(p, s->n);
    }
    B a = B_UNPACKLO8(t[0], t[1]), b = B_UNPACKHI8(t[0], t[1]), c = B_UNPACKLO8(t[2], t[3]), d = B_UNPACKHI8(t[2], t[3]);
    q[0] = B_UNPACKLO16(a, c);
    q[1] = B_UNPACKHI16(a, c);
    q[2] = B_UNPACKLO16(b, d);
    q[3] = B_UNPACKHI16(b, d);
}

INLINE B start(const strip *s, int j) { return IMUL(B_LOAD(s->block + j * 64), ISET1(s->d->late_zero)); }

INLINE V scaled(const strip *s, B acc, int j) {
    V mul = VMUL(VLOAD((const float *)(const void *)(s->block + 256) + j * 16), VSET1(s->d->late_scale)), y = VMUL(VITOF(acc), mul);
    y = VADD(y, VLOAD((const float *)(const void *)(s->block + 512) + j * 16));
    v_act_exact(&s->d->ep, v_bounds(&s->d->ep), &y, 1);
    return y;
}

static void store_real(const V y[4], float *out, size_t n) {
    float t[4][BN / 4];
    for (int j = 0; j < 4; j++) VSTORE(t[j], y[j]);
    for (size_t c = 0; c < n; c++) out[c] = t[c % 16 / 4][c / 16 * 4 + c % 4];
}

INLINE void finish(const strip *s, B acc[4], size_t at, bool full) {
    V y[4];
    UNROLL for (int j = 0; j < 4; j++) y[j] = scaled(s, acc[j], j);
    if (!s->d->out_u8) {
        store_real(y, (float *)s->d->out + at, s->n);
        return;
    }
    const w_requant *q = &s->d->q;
    B lo = B_PACK32(v_requant(q, y[0]), v_requant(q, y[1])), hi = B_PACK32(v_requant(q, y[2]), v_requant(q, y[3]));
    uint8_t *o = (uint8_t *)s->d->out + at;
    if (full) B_STORE(o, B_PACK16(lo, hi));
    else B_STORE_N(o, s->n, B_PACK16(lo, hi));
}

/* `wide` outputs from column x; kw and sw are constants, dilation along the row is 1. */
INLINE void outputs(const strip *s, size_t at, size_t x, int wide, bool full, int kw, int sw) {
    const w_window *g = &s->d->g;
    B acc[WIDE][4];
    UNROLL for (int i = 0; i < wide; i++)
        UNROLL for (int j = 0; j < 4; j++) acc[i][j] = start(s, j);
    ptrdiff_t left = w_window_start(x, (size_t)sw, g->pl);
    for (size_t group = 0; group * 4 < g->kh; group++) {
        const uint8_t *w = s->block + 768 + group * (size_t)kw * 256;
        UNROLL for (int c = 0; c < (wide - 1) * sw + kw; c++) {
            B q[4];
            column(s, group, left + c, full, q);
            UNROLL for (int i = 0; i < wide; i++) {
                int k = c - i * sw;
                if (k < 0 || k >= kw) continue;
                UNROLL for (int j = 0; j < 4; j++) acc[i][j] = B_DOT(acc[i][j], q[j], B_LOAD(w + k * 256 + j * 64));
            }
        }
    }
    UNROLL for (int i = 0; i < wide; i++) finish(s, acc[i], at + (size_t)i * g->c, full);
}

/* One output, any filter. */
INLINE void output_any(const strip *s, size_t at, size_t x, bool full) {
    const w_window *g = &s->d->g;
    B acc[4];
    UNROLL for (int j = 0; j < 4; j++) acc[j] = start(s, j);
    ptrdiff_t left = w_window_start(x, g->sw, g->pl);
    for (size_t group = 0; group * 4 < g->kh; group++)
        for (size_t k = 0; k < g->kw; k++) {
            const uint8_t *w = s->block + 768 + (group * g->kw + k) * 256;
            B q[4];
            column(s, group, left + (ptrdiff_t)(k * g->dw), full, q);
            UNROLL for (int j = 0; j < 4; j++) acc[j] = B_DOT(acc[j], q[j], B_LOAD(w + j * 64));
        }
    finish(s, acc, at, full);
}

INLINE void row(const strip *s, size_t at, bool full, int kw, int sw) {
    const w_window *g = &s->d->g;
    size_t x = 0;
    for (; x + WIDE <= g->ow; x += WIDE) outputs(s, at + x * g->c, x, WIDE, full, kw, sw);
    for (; x < g->ow; x++) outputs(s, at + x * g->c, x, 1, full, kw, sw);
}

static void row_any(const strip *s, size_t at, bool full) {
    const w_window *g = &s->d->g;
    for (size_t x = 0; x < g->ow; x++)
        if (full) output_any(s, at + x * g->c, x, true);
        else output_any(s, at + x * g->c, x, false);
}

static void row_3_1(const strip *s, size_t at, bool full) {
    if (full) row(s, at, true, 3, 1);
    else row(s, at, false, 3, 1);
}

static void row_3_2(const strip *s, size_t at, bool full) {
    if (full) row(s, at, true, 3, 2);
    else row(s, at, false, 3, 2);
}

typedef void row_fn(const strip *s, size_t at, bool full);

static row_fn *row_of(const w_window *g) {
    if (g->kw != 3 || g->dw != 1 || g->sw > 2) return row_any;
    return g->sw == 1 ? row_3_1 : row_3_2;
}

void KERNEL(const w_dw_u8 *d, size_t r0, size_t r1, size_t c0, size_t c1) {
    const w_window *g = &d->g;
    row_fn *fn = row_of(g);
    for (size_t c = c0; c < c1; c += BN) {
        const uint8_t *block = (const uint8_t *)d->w + c / 64 * w_dw_u8_block(g) + c % 64 / BN * BN;
        for (size_t r = r0; r < r1; r++) {
            const uint8_t *image = d->in + r / g->oh * g->ih * g->iw * g->c + c;
            strip s = {d, image, d->zero + c, block, c1 - c < BN ? c1 - c : BN, w_window_start(r % g->oh, g->sh, g->pt)};
            fn(&s, r * g->ow * g->c + c, s.n == BN);
        }
    }
}
