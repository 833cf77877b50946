/* infer: types and shapes of every value, node by node in order, by the operators' rules.
 *
 * A half-precision constant whose node computes in f32 looks like f32 while the rule runs: the types of ONNX agree, and
 * readers convert. (Rules treat quantised values as real numbers themselves.) */
#include "passutil.h"

static bool is_half(w_type t) { return t == WEIR_F16 || t == WEIR_BF16; }

/* Operators whose rule looks at stored types. */
static bool sees_storage(uint16_t op) { return op == W_OP_Cast || op == W_OP_Shape; }

static bool is_half_const(const w_graph *g, w_id v) { return w_is_const(g, v) && is_half(g->value[v].type); }

/* Whether constants in half precision stand beside variables in f32. */
static bool mixes(const w_graph *g, const w_node *n) {
    bool constant = false, variable = false;
    for (uint32_t i = 0; i < n->nin; i++) {
        if (n->in[i] == W_NONE) continue;
        constant |= is_half_const(g, n->in[i]);
        if (w_is_const(g, n->in[i])) continue;
        variable = true;
        if (is_half(g->value[n->in[i]].type)) return false;
    }
    return constant && variable && !sees_storage(n->op);
}

static weir_status run_disguised(w_graph *g, w_node *n, const w_op_def *def, weir_error *e) {
    w_type *real = w_calloc(g->ctx, n->nin, sizeof *real);
    if (!real) return w_oom(e, n->nin * sizeof *real, "operand types");
    for (uint32_t i = 0; i < n->nin; i++)
        if (is_half_const(g, n->in[i])) {
            real[i] = g->value[n->in[i]].type;
            g->value[n->in[i]].type = WEIR_F32;
        }
    weir_status s = def->infer(g, n, e);
    for (uint32_t i = 0; i < n->nin; i++)
        if (real[i]) g->value[n->in[i]].type = real[i];
    w_free(g->ctx, real, n->nin * sizeof *real);
    return s;
}

weir_status w_infer_node(w_graph *g, w_id node, weir_error *e) {
    w_node *n = &g->node[node];
    const w_op_def *def = w_op_get(n->op);
    if (!def) return w_fail(e, WEIR_BAD_INPUT, "node '%s': operator %u is unknown", w_node_label(g, n), n->op);
    return mixes(g, n) ? run_disguised(g, n, def, e) : def->infer(g, n, e);
}

weir_status w_pass_infer(w_graph *g, weir_error *e) {
    for (size_t k = 0; k < g->nnode; k++)
        if (g->node[k].op) W_TRY(w_infer_node(g, (w_id)k, e));
    return WEIR_OK;
}
