/* The verifier: every invariant that graph.h states, one small function each. */
#include "graph.h"

static weir_status verify_shape(const w_graph *g, w_id id, weir_error *e) {
    const w_shape *s = &g->value[id].shape;
    if (!s->known) return WEIR_OK;
    if (s->rank > W_MAX_RANK)
        return w_fail(e, WEIR_BAD_INPUT, "tensor '%s' has rank %u: expected at most %d", w_value_name(g, id), s->rank, W_MAX_RANK);
    bool symbolic = false;
    for (unsigned i = 0; i < s->rank; i++) {
        if (s->dim[i] > W_MAX_DIM || s->dim[i] < -(int64_t)g->nsymbol)
            return w_fail(e, WEIR_BAD_INPUT, "tensor '%s': dimension %u is %lld: expected 0 to %lld or a known symbol",
                          w_value_name(g, id), i, (long long)s->dim[i], (long long)W_MAX_DIM);
        symbolic |= s->dim[i] < 0;
    }
    int64_t n = w_shape_count(s);
    if (!symbolic && (n < 0 || n > INT64_MAX / 64))
        return w_fail(e, WEIR_BAD_INPUT, "tensor '%s': the product of its dimensions overflows", w_value_name(g, id));
    return WEIR_OK;
}

static weir_status verify_quant(const w_graph *g, w_id id, weir_error *e) {
    const w_value *v = &g->value[id];
    const w_quant *q = v->quant;
    if (!q) return WEIR_OK;
    if (v->type != WEIR_U8 && v->type != WEIR_S8)
        return w_fail(e, WEIR_BAD_INPUT, "quantised tensor '%s' has type %s: expected u8 or s8", w_value_name(g, id),
                      w_type_name(v->type));
    bool per_axis = q->n > 1 && v->shape.known && q->axis >= 0 && q->axis < v->shape.rank &&
                    v->shape.dim[q->axis] == (int64_t)q->n;
    if (!q->scale || !q->zero || (q->n != 1 && !per_axis))
        return w_fail(e, WEIR_BAD_INPUT, "quantised tensor '%s' has %u scales on axis %d: expected 1 or one for each index",
                      w_value_name(g, id), q->n, q->axis);
    for (uint32_t i = 0; i < q->n; i++)
        if (!(q->scale[i] > 0) || q->scale[i] > 3.4e38f)
            return w_fail(e, WEIR_BAD_INPUT, "quantised tensor '%s': scale %u is %g: expected a positive number",
                          w_value_name(g, id), i, (double)q->scale[i]);
    return WEIR_OK;
}

static weir_status verify_value(const w_graph *g, w_id id, weir_error *e) {
    const w_value *v = &g->value[id];
    const char *name = w_value_name(g, id);
    if (!*name || w_graph_find(g, name) != id) return w_fail(e, WEIR_BAD_INPUT, "tensor '%s' shares its name with another", name);
    W_TRY(verify_shape(g, id, e));
    W_TRY(verify_quant(g, id, e));
    if (v->layout == W_NHWC && (!v->shape.known || v->shape.rank != 4))
        return w_fail(e, WEIR_BAD_INPUT, "tensor '%s' is channels-last: expected rank 4", name);
    if (v->kind != W_VALUE_NODE && v->producer != W_NONE)
        return w_fail(e, WEIR_BAD_INPUT, "tensor '%s' is an input or constant and has a producer", name);
    if (v->kind != W_VALUE_CONST) return WEIR_OK;
    int64_t n = w_shape_count(&v->shape);
    if (n < 0 || !w_type_size(v->type) || (n && !v->data))
        return w_fail(e, WEIR_BAD_INPUT, "constant '%s': expected a type, a full shape and data", name);
    return WEIR_OK;
}

static weir_status verify_node(const w_graph *g, w_id k, weir_error *e) {
    const w_node *n = &g->node[k];
    const char *label = w_node_label(g, n);
    for (uint32_t i = 0; i < n->nin; i++) {
        w_id v = n->in[i];
        if (v == W_NONE) continue;
        if (v >= g->nvalue) return w_fail(e, WEIR_BAD_INPUT, "node '%s': input %u is no value of the graph", label, i);
        if (g->value[v].kind != W_VALUE_NODE) continue;
        if (g->value[v].producer == W_NONE)
            return w_fail(e, WEIR_BAD_INPUT, "node '%s': nothing produces its input '%s'", label, w_value_name(g, v));
        if (g->value[v].producer >= k)
            return w_fail(e, WEIR_BAD_INPUT, "node '%s' stands before the producer of its input '%s'", label, w_value_name(g, v));
    }
    for (uint32_t i = 0; i < n->nout; i++) {
        w_id v = n->out[i];
        if (v == W_NONE) continue;
        if (v >= g->nvalue || g->value[v].kind != W_VALUE_NODE || g->value[v].producer != k)
            return w_fail(e, WEIR_BAD_INPUT, "node '%s': output %u is not a value that it produces", label, i);
    }
    return WEIR_OK;
}

static weir_status verify_ends(const w_graph *g, weir_error *e) {
    for (size_t i = 0; i < g->ninput; i++)
        if (g->input[i] >= g->nvalue || g->value[g->input[i]].kind != W_VALUE_INPUT)
            return w_fail(e, WEIR_BAD_INPUT, "graph input %zu is no input value", i);
    if (!g->noutput) return w_fail(e, WEIR_BAD_INPUT, "the graph has no output: expected at least one");
    for (size_t i = 0; i < g->noutput; i++) {
        w_id v = g->output[i];
        if (v >= g->nvalue) return w_fail(e, WEIR_BAD_INPUT, "graph output %zu is no value of the graph", i);
        if (g->value[v].kind == W_VALUE_NODE && g->value[v].producer == W_NONE)
            return w_fail(e, WEIR_BAD_INPUT, "nothing produces graph output '%s'", w_value_name(g, v));
    }
    return WEIR_OK;
}

weir_status w_graph_verify(const w_graph *g, weir_error *e) {
    W_TRY(verify_ends(g, e));
    for (size_t k = 0; k < g->nnode; k++)
        if (g->node[k].op) W_TRY(verify_node(g, (w_id)k, e));
    for (size_t v = 0; v < g->nvalue; v++) W_TRY(verify_value(g, (w_id)v, e));
    return WEIR_OK;
}
