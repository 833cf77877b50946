/* Dynamic quantisation: a layer reads its data through a DynamicQuantizeLinear of its own, whose scale and zero point are those of
 * the tensor at run time. Layers that read one value share one such node once equal nodes are merged. */
#include "quant.h"

static weir_status found(w_graph *g, w_id x, const char *suffix, w_type t, const w_shape *s, w_id *out, weir_error *e) {
    W_TRY(w_graph_add_derived(g, w_value_name(g, x), suffix, out, e));
    g->value[*out].type = t;
    g->value[*out].shape = *s;
    return WEIR_OK;
}

weir_status w_quantise_dynamically(w_graph *g, w_id node, weir_error *e) {
    enum { INPUTS = W_IN_ZERO + 1 };
    static const w_shape scalar = {.known = true};
    w_id x = g->node[node].in[0], out[3], *in = w_arena_array(&g->arena, INPUTS, sizeof *in);
    const w_shape shape = g->value[x].shape;
    if (!in) return w_oom(e, INPUTS * sizeof *in, "node inputs");
    W_TRY(found(g, x, ".u8", WEIR_U8, &shape, &out[0], e));
    W_TRY(found(g, x, ".u8_scale", WEIR_F32, &scalar, &out[1], e));
    W_TRY(found(g, x, ".u8_zero", WEIR_U8, &scalar, &out[2], e));
    W_TRY(w_graph_add_node(g, W_OP_DynamicQuantizeLinear, w_value_name(g, out[0]), &x, 1, out, 3, NULL, NULL, e));
    w_node *n = &g->node[node];
    for (uint32_t i = 0; i < INPUTS; i++) in[i] = i < n->nin ? n->in[i] : W_NONE;
    in[0] = out[0];
    in[W_IN_SCALE] = out[1];
    in[W_IN_ZERO] = out[2];
    n->in = in;
    n->nin = INPUTS;
    return WEIR_OK;
}
