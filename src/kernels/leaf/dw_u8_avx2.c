/* Depthwise convolution u8 x s8 for AVX2: square filters of 3 and 5 taps a side unrolled, others one output at a time.
 *
 * The byte product instruction saturates sums of two products, so a weight is cut in two, w = 16 high + low with both in
 * [-8, 8]: 16 taps of either half sum exactly in 16 bits, and only then are the halves joined in 32. The instruction takes
 * two taps: rows 0 and 1 (2 and 3) of a column, and two columns of the last row. Unpacking two taps, then joining, leaves
 * channels in the order of w_dw_u8_lane; packing restores it. Sums are exact; the rest follows w_u8_igemm, operation by
 * operation.
 *
 * A vector is 32 channels. Weights are cut once for all rows of it. Each input row is copied once, side by side and with
 * its padding, so that no tile of outputs knows of edges, of strides in memory or of vectors that are not whole. */
#include "../x86/vec_avx2.h"
#include "kernels.h"
#include "store_n_256.h"
#include "vec_act.h"
#include "vec_bytes.h"
#include <string.h>

#define SIDE 5              /* of the largest filter that is unrolled */
#define SLOTS 13            /* its pairs of taps */
#define WIDE 4              /* outputs of a tile */
#define BAND 28             /* outputs of a band */
#define COLUMNS ((BAND + 1) * 2 + SIDE) /* it reads, with those of two outputs that the last tile may have too many */
typedef __m256i B;

static inline B load(const void *p) { return _mm256_loadu_si256((const B *)p); }
static inline void store(void *p, B v) { _mm256_storeu_si256((B *)p, v); }

typedef struct strip strip;
typedef void finish_fn(const strip *s, const B sum[][4], size_t count, size_t at);

/* One vector of channels: what does not change from row to row. */
struct strip {
    const w_dw_u8 *d;
    const uint8_t *block;       /* constants and weights, at this half of the block */
    size_t c, n;                /* channels c ... c + n - 1 */
    uint8_t zero[32];           /* padding */
    B weight[2][SLOTS][2];      /* [channels 0-7 or 8-15 of every 16][pair of taps][high or low] */
    B acc0[4];
    V mul[4], bias[4];
    finish_fn *finish;
    w_bounds bound;             /* of the result in steps */
};

/* ---- weights ---- */

/* Filter rows 2 m and 2 m + 1 of a column for half h of the channels. */
static B vertical(const strip *s, size_t side, size_t m, size_t column, size_t h) {
    const uint8_t *w = s->block + 768 + (m / 2 * side + column) * 256 + h * 128;
    B a = load(w), b = load(w + 64), low = _mm256_set1_epi32(0xffff);
    if (m % 2) return _mm256_packus_epi32(_mm256_srli_epi32(a, 16), _mm256_srli_epi32(b, 16));
    return _mm256_packus_epi32(_mm256_and_si256(a, low), _mm256_and_si256(b, low));
}

static void cut(B w, B part[2]) {
    B nibble = _mm256_set1_epi8(15), eight = _mm256_set1_epi8(8), one = _mm256_set1_epi8(1);
    B high = _mm256_and_si256(_mm256_srli_epi16(w, 4), nibble), up = _mm256_and_si256(_mm256_srli_epi16(w, 3), one);
    part[0] = _mm256_add_epi8(_mm256_sub_epi8(_mm256_xor_si256(high, eight), eight), up);
    part[1] = _mm256_sub_epi8(_mm256_xor_si256(_mm256_and_si256(w, nibble), eight), eight);
}

static void cut_weights(strip *s, size_t side) {
    size_t pairs = side / 2;
    for (size_t h = 0; h < 2; h++) {
        for (size_t m = 0; m < pairs; m++)
            for (size_t c = 0; c < side; c++) cut(vertical(s, side, m, c, h), s->weight[h][m * side + c]);
        for (size_t c = 0; c < side; c += 2) {
            B w = vertical(s, side, pairs, c, h);
            if (c + 1 < side) w = _mm256_or_si256(w, _mm256_slli_epi16(vertical(s, side, pairs, c + 1, h), 8));
            cut(w, s->weight[h][pairs * side + c / 2]);
        }
    }
}

/* ---- results ---- */

static inline void store_bytes(uint8_t *p, size_t n, B v) {
    if (n == 32) store(p, v);
    else store_n(p, n, v);
}

INLINE void real(const strip *s, const B sum[4], V y[4]) {
    UNROLL for (int j = 0; j < 4; j++) y[j] = VFMA(VITOF(sum[j]), s->mul[j], s->bias[j]);
}

/* Packing saturates what lies below 0: a lower bound at or below it, floor false, costs nothing. */
INLINE B bytes(const V y[4], w_bounds bound, bool floor, int zero) {
    B q[4];
    UNROLL for (int j = 0; j < 4; j++) {
        V t = floor ? VMAX(VSET1(bound.lo), y[j]) : y[j];
        q[j] = VFTOI(VMIN(VSET1(bound.hi), t));
    }
    B low = _mm256_packs_epi32(q[0], q[1]), high = _mm256_packs_epi32(q[2], q[3]), z = _mm256_set1_epi16((int16_t)zero);
    return _mm256_packus_epi16(_mm256_adds_epi16(low, z), _mm256_adds_epi16(high, z));
}

static void store_real(const V y[4], float *out, size_t n) {
    for (size_t h = 0; h < 2; h++) {
        V a = _mm256_permute2f128_ps(y[2 * h], y[2 * h + 1], 0x20), b = _mm256_permute2f128_ps(y[2 * h], y[2 * h + 1], 0x31);
        if (n > 8 * h) vstore_n(out + 8 * h, n - 8 * h, a);
        if (n > 8 * h + 16) vstore_n(out + 8 * h + 16, n - 8 * h - 16, b);
    }
}

/* `count` neighbouring outputs of a row. */
INLINE void finish_bytes(const strip *s, const B sum[][4], size_t count, uint8_t *out, bool floor) {
    const w_bounds bound = s->bound;
    int zero = s->d->out_zero;
    size_t step = s->d->g.c, n = s->n;
    for (size_t i = 0; i < count; i++, out += step) {
        V y[4];
        real(s, sum[i], y);
        store_bytes(out, n, bytes(y, bound, floor, zero));
    }
}

/* The activations that are more than bounds, and f32 outputs. */
static void finish_any(const strip *s, const B sum[][4], size_t count, size_t at) {
    for (size_t i = 0; i < count; i++, at += s->d->g.c) {
        V y[4];
        real(s, sum[i], y);
        v_act_steps(&s->d->ep, v_bounds(&s->d->ep), s->d->act_scale, y, 4);
        if (!s->d->out_u8) store_real(y, (float *)s->d->out + at, s->n);
        else store_bytes((uint8_t *)s->d->out + at, s->n, bytes(y, s->bound, false, s->d->out_zero));
    }
}

static void finish_floor(const strip *s, const B sum[][4], size_t count, size_t at) {
    finish_bytes(s, sum, count, (uint8_t *)s->d->out + at, true);
}

static void finish_no_floor(const strip *s, const B sum[][4], size_t count, size_t at) {
    finish_bytes(s, sum, count, (uint8_t *)s->d->out + at, false);
}

static void set_finish(strip *s) {
    const w_kepi *ep = &s->d->ep;
    float bottom = (float)-s->d->out_zero, top = (float)(255 - s->d->out_zero);
    s->bound = (w_bounds){-__builtin_inff(), top};
    s->finish = finish_any;
    if (!s->d->out_u8 || ep->act == W_KACT_LEAKY || w_act_of_reals(ep->act)) return;
    w_bounds b = v_bounds(ep);
    s->bound = (w_bounds){b.lo, b.hi < top ? b.hi : top};
    s->finish = b.lo > bottom ? finish_floor : finish_no_floor;
}

/* ---- tiles ---- */

INLINE B unpack(B a, B b, int h) { return h ? _mm256_unpackhi_epi8(a, b) : _mm256_unpacklo_epi8(a, b); }

/* Opaque after each, because gcc, when it may reorder the sum, keeps more products than there are registers. */
INLINE void product(B acc[2], B x, const B w[2]) {
    UNROLL for (int part = 0; part < 2; part++) {
        acc[part] = _mm256_add_epi16(acc[part], _mm256_maddubs_epi16(x, w[part]));
        __asm__("" : "+x"(acc[part]));
    }
}

/* to = from + the two halves of the weights together. */
INLINE void join(B to[2], const B from[2], const B acc[2]) {
    B by = _mm256_set1_epi32(1 << 16 | 16);
    to[0] = _mm256_add_epi32(from[0], _mm256_madd_epi16(_mm256_unpacklo_epi16(acc[0], acc[1]), by));
    to[1] = _mm256_add_epi32(from[1], _mm256_madd_epi16(_mm256_unpackhi_epi16(acc[0], acc[1]), by));
}

/* Adds rows y and y + 1, and the last one if they are next to it, to the sums; h: half of the channels. By columns, so that
 * an output holds registers only while the columns are its own. The last row goes two columns at a time: its last tap's
 * neighbour meets a weight of zero. */
INLINE void rows(const strip *s, const B *const row[SIDE], int y, int h, int wide, int side, int sw, B sum[][4]) {
    const B(*w)[2] = s->weight[h] + y / 2 * side;
    bool last = y + 3 == side;
    int columns = (wide - 1) * sw + side;
    B acc[WIDE][2];
    UNROLL for (int c = 0; c < columns; c++) {
        B x = unpack(row[y][c], row[y + 1][c], h), z;
        if (last) z = unpack(row[y + 2][c], row[y + 2][c + 1 < columns ? c + 1 : c], h);
        UNROLL for (int i = 0; i < wide; i++) {
            int k = c - i * sw;
            if (k < 0 || k >= side) continue;
            if (k == 0) acc[i][0] = acc[i][1] = _mm256_setzero_si256();
            product(acc[i], x, w[k]);
            if (last && k % 2 == 0) product(acc[i], z, w[side + k / 2]);
            if (k == side - 1) join(sum[i] + 2 * h, (y ? sum[i] : s->acc0) + 2 * h, acc[i]);
        }
    }
}

INLINE void tile(const strip *s, const B *const row[SIDE], int wide, int side, int sw, B sum[][4]) {
    UNROLL for (int h = 0; h < 2; h++)
        UNROLL for (int y = 0; y + 1 < side; y += 2) {
            rows(s, row, y, h, wide, side, sw, sum);
            __asm__("" ::: "memory"); /* else what the halves share is kept, in memory as well */
        }
}

/* ---- bands: up to BAND neighbouring outputs, row after row ---- */

/* Input columns of a band: so many of padding, in the image from column `first`, and of padding again. */
typedef struct columns { size_t before, inside, after, first; } columns;

static columns columns_of(const w_window *g, size_t x, size_t count) {
    ptrdiff_t left = w_window_start(x, g->sw, g->pl);
    size_t all = (count + 1) * g->sw + g->kw, before = left < 0 ? W_MIN((size_t)-left, all) : 0;
    size_t first = left < 0 ? 0 : W_MIN((size_t)left, g->iw), inside = W_MIN(g->iw - first, all - before);
    return (columns){before, inside, all - before - inside, first};
}

/* n bytes of memory, which is not read beyond `end`; the others are anything. */
static __attribute__((noinline)) B load_n(const uint8_t *p, size_t n, const uint8_t *end) {
    if (end - p >= 32) return load(p);
    uint8_t t[32] = {0};
    memcpy(t, p, n);
    return load(t);
}

static B *fill(B *to, size_t n, B v) {
    for (B *end = to + n; to < end; to++) *to = v;
    return to;
}

/* A row of a band's input; y counts the rows of padding. */
static __attribute__((noinline)) void copy_row(const strip *s, const columns *at, const uint8_t *image, size_t y, B *to) {
    const w_window *g = &s->d->g;
    size_t n = s->n, step = g->c, bytes = g->iw * step, inside = at->inside, after = at->after;
    B zero = load(s->zero);
    if (y < g->pt || y - g->pt >= g->ih) {
        fill(to, at->before + inside + after, zero);
        return;
    }
    const uint8_t *p = image + (y - g->pt) * bytes + at->first * step + s->c, *end = image + g->ih * bytes;
    to = fill(to, at->before, zero);
    size_t whole = inside; /* may be read as vectors, if need be with the next pixels' bytes */
    if (n < 32) whole = end - p < 32 ? 0 : W_MIN(inside, (size_t)(end - p - 32) / step + 1);
    size_t i = 0;
    _Pragma("GCC unroll 4") for (; i < whole; i++, p += step) to[i] = load(p);
    for (; i < inside; i++, p += step) to[i] = load_n(p, n, end);
    fill(to + inside, after, zero);
}

/* Rows y0 <= y < y1 of an image; the results of the first go to `at`. */
INLINE void band(const strip *s, const uint8_t *image, size_t y0, size_t y1, size_t x, size_t count, size_t at, int side,
                 int sw) {
    const w_window *g = &s->d->g;
    const columns col = columns_of(g, x, count);
    B ring[SIDE][COLUMNS], sum[BAND + 2][4];
    for (size_t y = y0, next = 0; y < y1; y++, at += g->ow * g->c) {
        size_t top = y * g->sh;
        const B *row[SIDE];
        for (next = W_MAX(next, top); next < top + (size_t)side; next++)
            copy_row(s, &col, image, next, ring[next % (size_t)side]);
        for (size_t i = 0, wide; i < count; i += wide) {
            wide = (count - i) % WIDE ? WIDE - 1 : WIDE;
            UNROLL for (int j = 0; j < side; j++) row[j] = ring[(top + (size_t)j) % (size_t)side] + i * (size_t)sw;
            if (wide == WIDE) tile(s, row, WIDE, side, sw, sum + i);
            else tile(s, row, WIDE - 1, side, sw, sum + i);
        }
        s->finish(s, sum, count, at);
    }
}

typedef void band_fn(const strip *s, const uint8_t *image, size_t y0, size_t y1, size_t x, size_t count, size_t at);
#define BAND_FN(side, sw) \
    static void band_##side##_##sw(const strip *s, const uint8_t *image, size_t y0, size_t y1, size_t x, size_t count, \
                                   size_t at) { \
        band(s, image, y0, y1, x, count, at, side, sw); \
    }
BAND_FN(3, 1)
BAND_FN(3, 2)
BAND_FN(5, 1)
BAND_FN(5, 2)

/* ---- any filter ---- */

static B any_tap(const strip *s, const uint8_t *image, ptrdiff_t y, ptrdiff_t x) {
    const w_window *g = &s->d->g;
    if (y < 0 || x < 0 || (size_t)y >= g->ih || (size_t)x >= g->iw) return load(s->zero);
    return load_n(image + ((size_t)y * g->iw + (size_t)x) * g->c + s->c, s->n, image + g->ih * g->iw * g->c);
}

/* Taps a and b, which are rows 0 and 2, or 1 and 3, of four. */
INLINE void any_product(B sum[4], B a, B b, const uint8_t *w, bool odd) {
    UNROLL for (int j = 0; j < 4; j++) {
        B x = unpack(a, b, j / 2), zero = _mm256_setzero_si256(), q = load(w + j * 64);
        x = j % 2 ? _mm256_unpackhi_epi8(x, zero) : _mm256_unpacklo_epi8(x, zero);
        q = _mm256_srai_epi16(odd ? q : _mm256_slli_epi16(q, 8), 8);
        sum[j] = _mm256_add_epi32(sum[j], _mm256_madd_epi16(x, q));
    }
}

static void any_output(const strip *s, const uint8_t *image, size_t y, size_t x, size_t at) {
    const w_window *g = &s->d->g;
    ptrdiff_t top = w_window_start(y, g->sh, g->pt), left = w_window_start(x, g->sw, g->pl), down = (ptrdiff_t)g->dh;
    B sum[1][4] = {{s->acc0[0], s->acc0[1], s->acc0[2], s->acc0[3]}};
    for (size_t group = 0; group * 4 < g->kh; group++, top += 4 * down)
        for (size_t k = 0; k < g->kw; k++) {
            const uint8_t *w = s->block + 768 + (group * g->kw + k) * 256;
            ptrdiff_t column = left + (ptrdiff_t)(k * g->dw);
            B t[4]; /* rows beyond the filter meet a weight of zero */
            for (ptrdiff_t j = 0; j < 4; j++) t[j] = any_tap(s, image, top + j * down, column);
            any_product(sum[0], t[0], t[2], w, false);
            any_product(sum[0], t[1], t[3], w, true);
        }
    s->finish(s, sum, 1, at);
}

static void band_any(const strip *s, const uint8_t *image, size_t y0, size_t y1, size_t x, size_t count, size_t at) {
    const w_window *g = &s->d->g;
    for (size_t y = y0; y < y1; y++, at += g->ow * g->c)
        for (size_t i = 0; i < count; i++) any_output(s, image, y, x + i, at + i * g->c);
}

/* ---- the kernel ---- */

static void set_strip(strip *s, const w_dw_u8 *d, size_t c, size_t n, bool unrolled) {
    const w_window *g = &d->g;
    s->d = d;
    s->block = (const uint8_t *)d->w + c / 64 * w_dw_u8_block(g) + c % 64 / 32 * 32;
    s->c = c;
    s->n = n;
    memset(s->zero, 0, sizeof s->zero);
    memcpy(s->zero, d->zero + c, n);
    for (size_t j = 0; j < 4; j++) {
        s->acc0[j] = IMUL(load(s->block + j * 64), ISET1(d->late_zero));
        s->mul[j] = VMUL(VLOAD((const float *)(const void *)(s->block + 256) + j * 16), VSET1(d->late_scale));
        s->bias[j] = VLOAD((const float *)(const void *)(s->block + 512) + j * 16);
    }
    set_finish(s);
    if (unrolled) cut_weights(s, g->kh);
}

static band_fn *band_of(const w_window *g) {
    if (g->kh != g->kw || g->dw != 1 || g->dh != 1 || g->sw > 2) return band_any;
    if (g->kw == 3) return g->sw == 1 ? band_3_1 : band_3_2;
    if (g->kw == 5) return g->sw == 1 ? band_5_1 : band_5_2;
    return band_any;
}

void w_dw_u8__avx2(const w_dw_u8 *d, size_t r0, size_t r1, size_t c0, size_t c1) {
    const w_window *g = &d->g;
    band_fn *fn = band_of(g);
    for (size_t c = c0; c < c1; c += 32) {
        strip s;
        set_strip(&s, d, c, W_MIN(c1 - c, (size_t)32), fn != band_any);
        for (size_t r = r0, rows; r < r1; r += rows) { /* of one image */
            size_t y = r % g->oh;
            const uint8_t *image = d->in + r / g->oh * g->ih * g->iw * g->c;
            rows = W_MIN(r1 - r, g->oh - y);
            for (size_t x = 0; x < g->ow; x += BAND)
                fn(&s, image, y, y + rows, x, W_MIN(g->ow - x, (size_t)BAND), (r * g->ow + x) * g->c + c);
        }
    }
}
