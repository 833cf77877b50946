/* One trial: apply a recipe, measure it against the float network on the search samples, remember the result. The float
 * network's own answers are computed when the first trial really runs: a search that finds all in its store needs none. */
#include "search.h"
#include "hash.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

double w_search_used(const w_search *s) { return s->o->time_limit_s > 0 ? (w_now() - s->started) / s->o->time_limit_s : 0; }

bool w_search_expired(const w_search *s) { return w_search_used(s) > 1; }

static weir_status check_finite(const w_search *s, const w_samples *set, const w_outputs *o, weir_error *e) {
    for (size_t i = 0; i < o->n * o->classes; i++)
        if (!isfinite(o->logit[i]))
            return w_fail(e, WEIR_BAD_INPUT, "%s: the class scores of sample %zu are not finite", s->model->graph->source, w_sample_at(set, i / o->classes));
    return WEIR_OK;
}

static const w_samples *samples_of(const w_search *s, w_set set) {
    return set == W_SET_QUICK ? &s->quick : set == W_SET_FULL ? &s->full : &s->verify;
}

weir_status w_base_outputs(w_search *s, w_set set, const w_outputs **out, weir_error *e) {
    w_outputs *o = &s->base_of[set];
    if (!o->logit) {
        W_TRY(w_outputs_run(s->model, samples_of(s, set), o, e));
        W_TRY(check_finite(s, samples_of(s, set), o, e));
    }
    *out = o;
    return WEIR_OK;
}

static weir_status measure(w_search *s, const json_t *recipe, w_set set, w_trial *t, weir_error *e) {
    weir_model *m;
    w_outputs now;
    const w_outputs *base;
    W_TRY(w_base_outputs(s, set, &base, e));
    W_TRY(w_recipe_apply(s->model, recipe, s->calibration, &m, e));
    weir_status st = w_outputs_run(m, samples_of(s, set), &now, e);
    if (st == WEIR_OK) {
        t->p = w_paired_compare(base, &now);
        if (set == W_SET_FULL) w_margin_rates(base, &now, s->margin, t->p.rate);
        t->stock = w_graph_stock(m->graph);
        w_outputs_fini(s->ctx, &now);
        st = w_predict(m, &t->predicted_s, &t->dram_bytes, e);
    }
    weir_model_destroy(m);
    return st;
}

/* "KIND-IDENTITY-RECIPE-SET". */
static weir_status trial_key(const w_search *s, const char *kind, const json_t *recipe, const char *set, char key[80], weir_error *e) {
    char *text = w_json_text(recipe, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    if (!text) return w_oom(e, 0, "a trial's name");
    snprintf(key, 80, "%s-%016llx-%016llx-%s", kind, (unsigned long long)s->identity,
             (unsigned long long)w_hash64(text, strlen(text), 0), set);
    free(text);
    return WEIR_OK;
}

static json_t *trial_json(const w_trial *t) {
    return json_pack("{s:I,s:I,s:I,s:I,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:o}", "n", (json_int_t)t->p.n, "lost", (json_int_t)t->p.lost,
                     "won", (json_int_t)t->p.won, "moved", (json_int_t)t->p.moved, "top1", t->p.top1, "base", t->p.base_top1, "kl", t->p.kl,
                     "bits", t->stock.bits, "elements", t->stock.elements, "zeros", t->stock.zeros, "seconds", t->predicted_s,
                     "dram", t->dram_bytes, "rates", w_margins_json(t->p.rate));
}

static const char *const trial_fields[] = {"n", "lost", "won", "moved", "top1", "base", "kl", "bits", "elements", "zeros", "seconds",
                                           "dram", NULL};

static double num(const json_t *j, const char *k) { return json_number_value(json_object_get(j, k)); }

static w_trial trial_from(const json_t *j) {
    return (w_trial){.p = {.n = (size_t)num(j, "n"), .lost = (size_t)num(j, "lost"), .won = (size_t)num(j, "won"),
                           .moved = (size_t)num(j, "moved"), .top1 = num(j, "top1"), .base_top1 = num(j, "base"), .kl = num(j, "kl")},
                     .stock = {num(j, "bits"), num(j, "elements"), num(j, "zeros")},
                     .predicted_s = num(j, "seconds"), .dram_bytes = num(j, "dram")};
}

static weir_status remember(w_search *s, const char *key, json_t *owned, weir_error *e) {
    if (!owned) return w_oom(e, 0, "a trial");
    weir_status st = w_store_put(s->store, key, owned, e);
    json_decref(owned);
    return st;
}

static weir_status interrupted(const w_search *s, weir_error *e) {
    return w_cancelled(s->ctx) ? w_fail(e, WEIR_INTERRUPTED, "interrupted; --resume goes on from here") : WEIR_OK;
}

weir_status w_trial_run(w_search *s, const json_t *recipe, w_set set, w_trial *out, weir_error *e) {
    char key[80];
    json_t *known;
    W_TRY(trial_key(s, "trial", recipe, set == W_SET_FULL ? "full" : "quick", key, e));
    W_TRY(w_store_get(s->store, key, &known, e));
    if (known) {
        weir_status st = w_store_numbers(s->store, key, known, trial_fields, e);
        if (st == WEIR_OK) *out = trial_from(known);
        if (st == WEIR_OK) st = w_margins_from(s, key, json_object_get(known, "rates"), out->p.rate, e);
        json_decref(known);
        return st;
    }
    W_TRY(interrupted(s, e));
    W_TRY(w_store_begin(s->store, key, e));
    W_TRY(measure(s, recipe, set, out, e));
    s->trials_run++;
    return remember(s, key, trial_json(out), e);
}

/* Only planned: some hundredths of a second, but a search asks hundreds of times. */
weir_status w_trial_cost(w_search *s, const json_t *recipe, double *seconds, double *dram, weir_error *e) {
    char key[80];
    json_t *known;
    weir_model *m;
    W_TRY(trial_key(s, "plan", recipe, "cost", key, e));
    W_TRY(w_store_get(s->store, key, &known, e));
    if (known) {
        static const char *const fields[] = {"seconds", "dram", NULL};
        weir_status s_known = w_store_numbers(s->store, key, known, fields, e);
        *seconds = num(known, "seconds");
        *dram = num(known, "dram");
        json_decref(known);
        return s_known;
    }
    W_TRY(interrupted(s, e));
    W_TRY(w_recipe_apply(s->model, recipe, s->calibration, &m, e));
    weir_status st = w_predict(m, seconds, dram, e);
    weir_model_destroy(m);
    W_TRY(st);
    return remember(s, key, json_pack("{s:f,s:f}", "seconds", *seconds, "dram", *dram), e);
}
