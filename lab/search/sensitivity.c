/* Sensitivity: what each rung of each layer costs alone. The divergence of the class probabilities is the measure, since
 * it is smooth where top-1 of a few thousand samples only steps. */
#include "search.h"
#include <math.h>
#include <stdio.h>

static weir_status measure_rung(w_search *s, const w_layer *l, w_rung *r, weir_error *e) {
    w_trial t;
    json_t *recipe = w_rung_recipe(l, r);
    if (!recipe) return w_oom(e, 0, "a recipe");
    weir_status st = w_trial_run(s, recipe, false, &t, e);
    json_decref(recipe);
    if (st != WEIR_OK) return w_fail_prefix(e, st, "layer '%s'", l->label);
    r->measured = true;
    r->kl = fmax(t.p.kl, 0);
    r->drop = w_paired_drop(&t.p);
    r->file_bits = t.file_bits - (s->base_bits - 32 * l->weights);
    return WEIR_OK;
}

/* Harsher rungs of a ladder are not measured once one is hopeless by itself. */
static weir_status measure_ladder(w_search *s, const w_layer *l, w_rung *r, size_t n, double hopeless, weir_error *e) {
    for (size_t i = 0; i < n; i++) {
        if (w_search_expired(s)) break;
        W_TRY(measure_rung(s, l, &r[i], e));
        if (r[i].drop > hopeless) break;
    }
    return WEIR_OK;
}

weir_status w_sensitivity(w_search *s, weir_error *e) {
    double hopeless = W_MAX(4 * s->o->max_drop, 2.0);
    for (size_t i = 0; i < s->nlayer; i++) {
        w_layer *l = &s->layer[i];
        char what[160];
        snprintf(what, sizeof what, "sensitivity of %.120s", l->label);
        w_progress(s->ctx, what, (double)i, (double)s->nlayer);
        W_TRY(measure_ladder(s, l, l->bits, l->nbits, hopeless, e));
        l->sparse[0] = l->bits[0];
        if (l->nsparse > 1) W_TRY(measure_ladder(s, l, l->sparse + 1, l->nsparse - 1, hopeless, e));
    }
    w_progress(s->ctx, "sensitivity", (double)s->nlayer, (double)s->nlayer);
    return WEIR_OK;
}
