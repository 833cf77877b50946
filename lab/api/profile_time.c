/* profile_time.c: the clock of weir_profile.
 *
 * A core gives less than it was measured at while its frequency is lower or its other hardware thread is busy, and a bound
 * that it could not have reached says nothing of the kernel. So the peak is timed again before and after every run, and what
 * lies between is set against the larger of the two (the clock itself may be interrupted): all of a step but what memory beyond
 * the core bounds. */
#include "profile.h"
#include "timing.h"
#include <stdlib.h>
#include <string.h>

#define WARM_RUNS 3

/* A column per run; a row of seconds per step, one of the whole run, one of what the cores gave, and one to work in. */
typedef struct samples {
    size_t steps, runs;
    double *at;
} samples;

static size_t sample_bytes(const samples *m) { return (m->steps + 3) * m->runs * sizeof(double); }
static double *row(const samples *m, size_t i) { return m->at + i * m->runs; }

static weir_status take(weir_session *s, const w_machine *machine, const samples *m, weir_error *e) {
    double *step = s->exec->step_seconds, *gave = row(m, m->steps + 1), before = w_machine_now(s->plan->ctx, machine);
    for (size_t r = 0; r < m->runs; r++) {
        memset(step, 0, m->steps * sizeof *step);
        double start = w_now();
        W_TRY(weir_session_run(s, e));
        row(m, m->steps)[r] = w_now() - start;
        for (size_t i = 0; i < m->steps; i++) row(m, i)[r] = step[i];
        double after = w_machine_now(s->plan->ctx, machine);
        gave[r] = W_MAX(before, after);
        before = after;
    }
    return WEIR_OK;
}

/* The share of each bound that was reached lies in `spare`, as the median sorts what it is given. */
static w_time time_of(const samples *m, size_t which, double bound_s, bool in_core) {
    double *v = row(m, which), *spare = row(m, m->steps + 2), *gave = row(m, m->steps + 1);
    for (size_t r = 0; r < m->runs; r++) spare[r] = v[r] > 0 ? bound_s / (v[r] * (in_core && gave[r] > 0 ? gave[r] : 1)) : 0;
    w_time t = {.fraction = w_median(spare, m->runs)};
    t.seconds = w_median(v, m->runs);
    return t;
}

weir_status w_times_take(weir_session *s, const w_machine *machine, size_t runs, w_times *out, weir_error *e) {
    const w_plan *p = s->plan;
    samples m = {.steps = p->nstep, .runs = runs};
    *out = (w_times){.step = w_calloc(p->ctx, W_MAX(p->nstep, (size_t)1), sizeof *out->step)};
    m.at = w_calloc(p->ctx, (m.steps + 3) * runs, sizeof *m.at);
    weir_status st = m.at && out->step ? WEIR_OK : w_oom(e, sample_bytes(&m), "timings");
    for (int i = 0; st == WEIR_OK && i < WARM_RUNS; i++) st = weir_session_run(s, e);
    if (st == WEIR_OK) st = take(s, machine, &m, e);
    if (st == WEIR_OK) {
        for (size_t i = 0; i < p->nstep; i++) {
            int by = p->step[i].bound_by;
            out->step[i] = time_of(&m, i, p->step[i].bound_s, by != W_LLC && by != W_DRAM);
        }
        out->run = time_of(&m, m.steps, p->bound_s, true);
        out->cores_gave = w_median(row(&m, m.steps + 1), runs);
    }
    if (m.at) w_free(p->ctx, m.at, sample_bytes(&m));
    return st;
}

void w_times_free(const weir_session *s, w_times *t) {
    if (t->step) w_free(s->plan->ctx, t->step, W_MAX(s->plan->nstep, (size_t)1) * sizeof *t->step);
    t->step = NULL;
}
