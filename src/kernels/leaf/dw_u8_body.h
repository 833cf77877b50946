/* Depthwise convolution u8 x s8 -> s32 over bytes; the including file sets KERNEL and the names below.
 *
 *   B           a vector of BN bytes, all channels of one tap
 *   B_LOAD_N    the first n channels, the others anything that is not read from memory
 *   B_DOT(a, x, w)  a + the four products of each 32-bit lane, exact
 *   B_CLAMP(x, lo, hi)  what has to be done before conversion, so that B_PACK32 and B_PACK16 give bytes inside [lo, hi]
 *
 * Four vertical taps of a column are unpacked twice, so that every 32-bit lane holds the four bytes of one channel; one dot
 * product then takes four taps. The columns of some outputs of a row are unpacked into a panel that stays in L1, each once, with
 * the padding: what comes after knows nothing of edges. Lanes come in the order of w_dw_u8_lane, and packing back restores it.
 * Sums are exact; the rest follows w_u8_igemm, one operation after the other. */
#include "kernels.h"
#include "vec_act.h"
#include "vec_bytes.h"

#define GROUPS 2   /* of four filter rows, at most, in a panel */
#define COLUMNS 36 /* of a panel, at most */
#define BAND 16    /* outputs, at most, from one panel */

/* One vector of channels: what does not change from row to row. */
typedef struct strip {
    const w_dw_u8 *d;
    const uint8_t *block;        /* constants and weights, at this part of the block */
    size_t n;                    /* channels in the vector */
    uint8_t pad[BN];
    B start[4];
    V mul[4], bias[4];
} strip;

/* Four filter rows: where column 0 of each lies, and the step from one column to the next. A row of padding has step 0, and one
 * beyond the filter, whose weights are zero, may be any. */
typedef struct lines { const uint8_t *row[4]; size_t step[4]; } lines;
typedef B column[4];             /* channels 4 j ... 4 j + 3 of every 16 in vector j */

static lines lines_of(const strip *s, const uint8_t *image, ptrdiff_t top, size_t group) {
    const w_window *g = &s->d->g;
    lines l;
    for (size_t j = 0; j < 4; j++) {
        ptrdiff_t y = top + (ptrdiff_t)((group * 4 + j) * g->dh);
        bool inside = group * 4 + j < g->kh && y >= 0 && (size_t)y < g->ih;
        l.row[j] = inside ? image + (size_t)y * g->iw * g->c : s->pad;
        l.step[j] = inside ? g->c : 0;
    }
    return l;
}

INLINE void unpack_column(const strip *s, const lines *l, ptrdiff_t x, bool full, B *q) {
    bool inside = x >= 0 && (size_t)x < s->d->g.iw;
    B t[4];
    UNROLL for (int j = 0; j < 4; j++) {
        const uint8_t *p = inside ? l->row[j] + (size_t)x * l->step[j] : s->pad;
        t[j] = full ? B_LOAD(p) : B_LOAD_N(p, s->n);
    }
    B a = B_UNPACKLO8(t[0], t[1]), b = B_UNPACKHI8(t[0], t[1]), c = B_UNPACKLO8(t[2], t[3]), d = B_UNPACKHI8(t[2], t[3]);
    q[0] = B_UNPACKLO16(a, c);
    q[1] = B_UNPACKHI16(a, c);
    q[2] = B_UNPACKLO16(b, d);
    q[3] = B_UNPACKHI16(b, d);
}

static void unpack_columns(const strip *s, const lines *l, ptrdiff_t x, size_t count, column *to) {
    if (s->n == BN)
        for (size_t i = 0; i < count; i++) unpack_column(s, l, x + (ptrdiff_t)i, true, to[i]);
    else
        for (size_t i = 0; i < count; i++) unpack_column(s, l, x + (ptrdiff_t)i, false, to[i]);
}

static void store_real(const V y[4], float *out, size_t n) {
    float t[4][BN / 4];
    for (int j = 0; j < 4; j++) VSTORE(t[j], y[j]);
    for (size_t c = 0; c < n; c++) out[c] = t[c % 16 / 4][c / 16 * 4 + c % 4];
}

/* plain: bytes without an activation. */
INLINE void finish(const strip *s, const B acc[4], size_t at, bool plain, V inv, V lo, V hi, VI zero) {
    V y[4];
    VI q[4];
    UNROLL for (int j = 0; j < 4; j++) y[j] = VADD(VMUL(VITOF(acc[j]), s->mul[j]), s->bias[j]);
    if (!plain) v_act_exact(&s->d->ep, v_bounds(&s->d->ep), y, 4);
    if (!plain && !s->d->out_u8) {
        store_real(y, (float *)s->d->out + at, s->n);
        return;
    }
    UNROLL for (int j = 0; j < 4; j++) q[j] = VIADD(VFTOI(B_CLAMP(VMUL(y[j], inv), lo, hi)), zero);
    B bytes = B_PACK16(B_PACK32(q[0], q[1]), B_PACK32(q[2], q[3]));
    uint8_t *o = (uint8_t *)s->d->out + at;
    if (s->n == BN) B_STORE(o, bytes);
    else B_STORE_N(o, s->n, bytes);
}

#define REQUANT(q) VSET1((q).inv_scale), VSET1((float)-(q).zero), VSET1((float)(255 - (q).zero)), VISET1((q).zero)

/* `count` outputs of a row from their panel, kw columns and groups known when compiled. */
INLINE void outputs(const strip *s, const column (*panel)[COLUMNS], size_t count, size_t at, size_t groups, size_t kw, size_t dw, bool plain) {
    const w_window *g = &s->d->g;
    const w_requant r = s->d->q;
    const uint8_t *w = s->block + 768;
    size_t step = g->c, sw = g->sw;
    V inv = VSET1(r.inv_scale), lo = VSET1((float)-r.zero), hi = VSET1((float)(255 - r.zero));
    VI zero = VISET1(r.zero);
    for (size_t i = 0; i < count; i++, at += step) {
        B acc[4] = {s->start[0], s->start[1], s->start[2], s->start[3]};
        for (size_t group = 0; group < groups; group++)
            UNROLL for (size_t k = 0; k < kw; k++)
                UNROLL for (int j = 0; j < 4; j++)
                    acc[j] = B_DOT(acc[j], panel[group][i * sw + k * dw][j], B_LOAD(w + (group * kw + k) * 256 + (size_t)j * 64));
        finish(s, acc, at, plain, inv, lo, hi, zero);
    }
}

static void outputs_3(const strip *s, const column (*panel)[COLUMNS], size_t count, size_t at) { outputs(s, panel, count, at, 1, 3, 1, true); }
static void outputs_5(const strip *s, const column (*panel)[COLUMNS], size_t count, size_t at) { outputs(s, panel, count, at, 2, 5, 1, true); }
static void outputs_any(const strip *s, const column (*panel)[COLUMNS], size_t count, size_t at) {
    const w_window *g = &s->d->g;
    outputs(s, panel, count, at, (g->kh + 3) / 4, g->kw, g->dw, false);
}

typedef void outputs_fn(const strip *s, const column (*panel)[COLUMNS], size_t count, size_t at);

static outputs_fn *outputs_of(const w_dw_u8 *d) {
    const w_window *g = &d->g;
    if (!d->out_u8 || d->ep.act != W_KACT_NONE || g->dw != 1) return outputs_any;
    if (g->kw == 3 && g->kh <= 4) return outputs_3;
    return g->kw == 5 && g->kh > 4 && g->kh <= 8 ? outputs_5 : outputs_any;
}

/* One output of a filter that has no panel. */
static void output_alone(const strip *s, const uint8_t *image, ptrdiff_t top, ptrdiff_t left, size_t at) {
    const w_window *g = &s->d->g;
    B acc[4] = {s->start[0], s->start[1], s->start[2], s->start[3]};
    for (size_t group = 0; group * 4 < g->kh; group++) {
        lines l = lines_of(s, image, top, group);
        for (size_t k = 0; k < g->kw; k++) {
            const uint8_t *w = s->block + 768 + (group * g->kw + k) * 256;
            column q;
            unpack_columns(s, &l, left + (ptrdiff_t)(k * g->dw), 1, &q);
            UNROLL for (int j = 0; j < 4; j++) acc[j] = B_DOT(acc[j], q[j], B_LOAD(w + j * 64));
        }
    }
    finish(s, acc, at, false, REQUANT(s->d->q));
}

/* Outputs that a panel serves; 0: the filter is too large for one. */
static size_t band_of(const w_window *g) {
    size_t span = (g->kw - 1) * g->dw + 1;
    if ((g->kh + 3) / 4 > GROUPS || span > COLUMNS) return 0;
    size_t fit = (COLUMNS - span) / g->sw + 1;
    return fit < BAND ? fit : BAND;
}

static void row(const strip *s, const uint8_t *image, size_t y, size_t at, size_t band, outputs_fn *fn) {
    const w_window *g = &s->d->g;
    ptrdiff_t top = w_window_start(y, g->sh, g->pt);
    column panel[GROUPS][COLUMNS];
    for (size_t x = 0, count; x < g->ow; x += count) {
        ptrdiff_t left = w_window_start(x, g->sw, g->pl);
        count = band ? (g->ow - x < band ? g->ow - x : band) : 1;
        if (!band) output_alone(s, image, top, left, at + x * g->c);
        else {
            for (size_t group = 0; group * 4 < g->kh; group++) {
                lines l = lines_of(s, image, top, group);
                unpack_columns(s, &l, left, (count - 1) * g->sw + (g->kw - 1) * g->dw + 1, panel[group]);
            }
            fn(s, panel, count, at + x * g->c);
        }
    }
}

static void start(strip *s, const w_dw_u8 *d, size_t c, size_t n) {
    *s = (strip){.d = d, .block = (const uint8_t *)d->w + c / 64 * w_dw_u8_block(&d->g) + c % 64 / BN * BN, .n = n};
    memcpy(s->pad, d->zero + c, n);
    for (int j = 0; j < 4; j++) {
        s->start[j] = IMUL(B_LOAD(s->block + j * 64), ISET1(d->late_zero));
        s->mul[j] = VMUL(VLOAD((const float *)(const void *)(s->block + 256) + j * 16), VSET1(d->late_scale));
        s->bias[j] = VLOAD((const float *)(const void *)(s->block + 512) + j * 16);
    }
}

void KERNEL(const w_dw_u8 *d, size_t r0, size_t r1, size_t c0, size_t c1) {
    const w_window *g = &d->g;
    outputs_fn *fn = outputs_of(d);
    size_t band = band_of(g);
    for (size_t c = c0; c < c1; c += BN) {
        strip s;
        start(&s, d, c, c1 - c < BN ? c1 - c : BN);
        for (size_t r = r0; r < r1; r++) row(&s, d->in + r / g->oh * g->ih * g->iw * g->c + c, r % g->oh, r * g->ow * g->c + c, band, fn);
    }
}
