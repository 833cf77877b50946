/* The context: where the solver prices time and bytes.
 *
 * What a setting saves depends on its neighbours: one layer in integers alone pays for two borders, all of them pay for
 * none. A technique whose mildest rung, on every layer that has one, gains more than the sum of its layers alone is
 * collective; the context is everything collective, switched on, and each rung (and each switching off) is priced by a
 * plan that differs from the context in this one place. Plans are exact for every joint trial; these prices only steer. */
#include "search.h"
#include <math.h>

#define COLLECTIVE 1.2     /* together, against the sum of alone */
#define WORTH 1e-4         /* share of the float network: a smaller change is none */

static bool by_dram(const w_search *s) { return w_objective(s) == W_OBJECTIVE_BYTES; }

static double measured_gain(const w_search *s, double seconds, double dram) {
    return by_dram(s) ? (s->base_dram - dram) / s->base_dram : (s->base_s - seconds) / s->base_s;
}

static weir_status plan_cost(w_search *s, const w_choice *c, double *seconds, double *dram, weir_error *e) {
    json_t *r = w_choice_recipe(s, c, W_RECIPE_DRAFT);
    if (!r) return w_oom(e, 0, "a recipe");
    weir_status st = w_trial_cost(s, r, seconds, dram, e);
    json_decref(r);
    return st;
}

weir_status w_choice_cost(w_search *s, const w_choice *c, double *seconds, double *dram, weir_error *e) {
    w_choice *lean = w_choice_copy(s, c); /* rungs without a bearing on the plan are left out: they take time to apply */
    if (!lean) return w_oom(e, s->nlayer * W_LADDERS, "the search");
    for (size_t i = 0; i < s->nlayer; i++)
        for (size_t k = 0; k < W_LADDERS; k++) {
            w_choice *at = &lean[i * W_LADDERS + k];
            if (*at >= 0 && s->layer[i].ladder[k].files_only && !s->layer[i].ladder[k].fixed) *at = W_OFF;
        }
    return plan_cost(s, lean, seconds, dram, e);
}

/* Switches rung 0 of technique k on for every layer that may have it. */
static bool blanket(const w_search *s, size_t k, w_choice *c) {
    bool any = false;
    for (size_t i = 0; i < s->nlayer; i++)
        if (s->layer[i].ladder[k].technique && !s->layer[i].frozen) c[i * W_LADDERS + k] = 0, any = true;
    return any;
}

static weir_status learn_from(w_search *s, const w_choice *c, weir_error *e) {
    weir_model *m;
    json_t *r = w_choice_recipe(s, c, W_RECIPE_DRAFT);
    if (!r) return w_oom(e, 0, "a recipe");
    weir_status st = w_recipe_apply(s->model, r, s->calibration, &m, e);
    json_decref(r);
    W_TRY(st);
    st = w_predict_learn(m, &s->kernels, e);
    weir_model_destroy(m);
    return st;
}

weir_status w_search_kernels(w_search *s, weir_error *e) {
    w_progress(s->ctx, "timing kernels", 0, 1);
    for (size_t k = 0; k <= W_LADDERS && (k == 0 || w_techniques[k - 1]); k++) { /* 0: the network as it is */
        w_choice *c = w_choice_new(s);
        if (!c) return w_oom(e, s->nlayer * W_LADDERS, "the search");
        if (k > 0 && (w_techniques[k - 1]->lossless || !blanket(s, k - 1, c))) continue;
        W_TRY(learn_from(s, c, e));
    }
    w_progress(s->ctx, "timing kernels", 1, 1);
    return WEIR_OK;
}

/* Of several techniques that recode the same weights, the one with the best blanket stays where the objective gains by it. */
static void shelve(w_search *s, const double *gain) {
    for (size_t i = 0; i < s->nlayer; i++) {
        w_ladder *d = s->layer[i].ladder;
        size_t best = W_LADDERS;
        for (size_t k = 0; k < W_LADDERS; k++)
            if (d[k].technique && d[k].technique->recodes && gain[k] > WORTH && (best == W_LADDERS || gain[k] > gain[best])) best = k;
        for (size_t k = 0; k < W_LADDERS && best < W_LADDERS; k++)
            if (k != best && d[k].technique && d[k].technique->recodes && !d[k].fixed) d[k].shelved = true;
    }
}

weir_status w_search_blankets(w_search *s, weir_error *e) {
    if (w_objective(s) == W_OBJECTIVE_SIZE) return WEIR_OK;
    for (size_t k = 0; w_techniques[k]; k++) {
        w_choice *c = w_choice_new(s);
        double seconds, dram;
        if (!c) return w_oom(e, s->nlayer * W_LADDERS, "the search");
        if (w_techniques[k]->lossless || !w_techniques[k]->ladder || !blanket(s, k, c)) continue;
        W_TRY(plan_cost(s, c, &seconds, &dram, e));
        s->blanket_gain[k] = measured_gain(s, seconds, dram);
    }
    shelve(s, s->blanket_gain);
    return WEIR_OK;
}

static double alone_gain(const w_search *s, const w_rung *r) { return by_dram(s) ? r->saved_dram / s->base_dram : r->saved_s / s->base_s; }

static bool collective(const w_search *s, size_t k) {
    double sum = 0;
    for (size_t i = 0; i < s->nlayer; i++)
        if (s->layer[i].ladder[k].technique && s->layer[i].ladder[k].rung[0].measured) sum += alone_gain(s, &s->layer[i].ladder[k].rung[0]);
    return s->blanket_gain[k] > WORTH && s->blanket_gain[k] > COLLECTIVE * sum;
}

static weir_status set_context(w_search *s, weir_error *e) {
    s->context = w_choice_new(s);
    if (!s->context) return w_oom(e, s->nlayer * W_LADDERS, "the search");
    for (size_t k = 0; w_techniques[k]; k++)
        if (collective(s, k)) {
            s->collective |= 1u << k;
            for (size_t i = 0; i < s->nlayer; i++) {
                const w_ladder *d = &s->layer[i].ladder[k];
                if (d->technique && d->rung[0].measured && !d->shelved) s->context[i * W_LADDERS + k] = 0;
            }
        }
    return plan_cost(s, s->context, &s->context_s, &s->context_dram, e);
}

static bool moves_plan(const w_search *s, const w_rung *r) {
    return fabs(r->saved_s) > WORTH * s->base_s || fabs(r->saved_dram) > WORTH * s->base_dram;
}

/* Change of a run when layer i's ladder k goes from where the context has it to `at`. */
static weir_status price(w_search *s, size_t i, size_t k, int at, double *seconds, double *dram, weir_error *e) {
    w_choice *here = &s->context[i * W_LADDERS + k], was = *here;
    if (at == was) return *seconds = *dram = 0, WEIR_OK;
    *here = (w_choice)at;
    weir_status st = plan_cost(s, s->context, seconds, dram, e);
    *here = was;
    *seconds -= s->context_s;
    *dram -= s->context_dram;
    return st;
}

static weir_status price_ladder(w_search *s, size_t i, size_t k, weir_error *e) {
    w_ladder *d = &s->layer[i].ladder[k];
    bool in = s->context[i * W_LADDERS + k] >= 0;
    d->files_only = !in;
    for (size_t r = 0; r < d->n; r++) {
        w_rung *now = &d->rung[r], *before = r ? now - 1 : NULL;
        if (!now->measured) continue;
        if (moves_plan(s, now)) d->files_only = false;
        bool same = before && before->measured && before->saved_s == now->saved_s && before->saved_dram == now->saved_dram;
        if (same) now->seconds = before->seconds, now->dram = before->dram;
        else if (in || moves_plan(s, now)) W_TRY(price(s, i, k, (int)r, &now->seconds, &now->dram, e));
    }
    return in ? price(s, i, k, W_OFF, &d->off_seconds, &d->off_dram, e) : WEIR_OK;
}

weir_status w_search_context(w_search *s, weir_error *e) {
    if (w_objective(s) == W_OBJECTIVE_SIZE) return WEIR_OK;
    W_TRY(set_context(s, e));
    for (size_t i = 0; i < s->nlayer; i++) {
        w_progress(s->ctx, "planning alternatives", (double)i, (double)s->nlayer);
        for (size_t k = 0; w_techniques[k]; k++) {
            const w_ladder *d = &s->layer[i].ladder[k];
            if (d->technique && !d->technique->lossless && !d->fixed && !d->shelved && w_search_used(s) < W_PRICED_BY) W_TRY(price_ladder(s, i, k, e));
        }
    }
    w_progress(s->ctx, "planning alternatives", (double)s->nlayer, (double)s->nlayer);
    return WEIR_OK;
}
