/* Activations that integer kernels do not compute (sigmoid, tanh, silu, gelu, elu) leave a layer's epilogue before it becomes
 * an integer layer: it then writes real sums, and the function follows as a node of its own, on real numbers. */
#include "quant.h"

static weir_status new_value(w_graph *g, w_id like, const char *suffix, w_id *out, weir_error *e) {
    W_TRY(w_graph_add_derived(g, w_value_name(g, like), suffix, out, e));
    g->value[*out].type = WEIR_F32;
    g->value[*out].shape = g->value[like].shape;
    return WEIR_OK;
}

static weir_status add(w_graph *g, uint16_t op, const char *name, const w_id *in, uint32_t nin, w_id out, void *attr, weir_error *e) {
    if (w_op_get(op)->attr_size && !attr) return w_oom(e, w_op_get(op)->attr_size, "attributes");
    return w_graph_add_node(g, op, name, in, nin, &out, 1, attr, NULL, e);
}

static weir_status add_function(w_graph *g, const char *name, const w_epilogue *ep, w_id x, w_id y, weir_error *e) {
    static const uint16_t ops[] = {[W_ACT_SIGMOID] = W_OP_Sigmoid, [W_ACT_TANH] = W_OP_Tanh, [W_ACT_SILU] = W_OP_Sigmoid,
                                   [W_ACT_GELU] = W_OP_Gelu, [W_ACT_ELU] = W_OP_Elu};
    uint16_t op = ops[ep->act];
    void *attr = w_op_attr_new(g, op);
    if (attr && op == W_OP_Elu) ((w_alpha_attr *)attr)->alpha = ep->a;
    if (ep->act != W_ACT_SILU) return add(g, op, name, &x, 1, y, attr, e);
    w_id gate[2] = {x};
    char *product = w_arena_printf(&g->arena, "%s.product", name);
    if (!product) return w_oom(e, 64, "a name");
    W_TRY(new_value(g, y, ".gate", &gate[1], e));
    W_TRY(add(g, op, name, &x, 1, gate[1], attr, e));
    return add(g, W_OP_Mul, product, gate, 2, y, w_op_attr_new(g, W_OP_Mul), e);
}

weir_status w_quant_unfuse(w_graph *g, w_id node, w_epilogue *ep, weir_error *e) {
    w_epilogue was = *ep;
    w_id y = g->node[node].out[0], x;
    if (w_epilogue_is_integer(ep)) return WEIR_OK;
    const char *label = w_node_label(g, &g->node[node]);
    char *name = w_arena_printf(&g->arena, "%s.act", label);
    if (!name) return w_oom(e, 64, "a name");
    W_TRY(w_graph_intern(g, label, __builtin_strlen(label), &g->node[node].name, e)); /* it may be called like its result */
    W_TRY(new_value(g, y, ".sum", &x, e));
    *ep = (w_epilogue){0};
    g->node[node].out[0] = x;
    g->value[x].kind = W_VALUE_NODE;
    g->value[x].producer = node;
    g->value[y].producer = W_NONE;
    return add_function(g, name, &was, x, y, e);
}
