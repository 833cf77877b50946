/* A plane: one symbol per (chosen) element of a tensor, coded in contexts.
 *
 *   byte     axes with levels (bits 0..2), low bits stored apart (bits 3..4); other bits 0
 *   if axes: byte, number of contexts, 2..32; then the levels of each such axis as a stream
 *   if low:  the low bits of every symbol as a stream
 *   per context with symbols: the symbols, without their low bits, as a stream
 *
 * A stream is a varint size and what w_ans_encode made. The encoder estimates the size of every choice of axes, scale and
 * number of contexts from histograms, then codes the best one and the plain one and keeps the smaller. */
#include "weir_format.h"
#include "ans.h"
#include <math.h>
#include <string.h>

enum { HIST = W_WEIR_MAX_CONTEXTS * 256 };
#define MANY ((size_t)1 << 22) /* symbols from which fewer choices are tried */

/* ---- encoding ---- */

typedef struct trial { unsigned mask, contexts, step, low; double cost; } trial;

typedef struct encoder {
    weir_context *ctx;
    const w_plane *p;
    double *mean[3];          /* mean magnitude along rows, cols, pos */
    size_t len[3];
    double all;               /* mean magnitude */
    uint8_t *row;             /* contexts of one row */
    w_levels levels;
    uint32_t *hist;
    uint8_t *split, *coded;   /* symbols by context; one coded stream */
    weir_error *e;
} encoder;

static void put_packed(w_wbuf *out, const uint8_t *sym, size_t n) {
    unsigned top = 0, b = 1;
    for (size_t i = 0; i < n; i++) top |= sym[i];
    while (top >> b) b++;
    w_wbuf head = {.ctx = out->ctx};
    w_put_u8(&head, (uint8_t)((b - 1) << 2)); /* the raw form of ans.h */
    w_put_varint(&head, n);
    size_t size = n / 8 * b + (n % 8 * b + 7) / 8;
    w_put_varint(out, head.n + size);
    w_put_bytes(out, head.p, head.n);
    uint8_t *p = w_put_space(out, size);
    out->bad = out->bad || head.bad;
    w_wbuf_fini(&head);
    if (!p || out->bad) return;
    memset(p, 0, size);
    for (size_t i = 0; i < n; i++) {
        size_t at = i * b;
        p[at / 8] |= (uint8_t)(sym[i] << at % 8);
        if (at % 8 + b > 8) p[at / 8 + 1] |= (uint8_t)(sym[i] >> (8 - at % 8));
    }
}

static void put_stream(encoder *c, w_wbuf *out, const uint8_t *sym, size_t n) {
    size_t size = 0;
    if (!c->p->ans) {
        put_packed(out, sym, n);
        return;
    }
    if (!w_ans_encode(sym, n, c->coded, w_ans_bound(W_MAX(c->p->total, c->len[0] + c->len[1] + c->len[2])), &size)) out->bad = true;
    w_put_varint(out, size);
    w_put_bytes(out, c->coded, size);
}

static void means(encoder *c) {
    const w_plane *p = c->p;
    size_t k = 0, i = 0, count = 0;
    c->all = 0;
    for (size_t r = 0; r < c->len[0]; r++) {
        for (size_t col = 0; col < c->len[1]; col++) {
            for (size_t pos = 0; pos < c->len[2]; pos++, i++) {
                if (p->mask && !p->mask[i]) continue;
                double m = p->magnitude[p->sym[k++]];
                c->mean[0][r] += m, c->mean[1][col] += m, c->mean[2][pos] += m;
                c->all += m, count++;
            }
        }
    }
    for (int a = 0; a < 3; a++) {
        for (size_t j = 0; j < c->len[a]; j++) c->mean[a][j] /= (double)count / (double)c->len[a];
    }
    c->all /= (double)count;
}

static void fit_levels(encoder *c, const trial *t) {
    c->levels.mask = t->mask, c->levels.contexts = t->contexts;
    for (int a = 0; a < 3; a++) {
        for (size_t j = 0; j < c->len[a] && (t->mask >> a & 1); j++) {
            double m = W_MAX(c->mean[a][j], c->all / 64);
            long v = W_LEVEL_ZERO + lround(t->step * log2(m / c->all));
            c->levels.level[a][j] = (uint8_t)(v < 0 ? 0 : v > W_LEVEL_MAX ? W_LEVEL_MAX : v);
        }
    }
}

static void histogram(encoder *c) {
    const w_plane *p = c->p;
    size_t width = c->len[1] * c->len[2], k = 0;
    memset(c->hist, 0, HIST * sizeof *c->hist);
    for (size_t r = 0; r < c->len[0]; r++) {
        const uint8_t *mask = p->mask ? p->mask + r * width : NULL;
        w_levels_row(&c->levels, &p->axes, r, c->row);
        for (size_t j = 0; j < width; j++) {
            if (!mask || mask[j]) c->hist[c->row[j] * 256u + p->sym[k++]]++;
        }
    }
}

/* About what a stream with these counts takes, table included. */
static double stream_cost(const uint32_t *count, size_t n) {
    double sum = 0, total = 0;
    unsigned present = 0;
    for (size_t i = 0; i < n; i++) {
        if (!count[i]) continue;
        present++, total += count[i];
        sum -= count[i] * log2(count[i]);
    }
    if (total == 0) return 0;
    if (present == 1) return 5;
    return (sum + total * log2(total)) / 8 + 14 + 0.35 * present + (total >= 8192 ? 12 : 0);
}

static double level_cost(const encoder *c, unsigned mask) {
    double cost = mask ? 1 : 0;
    for (int a = 0; a < 3; a++) {
        uint32_t count[16] = {0};
        if (!(mask >> a & 1)) continue;
        for (size_t j = 0; j < c->len[a]; j++) count[c->levels.level[a][j]]++;
        cost += stream_cost(count, 16);
    }
    return cost;
}

/* Folds the lowest bit of every histogram away. */
static void fold(uint32_t *hist) {
    for (size_t k = 0; k < W_WEIR_MAX_CONTEXTS; k++) {
        for (size_t i = 0; i < 128; i++) hist[k * 256 + i] = hist[k * 256 + 2 * i] + hist[k * 256 + 2 * i + 1];
        memset(hist + k * 256 + 128, 0, 128 * sizeof *hist);
    }
}

/* Sets t->low and t->cost to the best for its contexts. */
static void estimate(encoder *c, trial *t) {
    fit_levels(c, t);
    histogram(c);
    double side = level_cost(c, t->mask);
    t->cost = INFINITY;
    for (unsigned low = 0; low <= 3; low++, fold(c->hist)) {
        double cost = side + (low ? (double)c->p->n * low / 8 + 5 : 0);
        for (unsigned k = 0; k < t->contexts; k++) cost += stream_cost(c->hist + k * 256, 256);
        if (cost < t->cost) t->cost = cost, t->low = low;
    }
}

static trial best_trial(encoder *c) {
    static const struct { uint8_t step, contexts; } scale[] = {{2, 8}, {1, 2}, {1, 4}, {1, 8}, {2, 2}, {2, 4}, {2, 16}, {3, 4}, {3, 8}, {4, 16}, {4, 32}};
    unsigned can = (c->len[0] > 1) | (c->len[1] > 1) << 1 | (c->len[2] > 1) << 2;
    size_t scales = c->p->n > MANY ? 1 : W_COUNT(scale);
    trial best = {.cost = INFINITY};
    for (unsigned mask = 1; mask < 8; mask++) {
        if (mask & ~can) continue;
        for (size_t s = 0; s < scales; s++) {
            trial t = {.mask = mask, .contexts = scale[s].contexts, .step = scale[s].step};
            estimate(c, &t);
            if (t.cost < best.cost) best = t;
        }
    }
    return best;
}

static void put_low(encoder *c, w_wbuf *out, unsigned low) {
    for (size_t i = 0; i < c->p->n; i++) c->split[i] = c->p->sym[i] & ((1u << low) - 1);
    put_stream(c, out, c->split, c->p->n);
}

static void put_contexts(encoder *c, w_wbuf *out, const trial *t) {
    const w_plane *p = c->p;
    size_t start[W_WEIR_MAX_CONTEXTS + 1] = {0}, at[W_WEIR_MAX_CONTEXTS], width = c->len[1] * c->len[2], k = 0;
    histogram(c);
    for (unsigned x = 0; x < t->contexts; x++) {
        at[x] = start[x + 1] = start[x];
        for (unsigned i = 0; i < 256; i++) start[x + 1] += c->hist[x * 256 + i];
    }
    for (size_t r = 0; r < c->len[0]; r++) {
        const uint8_t *mask = p->mask ? p->mask + r * width : NULL;
        w_levels_row(&c->levels, &p->axes, r, c->row);
        for (size_t j = 0; j < width; j++) {
            if (!mask || mask[j]) c->split[at[c->row[j]]++] = (uint8_t)(p->sym[k++] >> t->low);
        }
    }
    for (unsigned x = 0; x < t->contexts; x++) {
        if (start[x + 1] > start[x]) put_stream(c, out, c->split + start[x], start[x + 1] - start[x]);
    }
}

static void put_plane(encoder *c, w_wbuf *out, const trial *t) {
    fit_levels(c, t);
    w_put_u8(out, (uint8_t)(t->mask | t->low << 3));
    if (t->mask) w_put_u8(out, (uint8_t)t->contexts);
    for (int a = 0; a < 3; a++) {
        if (t->mask >> a & 1) put_stream(c, out, c->levels.level[a], c->len[a]);
    }
    if (t->low) put_low(c, out, t->low);
    put_contexts(c, out, t);
}

static weir_status encode_best(encoder *c, w_wbuf *out) {
    trial plain = {.contexts = 1, .step = 1};
    w_wbuf other = {.ctx = c->ctx};
    size_t start = out->n;
    if (!c->p->ans) {
        put_plane(c, out, &plain);
        return out->bad ? w_oom(c->e, c->p->n, "a coded tensor") : WEIR_OK;
    }
    estimate(c, &plain);
    put_plane(c, out, &plain);
    if (c->p->magnitude && c->p->n > 64) {
        means(c);
        trial t = c->all > 0 ? best_trial(c) : plain;
        if (t.cost < plain.cost) put_plane(c, &other, &t);
    }
    if (other.n && !other.bad && other.n < out->n - start && !out->bad) {
        out->n = start;
        w_put_bytes(out, other.p, other.n);
    }
    out->bad = out->bad || other.bad;
    w_wbuf_fini(&other);
    return out->bad ? w_oom(c->e, c->p->n, "a coded tensor") : WEIR_OK;
}

weir_status w_plane_encode(w_wbuf *out, const w_plane *p, weir_error *e) {
    encoder c = {.ctx = out->ctx, .p = p, .len = {p->axes.rows, p->axes.cols, p->axes.pos}, .e = e};
    w_arena a;
    w_arena_init(&a, out->ctx);
    bool ok = true;
    for (int k = 0; k < 3; k++) {
        ok = ok && (c.mean[k] = w_arena_array(&a, c.len[k], sizeof(double))) != NULL;
        ok = ok && (c.levels.level[k] = w_arena_alloc(&a, c.len[k])) != NULL;
    }
    size_t longest = W_MAX(p->total, c.len[0] + c.len[1] + c.len[2]);
    ok = ok && (c.row = w_arena_alloc(&a, c.len[1] * c.len[2])) && (c.hist = w_arena_array(&a, HIST, sizeof *c.hist));
    ok = ok && (c.split = w_arena_alloc(&a, p->n + 1)) && (c.coded = w_arena_alloc(&a, w_ans_bound(longest)));
    weir_status st = ok ? encode_best(&c, out) : w_oom(e, longest, "coding a tensor");
    w_arena_fini(&a);
    return st;
}

/* ---- decoding ---- */

typedef struct decoder {
    w_rbuf *in;
    const w_axes *axes;
    const uint8_t *mask;
    uint8_t *sym;
    size_t n;
    unsigned low;
    w_levels levels;
    uint8_t *row, *split;
    size_t start[W_WEIR_MAX_CONTEXTS + 1];
    weir_error *e;
} decoder;

static weir_status get_stream(decoder *d, uint8_t *sym, size_t n) {
    size_t size = w_get_count(d->in, 1);
    const uint8_t *p = w_get_bytes(d->in, size);
    if (!p) return w_fail(d->e, WEIR_BAD_INPUT, "a coded stream ends early");
    return w_ans_decode(p, size, sym, n, d->e);
}

static weir_status get_levels(decoder *d, w_arena *a) {
    size_t len[3] = {d->axes->rows, d->axes->cols, d->axes->pos};
    for (int k = 0; k < 3; k++) {
        if (!(d->levels.mask >> k & 1)) continue;
        d->levels.level[k] = w_arena_alloc(a, len[k]);
        if (!d->levels.level[k]) return w_oom(d->e, len[k], "the levels of a coded tensor");
        W_TRY(get_stream(d, d->levels.level[k], len[k]));
        for (size_t j = 0; j < len[k]; j++) {
            if (d->levels.level[k][j] > W_LEVEL_MAX) return w_fail(d->e, WEIR_BAD_INPUT, "a level is %u, at most %d", d->levels.level[k][j], W_LEVEL_MAX);
        }
    }
    return WEIR_OK;
}

static void count_contexts(decoder *d) {
    size_t width = d->axes->cols * d->axes->pos, count[W_WEIR_MAX_CONTEXTS] = {0};
    for (size_t r = 0; r < d->axes->rows; r++) {
        const uint8_t *mask = d->mask ? d->mask + r * width : NULL;
        w_levels_row(&d->levels, d->axes, r, d->row);
        for (size_t j = 0; j < width; j++) count[d->row[j]] += !mask || mask[j];
    }
    for (unsigned x = 0; x < d->levels.contexts; x++) d->start[x + 1] = d->start[x] + count[x];
}

static weir_status merge_contexts(decoder *d, const uint8_t *lows) {
    size_t width = d->axes->cols * d->axes->pos, k = 0;
    for (size_t r = 0; r < d->axes->rows; r++) {
        const uint8_t *mask = d->mask ? d->mask + r * width : NULL;
        w_levels_row(&d->levels, d->axes, r, d->row);
        for (size_t j = 0; j < width; j++) {
            if (mask && !mask[j]) continue;
            unsigned s = d->split[d->start[d->row[j]]++];
            if (s >> (8 - d->low)) return w_fail(d->e, WEIR_BAD_INPUT, "a coded symbol is %u with %u low bits", s, d->low);
            d->sym[k] = (uint8_t)(s << d->low | (lows ? lows[k] & ((1u << d->low) - 1) : 0));
            k++;
        }
    }
    return WEIR_OK;
}

static weir_status decode(decoder *d, w_arena *a) {
    uint8_t head = w_get_u8(d->in);
    d->levels.mask = head & 7, d->low = head >> 3 & 3;
    d->levels.contexts = d->levels.mask ? w_get_u8(d->in) : 1;
    if (d->in->bad || head >> 5 || d->levels.contexts < (d->levels.mask ? 2u : 1u) || d->levels.contexts > W_WEIR_MAX_CONTEXTS) {
        return w_fail(d->e, WEIR_BAD_INPUT, "the head of a coded plane is wrong");
    }
    W_TRY(get_levels(d, a));
    uint8_t *lows = d->low ? w_arena_alloc(a, d->n) : NULL;
    d->split = w_arena_alloc(a, d->n);
    d->row = w_arena_alloc(a, d->axes->cols * d->axes->pos);
    if (!d->split || !d->row || (d->low && !lows)) return w_oom(d->e, d->n, "decoding a tensor");
    if (lows) W_TRY(get_stream(d, lows, d->n));
    count_contexts(d);
    for (unsigned x = 0; x < d->levels.contexts; x++) {
        if (d->start[x + 1] > d->start[x]) W_TRY(get_stream(d, d->split + d->start[x], d->start[x + 1] - d->start[x]));
    }
    return merge_contexts(d, lows);
}

weir_status w_plane_decode(weir_context *ctx, w_rbuf *in, const w_axes *axes, size_t total, const uint8_t *mask, uint8_t *sym, size_t n, weir_error *e) {
    decoder d = {.in = in, .axes = axes, .mask = mask, .sym = sym, .n = n, .e = e};
    w_arena a;
    if (n == 0) return WEIR_OK;
    w_arena_init(&a, ctx);
    weir_status st = decode(&d, &a);
    w_arena_fini(&a);
    return st;
}
