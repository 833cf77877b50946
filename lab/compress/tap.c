/* Taps: run real samples with every intermediate value kept, and show them to a callback. */
#include "lab.h"
#include "run.h"
#include <string.h>

#define TAP_BATCH 32

static int64_t tap_batch(const weir_model *model) {
    const w_graph *g = model->graph;
    const w_shape *s = &g->value[g->input[0]].shape;
    return s->rank > 0 && s->dim[0] > 0 ? s->dim[0] : TAP_BATCH;
}

static weir_status check_input(const w_plan *p, const weir_dataset *data, int64_t batch, size_t *sample, weir_error *e) {
    const w_graph *g = p->graph;
    const w_value *v = &g->value[g->input[0]];
    int rank;
    const int64_t *dims = weir_dataset_shape(data, &rank);
    *sample = 1;
    for (int i = 0; i < rank; i++) *sample *= (size_t)dims[i];
    if (g->ninput != 1 || v->type != WEIR_F32)
        return w_fail(e, WEIR_BAD_INPUT, "%s: a network with one f32 input is needed to run it on data", g->source);
    if ((int64_t)(*sample * (size_t)batch) != w_shape_count(&v->shape))
        return w_fail(e, WEIR_BAD_INPUT, "%s: input '%s' takes %lld numbers a sample, the data has %zu", g->source,
                      w_value_name(g, g->input[0]), (long long)(w_shape_count(&v->shape) / batch), *sample);
    return WEIR_OK;
}

static weir_status show_values(const w_exec *x, w_tap_fn fn, void *user, weir_error *e) {
    const w_plan *p = x->plan;
    w_bindings b = {.ctx = p->ctx, .arena = x->arena, .input = x->input, .output = x->output};
    for (w_id v = 0; v < p->graph->nvalue; v++) {
        const w_loc *l = &p->value_loc[v];
        if (l->place == W_PLACE_NONE || l->place == W_PLACE_CONST) continue;
        W_TRY(fn(user, p->graph, v, w_loc_ptr(l, &b), e));
    }
    return WEIR_OK;
}

static weir_status run_batches(w_exec *x, const w_samples *set, int64_t batch, size_t sample, w_tap_fn fn, void *user,
                               weir_error *e) {
    size_t bytes = sample * sizeof(float);
    for (size_t first = 0; first + (size_t)batch <= set->n; first += (size_t)batch) {
        for (size_t i = 0; i < (size_t)batch; i++)
            memcpy((uint8_t *)x->input[0] + i * bytes, weir_dataset_sample(set->data, w_sample_at(set, first + i)), bytes);
        W_TRY(w_exec_run(x, e));
        W_TRY(show_values(x, fn, user, e));
    }
    return WEIR_OK;
}

weir_status w_tap_run(const weir_model *model, const w_samples *samples, w_tap_fn fn, void *user, weir_error *e) {
    int64_t batch = tap_batch(model);
    weir_session_options so = weir_session_options_default();
    so.batch = batch;
    so.keep_all = 1;
    w_plan_options po = {.threads = model->ctx->threads, .keep_all = true};
    w_plan *p = NULL;
    w_exec *x = NULL;
    size_t sample = 0;
    W_TRY(w_plan_create(model->graph, &so, &po, &p, e));
    weir_status s = check_input(p, samples->data, batch, &sample, e);
    if (s == WEIR_OK) s = w_exec_create(p, false, &x, e);
    if (s == WEIR_OK) s = run_batches(x, samples, batch, sample, fn, user, e);
    w_exec_destroy(x);
    w_plan_destroy(p);
    return s;
}
