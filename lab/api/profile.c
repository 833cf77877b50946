/* weir_profile: the plan's ledger beside the clock, and for each step what each technique would save. */
#include "lab.h"
#include "profile.h"
#include <string.h>

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

static void add_steps(w_doc *d, const weir_session *s, const w_times *t, const w_machine *m, w_arena *a) {
    const w_plan *p = s->plan;
    json_t *steps = json_object_get(d->root, "steps");
    for (size_t i = 0; i < p->nstep; i++) {
        json_t *o = json_array_get(steps, i);
        const w_step *st = &p->step[i];
        w_doc_num(d, o, "ms", 1e3 * t->step[i].seconds);
        w_doc_num(d, o, "fraction_of_bound", t->step[i].fraction);
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

static weir_status document(const weir_session *s, const w_times *t, const w_machine *m, int iterations, weir_document **out, weir_error *e) {
    w_doc d = {0};
    w_arena a;
    W_TRY(plan_json(s, &d.root, e));
    w_arena_init(&a, s->plan->ctx);
    w_doc_num(&d, d.root, "latency_median_ms", 1e3 * t->run.seconds);
    w_doc_int(&d, d.root, "iterations", iterations);
    w_doc_num(&d, d.root, "cores_gave", t->cores_gave);
    w_doc_num(&d, d.root, "fraction_of_bound", t->run.fraction);
    add_steps(&d, s, t, m, &a);
    w_arena_fini(&a);
    return w_doc_end(&d, out, e);
}

weir_status weir_profile(const weir_model *model, const weir_session_options *options, const float *input, size_t input_bytes,
                         int iterations, weir_document **out, weir_error *e) {
    weir_session_options so = *options;
    weir_session *s;
    const w_machine *m;
    w_times t = {0};
    *out = NULL;
    if (iterations < 1) return w_fail(e, WEIR_USAGE, "at least one iteration is needed");
    so.profile = 1;
    W_TRY(weir_session_create(model, &so, &s, e));
    weir_tensor_info in = weir_session_input_info(s, 0);
    weir_status st = w_machine_get(s->plan->ctx, false, &m, e);
    if (st == WEIR_OK) st = w_plan_ledger(s->plan, e);
    if (st == WEIR_OK && !input) fill_noise(s);
    else if (st == WEIR_OK && in.bytes == input_bytes) memcpy(weir_session_input(s, 0), input, input_bytes);
    else if (st == WEIR_OK) st = w_fail(e, WEIR_BAD_INPUT, "input '%s' takes %zu bytes, %zu were given", in.name, in.bytes, input_bytes);
    if (st == WEIR_OK) st = w_times_take(s, m, (size_t)iterations, &t, e);
    if (st == WEIR_OK) st = document(s, &t, m, iterations, out, e);
    w_times_free(s, &t);
    weir_session_destroy(s);
    return st;
}
