/* Histograms of each layer's weights before and after, and of the error between them, for the report.
 *
 * Layers are matched by label. Zeros are counted apart: pruning would otherwise hide every other value behind one bar. */
#include "search.h"
#include <math.h>
#include <string.h>

#define BINS 48

typedef struct layer { const float *w; size_t n; const w_shape *shape; } layer; /* w NULL: not there */
typedef struct span { double lo, hi; } span;
typedef double (*pick_fn)(const layer *l, size_t i);

/* The node with weights of that label, or NULL. */
static const w_node *find(const w_graph *g, const char *label) {
    for (w_id i = 0; i < g->nnode; i++) {
        const w_node *n = &g->node[i];
        if (n->op != W_OP_NONE && w_node_has_weights(g, n) && strcmp(w_node_label(g, n), label) == 0) return n;
    }
    return NULL;
}

/* The layer's weights as real numbers; w stays NULL where the graph has no such layer. */
static weir_status read_layer(const w_graph *g, const char *label, w_arena *a, layer *out, weir_error *e) {
    const w_node *n = find(g, label);
    float *w;
    if (!n) return WEIR_OK;
    W_TRY(w_const_f32(g, n->in[1], a, &w, &out->n, e));
    out->w = w;
    out->shape = &g->value[n->in[1]].shape;
    return WEIR_OK;
}

static double weight_at(const layer *l, size_t i) { return l[0].w[i]; }
static double error_at(const layer *l, size_t i) { return (double)l[1].w[i] - l[0].w[i]; }

static void widen(const layer *l, pick_fn at, span *s) {
    for (size_t i = 0; i < l->n; i++) {
        double x = at(l, i);
        if (!isfinite(x)) continue;
        s->lo = fmin(s->lo, x);
        s->hi = fmax(s->hi, x);
    }
}

static size_t bin_of(double x, const span *s) {
    double at = s->hi > s->lo ? (x - s->lo) / (s->hi - s->lo) * BINS : 0;
    return at < BINS ? (size_t)at : BINS - 1;
}

/* Counts by bin; exact zeros go to *zeros when it is not NULL. */
static void put_counts(w_doc *d, json_t *o, const char *key, const layer *l, pick_fn at, const span *s, size_t *zeros) {
    size_t count[BINS] = {0};
    for (size_t i = 0; i < l->n; i++) {
        double x = at(l, i);
        if (zeros && x == 0) ++*zeros;
        else if (isfinite(x)) count[bin_of(x, s)]++;
    }
    json_t *a = w_doc_arr(d, o, key);
    for (size_t i = 0; i < BINS; i++) w_doc_int(d, a, NULL, (int64_t)count[i]);
}

static void put_side(w_doc *d, json_t *o, const char *key, const layer *l, const span *s, json_t *zeros) {
    size_t z = 0;
    if (!l->w) {
        w_doc_null(d, o, key);
        w_doc_null(d, zeros, key);
        return;
    }
    put_counts(d, o, key, l, weight_at, s, &z);
    w_doc_int(d, zeros, key, (int64_t)z);
}

/* sides[0] before, sides[1] after, of the same shape. */
static void put_error(w_doc *d, json_t *o, const layer sides[2]) {
    span s = {INFINITY, -INFINITY};
    double squares = 0;
    widen(sides, error_at, &s);
    if (!(s.hi >= s.lo)) {
        w_doc_null(d, o, "error");
        return;
    }
    for (size_t i = 0; i < sides->n; i++) squares += error_at(sides, i) * error_at(sides, i);
    json_t *err = w_doc_obj(d, o, "error");
    w_doc_num(d, err, "lo", s.lo);
    w_doc_num(d, err, "hi", s.hi);
    w_doc_num(d, err, "rms", sqrt(squares / (double)sides->n));
    put_counts(d, err, "counts", sides, error_at, &s, NULL);
}

static weir_status put_layer(w_doc *d, json_t *list, const w_graph *before, const w_graph *after, const char *label, w_arena *a, weir_error *e) {
    layer side[2] = {{0}};
    W_TRY(read_layer(before, label, a, &side[0], e));
    W_TRY(read_layer(after, label, a, &side[1], e));
    json_t *o = w_doc_obj(d, list, NULL);
    span s = {INFINITY, -INFINITY};
    for (int k = 0; k < 2; k++) widen(&side[k], weight_at, &s);
    w_doc_str(d, o, "name", label);
    w_doc_num(d, o, "lo", s.lo);
    w_doc_num(d, o, "hi", s.hi);
    json_t *count = w_doc_obj(d, o, "count"), *zeros = w_doc_obj(d, o, "zeros");
    w_doc_int(d, count, "before", (int64_t)side[0].n);
    w_doc_int(d, count, "after", (int64_t)side[1].n);
    put_side(d, o, "before", &side[0], &s, zeros);
    put_side(d, o, "after", &side[1], &s, zeros);
    if (side[0].w && side[1].w && w_shape_equal(side[0].shape, side[1].shape)) put_error(d, o, side);
    else w_doc_null(d, o, "error");
    return WEIR_OK;
}

/* Layers of `g`, without those that `earlier` (may be NULL) has as well. */
static weir_status put_layers(w_doc *d, json_t *list, const w_graph *g, const w_graph *earlier, const w_graph *before, const w_graph *after, weir_error *e) {
    for (w_id i = 0; i < g->nnode; i++) {
        w_arena a;
        if (g->node[i].op == W_OP_NONE || !w_node_has_weights(g, &g->node[i])) continue;
        const char *label = w_node_label(g, &g->node[i]);
        if (earlier && find(earlier, label)) continue;
        w_arena_init(&a, g->ctx);
        weir_status st = put_layer(d, list, before, after, label, &a, e);
        w_arena_fini(&a);
        W_TRY(st);
    }
    return WEIR_OK;
}

weir_status w_histograms(w_doc *d, const w_graph *before, const w_graph *after, weir_error *e) {
    json_t *list = w_doc_arr(d, d->root, "weights");
    W_TRY(put_layers(d, list, before, NULL, before, after, e));
    return put_layers(d, list, after, before, before, after, e);
}
