/* Depthwise convolution u8 x s8 -> s32 over bytes; the including file sets KERNEL and the names below.
 *
 *   B           a vector of BN bytes, all channels of one tap
 *   B_LOAD_N    the first n channels, the others anything that is not read from memory
 *   B_DOT(a, x, w)  a + the four products of each 32-bit lane, exact
 *   B_CLAMP(x, lo, hi)  what has to be done before conversion, so that B_PACK32, B_ADD16 of the zero point and B_PACK16 give bytes of [lo, hi]
 *   B_DOWN(w, above)  32-bit lanes of four taps moved one row down: a tap of `above` enters, the last of w leaves
 *   PARTS       into which a vector can be cut for few channels (then also B_JOIN, B_SPREAD, B_STORE_PARTS), or undefined
 *
 * Four vertical taps of a column are unpacked twice, so that every 32-bit lane holds the four bytes of one channel; one dot
 * product then takes four taps. The columns of some outputs of a row are unpacked into a panel that stays in L1, each once, with
 * the padding: what comes after knows nothing of edges. Lanes come in the order of w_dw_u8_lane, and packing back restores it.
 * Sums are exact; the rest follows w_u8_igemm, operation by operation.
 *
 * Four lines hold a filter of three rows twice, eight one of five: where rows of outputs follow each other line by line, two of them
 * come from one panel, the second by weights that are moved one row down.
 *
 * Where the channels fill no more than half or a quarter of a vector, it holds those of as many outputs: the row is cut into
 * segments of equal length, and a part of the vector goes along each of them. */
#include "kernels.h"
#include "vec_act.h"
#include "vec_bytes.h"

#define GROUPS 2   /* of four filter rows, at most, in a panel */
#define COLUMNS 26 /* of a panel, at most */
#define BAND 16    /* outputs, at most, from one panel */
#define SIDE 5     /* of the largest filter for which a vector is cut */
#ifndef PARTS
#define PARTS 1
#define B_JOIN(p, n, parts) B_LOAD_N(p[0], n)
#define B_SPREAD(v, parts) (v)
#define B_STORE_PARTS(p, apart, there, n, v, parts) B_STORE_N(p, n, v)
#endif

/* One vector of channels: what does not change from row to row. */
typedef struct strip {
    const w_dw_u8 *d;
    const uint8_t *w[2];         /* weights, and those moved one row down */
    size_t n;                    /* channels */
    size_t apart;                /* outputs of a segment: all of a row, where the vector is not cut */
    uint8_t pad[BN];
    uint8_t spread[2][GROUPS * SIDE * 256]; /* weights for a vector that is cut, and those moved down */
    B start[4];
    V mul[4], bias[4];
} strip;

/* Four filter rows: where column 0 of each lies, and the step from one column to the next. A row of padding has step 0, and one
 * beyond the filter, whose weights are zero, may be any. */
typedef struct lines { const uint8_t *row[4]; size_t step[4]; } lines;
typedef B column[4];             /* channels 4 j ... 4 j + 3 of every 16 in vector j */

/* rows: of outputs. */
static lines lines_of(const strip *s, const uint8_t *image, ptrdiff_t top, size_t group, size_t rows) {
    const w_window *g = &s->d->g;
    lines l;
    for (size_t j = 0; j < 4; j++) {
        ptrdiff_t y = top + (ptrdiff_t)((group * 4 + j) * g->dh);
        bool inside = group * 4 + j < g->kh + rows - 1 && y >= 0 && (size_t)y < g->ih;
        l.row[j] = inside ? image + (size_t)y * g->iw * g->c : s->pad;
        l.step[j] = inside ? g->c : 0;
    }
    return l;
}

/* full: the channels fill the vector. */
INLINE void unpack_column(const strip *s, const lines *l, ptrdiff_t x, bool full, int parts, B *q) {
    const w_window *g = &s->d->g;
    bool inside[PARTS];
    B t[4];
    UNROLL for (int i = 0; i < parts; i++) {
        ptrdiff_t at = x + i * (ptrdiff_t)(s->apart * g->sw);
        inside[i] = at >= 0 && (size_t)at < g->iw;
    }
    UNROLL for (int j = 0; j < 4; j++) {
        const uint8_t *p[PARTS];
        UNROLL for (int i = 0; i < parts; i++)
            p[i] = inside[i] ? l->row[j] + (size_t)(x + i * (ptrdiff_t)(s->apart * g->sw)) * l->step[j] : s->pad;
        t[j] = full ? B_LOAD(p[0]) : parts == 1 ? B_LOAD_N(p[0], s->n) : B_JOIN(p, s->n, parts);
    }
    B a = B_UNPACKLO8(t[0], t[1]), b = B_UNPACKHI8(t[0], t[1]), c = B_UNPACKLO8(t[2], t[3]), d = B_UNPACKHI8(t[2], t[3]);
    q[0] = B_UNPACKLO16(a, c);
    q[1] = B_UNPACKHI16(a, c);
    q[2] = B_UNPACKLO16(b, d);
    q[3] = B_UNPACKHI16(b, d);
}

#define UNPACK(full, parts) for (size_t i = 0; i < count; i++) unpack_column(s, l, x + (ptrdiff_t)i, full, parts, to[i])
static void unpack_columns(const strip *s, const lines *l, ptrdiff_t x, size_t count, int parts, column *to) {
    if (s->n == BN) UNPACK(true, 1);
    else if (PARTS > 1 && parts == 2) UNPACK(false, PARTS > 1 ? 2 : 1);
    else if (PARTS > 1 && parts == 4) UNPACK(false, PARTS > 1 ? 4 : 1);
    else UNPACK(false, 1);
}

static void store_real(const V y[4], float *out, size_t n) {
    float t[4][BN / 4];
    for (int j = 0; j < 4; j++) VSTORE(t[j], y[j]);
    for (size_t c = 0; c < n; c++) out[c] = t[c % 16 / 4][c / 16 * 4 + c % 4];
}

typedef struct grid { V lo, hi; B zero; } grid;
INLINE grid grid_of(const w_dw_u8 *d) { return (grid){VSET1((float)-d->out_zero), VSET1((float)(255 - d->out_zero)), ISET16(d->out_zero)}; }

/* plain: bytes without an activation, as all results of a vector that is cut; there: its parts that have an output. */
INLINE void finish(const strip *s, const B acc[4], size_t at, bool plain, int parts, size_t there, const grid *r) {
    V y[4];
    VI q[4];
    UNROLL for (int j = 0; j < 4; j++) y[j] = VFMA(VITOF(acc[j]), s->mul[j], s->bias[j]);
    if (!plain) v_act_steps(&s->d->ep, v_bounds(&s->d->ep), s->d->act_scale, y, 4);
    if (!plain && !s->d->out_u8) {
        store_real(y, (float *)s->d->out + at, s->n);
        return;
    }
    UNROLL for (int j = 0; j < 4; j++) q[j] = VFTOI(B_CLAMP(y[j], r->lo, r->hi));
    B bytes = B_PACK16(B_ADD16(B_PACK32(q[0], q[1]), r->zero), B_ADD16(B_PACK32(q[2], q[3]), r->zero));
    uint8_t *o = (uint8_t *)s->d->out + at;
    if (parts > 1) B_STORE_PARTS(o, s->apart * s->d->g.c, there, s->n, bytes, parts);
    else if (s->n == BN) B_STORE(o, bytes);
    else B_STORE_N(o, s->n, bytes);
}

/* Outputs x to x + count - 1 of each segment of a row, or of two, from their panel; kw columns and groups known when compiled. */
INLINE void outputs(const strip *s, const column (*panel)[COLUMNS], size_t x, size_t count, size_t at, size_t groups, size_t kw, size_t dw,
                    bool plain, int parts, int rows) {
    const w_window *g = &s->d->g;
    const grid r = grid_of(s->d);
    const uint8_t *w[2] = {s->w[0], s->w[1]};
    size_t step = g->c, sw = g->sw, apart = s->apart, ow = g->ow;
    for (size_t i = 0; i < count; i++, at += step) {
        B acc[2][4];
        UNROLL for (int j = 0; j < 4; j++) acc[0][j] = acc[1][j] = s->start[j];
        for (size_t group = 0; group < groups; group++)
            UNROLL for (size_t k = 0; k < kw; k++)
                UNROLL for (int j = 0; j < 4; j++) {
                    B x4 = panel[group][i * sw + k * dw][j];
                    UNROLL for (int y = 0; y < rows; y++) acc[y][j] = B_DOT(acc[y][j], x4, B_LOAD(w[y] + (group * kw + k) * 256 + (size_t)j * 64));
                }
        size_t there = parts == 1 ? 1 : (ow - (x + i) + apart - 1) / apart;
        UNROLL for (int y = 0; y < rows; y++) finish(s, acc[y], at + (size_t)y * ow * step, plain, parts, there, &r);
    }
}

typedef void outputs_fn(const strip *s, const column (*panel)[COLUMNS], size_t x, size_t count, size_t at);

#define OUTPUTS(name, groups, kw, dw, plain, parts, rows) \
    static void name(const strip *s, const column (*panel)[COLUMNS], size_t x, size_t count, size_t at) { \
        outputs(s, panel, x, count, at, groups, kw, dw, plain, parts, rows); \
    }
#define OUTPUTS_OF(side, groups, parts) \
    OUTPUTS(one_##side##_by_##parts, groups, side, 1, true, parts, 1) \
    OUTPUTS(two_##side##_by_##parts, groups, side, 1, true, parts, 2)
OUTPUTS(outputs_any, (s->d->g.kh + 3) / 4, s->d->g.kw, s->d->g.dw, false, 1, 1)
OUTPUTS_OF(3, 1, 1)
OUTPUTS_OF(5, 2, 1)
#if PARTS > 1
OUTPUTS_OF(3, 1, 2)
OUTPUTS_OF(3, 1, 4)
OUTPUTS_OF(5, 2, 2)
OUTPUTS_OF(5, 2, 4)
#define OF(rows, side) {rows##_##side##_by_1, rows##_##side##_by_2, rows##_##side##_by_4}
#else
#define OF(rows, side) {rows##_##side##_by_1}
#endif

/* How the rows of n channels are computed: what their vector is cut into, one row, and two or NULL. */
typedef struct way { int parts; outputs_fn *one, *two; } way;
static way way_of(const w_dw_u8 *d, size_t n) {
    static outputs_fn *const one[2][PARTS > 1 ? 3 : 1] = {OF(one, 3), OF(one, 5)}, *const two[2][PARTS > 1 ? 3 : 1] = {OF(two, 3), OF(two, 5)};
    const w_window *g = &d->g;
    size_t cut = PARTS == 1 || n > BN / 2 || g->ow < 4 ? 0 : n > BN / 4 ? 1 : 2, wide = g->kw == SIDE;
    bool plain = d->out_u8 && d->ep.act == W_KACT_NONE && g->dw == 1;
    if (!plain || (g->kw != 3 && g->kw != SIDE) || (g->kh + 3) / 4 != 1 + wide) return (way){1, outputs_any, NULL};
    return (way){1 << cut, one[wide][cut], g->sh == 1 && g->dh == 1 && g->kh % 4 ? two[wide][cut] : NULL};
}

/* One output of a filter that has no panel. */
static void output_alone(const strip *s, const uint8_t *image, ptrdiff_t top, ptrdiff_t left, size_t at) {
    const w_window *g = &s->d->g;
    const grid r = grid_of(s->d);
    B acc[4] = {s->start[0], s->start[1], s->start[2], s->start[3]};
    for (size_t group = 0; group * 4 < g->kh; group++) {
        lines l = lines_of(s, image, top, group, 1);
        for (size_t k = 0; k < g->kw; k++) {
            column q;
            unpack_columns(s, &l, left + (ptrdiff_t)(k * g->dw), 1, 1, &q);
            UNROLL for (size_t j = 0; j < 4; j++) acc[j] = B_DOT(acc[j], q[j], B_LOAD(s->w[0] + (group * g->kw + k) * 256 + j * 64));
        }
    }
    finish(s, acc, at, false, 1, 1, &r);
}

/* Outputs that a panel serves; 0: the filter is too large for one. */
static size_t band_of(const w_window *g) {
    size_t span = (g->kw - 1) * g->dw + 1;
    if ((g->kh + 3) / 4 > GROUPS || span > COLUMNS) return 0;
    size_t fit = (COLUMNS - span) / g->sw + 1;
    return fit < BAND ? fit : BAND;
}

/* Row y, or y and y + 1. */
static void row(const strip *s, const uint8_t *image, size_t y, size_t rows, size_t at, size_t band, const way *by) {
    const w_window *g = &s->d->g;
    ptrdiff_t top = w_window_start(y, g->sh, g->pt);
    column panel[GROUPS][COLUMNS];
    for (size_t x = 0, count; x < s->apart; x += count) {
        ptrdiff_t left = w_window_start(x, g->sw, g->pl);
        count = band ? (s->apart - x < band ? s->apart - x : band) : 1;
        if (!band) output_alone(s, image, top, left, at + x * g->c);
        else {
            for (size_t group = 0; group * 4 < g->kh; group++) {
                lines l = lines_of(s, image, top, group, rows);
                unpack_columns(s, &l, left, (count - 1) * g->sw + (g->kw - 1) * g->dw + 1, by->parts, panel[group]);
            }
            (rows == 2 ? by->two : by->one)(s, panel, x, count, at + x * g->c);
        }
    }
}

/* Weights for vectors cut into parts, and weights moved one row down, if they are asked for and there is a panel for them. */
static void set_weights(strip *s, const uint8_t *w, int parts, bool down) {
    const w_window *g = &s->d->g;
    size_t taps = g->kw * 256, all = (g->kh + 3) / 4 * taps;
    s->w[0] = parts > 1 ? s->spread[0] : w;
    s->w[1] = s->spread[1];
    for (size_t at = 0; parts > 1 && at < all; at += 64) B_STORE(s->spread[0] + at, B_SPREAD(B_LOAD(w + at), parts));
    for (size_t at = 0; down && at < all; at += 64) {
        B above = at < taps ? ISET1(0) : B_LOAD(s->w[0] + at - taps);
        B_STORE(s->spread[1] + at, B_DOWN(B_LOAD(s->w[0] + at), above));
    }
}

static void start(strip *s, const w_dw_u8 *d, size_t c, size_t n, const way *by) {
    const w_window *g = &d->g;
    const uint8_t *block = (const uint8_t *)d->w + c / 64 * w_dw_u8_block(g) + c % 64 / BN * BN;
    s->d = d;
    s->n = n;
    s->apart = (g->ow + (size_t)by->parts - 1) / (size_t)by->parts;
    memset(s->pad, 0, sizeof s->pad);
    memcpy(s->pad, d->zero + c, n);
    for (int j = 0; j < 4; j++) {
        s->start[j] = B_SPREAD(IMUL(B_LOAD(block + j * 64), ISET1(d->late_zero)), by->parts);
        s->mul[j] = VMUL(IREAL(B_SPREAD(B_LOAD(block + 256 + j * 64), by->parts)), VSET1(d->late_scale));
        s->bias[j] = IREAL(B_SPREAD(B_LOAD(block + 512 + j * 64), by->parts));
    }
    set_weights(s, block + 768, by->parts, by->two != NULL);
}

void KERNEL(const w_dw_u8 *d, size_t r0, size_t r1, size_t c0, size_t c1) {
    const w_window *g = &d->g;
    size_t band = band_of(g);
    for (size_t c = c0; c < c1; c += BN) {
        size_t n = c1 - c < BN ? c1 - c : BN;
        way by = way_of(d, n);
        strip s;
        start(&s, d, c, n, &by);
        for (size_t r = r0, rows; r < r1; r += rows) {
            rows = by.two && r + 1 < r1 && r % g->oh + 1 < g->oh ? 2 : 1;
            row(&s, d->in + r / g->oh * g->ih * g->iw * g->c + c, r % g->oh, rows, r * g->ow * g->c + c, band, &by);
        }
    }
}
