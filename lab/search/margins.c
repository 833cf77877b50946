/* What a recipe will cost on the evaluation data, without running it there: two halves that meet in the margin of a sample,
 * by how much the float network prefers its class to the next one.
 *
 *  - The search samples tell how often the recipe moves a sample to another class, by margin.
 *  - The float network alone, on the evaluation samples, tells how many there are of each margin, and what a move costs: one
 *    where it was right, less one where the next class is. By labels, since a network's near decisions are luckier on some
 *    data than on other, and what moves them only takes that away.
 *
 * Bins hold shares of the search samples, narrow where margins are small, so that no scale of the outputs matters. Both parts
 * are remembered in the trial store. Decision 10 has the figures. */
#include "search.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define WIDEST 0.7   /* share of the samples below the last bin */
#define NARROWER 0.75 /* below each bin, of the share below the next */

static const char *const names[W_MARGINS + 1] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", NULL};

json_t *w_margins_json(const double x[W_MARGINS]) {
    json_t *o = json_object();
    for (size_t k = 0; o && k < W_MARGINS; k++)
        if (json_object_set_new(o, names[k], json_real(x[k]))) json_decref(o), o = NULL;
    return o;
}

weir_status w_margins_from(const w_search *s, const char *key, const json_t *value, double out[W_MARGINS], weir_error *e) {
    W_TRY(w_store_numbers(s->store, key, value, names, e));
    for (size_t k = 0; k < W_MARGINS; k++) out[k] = json_number_value(json_object_get(value, names[k]));
    return WEIR_OK;
}

/* The best class and the one after it. */
static double margin_of(const w_outputs *o, size_t i, int32_t *best, int32_t *next) {
    const float *x = o->logit + i * o->classes;
    *best = w_outputs_class(o, i);
    *next = *best;
    for (size_t k = 0; k < o->classes; k++)
        if ((int32_t)k != *best && (*next == *best || x[k] > x[*next])) *next = (int32_t)k;
    double margin = (double)x[*best] - x[*next];
    return margin >= 0 ? fmin(margin, DBL_MAX) : 0; /* a NaN is no preference */
}

static size_t bin_of(const double edge[W_MARGINS], double margin) {
    size_t b = W_MARGINS - 1;
    while (b > 0 && !(margin >= edge[b])) b--;
    return b;
}

static int ascending(const void *x, const void *y) {
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

weir_status w_margin_edges(weir_context *ctx, const w_outputs *base, double edge[W_MARGINS], weir_error *e) {
    double *m = w_calloc(ctx, base->n, sizeof *m), below = WIDEST;
    int32_t best, next;
    if (!m) return w_oom(e, base->n * sizeof *m, "margins");
    for (size_t i = 0; i < base->n; i++) m[i] = margin_of(base, i, &best, &next);
    qsort(m, base->n, sizeof *m, ascending);
    for (size_t b = W_MARGINS - 1; b > 0; b--, below *= NARROWER) edge[b] = m[(size_t)(below * (double)(base->n - 1))];
    edge[0] = 0;
    w_free(ctx, m, base->n * sizeof *m);
    return WEIR_OK;
}

void w_margin_rates(const w_outputs *base, const w_outputs *now, const double edge[W_MARGINS], double rate[W_MARGINS]) {
    size_t n[W_MARGINS] = {0}, moved[W_MARGINS] = {0}, all = 0;
    int32_t best, next;
    for (size_t i = 0; i < base->n; i++) {
        size_t b = bin_of(edge, margin_of(base, i, &best, &next));
        bool moves = w_outputs_class(now, i) != best;
        n[b]++;
        moved[b] += moves;
        all += moves;
    }
    for (size_t b = 0; b < W_MARGINS; b++) { /* with few samples a bin may be empty */
        double before = b ? rate[b - 1] : (double)all / (double)base->n;
        rate[b] = n[b] ? (double)moved[b] / (double)n[b] : before;
    }
}

void w_margin_worth(const w_outputs *base, const double edge[W_MARGINS], double worth[W_MARGINS]) {
    int32_t best, next;
    for (size_t b = 0; b < W_MARGINS; b++) worth[b] = 0;
    for (size_t i = 0; i < base->n; i++) {
        size_t b = bin_of(edge, margin_of(base, i, &best, &next));
        worth[b] += 100.0 / (double)base->n * ((best == base->label[i]) - (next == base->label[i] && next != best));
    }
}

/* Calls `make` unless the store knows the numbers. */
typedef weir_status make_fn(w_search *s, double out[W_MARGINS], weir_error *e);
static weir_status recall(w_search *s, const char *key, make_fn *make, double out[W_MARGINS], weir_error *e) {
    json_t *known;
    W_TRY(w_store_get(s->store, key, &known, e));
    if (known) {
        weir_status st = w_margins_from(s, key, known, out, e);
        json_decref(known);
        return st;
    }
    W_TRY(make(s, out, e));
    json_t *j = w_margins_json(out);
    weir_status st = j ? w_store_put(s->store, key, j, e) : w_oom(e, 0, "margins");
    json_decref(j);
    return st;
}

static weir_status make_edges(w_search *s, double out[W_MARGINS], weir_error *e) {
    const w_outputs *base;
    W_TRY(w_base_outputs(s, W_SET_FULL, &base, e));
    return w_margin_edges(s->ctx, base, out, e);
}

static weir_status make_worth(w_search *s, double out[W_MARGINS], weir_error *e) {
    const w_outputs *base;
    W_TRY(w_base_outputs(s, W_SET_VERIFY, &base, e));
    w_margin_worth(base, s->margin, out);
    return WEIR_OK;
}

weir_status w_search_margins(w_search *s, weir_error *e) {
    char edges[40], worth[60];
    snprintf(edges, sizeof edges, "margins-%016llx", (unsigned long long)s->identity);
    snprintf(worth, sizeof worth, "worth-%016llx-%016llx", (unsigned long long)s->identity, (unsigned long long)s->looked_at);
    w_progress(s->ctx, "baseline", 0, 1);
    W_TRY(recall(s, edges, make_edges, s->margin, e));
    W_TRY(recall(s, worth, make_worth, s->worth, e));
    w_progress(s->ctx, "baseline", 1, 1);
    return WEIR_OK;
}
