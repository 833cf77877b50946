/* The solver: least file for a budget of divergence, by one multiplier.
 *
 * Divergences of layers nearly add up, so for a given price of divergence each layer chooses alone; one number is left to
 * search, and each step of that search is a joint trial that measures the truth. Integers come first because they save
 * time: a layer leaves them only when the mildest recipe is too expensive. */
#include "search.h"
#include <math.h>

#define STEPS 9
#define LOG_LO 3.0         /* log10 of the price, bits per nat: nearly free accuracy loss ... */
#define LOG_HI 10.0        /* ... to none at all */

static double positions_bits(double n, double density) {
    if (density <= 0 || density >= 1) return 0;
    return -n * (density * log2(density) + (1 - density) * log2(1 - density));
}

/* Bits of a layer at bits rung b and density rung d, from what was measured along each ladder. */
static double joint_bits(const w_layer *l, const w_rung *b, const w_rung *d) {
    if (d->density >= 1) return b->file_bits;
    return fmin(b->file_bits, positions_bits(l->weights, d->density) + d->density * b->file_bits);
}

static double joint_kl(const w_layer *l, const w_rung *b, const w_rung *d) {
    return d->density >= 1 ? b->kl : fmax(b->kl + d->kl - l->bits[0].kl, fmax(b->kl, d->kl));
}

static void choose_layer(w_layer *l, double price) {
    double best = INFINITY;
    for (size_t b = 0; b < l->nbits; b++)
        for (size_t d = 0; d < l->nsparse; d++) {
            if (!l->bits[b].measured || !l->sparse[d].measured) continue;
            double cost = joint_bits(l, &l->bits[b], &l->sparse[d]) + price * joint_kl(l, &l->bits[b], &l->sparse[d]);
            if (cost < best) best = cost, l->at_bits = b, l->at_sparse = d;
        }
}

void w_solver_choose(w_search *s, double price) {
    for (size_t i = 0; i < s->nlayer; i++) choose_layer(&s->layer[i], price);
}

static weir_status joint_trial(w_search *s, w_trial *t, weir_error *e) {
    json_t *recipe = w_search_recipe(s, false);
    if (!recipe) return w_oom(e, 0, "a recipe");
    weir_status st = w_trial_run(s, recipe, true, t, e);
    json_decref(recipe);
    return st;
}

static bool inside(const w_trial *t, double points) { return w_paired_upper(&t->p, 0.95) <= points; }

/* The layer whose integers cost most goes back to f32. False when none is left. */
static bool drop_worst_integer(w_search *s) {
    w_layer *worst = NULL;
    for (size_t i = 0; i < s->nlayer; i++) {
        w_layer *l = &s->layer[i];
        if (l->integer && !l->fixed && (!worst || l->bits[0].kl > worst->bits[0].kl)) worst = l;
    }
    if (worst) worst->integer = false;
    return worst != NULL;
}

/* Until the mildest recipe is inside: integers leave, worst first. */
static weir_status find_start(w_search *s, double points, bool *found, w_trial *t, weir_error *e) {
    *found = false;
    for (size_t k = 0; k <= s->nlayer; k++) {
        for (size_t i = 0; i < s->nlayer; i++) s->layer[i].at_bits = s->layer[i].at_sparse = 0;
        W_TRY(joint_trial(s, t, e));
        if ((*found = inside(t, points)) || w_search_expired(s) || !drop_worst_integer(s)) return WEIR_OK;
        W_TRY(w_sensitivity(s, e));
    }
    return WEIR_OK;
}

weir_status w_solver_search(w_search *s, double points, bool *found, w_trial *out, weir_error *e) {
    W_TRY(find_start(s, points, found, out, e));
    if (!*found) return WEIR_OK;
    double lo = LOG_LO, hi = LOG_HI, best = INFINITY;
    for (int i = 0; i < STEPS && !w_search_expired(s); i++) {
        w_trial t;
        double mid = (lo + hi) / 2;
        w_progress(s->ctx, "joint trials", i, STEPS);
        w_solver_choose(s, pow(10, mid));
        W_TRY(joint_trial(s, &t, e));
        if (inside(&t, points)) hi = mid, best = mid, *out = t;
        else lo = mid;
    }
    w_progress(s->ctx, "joint trials", STEPS, STEPS);
    if (isfinite(best)) w_solver_choose(s, pow(10, best));
    else
        for (size_t i = 0; i < s->nlayer; i++) s->layer[i].at_bits = s->layer[i].at_sparse = 0;
    return WEIR_OK;
}
