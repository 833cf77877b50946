/* Sensitivity: what each rung of each ladder costs and saves alone. The divergence of the class probabilities is the
 * measure, since it is smooth where top-1 of a few thousand samples only steps. */
#include "search.h"
#include <math.h>
#include <stdio.h>

#define NOTHING_GONE 0.005 /* share of a layer's weights: below it, elements went with a bias or a scale */

static double stored_bits(const w_search *s, const w_layer *l) {
    bool coded = false;
    for (size_t k = 0; w_techniques[k]; k++) coded = coded || (w_techniques[k]->lossless && l->ladder[k].technique);
    (void)s;
    return (coded ? 28.8 : 32) * l->weights; /* exponents of float weights are what a coder finds */
}

/* From the change of the whole file to what the rung does to this layer's weights. */
static void describe(const w_search *s, const w_layer *l, const w_trial *t, w_rung *r) {
    double w = W_MAX(l->weights, 1), stored = stored_bits(s, l);
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
    weir_status st = w_trial_run(s, recipe, false, &t, e);
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
static weir_status measure_ladder(w_search *s, const w_layer *l, size_t k, weir_error *e) {
    double hopeless = W_MAX(4 * s->limit, 2.0);
    const w_ladder *d = &l->ladder[k];
    for (size_t i = 0; i < d->n && !w_search_expired(s); i++) {
        if (!d->rung[i].measured) W_TRY(measure_rung(s, l, k, i, e));
        if (d->rung[i].drop > hopeless && !d->fixed) break;
    }
    return WEIR_OK;
}

weir_status w_sensitivity(w_search *s, weir_error *e) {
    for (size_t i = 0; i < s->nlayer; i++) {
        const w_layer *l = &s->layer[i];
        char what[160];
        snprintf(what, sizeof what, "sensitivity of %.120s", l->label);
        w_progress(s->ctx, what, (double)i, (double)s->nlayer);
        for (size_t k = 0; w_techniques[k]; k++)
            if (l->ladder[k].technique && !l->ladder[k].technique->lossless && !l->ladder[k].fixed && !l->ladder[k].shelved)
                W_TRY(measure_ladder(s, l, k, e));
    }
    w_progress(s->ctx, "sensitivity", (double)s->nlayer, (double)s->nlayer);
    return WEIR_OK;
}
