/* Choosing settings for all layers at once: least cost for a budget of divergence.
 *
 * Divergences of layers nearly add up, so the choice is a sum of choices: each layer has its lower convex hull of (divergence,
 * cost) over all combinations of its ladders, and the hulls' edges are taken steepest first until the budget is used up:
 * what one multiplier (Everett, Operations Research 11, 1963) would choose at every price, in one walk. */
#include "search.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAME 1e-6          /* share of the float network's time or bytes: less is no difference */
#define COMBINATIONS 40000  /* of one layer; beyond it the last techniques' rungs are thinned out */

typedef struct combo { double kl, cost, run /* share of the float network's time or bytes */; w_choice at[W_LADDERS]; } combo;
typedef struct edge { double steep, kl; size_t layer, to; } edge;
typedef struct hulls { weir_context *ctx; combo **hull; size_t *n, *cap; edge *edge; size_t nedge; } hulls;

static double entropy(double p) { return p <= 0 || p >= 1 ? 0 : -p * log2(p) - (1 - p) * log2(1 - p); }

/* Bits of a layer's weights: what is known of each technique alone, put together. Shares that stay multiply, the coarsest
 * symbols win, and weights that are gone count among the zeros that pruning asks for. Elements beyond the layer's own, which
 * go where its channels are read, count as if they were its own. */
static double layer_bits(const w_layer *l, const w_choice *at) {
    double stay = 1, beyond = 0, dense = 1, symbol = INFINITY;
    for (size_t k = 0; k < W_LADDERS; k++) {
        const w_ladder *d = &l->ladder[k];
        if (at[k] < 0 || !d->technique || d->technique->lossless || d->fixed) continue;
        const w_rung *r = &d->rung[at[k]];
        stay *= 1 - fmin(r->gone / W_MAX(l->weights, 1), 1);
        beyond += fmax(r->gone - l->weights, 0);
        dense *= 1 - r->zeros;
        symbol = fmin(symbol, r->symbol_bits);
    }
    dense = stay > dense ? dense / stay : 1;
    double weight = isfinite(symbol) ? fmin(symbol, entropy(dense) + dense * symbol) : 28.8;
    return weight * (l->weights * stay - beyond);
}

/* Savings of time and divergences add up. */
static combo price_combo(const w_search *s, const w_aim *a, const w_layer *l, const w_choice *at) {
    combo c = {0};
    double seconds = 0, dram = 0;
    memcpy(c.at, at, sizeof c.at);
    for (size_t k = 0; k < W_LADDERS; k++) {
        const w_ladder *d = &l->ladder[k];
        if (!d->technique || d->technique->lossless || d->fixed) continue;
        seconds += at[k] < 0 ? d->off_seconds : d->rung[at[k]].seconds;
        dram += at[k] < 0 ? d->off_dram : d->rung[at[k]].dram;
        c.kl += at[k] < 0 ? 0 : d->rung[at[k]].kl;
    }
    c.run = w_objective(s) == W_OBJECTIVE_BYTES ? dram / s->base_dram : seconds / s->base_s;
    c.cost = a->time * seconds / s->base_s + a->dram * dram / s->base_dram + a->file * layer_bits(l, at) / s->base.bits;
    return c;
}

static bool usable(const w_aim *a, const w_ladder *d, size_t k) {
    return d->technique && !d->technique->lossless && !d->fixed && !d->shelved && (d->files_only || (a->allowed >> k & 1));
}

/* The next combination, like a counter whose digits are the ladders; false after the last. */
static bool advance(const w_aim *a, const w_layer *l, w_choice *at) {
    for (size_t k = 0; k < W_LADDERS; k++) {
        const w_ladder *d = &l->ladder[k];
        if (!usable(a, d, k)) continue;
        if ((size_t)(at[k] + 1) < d->n && d->rung[at[k] + 1].measured) return at[k]++, true;
        at[k] = W_OFF;
    }
    return false;
}

static bool allowed_together(const w_layer *l, const w_choice *at) {
    int recoders = 0;
    for (size_t k = 0; k < W_LADDERS; k++) recoders += at[k] >= 0 && l->ladder[k].technique->recodes;
    return recoders <= 1;
}

static int by_kl(const void *x, const void *y) {
    const combo *a = x, *b = y;
    if (a->kl != b->kl) return a->kl < b->kl ? -1 : 1;
    if (a->cost != b->cost) return a->cost < b->cost ? -1 : 1;
    return memcmp(a->at, b->at, sizeof a->at);
}

static double slope(const combo *a, const combo *b) { return (a->cost - b->cost) / (b->kl - a->kl); }

/* Sorted combinations to their lower convex hull, in place; returns how many remain. */
static size_t hull_of(combo *c, size_t n) {
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (m > 0 && c[i].cost >= c[m - 1].cost) continue;
        if (m > 0 && c[i].kl <= c[m - 1].kl) m--;
        while (m > 1 && slope(&c[m - 2], &c[m - 1]) <= slope(&c[m - 1], &c[i])) m--;
        c[m++] = c[i];
    }
    return m;
}

static weir_status add_combo(hulls *h, size_t i, size_t n, const combo *c, weir_error *e) {
    if (!w_grow(h->ctx, (void **)&h->hull[i], sizeof *c, &h->cap[i], n + 1)) return w_oom(e, n * sizeof *c, "the search");
    h->hull[i][n] = *c;
    return WEIR_OK;
}

static weir_status layer_hull(w_search *s, const w_aim *a, hulls *h, size_t i, const w_choice *start, weir_error *e) {
    const w_layer *l = &s->layer[i];
    w_choice at[W_LADDERS];
    size_t n = 0;
    double most = INFINITY;
    memcpy(at, start + i * W_LADDERS, sizeof at);
    if (a->as_fast_as) { /* itself comes first, so that the hull is never empty */
        combo c = price_combo(s, a, l, a->as_fast_as + i * W_LADDERS);
        most = c.run + SAME;
        W_TRY(add_combo(h, i, n++, &c, e));
    }
    do {
        combo c = price_combo(s, a, l, at);
        if (allowed_together(l, at) && c.run <= most) W_TRY(add_combo(h, i, n++, &c, e));
    } while (n < COMBINATIONS && advance(a, l, at));
    qsort(h->hull[i], n, sizeof(combo), by_kl);
    h->n[i] = hull_of(h->hull[i], n);
    return WEIR_OK;
}

static int steepest_first(const void *x, const void *y) {
    const edge *a = x, *b = y;
    if (a->steep != b->steep) return a->steep > b->steep ? -1 : 1;
    if (a->layer != b->layer) return a->layer < b->layer ? -1 : 1;
    return (a->to > b->to) - (a->to < b->to);
}

static weir_status collect_edges(w_search *s, hulls *h, weir_error *e) {
    size_t n = 0, at = 0;
    for (size_t i = 0; i < s->nlayer; i++) n += h->n[i];
    h->nedge = n + 1;
    h->edge = w_calloc(h->ctx, h->nedge, sizeof *h->edge);
    if (!h->edge) return w_oom(e, n * sizeof *h->edge, "the search");
    for (size_t i = 0; i < s->nlayer; i++)
        for (size_t k = 1; k < h->n[i]; k++) {
            const combo *c = h->hull[i];
            h->edge[at++] = (edge){slope(&c[k - 1], &c[k]), c[k].kl - c[k - 1].kl, i, k};
        }
    qsort(h->edge, at, sizeof *h->edge, steepest_first);
    h->nedge = at;
    return WEIR_OK;
}

/* An edge that does not fit ends its layer; cheaper edges of others may still fit. */
static void walk(const w_search *s, const hulls *h, double kl, w_choice *out, bool *ended) {
    double used = 0;
    for (size_t i = 0; i < s->nlayer; i++) {
        used += h->hull[i][0].kl;
        memcpy(out + i * W_LADDERS, h->hull[i][0].at, sizeof h->hull[i][0].at);
    }
    for (size_t n = 0; n < h->nedge; n++) {
        const edge *x = &h->edge[n];
        if (ended[x->layer]) continue;
        if (used + x->kl > kl) {
            ended[x->layer] = true;
            continue;
        }
        used += x->kl;
        memcpy(out + x->layer * W_LADDERS, h->hull[x->layer][x->to].at, sizeof h->hull[0][0].at);
    }
}

static void hulls_free(const w_search *s, hulls *h, size_t capacity) {
    for (size_t i = 0; h->hull && h->cap && i < s->nlayer; i++) w_free(h->ctx, h->hull[i], h->cap[i] * sizeof(combo));
    w_free(h->ctx, h->hull, s->nlayer * sizeof *h->hull);
    w_free(h->ctx, h->n, s->nlayer * sizeof *h->n);
    w_free(h->ctx, h->cap, s->nlayer * sizeof *h->cap);
    w_free(h->ctx, h->edge, capacity * sizeof *h->edge);
}

weir_status w_choose(w_search *s, const w_aim *a, double kl, w_choice *out, weir_error *e) {
    hulls h = {.ctx = s->ctx};
    h.hull = w_calloc(s->ctx, s->nlayer, sizeof *h.hull);
    h.n = w_calloc(s->ctx, s->nlayer, sizeof *h.n);
    h.cap = w_calloc(s->ctx, s->nlayer, sizeof *h.cap);
    bool *ended = w_calloc(s->ctx, s->nlayer, sizeof *ended);
    const w_choice *start = w_choice_new(s);
    weir_status st = h.hull && h.n && h.cap && ended && start ? WEIR_OK : w_oom(e, s->nlayer * sizeof(void *), "the search");
    for (size_t i = 0; st == WEIR_OK && i < s->nlayer; i++) st = layer_hull(s, a, &h, i, start, e);
    size_t capacity = 1;
    for (size_t i = 0; h.n && i < s->nlayer; i++) capacity += h.n[i];
    if (st == WEIR_OK) st = collect_edges(s, &h, e);
    if (st == WEIR_OK) walk(s, &h, kl, out, ended);
    if (ended) w_free(s->ctx, ended, s->nlayer * sizeof *ended);
    hulls_free(s, &h, capacity);
    return st;
}
