/* weir_profile: the plan's ledger beside the clock, and for each step what each technique would save. */
#include "lab.h"
#include "session.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* Deterministic noise in [0, 1): the traffic of these networks does not depend on the values. */
static void fill_noise(weir_session *s) {
    uint32_t x = 12345;
    for (int i = 0; i < weir_session_input_count(s); i++) {
        weir_tensor_info t = weir_session_input_info(s, i);
        float *f = weir_session_input(s, i);
        for (size_t k = 0; t.type == WEIR_F32 && k < t.bytes / sizeof *f; k++) {
            x = x * 1664525u + 1013904223u;
            f[k] = (float)(x >> 8) / (float)(1 << 24);
        }
    }
}

static int compare_double(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Runs warm up, then are timed; *median in milliseconds. */
static weir_status time_runs(weir_session *s, int iterations, double *median, weir_error *e) {
    weir_context *ctx = s->plan->ctx;
    double *ms = w_calloc(ctx, (size_t)iterations, sizeof *ms);
    weir_status st = ms ? WEIR_OK : w_oom(e, (size_t)iterations * sizeof *ms, "timings");
    for (int i = 0; st == WEIR_OK && i < 3; i++) st = weir_session_run(s, e);
    if (st == WEIR_OK) {
        memset(s->exec->step_seconds, 0, s->plan->nstep * sizeof *s->exec->step_seconds);
        s->exec->runs = 0;
    }
    for (int i = 0; st == WEIR_OK && i < iterations; i++) {
        double t0 = now_ms();
        st = weir_session_run(s, e);
        ms[i] = now_ms() - t0;
    }
    if (st == WEIR_OK) {
        qsort(ms, (size_t)iterations, sizeof *ms, compare_double);
        *median = ms[iterations / 2];
    }
    if (ms) w_free(ctx, ms, (size_t)iterations * sizeof *ms);
    return st;
}

static void add_verdicts(w_doc *d, json_t *step, const w_plan *p, const w_step *s, const w_machine *m, w_arena *a) {
    json_t *list = w_doc_arr(d, step, "verdict");
    for (size_t i = 0; w_techniques[i]; i++) {
        double saves_s, saves_bytes;
        const char *why = w_techniques[i]->verdict(p, s, m, a, &saves_s, &saves_bytes);
        json_t *o = w_doc_obj(d, list, NULL);
        w_doc_str(d, o, "technique", w_techniques[i]->name);
        w_doc_num(d, o, "saves_ms", 1e3 * saves_s);
        w_doc_num(d, o, "saves_bytes", saves_bytes);
        w_doc_str(d, o, "why_not", why);
    }
}

static void add_steps(w_doc *d, const weir_session *s, const w_machine *m, w_arena *a) {
    const w_plan *p = s->plan;
    json_t *steps = json_object_get(d->root, "steps");
    for (size_t i = 0; i < p->nstep; i++) {
        json_t *o = json_array_get(steps, i);
        const w_step *st = &p->step[i];
        double ms = 1e3 * s->exec->step_seconds[i] / (double)W_MAX((uint64_t)1, s->exec->runs);
        w_doc_num(d, o, "ms", ms);
        w_doc_num(d, o, "fraction_of_bound", ms > 0 ? 1e3 * st->bound_s / ms : 0);
        w_doc_num(d, o, "intensity", st->bytes.level[W_DRAM] > 0 ? (double)st->macs / st->bytes.level[W_DRAM] : 0);
        add_verdicts(d, o, p, st, m, a);
    }
}

static weir_status plan_json(const weir_session *s, json_t **out, weir_error *e) {
    weir_document *doc;
    W_TRY(weir_session_plan(s, &doc, e));
    const char *text = weir_document_text(doc);
    weir_status st = w_json_parse(text, strlen(text), "the plan", out, e);
    weir_document_destroy(doc);
    return st;
}

static weir_status document(const weir_session *s, double median, int iterations, weir_document **out, weir_error *e) {
    const w_machine *m;
    w_doc d = {0};
    w_arena a;
    W_TRY(w_machine_get(s->plan->ctx, false, &m, e));
    W_TRY(plan_json(s, &d.root, e));
    w_arena_init(&a, s->plan->ctx);
    w_doc_num(&d, d.root, "latency_median_ms", median);
    w_doc_int(&d, d.root, "iterations", iterations);
    w_doc_num(&d, d.root, "fraction_of_bound", median > 0 ? 1e3 * s->plan->bound_s / median : 0);
    add_steps(&d, s, m, &a);
    w_arena_fini(&a);
    return w_doc_end(&d, out, e);
}

weir_status weir_profile(const weir_model *model, const weir_session_options *options, const float *input, size_t input_bytes,
                         int iterations, weir_document **out, weir_error *e) {
    weir_session_options so = *options;
    weir_session *s;
    double median = 0;
    *out = NULL;
    if (iterations < 1) return w_fail(e, WEIR_USAGE, "at least one iteration is needed");
    so.profile = 1;
    W_TRY(weir_session_create(model, &so, &s, e));
    weir_tensor_info in = weir_session_input_info(s, 0);
    weir_status st = WEIR_OK;
    if (!input) fill_noise(s);
    else if (in.bytes == input_bytes) memcpy(weir_session_input(s, 0), input, input_bytes);
    else st = w_fail(e, WEIR_BAD_INPUT, "input '%s' takes %zu bytes, %zu were given", in.name, in.bytes, input_bytes);
    if (st == WEIR_OK) st = time_runs(s, iterations, &median, e);
    if (st == WEIR_OK) st = document(s, median, iterations, out, e);
    weir_session_destroy(s);
    return st;
}
