/* choose.c: a step for every node that needs work, with the first implementation that does not refuse. The refusals stay
 * in the step, for people to read. */
#include "planner.h"
#include <string.h>

/* Kernels read whole elements, and a constant in a file mapping may lie anywhere. Operands behind the first are weights, which
 * are packed from where they lie. */
static weir_status align_data(w_plan *p, w_loc *l, weir_error *e) {
    size_t element = l->place == W_PLACE_CONST && l->data ? w_type_size(p->graph->value[l->value].type) : 0;
    if (element == 0 || (uintptr_t)l->data % element == 0) return WEIR_OK;
    void *copy = w_arena_alloc_aligned(&p->arena_mem, W_MAX(l->bytes, (size_t)1));
    if (!copy) return w_oom(e, l->bytes, "an aligned constant");
    memcpy(copy, l->data, l->bytes);
    l->data = copy;
    return WEIR_OK;
}

static weir_status step_operands(w_plan *p, w_step *s, const w_node *n, weir_error *e) {
    s->nin = n->nin;
    s->nout = n->nout;
    size_t cap = W_MAX(n->nin, W_STEP_IN);
    s->in = w_arena_array(&p->arena_mem, cap, sizeof *s->in);
    s->out = w_arena_array(&p->arena_mem, n->nout + 1, sizeof *s->out);
    if (!s->in || !s->out)
        return w_oom(e, cap * sizeof *s->in, "the operands of a step");
    for (size_t i = 0; i < cap; i++)
        s->in[i] = i < n->nin && n->in[i] != W_NONE ? p->value_loc[n->in[i]] : (w_loc){.value = W_NONE};
    for (uint32_t i = 0; i < n->nout; i++)
        s->out[i] = n->out[i] != W_NONE ? p->value_loc[n->out[i]] : (w_loc){.value = W_NONE};
    return WEIR_OK;
}

const w_impl *w_plan_impl(const w_plan *p, const w_node *n, w_arena *a, const char **why) {
    const w_impl *const *list = p->ctx->backend->impls(n->op);
    for (size_t i = 0; list && list[i]; i++) {
        const char *no = list[i]->refuse ? list[i]->refuse(p, n, a) : NULL;
        if (!no)
            return list[i];
        if (why)
            why[i] = no;
    }
    return NULL;
}

static weir_status pick(w_plan *p, w_step *s, const w_node *n, weir_error *e) {
    const w_impl *const *list = p->ctx->backend->impls(n->op);
    size_t count = 0;
    while (list && list[count])
        count++;
    s->refusals = w_arena_array(&p->arena_mem, count + 1, sizeof *s->refusals);
    if (!s->refusals)
        return w_oom(e, count * sizeof *s->refusals, "refusals");
    s->impl = w_plan_impl(p, n, &p->arena_mem, s->refusals);
    for (; s->nrefusals < count && list[s->nrefusals] != s->impl; s->nrefusals++) {
        const char **why = &s->refusals[s->nrefusals];
        *why = w_arena_printf(&p->arena_mem, "%s: %s", list[s->nrefusals]->name, *why);
        if (!*why)
            return w_oom(e, 0, "a refusal");
    }
    if (s->impl)
        return WEIR_OK;
    const w_op_def *def = w_op_get(n->op);
    return w_fail(e, WEIR_BAD_INPUT, "%s: node '%s': nothing runs this %s%s%s", p->graph->source, w_node_label(p->graph, n),
                  def ? def->name : "operator", s->nrefusals ? "; " : "", s->nrefusals ? s->refusals[s->nrefusals - 1] : "");
}

static weir_status choose_step(w_plan *p, w_step *s, w_id node, weir_error *e) {
    const w_node *n = &p->graph->node[node];
    s->node = node;
    s->threads = 1;
    s->peak = W_PEAK_F32;
    s->macs = w_node_work(p->graph, n);
    W_TRY(step_operands(p, s, n, e));
    W_TRY(pick(p, s, n, e));
    s->kernel = s->impl->name;
    s->tile = "";
    if (s->impl->prepare)
        W_TRY(s->impl->prepare(p, s, e));
    if (s->nin && !s->bytewise)
        W_TRY(align_data(p, &s->in[0], e));
    for (uint32_t i = 0; i < n->nin; i++) /* most constants are packed by now */
        if (n->in[i] != W_NONE)
            w_const_rest(p->graph, p->graph->value[n->in[i]].data, w_value_bytes(p->graph, n->in[i]));
    return WEIR_OK;
}

weir_status w_plan_choose(w_plan *p, const bool *is_step, weir_error *e) {
    const w_graph *g = p->graph;
    size_t n = 0;
    for (size_t i = 0; i < g->nnode; i++)
        n += g->node[i].op != W_OP_NONE && is_step[i];
    p->step = w_arena_array(&p->arena_mem, n + 1, sizeof *p->step);
    if (!p->step)
        return w_oom(e, n * sizeof *p->step, "steps");
    W_TRY(p->ctx->backend->share(p, e));
    W_TRY(w_plan_inside(p, is_step, e));
    for (size_t i = 0; i < g->nnode; i++) {
        if (g->node[i].op == W_OP_NONE || !is_step[i])
            continue;
        if (w_cancelled(p->ctx))
            return w_fail(e, WEIR_INTERRUPTED, "interrupted while planning");
        W_TRY(choose_step(p, &p->step[p->nstep], (w_id)i, e));
        p->nstep++;
    }
    return WEIR_OK;
}
