/* api_session.c: sessions: a plan of a model, the memory it runs in, and its documents. */
#include "session.h"
#include "doc.h"
#include <string.h>

weir_session_options weir_session_options_default(void) {
    return (weir_session_options){.struct_size = sizeof(weir_session_options)};
}

static weir_status read_options(const weir_session_options *from, weir_session_options *to, weir_error *e) {
    *to = weir_session_options_default();
    if (!from)
        return WEIR_OK;
    if (from->struct_size < sizeof(size_t) || from->struct_size > sizeof *to)
        return w_fail(e, WEIR_USAGE, "session options: struct_size %zu, expected at most %zu (start from weir_session_options_default)",
                      from->struct_size, sizeof *to);
    memcpy(to, from, from->struct_size);
    return WEIR_OK;
}

weir_status w_session_plan(const weir_model *model, const weir_session_options *options, weir_session **out, weir_error *e) {
    weir_session_options o;
    *out = NULL;
    W_TRY(read_options(options, &o, e));
    weir_session *s = w_calloc(model->ctx, 1, sizeof *s);
    if (!s)
        return w_oom(e, sizeof *s, "a session");
    s->model = model;
    s->profile = o.profile != 0;
    w_model_hold(model);
    w_plan_options po = {.threads = model->ctx->threads, .keep_all = o.keep_all != 0};
    weir_status status = w_plan_create(model->graph, &o, &po, &s->plan, e);
    if (status != WEIR_OK) {
        weir_session_destroy(s);
        return status;
    }
    *out = s;
    return WEIR_OK;
}

weir_status weir_session_create(const weir_model *model, const weir_session_options *options, weir_session **out, weir_error *error) {
    weir_session *s;
    *out = NULL;
    W_TRY(w_session_plan(model, options, &s, error));
    weir_status status = w_exec_create(s->plan, s->profile, &s->exec, error);
    if (status != WEIR_OK) {
        weir_session_destroy(s);
        return status;
    }
    *out = s;
    return WEIR_OK;
}

void weir_session_destroy(weir_session *session) {
    if (!session)
        return;
    const weir_model *model = session->model;
    w_exec_destroy(session->exec);
    w_plan_destroy(session->plan);
    w_free(model->ctx, session, sizeof *session);
    w_model_release(model);
}

static weir_tensor_info info(const w_graph *g, w_id v, const char *name) {
    const w_value *value = &g->value[v];
    return (weir_tensor_info){.name = name, .type = value->type, .rank = value->shape.rank, .dims = value->shape.dim, .bytes = w_value_bytes(g, v)};
}

int weir_session_input_count(const weir_session *session) { return (int)session->plan->graph->ninput; }
int weir_session_output_count(const weir_session *session) { return (int)session->plan->graph->noutput; }

weir_tensor_info weir_session_input_info(const weir_session *session, int index) {
    const w_graph *g = session->plan->graph;
    if (index < 0 || (size_t)index >= g->ninput)
        return (weir_tensor_info){0};
    return info(g, g->input[index], w_value_name(g, g->input[index]));
}

weir_tensor_info weir_session_output_info(const weir_session *session, int index) {
    const w_graph *g = session->plan->graph;
    if (index < 0 || (size_t)index >= g->noutput)
        return (weir_tensor_info){0};
    return info(g, g->output[index], session->model->output_name[index]);
}

void *weir_session_input(weir_session *session, int index) {
    return index >= 0 && (size_t)index < session->plan->graph->ninput ? session->exec->input[index] : NULL;
}

const void *weir_session_output(const weir_session *session, int index) {
    return index >= 0 && (size_t)index < session->plan->graph->noutput ? session->exec->output[index] : NULL;
}

weir_status weir_session_run(weir_session *session, weir_error *error) { return w_exec_run(session->exec, error); }

weir_status weir_session_plan(const weir_session *session, weir_document **out, weir_error *error) {
    *out = NULL;
    W_TRY(w_plan_ledger(session->plan, error));
    return w_plan_doc(session->plan, out, error);
}

weir_status weir_session_plan_text(const weir_session *session, weir_document **out, weir_error *error) {
    *out = NULL;
    W_TRY(w_plan_ledger(session->plan, error));
    return w_plan_text(session->plan, out, error);
}

weir_status weir_session_ledger(const weir_session *session, weir_document **out, weir_error *error) {
    *out = NULL;
    W_TRY(w_plan_ledger(session->plan, error));
    return w_plan_ledger_doc(session->plan, out, error);
}

weir_status weir_session_profile(const weir_session *session, weir_document **out, weir_error *error) {
    const w_plan *p = session->plan;
    const w_exec *x = session->exec;
    w_doc d;
    *out = NULL;
    if (!x->step_seconds)
        return w_fail(error, WEIR_USAGE, "this session was made without profile");
    w_doc_begin(&d);
    w_doc_int(&d, d.root, "runs", (int64_t)x->runs);
    json_t *steps = w_doc_arr(&d, d.root, "steps");
    for (size_t i = 0; i < p->nstep; i++) {
        json_t *o = w_doc_obj(&d, steps, NULL);
        w_doc_str(&d, o, "name", w_node_label(p->graph, &p->graph->node[p->step[i].node]));
        w_doc_num(&d, o, "ms", x->runs ? 1e3 * x->step_seconds[i] / (double)x->runs : 0);
    }
    return w_doc_end(&d, out, error);
}
