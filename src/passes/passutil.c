/* Helpers of the passes. */
#include "passutil.h"

w_epilogue *w_epilogue_of(const w_node *n) {
    if (!n->attr) return NULL;
    switch (n->op) {
    case W_OP_Conv: return &((w_conv_attr *)n->attr)->ep;
    case W_OP_Gemm: return &((w_gemm_attr *)n->attr)->ep;
    case W_OP_MatMul: return &((w_matmul_attr *)n->attr)->ep;
    case W_OP_MatMulNBits: return &((w_nbits_attr *)n->attr)->ep;
    case W_OP_MaxPool: case W_OP_AveragePool: return &((w_pool_attr *)n->attr)->ep;
    case W_OP_GlobalAveragePool: case W_OP_GlobalMaxPool: return &((w_gpool_attr *)n->attr)->ep;
    case W_OP_Add: case W_OP_Sub: case W_OP_Mul: case W_OP_Div: return &((w_eltwise_attr *)n->attr)->ep;
    default: return NULL;
    }
}

bool w_epilogue_free(const w_node *n) {
    const w_epilogue *ep = w_epilogue_of(n);
    return ep && ep->act == W_ACT_NONE;
}

bool w_fuse_may_take(const w_graph *g, const w_node *producer, int64_t act) {
    if (act <= W_ACT_HARDSIGMOID || producer->nin < 2 || producer->in[1] == W_NONE) return true;
    const w_node *from = w_producer(g, producer->in[1]);
    return !g->value[producer->in[1]].quant && !(from && from->op == W_OP_DequantizeLinear);
}

w_node *w_producer(const w_graph *g, w_id v) {
    if (v >= g->nvalue || g->value[v].producer == W_NONE) return NULL;
    return &g->node[g->value[v].producer];
}

w_id w_input_of(const w_node *n, uint32_t i) { return i < n->nin ? n->in[i] : W_NONE; }

bool w_is_const(const w_graph *g, w_id v) { return v < g->nvalue && g->value[v].kind == W_VALUE_CONST; }

bool w_is_plain(const w_graph *g, w_id v) {
    if (!w_is_const(g, v)) return false;
    const w_value *x = &g->value[v];
    bool real = x->type == WEIR_F32 || x->type == WEIR_F16 || x->type == WEIR_BF16;
    return real && !x->quant && !x->coding && x->layout == W_ROW;
}

bool w_is_function(uint16_t op) {
    switch (op) {
    case W_OP_Relu: case W_OP_LeakyRelu: case W_OP_Elu: case W_OP_Clip: case W_OP_Sigmoid: case W_OP_HardSigmoid: case W_OP_HardSwish:
    case W_OP_Tanh: case W_OP_Gelu: case W_OP_Abs: case W_OP_Neg: case W_OP_Exp: case W_OP_Sqrt: return true;
    default: return false;
    }
}

bool w_const_scalar(const w_graph *g, w_id v, float *x) {
    return v != W_NONE && w_const_one_f32(g, v, x);
}

weir_status w_const_by_channel(const w_graph *g, w_id c, w_id x, size_t channels, w_arena *a, double **out, weir_error *e) {
    const w_shape *s = &g->value[c].shape, *y = &g->value[x].shape;
    if (!w_is_plain(g, c) || s->rank > y->rank) return WEIR_OK;
    for (unsigned i = 0; i < s->rank; i++)
        if (s->dim[i] != 1 && (y->rank - s->rank + i != 1 || s->dim[i] != (int64_t)channels)) return WEIR_OK;
    float *p;
    size_t m;
    W_TRY(w_const_f32(g, c, a, &p, &m, e));
    *out = w_arena_array(a, W_MAX(channels, 1), sizeof **out);
    if (!*out) return w_oom(e, channels * sizeof **out, "a constant");
    for (size_t i = 0; i < channels; i++) (*out)[i] = p[m == 1 ? 0 : i];
    return WEIR_OK;
}

size_t w_weights_allowed(const w_graph *g) {
    size_t bytes = (size_t)256 << 20;
    for (size_t v = 0; v < g->nvalue; v++)
        if (g->value[v].kind == W_VALUE_CONST) bytes += W_MIN(2 * w_value_bytes(g, (w_id)v), SIZE_MAX / 2 - bytes);
    return bytes;
}

weir_status w_node_widen(w_graph *g, w_node *n, uint32_t count, weir_error *e) {
    if (count <= n->nin) return WEIR_OK;
    w_id *in = w_arena_array(&g->arena, count, sizeof *in);
    if (!in) return w_oom(e, count * sizeof *in, "node inputs");
    for (uint32_t i = 0; i < count; i++) in[i] = w_input_of(n, i);
    n->in = in;
    n->nin = count;
    return WEIR_OK;
}

void w_node_retarget(w_graph *g, w_id node, w_id to) {
    w_id old = g->node[node].out[0];
    if (old != W_NONE && g->value[old].producer == node) g->value[old].producer = W_NONE;
    g->node[node].out[0] = to;
    g->value[to].producer = node;
}

weir_status w_const_new_f32(w_graph *g, const char *base, const char *suffix, const w_shape *shape, const float *data,
                            w_id *out, weir_error *e) {
    W_TRY(w_graph_add_derived(g, base, suffix, out, e));
    w_value *v = &g->value[*out];
    v->kind = W_VALUE_CONST;
    v->type = WEIR_F32;
    v->shape = *shape;
    v->data = data;
    return WEIR_OK;
}

weir_status w_const_update(w_graph *g, w_id like, bool sole, const w_shape *shape, const float *data, w_id *out,
                           weir_error *e) {
    if (!sole) return w_const_new_f32(g, w_value_name(g, like), ".folded", shape, data, out, e);
    w_value *v = &g->value[like];
    v->type = WEIR_F32;
    v->shape = *shape;
    v->data = data;
    v->is_mapped = false;
    *out = like;
    return WEIR_OK;
}

w_shape w_shape_1d(int64_t n) { return (w_shape){.rank = 1, .known = true, .dim = {n}}; }

weir_status w_redirect_init(const w_graph *g, w_arena *a, w_redirect *r, weir_error *e) {
    r->n = g->nvalue;
    r->to = w_arena_array(a, W_MAX(r->n, 1), sizeof *r->to);
    if (!r->to) return w_oom(e, r->n * sizeof *r->to, "redirected values");
    for (size_t v = 0; v < r->n; v++) r->to[v] = (w_id)v;
    return WEIR_OK;
}

/* Follows the chain, halving it on the way. */
w_id w_redirect_of(w_redirect *r, w_id v) {
    while (v < r->n && r->to[v] != v) {
        w_id next = r->to[v];
        if (next < r->n) r->to[v] = r->to[next];
        v = next;
    }
    return v;
}

void w_redirect_set(w_redirect *r, w_id from, w_id to) {
    to = w_redirect_of(r, to);
    if (from < r->n && to != from) r->to[from] = to;
}

void w_redirect_apply(w_redirect *r, w_graph *g) {
    for (size_t k = 0; k < g->nnode; k++)
        for (uint32_t i = 0; i < g->node[k].nin; i++) g->node[k].in[i] = w_redirect_of(r, g->node[k].in[i]);
    for (size_t i = 0; i < g->noutput; i++) g->output[i] = w_redirect_of(r, g->output[i]);
}

bool w_is_bytes(const w_graph *g, w_id v) {
    const w_value *x = v == W_NONE ? NULL : &g->value[v];
    return x && x->kind != W_VALUE_CONST && x->type == WEIR_U8 && x->quant && x->quant->n == 1;
}
