/* The solver: the cheapest recipe for the objective inside the budget.
 *
 * Each family of choices is one walk over divergence (choose.c); how much divergence the budget allows is bracketed by
 * joint trials, which measure the truth. First the objective itself, with the file as a small second aim; then, for time and
 * bytes, the file with what is left of the budget, by settings as fast; then each technique that moves the objective alone,
 * so that a mixture never does worse than one family. All joint trials compete in the end. */
#include "search.h"
#include <math.h>
#include <string.h>

#define WINDOW 1.02        /* the file decides among recipes this near to the best */
#define SECOND_AIM 0.02    /* weight of the file beside the objective */
#define STEPS 7            /* joint trials of a bracket */
#define PATIENCE 3         /* times as many while none was inside */
#define FIRST_KL 0.012     /* nats a point of budget: where the first bracket starts */
#define FILE_KL 1.3        /* of the fastest recipe's divergence: where the bracket for the file starts */
#define EVERYTHING 0xffffffffu

w_objective_kind w_objective(const w_search *s) {
    const char *o = s->o->objective;
    return !o || !strcmp(o, "time") ? W_OBJECTIVE_TIME : !strcmp(o, "bytes") ? W_OBJECTIVE_BYTES : W_OBJECTIVE_SIZE;
}

double w_objective_of(const w_search *s, const w_trial *t) {
    switch (w_objective(s)) {
    case W_OBJECTIVE_TIME: return t->predicted_s;
    case W_OBJECTIVE_BYTES: return t->dram_bytes;
    default: return t->stock.bits;
    }
}

static w_aim aim_of(const w_search *s, double file, uint32_t allowed) {
    w_objective_kind o = w_objective(s);
    return (w_aim){.time = o == W_OBJECTIVE_TIME, .dram = o == W_OBJECTIVE_BYTES, .file = o == W_OBJECTIVE_SIZE ? 1 : file, .allowed = allowed};
}

static bool near_best(const w_search *s, const w_point *p, double best) {
    return w_objective_of(s, &p->t) <= (w_objective(s) == W_OBJECTIVE_SIZE ? 1 : WINDOW) * best;
}

const w_point *w_best_point(const w_search *s) {
    const w_point *pick = NULL;
    double best = INFINITY;
    for (size_t i = 0; i < s->npoint; i++)
        if (s->point[i].inside) best = fmin(best, w_objective_of(s, &s->point[i].t));
    for (size_t i = 0; i < s->npoint; i++) {
        const w_point *p = &s->point[i];
        if (p->inside && near_best(s, p, best) && (!pick || p->t.stock.bits < pick->t.stock.bits)) pick = p;
    }
    return pick || s->npoint == 0 ? pick : &s->point[0]; /* the first has nothing chosen: no recipe is milder */
}

void w_points_judge(w_search *s) {
    for (size_t i = 0; i < s->npoint; i++) s->point[i].inside = w_predicted_upper(s, &s->point[i].t.p) <= s->limit;
}

uint32_t w_point_families(const w_search *s, const w_point *p) {
    uint32_t used = 0;
    for (size_t i = 0; i < s->nlayer; i++)
        for (size_t k = 0; k < W_LADDERS; k++)
            if (p->choice[i * W_LADDERS + k] >= 0 && !w_techniques[k]->lossless) used |= 1u << k;
    return used;
}

weir_status w_joint_trial(w_search *s, const w_choice *c, w_point **out, weir_error *e) {
    for (size_t i = 0; i < s->npoint; i++)
        if (!memcmp(s->point[i].choice, c, s->nlayer * W_LADDERS * sizeof *c)) return *out = &s->point[i], WEIR_OK;
    w_point p = {.choice = w_choice_copy(s, c), .kl_sum = w_choice_kl(s, c)};
    json_t *recipe = w_choice_recipe(s, c, W_RECIPE_PLAIN);
    if (!p.choice || !recipe) {
        json_decref(recipe);
        return w_oom(e, 0, "a recipe");
    }
    weir_status st = w_trial_run(s, recipe, W_SET_FULL, &p.t, e);
    json_decref(recipe);
    W_TRY(st);
    if (!w_grow(s->ctx, (void **)&s->point, sizeof p, &s->cap_point, s->npoint + 1)) return w_oom(e, sizeof p, "the search");
    s->point[s->npoint++] = p;
    w_points_judge(s);
    *out = &s->point[s->npoint - 1];
    return WEIR_OK;
}

/* Divergence grows about as the drop does: a guess that is right makes the bracket small at once. */
static double next_kl(double kl, double upper, double limit, double lo, double hi) {
    double guess = kl * fmin(fmax(limit / fmax(upper, 0.05 * limit), 0.2), 4) * (upper > limit ? 0.98 : 1.02);
    if (isinf(hi)) return fmax(guess, 1.3 * kl);
    return guess > lo && guess < hi ? guess : lo > 0 ? sqrt(lo * hi) : hi / 3;
}

weir_status w_bracket(w_search *s, const w_aim *a, double from, int steps, double *kl, weir_error *e) {
    double lo = 0, hi = INFINITY, at = from, last = -1;
    w_choice *c = w_choice_new(s);
    if (!c) return w_oom(e, s->nlayer * W_LADDERS, "the search");
    /* Where parts do not add up at all, a way down to the mildest is worth more trials than a narrow bracket. */
    for (int i = 0; (i < steps || (lo == 0 && i < PATIENCE * steps)) && hi > 1.03 * lo && !w_search_expired(s); i++) {
        w_point *p;
        w_progress(s->ctx, "joint trials", (double)s->npoint, (double)s->npoint + W_MAX(steps - i, 1));
        W_TRY(w_choose(s, a, at, c, e));
        W_TRY(w_joint_trial(s, c, &p, e));
        if ((p->kl_sum == last && isinf(hi)) || p->kl_sum == 0) break; /* nothing harsher, or nothing milder, is left */
        last = p->kl_sum;
        if (p->inside) lo = fmax(lo, at);
        else hi = fmin(hi, fmax(p->kl_sum, lo));
        at = next_kl(at, w_predicted_upper(s, &p->t.p), s->limit, lo, hi);
    }
    *kl = lo;
    return WEIR_OK;
}

/* A family whose plan cannot beat the best needs no trial. */
static weir_status beats(w_search *s, const w_aim *a, double kl, bool *out, weir_error *e) {
    const w_point *best = w_best_point(s);
    w_choice *c = w_choice_new(s);
    w_trial t = {0};
    if (!c) return w_oom(e, s->nlayer * W_LADDERS, "the search");
    W_TRY(w_choose(s, a, kl, c, e));
    W_TRY(w_choice_cost(s, c, &t.predicted_s, &t.dram_bytes, e));
    *out = best && w_objective_of(s, &t) <= w_objective_of(s, &best->t);
    return WEIR_OK;
}

/* What the best recipe leaves of the budget goes to the file: by settings that take no more of the objective. */
static weir_status smallest_file(w_search *s, weir_error *e) {
    const w_point *best = w_best_point(s);
    w_aim a = {.file = 1, .allowed = EVERYTHING, .as_fast_as = best->choice};
    double got;
    return best->inside ? w_bracket(s, &a, W_MAX(FILE_KL * best->kl_sum, FIRST_KL * s->limit / 4), STEPS, &got, e) : WEIR_OK;
}

static weir_status single_families(w_search *s, double kl, weir_error *e) {
    for (size_t k = 0; w_techniques[k]; k++) {
        bool moves = false, better = false;
        double got;
        for (size_t i = 0; i < s->nlayer; i++) moves = moves || (s->layer[i].ladder[k].technique && !s->layer[i].ladder[k].files_only);
        if (!moves || w_techniques[k]->lossless || w_search_expired(s)) continue;
        w_aim a = aim_of(s, SECOND_AIM, 1u << k);
        W_TRY(beats(s, &a, kl, &better, e));
        if (better || s->failed_looks == 0) W_TRY(w_bracket(s, &a, kl, better ? STEPS - 2 : 1, &got, e));
    }
    return WEIR_OK;
}

/* Layers that the best recipe leaves without any recoding get the technique that was shelved for the other's sake. */
static weir_status unshelve(w_search *s, bool *any, weir_error *e) {
    const w_point *best = w_best_point(s);
    *any = false;
    for (size_t i = 0; best && i < s->nlayer; i++) {
        bool recoded = false;
        w_ladder *d = s->layer[i].ladder;
        for (size_t k = 0; w_techniques[k]; k++) recoded = recoded || (best->choice[i * W_LADDERS + k] >= 0 && w_techniques[k]->recodes);
        for (size_t k = 0; !recoded && k < W_LADDERS; k++)
            if (d[k].shelved) d[k].shelved = false, d[k].files_only = true, *any = true;
    }
    return *any ? w_sensitivity(s, W_UNSHELVED_BY, e) : WEIR_OK;
}

weir_status w_solver_search(w_search *s, const w_point **best, weir_error *e) {
    w_aim main_aim = aim_of(s, SECOND_AIM, EVERYTHING);
    w_choice *none = w_choice_new(s);
    w_point *p;
    bool more;
    double kl = 0;
    if (!none) return w_oom(e, s->nlayer * W_LADDERS, "the search");
    W_TRY(w_joint_trial(s, none, &p, e));
    W_TRY(w_bracket(s, &main_aim, FIRST_KL * s->limit, STEPS, &kl, e));
    if (w_objective(s) != W_OBJECTIVE_SIZE) {
        W_TRY(unshelve(s, &more, e));
        W_TRY(smallest_file(s, e));
        W_TRY(single_families(s, kl > 0 ? kl : FIRST_KL * s->limit, e));
    }
    w_progress(s->ctx, "joint trials", 1, 1);
    *best = w_best_point(s);
    return WEIR_OK;
}
