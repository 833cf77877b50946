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
    if (g->ninput != 1 || (v->type != WEIR_F32 && v->type != WEIR_F16))
        return w_fail(e, WEIR_BAD_INPUT, "%s: a network with one input, f32 or f16, is needed to run it on data", g->source);
    if ((int64_t)(*sample * (size_t)batch) != w_shape_count(&v->shape))
        return w_fail(e, WEIR_BAD_INPUT, "%s: input '%s' takes %lld numbers a sample, the data has %zu", g->source,
                      w_value_name(g, g->input[0]), (long long)(w_shape_count(&v->shape) / batch), *sample);
    return WEIR_OK;
}

/* A Gemm behind Flatten reads channels-last bytes and has its weights permuted instead (layout_flatten.c): the plan's value
 * under the model's name holds other numbers at each place. The image whose bytes it is, or NULL: it is as the model says. */
static const w_value *permuted_image(const w_graph *model, const w_graph *g, w_id v) {
    w_id k = g->value[v].producer, t;
    if (g->value[v].kind != W_VALUE_NODE || k == W_NONE || g->node[k].op != W_OP_Flatten) return NULL;
    w_id view = g->node[k].in[0];
    t = g->value[view].producer;
    if (g->value[view].kind != W_VALUE_NODE || t == W_NONE || !w_transpose_is_view(g, &g->node[t])) return NULL;
    return w_graph_find(model, w_value_name(g, view)) == W_NONE ? &g->value[g->node[t].in[0]] : NULL;
}

static void to_model_order(const w_shape *s, const float *from, float *to) {
    int64_t c = s->dim[1], pixels = s->dim[2] * s->dim[3];
    for (int64_t n = 0; n < s->dim[0]; n++, from += c * pixels, to += c * pixels)
        for (int64_t i = 0; i < pixels; i++)
            for (int64_t k = 0; k < c; k++) to[k * pixels + i] = from[i * c + k];
}

static weir_status show(const weir_model *model, const w_plan *p, w_id v, const void *data, w_tap_fn fn, void *user, weir_error *e) {
    const w_value *image = permuted_image(model->graph, p->graph, v);
    if (!image || image->type != WEIR_F32) return fn(user, p->graph, v, data, e);
    size_t bytes = w_value_bytes(p->graph, v);
    float *copy = w_alloc(p->ctx, bytes);
    if (!copy) return w_oom(e, bytes, "an activation");
    to_model_order(&image->shape, data, copy);
    weir_status s = fn(user, p->graph, v, copy, e);
    w_free(p->ctx, copy, bytes);
    return s;
}

static weir_status show_values(const weir_model *model, const w_exec *x, w_tap_fn fn, void *user, weir_error *e) {
    const w_plan *p = x->plan;
    w_bindings b = {.ctx = p->ctx, .arena = x->arena, .input = x->input, .output = x->output};
    for (w_id v = 0; v < p->graph->nvalue; v++) {
        const w_loc *l = &p->value_loc[v];
        if (l->place == W_PLACE_NONE || l->place == W_PLACE_CONST) continue;
        W_TRY(show(model, p, v, w_loc_ptr(l, &b), fn, user, e));
    }
    return WEIR_OK;
}

static void put_sample(w_exec *x, size_t i, const float *from, size_t n) {
    const w_graph *g = x->plan->graph;
    if (g->value[g->input[0]].type == WEIR_F32) {
        memcpy((float *)x->input[0] + i * n, from, n * sizeof *from);
        return;
    }
    uint16_t *to = (uint16_t *)x->input[0] + i * n;
    for (size_t k = 0; k < n; k++) to[k] = w_f32_to_f16(from[k]);
}

static weir_status run_batches(const weir_model *model, w_exec *x, const w_samples *set, int64_t batch, size_t sample, w_tap_fn fn, void *user,
                               weir_error *e) {
    for (size_t first = 0; first + (size_t)batch <= set->n; first += (size_t)batch) {
        for (size_t i = 0; i < (size_t)batch; i++)
            put_sample(x, i, weir_dataset_sample(set->data, w_sample_at(set, first + i)), sample);
        W_TRY(w_exec_run(x, e));
        W_TRY(show_values(model, x, fn, user, e));
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
    if (s == WEIR_OK) s = run_batches(model, x, samples, batch, sample, fn, user, e);
    w_exec_destroy(x);
    w_plan_destroy(p);
    return s;
}
