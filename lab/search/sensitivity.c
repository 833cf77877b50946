/* Sensitivity: what each rung of each ladder costs and saves alone. The divergence of the class probabilities is the
 * measure, since it is smooth where top-1 of a few thousand samples only steps. */
#include "search.h"
#include <math.h>

#define NOTHING_GONE 0.005 /* share of a layer's weights: below it, elements went with a bias or a scale */

static double stored_bits(const w_layer *l) {
    bool coded = false;
    for (size_t k = 0; w_techniques[k]; k++) coded = coded || (w_techniques[k]->lossless && l->ladder[k].technique);
    return (coded ? 28.8 : 32) * l->weights; /* exponents of float weights are what a coder finds */
}

/* From the change of the whole file to what the rung does to this layer's weights. */
static void describe(const w_search *s, const w_layer *l, const w_trial *t, w_rung *r) {
    double w = W_MAX(l->weights, 1), stored = stored_bits(l);
    r->gone = s->base.elements - t->stock.elements;
    if (fabs(r->gone) < NOTHING_GONE * w) r->gone = 0;
    r->zeros = r->gone == 0 ? fmin(fmax((t->stock.zeros - s->base.zeros) / w, 0), 1) : 0;
    r->symbol_bits = r->gone == 0 && r->zeros == 0 ? fmax(stored - r->saved_bits, 0) / w : stored / w;
}

static weir_status measure_rung(w_search *s, const w_layer *l, size_t k, size_t at, weir_error *e) {
    w_trial t;
    w_rung *r = &l->ladder[k].rung[at];
    w_choice *c = w_choice_new(s);
    if (!c) return w_oom(e, s->nlayer * W_LADDERS, "the search");
    c[(size_t)(l - s->layer) * W_LADDERS + k] = (w_choice)at;
    json_t *recipe = w_choice_recipe(s, c, W_RECIPE_PLAIN);
    if (!recipe) return w_oom(e, 0, "a recipe");
    weir_status st = w_trial_run(s, recipe, W_SET_QUICK, &t, e);
    json_decref(recipe);
    if (st != WEIR_OK) return w_fail_prefix(e, st, "layer '%s'", l->label);
    r->measured = true;
    r->kl = fmax(t.p.kl - s->base_kl, 0);
    r->drop = w_paired_drop(&t.p) - s->base_drop;
    r->saved_bits = s->base.bits - t.stock.bits;
    r->saved_s = s->base_s - t.predicted_s;
    r->saved_dram = s->base_dram - t.dram_bytes;
    describe(s, l, &t, r);
    return WEIR_OK;
}

/* Harsher rungs of a ladder are not measured once one is hopeless by itself. */
static bool worth_measuring(const w_search *s, const w_ladder *d, size_t at) {
    double hopeless = W_MAX(4 * s->limit, 2.0);
    if (!d->technique || d->technique->lossless || d->fixed || d->shelved || at >= d->n || d->rung[at].measured) return false;
    return at == 0 || (d->rung[at - 1].measured && d->rung[at - 1].drop <= hopeless);
}

/* Rung `at` of every ladder: when time is short, all layers have their mild settings before one has its harsh ones. */
static weir_status measure_row(w_search *s, size_t at, size_t rows, double until, weir_error *e) {
    for (size_t i = 0; i < s->nlayer; i++) {
        w_progress(s->ctx, "sensitivity", (double)(at * s->nlayer + i), (double)(rows * s->nlayer));
        for (size_t k = 0; w_techniques[k]; k++) {
            if (w_search_used(s) > until || !worth_measuring(s, &s->layer[i].ladder[k], at)) continue;
            W_TRY(measure_rung(s, &s->layer[i], k, at, e));
        }
    }
    return WEIR_OK;
}

static size_t longest_ladder(const w_search *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->nlayer; i++)
        for (size_t k = 0; k < W_LADDERS; k++) n = W_MAX(n, s->layer[i].ladder[k].n);
    return n;
}

weir_status w_sensitivity(w_search *s, double until, weir_error *e) {
    size_t rows = longest_ladder(s);
    for (size_t at = 0; at < rows; at++) W_TRY(measure_row(s, at, rows, until, e));
    w_progress(s->ctx, "sensitivity", 1, 1);
    return WEIR_OK;
}
