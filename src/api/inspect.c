/* inspect.c: what a model is and what running it will take, before anything runs.
 *
 * peak_bytes is certified: opening and planning have happened and were watched, and what remains (the session's arena and
 * buffers) is known to the byte; a run allocates nothing. */
#include "session.h"
#include "doc.h"

static void put_dims(w_doc *d, json_t *parent, const w_graph *g, const w_shape *s) {
    json_t *a = w_doc_arr(d, parent, "shape");
    for (int i = 0; i < s->rank; i++) {
        size_t symbol = (size_t)(-(s->dim[i] + 1));
        if (s->dim[i] >= 0)
            w_doc_int(d, a, NULL, s->dim[i]);
        else
            w_doc_str(d, a, NULL, symbol < g->nsymbol ? g->symbol[symbol] : "?");
    }
}

static void put_tensor(w_doc *d, json_t *list, const w_graph *g, w_id v, const char *name) {
    json_t *o = w_doc_obj(d, list, NULL);
    w_doc_str(d, o, "name", name);
    w_doc_str(d, o, "type", w_type_name(g->value[v].type));
    put_dims(d, o, g, &g->value[v].shape);
}

static void put_borders(w_doc *d, const weir_model *m) {
    const w_graph *g = m->graph;
    json_t *in = w_doc_arr(d, d->root, "inputs"), *out = w_doc_arr(d, d->root, "outputs");
    for (size_t i = 0; i < g->ninput; i++)
        put_tensor(d, in, g, g->input[i], w_value_name(g, g->input[i]));
    for (size_t i = 0; i < g->noutput; i++)
        put_tensor(d, out, g, g->output[i], m->output_name[i]);
}

static void put_ops(w_doc *d, const w_file_counts *c) {
    json_t *o = w_doc_obj(d, d->root, "ops");
    for (uint16_t op = 1; op < W_OP_COUNT; op++)
        if (c->ops[op])
            w_doc_int(d, o, w_op_get(op)->name, c->ops[op]);
}

static void put_weights(w_doc *d, const double by_type[WEIR_BOOL + 1]) {
    json_t *o = w_doc_obj(d, d->root, "weight_bytes");
    for (int t = 1; t <= WEIR_BOOL; t++)
        if (by_type[t] > 0)
            w_doc_int(d, o, w_type_name((w_type)t), (int64_t)by_type[t]);
}

static weir_status document(const weir_session *s, size_t peak, weir_document **out, weir_error *e) {
    const weir_model *m = s->model;
    double by_type[WEIR_BOOL + 1];
    w_doc d;
    W_TRY(w_weight_bytes(s->plan->graph, by_type, e));
    W_TRY(w_plan_ledger(s->plan, e));
    w_doc_begin(&d);
    w_doc_str(&d, d.root, "file", m->path);
    w_doc_int(&d, d.root, "file_bytes", (int64_t)m->file_bytes);
    w_doc_int(&d, d.root, "params", m->counts.params);
    w_doc_int(&d, d.root, "macs", w_plan_macs(s->plan));
    put_weights(&d, by_type);
    put_ops(&d, &m->counts);
    put_borders(&d, m);
    w_doc_int(&d, w_doc_obj(&d, d.root, "bytes"), "compulsory", (int64_t)s->plan->bytes.compulsory);
    w_doc_int(&d, d.root, "arena_bytes", (int64_t)s->plan->arena_bytes);
    w_doc_int(&d, d.root, "arena_lower_bound", (int64_t)s->plan->arena_lower_bound);
    w_doc_str(&d, d.root, "arena_bound_proof", s->plan->arena_bound_proof);
    w_doc_int(&d, d.root, "peak_bytes", (int64_t)peak);
    return w_doc_end(&d, out, e);
}

weir_status weir_model_inspect(const weir_model *model, const weir_session_options *options, weir_document **out, weir_error *error) {
    weir_context *ctx = model->ctx;
    weir_session *s;
    size_t peak_before = ctx->peak;
    *out = NULL;
    ctx->peak = ctx->live;
    weir_status status = w_session_plan(model, options, &s, error);
    size_t peak = W_MAX(model->open_peak, ctx->peak);
    ctx->peak = W_MAX(ctx->peak, peak_before);
    W_TRY(status);
    peak = W_MAX(peak, ctx->live + w_exec_bytes(s->plan, s->profile));
    status = document(s, peak, out, error);
    weir_session_destroy(s);
    return status;
}
