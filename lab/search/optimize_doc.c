/* The document of weir_optimize: what docs/cli.md promises, and what the report draws besides. */
#include "search.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TIMED_RUNS 60

typedef struct timed { weir_session *s[2]; } timed;

static weir_status timed_open(const weir_model *a, const weir_model *b, timed *t, weir_error *e) {
    weir_session_options so = weir_session_options_default();
    W_TRY(weir_session_create(a, &so, &t->s[0], e));
    return weir_session_create(b, &so, &t->s[1], e);
}

/* Batch-1 latency of both, interleaved run by run on real samples; medians in milliseconds. */
static weir_status time_both(w_search *s, const weir_model *small, double ms[2], weir_error *e) {
    timed t = {{NULL, NULL}};
    double sample[2][TIMED_RUNS];
    weir_status st = timed_open(s->model, small, &t, e);
    for (int i = -5; st == WEIR_OK && i < TIMED_RUNS; i++)
        for (int k = 0; st == WEIR_OK && k < 2; k++) {
            size_t at = w_sample_at(&s->calibration_set, (size_t)(i + 5) % s->calibration_set.n);
            weir_tensor_info in = weir_session_input_info(t.s[k], 0);
            memcpy(weir_session_input(t.s[k], 0), weir_dataset_sample(s->calibration_set.data, at), in.bytes);
            double t0 = w_now();
            st = weir_session_run(t.s[k], e);
            if (i >= 0) sample[k][i] = 1e3 * (w_now() - t0);
        }
    for (int k = 0; st == WEIR_OK && k < 2; k++) ms[k] = w_median(sample[k], TIMED_RUNS);
    weir_session_destroy(t.s[0]);
    weir_session_destroy(t.s[1]);
    return st;
}

/* Parsed JSON of a library document; frees it. */
static weir_status take(weir_document *d, json_t **out, weir_error *e) {
    const char *text = weir_document_text(d);
    weir_status st = w_json_parse(text, strlen(text), "a result", out, e);
    weir_document_destroy(d);
    return st;
}

static weir_status profile_of(const weir_model *m, json_t **out, weir_error *e) {
    weir_document *d;
    weir_session_options so = weir_session_options_default();
    W_TRY(weir_profile(m, &so, NULL, 0, 30, &d, e));
    return take(d, out, e);
}

/* The buffers of the plan in one arena, over its steps. */
static void add_arena(w_doc *doc, json_t *side, const json_t *profile) {
    static const char *const key[] = {"arena_bytes", "arena_lower_bound", "arena_bound_proof"}, *const name[] = {"bytes", "lower_bound", "proof"};
    json_t *o = w_doc_obj(doc, side, "arena");
    for (size_t i = 0; i < W_COUNT(key); i++) w_doc_add(doc, o, name[i], json_incref(json_object_get(profile, key[i])));
    w_doc_add(doc, o, "buffers", json_incref(json_object_get(profile, "buffers")));
}

static weir_status add_side(w_doc *doc, const char *key, const weir_model *m, double top1, const w_verdict *v, uint64_t file_bytes,
                            double ms, weir_error *e) {
    json_t *profile, *o = w_doc_obj(doc, doc->root, key);
    W_TRY(profile_of(m, &profile, e));
    if (v->p.n) w_doc_num(doc, o, "top1", top1);
    else w_doc_null(doc, o, "top1");
    w_doc_int(doc, o, "n", (int64_t)v->p.n);
    if (file_bytes) w_doc_int(doc, o, "file_bytes", (int64_t)file_bytes);
    else w_doc_null(doc, o, "file_bytes");
    w_doc_num(doc, o, "latency_ms", ms);
    w_doc_null(doc, o, "peak_rss_bytes");
    w_doc_str(doc, o, "peak_rss_why_null", "two networks share this process; weir bench measures each alone");
    w_doc_add(doc, o, "bytes", json_incref(json_object_get(profile, "bytes")));
    w_doc_add(doc, o, "bound_ms", json_incref(json_object_get(profile, "bound_ms")));
    w_doc_add(doc, o, "threads", json_incref(json_object_get(profile, "threads")));
    w_doc_add(doc, o, "steps", json_incref(json_object_get(profile, "steps")));
    add_arena(doc, o, profile);
    json_decref(profile);
    return WEIR_OK;
}

static weir_status fill(w_doc *d, w_search *s, const weir_model *m, const json_t *recipe, const w_point *p, const w_verdict *v,
                        uint64_t file_bytes, weir_error *e) {
    double ms[2], predicted, dram;
    W_TRY(time_both(s, m, ms, e));
    w_doc_str(d, d->root, "model", s->model->graph->source);
    W_TRY(add_side(d, "baseline", s->model, v->p.base_top1, v, weir_model_file_bytes(s->model), ms[0], e));
    W_TRY(w_predict(s->model, &predicted, &dram, e));
    w_doc_num(d, json_object_get(d->root, "baseline"), "predicted_ms", 1e3 * predicted);
    W_TRY(add_side(d, "optimized", m, v->p.top1, v, file_bytes, ms[1], e));
    bool looked = v->looks > 0;
    w_doc_num(d, d->root, "drop_points", looked ? v->drop : w_predicted_drop(s, &p->t.p));
    w_doc_num(d, d->root, "drop_upper95", looked ? v->upper : w_predicted_upper(s, &p->t.p));
    w_doc_str(d, d->root, "drop_measured_on", looked ? "data" : "search samples");
    w_doc_num(d, d->root, "max_drop", looked ? w_verify_limit(s, &v->p) : s->o->max_drop);
    w_doc_bool(d, d->root, "met", v->met);
    w_doc_int(d, d->root, "verifications", (int64_t)v->looks);
    w_doc_add(d, d->root, "recipe", json_incref(json_object_get(recipe, "rules")));
    w_doc_int(d, d->root, "trials", (int64_t)s->trials_run);
    w_doc_num(d, d->root, "seconds", w_now() - s->started);
    w_doc_str(d, d->root, "output", s->o->output && v->met ? s->o->output : NULL);
    w_doc_num(d, d->root, "predicted_ms", 1e3 * p->t.predicted_s);
    w_doc_num(d, d->root, "predicted_drop_points", w_predicted_drop(s, &p->t.p));
    w_doc_str(d, d->root, "objective", s->o->objective ? s->o->objective : "time");
    w_doc_layers(d, s, p->choice);
    w_doc_pareto(d, s, p->choice);
    return w_histograms(d, s->model->graph, m->graph, e);
}

weir_status w_optimize_document(w_search *s, const weir_model *m, const json_t *recipe, const w_point *p, const w_verdict *v,
                                uint64_t file_bytes, weir_document **out, weir_error *e) {
    w_doc d;
    w_doc_begin(&d);
    weir_status st = fill(&d, s, m, recipe, p, v, file_bytes, e);
    if (st != WEIR_OK) {
        w_doc_drop(&d);
        return st;
    }
    return w_doc_end(&d, out, e);
}
