/* What a run of a network costs, before it runs.
 *
 * A step takes its bound, with the multiply-adds that padding to the kernel's tile adds, over the share of the bound that
 * this kernel reaches on this machine; and each step has a fixed cost. The shares are measured once a machine, when a kernel
 * is first met, and cached with the machine model: without them an integer kernel that is far from its peak would seem faster
 * than the float kernel that it replaces. */
#include "search.h"
#include "hash.h"
#include "session.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define RUNS 40        /* the fastest of so many counts, step by step */
#define SHARE_LO 0.01
#define SHARE_HI 50    /* the bandwidths of a machine that was busy when it was measured are far too low */

static double padded_bound(const w_step *s, const w_machine *m, int threads) {
    double macs = s->macs_done > 0 ? s->macs_done : (double)s->macs;
    if (s->padded <= 1 || macs <= 0) return s->bound_s;
    return fmax(s->bound_s, macs * s->padded / w_machine_peak(m, s->peak, W_MAX(1, W_MIN(s->threads, threads))));
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
        double share = w_machine_share(m, p->step[i].kernel);
        *seconds += padded_bound(&p->step[i], m, 1) / (share > 0 ? share : 1);
    }
    *dram_bytes = p->bytes.level[W_DRAM];
    w_plan_destroy(p);
    return st;
}

/* The fastest of RUNS runs, for each step. */
static weir_status time_steps(weir_session *s, double *best, weir_error *e) {
    size_t n = s->plan->nstep;
    for (int r = 0; r < RUNS; r++) {
        memset(s->exec->step_seconds, 0, n * sizeof(double));
        W_TRY(weir_session_run(s, e));
        for (size_t i = 0; i < n; i++) best[i] = r ? fmin(best[i], s->exec->step_seconds[i]) : s->exec->step_seconds[i];
    }
    return WEIR_OK;
}

static bool all_known(const w_plan *p, const w_machine *m) {
    for (size_t i = 0; i < p->nstep; i++)
        if (w_machine_share(m, p->step[i].kernel) == 0) return false;
    return true;
}

/* Bound over clock of each kernel that is not known, over all steps that it runs. */
static size_t shares_of(const w_plan *p, const w_machine *m, const double *best, w_kernel_share *out) {
    size_t n = 0;
    for (size_t i = 0; i < p->nstep && n < W_KERNEL_SHARES; i++) {
        const char *name = p->step[i].kernel;
        double bound = 0, clock = 0;
        bool seen = w_machine_share(m, name) > 0 || strlen(name) >= sizeof out->kernel;
        for (size_t k = 0; k < n && !seen; k++) seen = strcmp(out[k].kernel, name) == 0;
        for (size_t k = i; k < p->nstep && !seen; k++)
            if (strcmp(p->step[k].kernel, name) == 0) bound += padded_bound(&p->step[k], m, p->options.threads), clock += best[k];
        if (seen || !(clock > 0) || !(bound > 0)) continue;
        snprintf(out[n].kernel, sizeof out[n].kernel, "%s", name);
        out[n++].share = fmin(fmax(bound / clock, SHARE_LO), SHARE_HI);
    }
    return n;
}

static weir_status learn_session(weir_session *s, const w_machine *m, weir_error *e) {
    weir_context *ctx = s->plan->ctx;
    w_kernel_share found[W_KERNEL_SHARES];
    if (all_known(s->plan, m)) return WEIR_OK;
    W_TRY(w_plan_ledger(s->plan, e));
    double *best = w_calloc(ctx, s->plan->nstep, sizeof *best);
    if (!best) return w_oom(e, s->plan->nstep * sizeof *best, "timings");
    weir_status st = time_steps(s, best, e);
    if (st == WEIR_OK) w_machine_learn(ctx, found, shares_of(s->plan, m, best, found));
    w_free(ctx, best, s->plan->nstep * sizeof *best);
    return st;
}

/* Folds the shares that a prediction of this network rests on into *h: of its own kernels, since others come and go. */
static void hash_shares(const w_plan *p, const w_machine *m, uint64_t *h) {
    for (size_t i = 0; i < p->nstep; i++) {
        double share = w_machine_share(m, p->step[i].kernel);
        *h = w_hash64(p->step[i].kernel, strlen(p->step[i].kernel), w_hash64(&share, sizeof share, *h));
    }
}

weir_status w_predict_learn(const weir_model *model, uint64_t *h, weir_error *e) {
    weir_session_options so = weir_session_options_default();
    weir_session *s;
    const w_machine *m;
    W_TRY(w_machine_get(model->ctx, false, &m, e));
    so.profile = 1;
    W_TRY(weir_session_create(model, &so, &s, e));
    weir_status st = model->ctx->machine_file ? WEIR_OK : learn_session(s, m, e); /* a stored model is taken as it is */
    if (st == WEIR_OK) hash_shares(s->plan, m, h);
    weir_session_destroy(s);
    return st;
}
