/* infer: arity, types and shapes of every node, in order.
 *
 * Shape rules see real numbers: while a rule runs, a quantised operand has type f32, and so has a half-precision
 * constant whose node computes in f32. A quantised output keeps its storage type. */
#include "passutil.h"

static bool is_half(w_type t) { return t == WEIR_F16 || t == WEIR_BF16; }

static weir_status check_arity(const w_graph *g, const w_node *n, const w_op_def *d, weir_error *e) {
    if (n->nin < d->min_in || n->nin > d->max_in || n->nout < d->min_out || n->nout > d->max_out)
        return w_fail(e, WEIR_BAD_INPUT, "has %u inputs and %u outputs: expected %u to %u and %u to %u", n->nin, n->nout,
                      d->min_in, d->max_in, d->min_out, d->max_out);
    for (uint32_t i = 0; i < d->min_in; i++)
        if (n->in[i] == W_NONE) return w_fail(e, WEIR_BAD_INPUT, "input %u is absent: expected a tensor", i);
    for (uint32_t i = 0; i < d->min_out; i++)
        if (n->out[i] == W_NONE) return w_fail(e, WEIR_BAD_INPUT, "output %u is absent: expected a tensor", i);
    return WEIR_OK;
}

/* Operators whose rule looks at stored types. */
static bool sees_storage(uint16_t op) {
    return op == W_OP_QuantizeLinear || op == W_OP_DequantizeLinear || op == W_OP_Cast || op == W_OP_Shape;
}

/* The types that the operands really have, while they are disguised. */
typedef struct disguise { w_type *in; } disguise;

static bool computes_in_half(const w_graph *g, const w_node *n) {
    bool variable = false;
    for (uint32_t i = 0; i < n->nin; i++) {
        if (n->in[i] == W_NONE || w_is_const(g, n->in[i])) continue;
        variable = true;
        if (is_half(g->value[n->in[i]].type)) return true;
    }
    return !variable;
}

static void put_on(w_graph *g, const w_node *n, disguise *d) {
    bool half = computes_in_half(g, n);
    for (uint32_t i = 0; i < n->nin; i++)
        if (n->in[i] != W_NONE) d->in[i] = g->value[n->in[i]].type;
    for (uint32_t i = 0; i < n->nin; i++) {
        if (n->in[i] == W_NONE) continue;
        w_value *v = &g->value[n->in[i]];
        if (v->quant || (v->kind == W_VALUE_CONST && is_half(v->type) && !half)) v->type = WEIR_F32;
    }
}

static void take_off(w_graph *g, const w_node *n, const disguise *d) {
    for (uint32_t i = n->nin; i-- > 0;)
        if (n->in[i] != W_NONE) g->value[n->in[i]].type = d->in[i];
}

static weir_status run_rule(w_graph *g, w_node *n, const w_op_def *def, weir_error *e) {
    if (sees_storage(n->op)) return def->infer(g, n, e);
    w_type few[16];
    disguise d = {few};
    size_t bytes = n->nin * sizeof *d.in;
    if (n->nin > W_COUNT(few) && !(d.in = w_alloc(g->ctx, bytes))) return w_oom(e, bytes, "operand types");
    put_on(g, n, &d);
    weir_status s = def->infer(g, n, e);
    take_off(g, n, &d);
    if (d.in != few) w_free(g->ctx, d.in, bytes);
    return s;
}

static weir_status check_output(const w_graph *g, w_id id, weir_error *e) {
    const w_value *v = &g->value[id];
    const w_shape *s = &v->shape;
    int64_t bytes, n = w_shape_count(s);
    if (!s->known) return WEIR_OK;
    if (!w_type_size(v->type)) return w_fail(e, WEIR_BAD_INPUT, "output '%s' has no type", w_value_name(g, id));
    for (unsigned i = 0; i < s->rank; i++)
        if (s->dim[i] > W_MAX_DIM)
            return w_fail(e, WEIR_BAD_INPUT, "output '%s': dimension %u is %lld: expected at most %lld", w_value_name(g, id),
                          i, (long long)s->dim[i], (long long)W_MAX_DIM);
    if (w_shape_bound(s) && (n < 0 || !w_mul_i64(n, 64, &bytes)))
        return w_fail(e, WEIR_BAD_INPUT, "output '%s': the product of its dimensions overflows", w_value_name(g, id));
    return WEIR_OK;
}

static weir_status infer_outputs(w_graph *g, w_node *n, const w_op_def *def, weir_error *e) {
    w_type stored = n->nout && n->out[0] != W_NONE ? g->value[n->out[0]].type : 0;
    W_TRY(run_rule(g, n, def, e));
    for (uint32_t i = 0; i < n->nout; i++) {
        if (n->out[i] == W_NONE) continue;
        if (g->value[n->out[i]].quant && i == 0 && w_type_size(stored) == 1) g->value[n->out[i]].type = stored;
        W_TRY(check_output(g, n->out[i], e));
    }
    return WEIR_OK;
}

weir_status w_infer_node(w_graph *g, w_id node, weir_error *e) {
    w_node *n = &g->node[node];
    const w_op_def *def = w_op_get(n->op);
    if (!def) return w_fail(e, WEIR_BAD_INPUT, "node '%s': operator %u is unknown", w_node_label(g, n), n->op);
    weir_status s = check_arity(g, n, def, e);
    if (s == WEIR_OK) s = infer_outputs(g, n, def, e);
    return s == WEIR_OK ? s : w_fail_prefix(e, s, "node '%s' (%s)", w_node_label(g, n), def->name);
}

weir_status w_pass_infer(w_graph *g, weir_error *e) {
    for (size_t k = 0; k < g->nnode; k++)
        if (g->node[k].op) W_TRY(w_infer_node(g, (w_id)k, e));
    return WEIR_OK;
}
