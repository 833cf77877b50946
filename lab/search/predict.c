/* What a run of a network costs, before it runs.
 *
 * A step takes its bound, with the multiply-adds that padding to the kernel's tile adds, over the share of the bound that
 * this kernel reaches on this machine in steps of that length; and each step has a fixed cost. The shares are measured once a
 * machine, when a kernel is first met in a step of about that bound, and cached with the machine model: without them an integer
 * kernel that is far from its peak would seem faster than the float kernel that it replaces. */
#include "search.h"
#include "hash.h"
#include "run.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define RUNS 40        /* the fastest of so many counts, step by step */
#define SHARE_LO 0.01
#define SHARE_HI 50    /* the bandwidths of a machine that was busy when it was measured are far too low */

static double padded_bound(const w_step *s, const w_machine *m) {
    double macs = s->macs_done > 0 ? s->macs_done : (double)s->macs;
    if (s->padded <= 1 || macs <= 0) return s->bound_s;
    return fmax(s->bound_s, macs * s->padded / w_machine_peak(m, s->peak, 1));
}

/* What the share of a step goes by, on one thread: a microkernel alone does not tell how its operands are laid out for it. */
static w_kernel_share key_of(const w_step *s, const w_machine *m) {
    w_kernel_share k = {.bound_s = padded_bound(s, m)};
    if (snprintf(k.kernel, sizeof k.kernel, "%s/%s", s->impl->name, s->kernel) >= (int)sizeof k.kernel) k.kernel[0] = 0;
    return k;
}

weir_status w_predict(const weir_model *model, double *seconds, double *dram_bytes, weir_error *e) {
    weir_session_options so = weir_session_options_default();
    w_plan_options po = {.threads = 1};
    w_plan *p;
    const w_machine *m;
    W_TRY(w_machine_get(model->ctx, false, &m, e));
    W_TRY(w_plan_create(model->graph, &so, &po, &p, e));
    weir_status st = w_plan_ledger(p, e);
    *seconds = 1e-6 * m->step_us * (double)p->nstep;
    for (size_t i = 0; i < p->nstep; i++) {
        w_kernel_share k = key_of(&p->step[i], m);
        k.share = w_machine_share(m, k.kernel, k.bound_s);
        *seconds += k.bound_s / (k.share > 0 ? k.share : 1);
    }
    *dram_bytes = p->bytes.level[W_DRAM];
    w_plan_destroy(p);
    return st;
}

/* The fastest of RUNS runs, for each step. */
static weir_status time_steps(w_plan *p, double *best, weir_error *e) {
    w_exec *x;
    W_TRY(w_exec_create(p, true, &x, e));
    weir_status st = WEIR_OK;
    for (int r = 0; r < RUNS && st == WEIR_OK; r++) {
        memset(x->step_seconds, 0, p->nstep * sizeof(double));
        st = w_exec_run(x, e);
        for (size_t i = 0; i < p->nstep; i++) best[i] = r ? fmin(best[i], x->step_seconds[i]) : x->step_seconds[i];
    }
    w_exec_destroy(x);
    return st;
}

static bool alike(const w_kernel_share *a, const w_kernel_share *b) { return strcmp(a->kernel, b->kernel) == 0 && w_same_bound(a->bound_s, b->bound_s); }

/* Or nothing that a share could be known of. */
static bool known(const w_kernel_share *k, const w_machine *m) { return !k->kernel[0] || !(k->bound_s > 0) || w_machine_met(m, k->kernel, k->bound_s); }

/* Bound over clock of what this machine has not met, over all steps of about the same bound that a kernel runs. */
static size_t shares_of(const w_kernel_share *key, const double *best, size_t nstep, const w_machine *m, w_kernel_share *out) {
    size_t n = 0;
    for (size_t i = 0; i < nstep && n < W_KERNEL_SHARES; i++) {
        double bound = 0, clock = 0;
        bool met = known(&key[i], m);
        for (size_t k = 0; k < n && !met; k++) met = alike(&out[k], &key[i]);
        for (size_t k = i; k < nstep && !met; k++)
            if (alike(&key[k], &key[i])) bound += key[k].bound_s, clock += best[k];
        if (met || !(clock > 0)) continue;
        out[n] = key[i];
        out[n++].share = fmin(fmax(bound / clock, SHARE_LO), SHARE_HI);
    }
    return n;
}

typedef struct learning { double *best; w_kernel_share *key, *found; } learning; /* of each step; what is new */

static weir_status learn_with(w_plan *p, const w_machine *m, const learning *l, weir_error *e) {
    bool all = true;
    for (size_t i = 0; i < p->nstep; i++) {
        l->key[i] = key_of(&p->step[i], m);
        all = all && known(&l->key[i], m);
    }
    if (all) return WEIR_OK;
    W_TRY(time_steps(p, l->best, e));
    w_machine_learn(p->ctx, l->found, shares_of(l->key, l->best, p->nstep, m, l->found));
    return WEIR_OK;
}

static weir_status learn(w_plan *p, const w_machine *m, weir_error *e) {
    w_arena tmp;
    w_arena_init(&tmp, p->ctx);
    learning l = {w_arena_array(&tmp, p->nstep, sizeof *l.best), w_arena_array(&tmp, p->nstep, sizeof *l.key),
                  w_arena_array(&tmp, W_KERNEL_SHARES, sizeof *l.found)};
    weir_status st = l.best && l.key && l.found ? learn_with(p, m, &l, e) : w_oom(e, p->nstep * sizeof *l.key, "timings");
    w_arena_fini(&tmp);
    return st;
}

/* Folds the shares that a prediction of this network rests on into *h: of its own kernels, since others come and go. */
static void hash_shares(const w_plan *p, const w_machine *m, uint64_t *h) {
    for (size_t i = 0; i < p->nstep; i++) {
        w_kernel_share k = key_of(&p->step[i], m);
        k.share = w_machine_share(m, k.kernel, k.bound_s);
        *h = w_hash64(k.kernel, strlen(k.kernel), w_hash64(&k.share, sizeof k.share, *h));
    }
}

weir_status w_predict_learn(const weir_model *model, uint64_t *h, weir_error *e) {
    weir_session_options so = weir_session_options_default();
    w_plan_options po = {.threads = 1};
    w_plan *p;
    const w_machine *m;
    W_TRY(w_machine_get(model->ctx, false, &m, e));
    W_TRY(w_plan_create(model->graph, &so, &po, &p, e));
    weir_status st = w_plan_ledger(p, e);
    if (st == WEIR_OK && !model->ctx->machine_file) st = learn(p, m, e); /* a stored model is taken as it is */
    if (st == WEIR_OK) hash_shares(p, m, h);
    w_plan_destroy(p);
    return st;
}
