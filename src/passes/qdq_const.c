/* Constants behind DequantizeLinear. */
#include "passqdq.h"
#include <math.h>

/* Axis of several scales, counted from the front; false when the operand cannot have such a one. */
static bool settle_axis(const w_shape *s, int64_t axis, size_t n, int32_t *out) {
    *out = 0;
    if (n == 1) return true;
    if (!s->known || s->rank == 0) return false;
    if (axis < 0) axis += s->rank;
    *out = (int32_t)axis;
    return axis >= 0 && axis < s->rank && s->dim[axis] == (int64_t)n;
}

static bool scales_usable(const float *scale, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!(scale[i] > 0) || isinf(scale[i])) return false;
    return n > 0 && n <= UINT32_MAX;
}

weir_status w_qdq_params(w_graph *g, const w_node *n, const w_quant **out, w_type *type, weir_error *e) {
    const w_quantize_attr *a = n->attr;
    w_id zero = w_input_of(n, 2);
    *out = NULL;
    bool quantize = n->op == W_OP_QuantizeLinear;
    *type = zero != W_NONE ? g->value[zero].type : g->value[quantize ? n->out[0] : n->in[0]].type;
    if (!w_is_plain(g, n->in[1]) || (zero != W_NONE && !w_is_const(g, zero)) || (a && a->block_size)) return WEIR_OK;
    float *scale;
    int64_t *z = NULL;
    size_t ns, nz = 0;
    W_TRY(w_const_f32(g, n->in[1], &g->arena, &scale, &ns, e));
    if (zero != W_NONE) W_TRY(w_const_i64(g, zero, &g->arena, &z, &nz, e));
    int32_t axis;
    if (!scales_usable(scale, ns) || (z && nz != ns) || !settle_axis(&g->value[n->in[0]].shape, a ? a->axis : 1, ns, &axis))
        return WEIR_OK;
    w_quant *q = w_arena_alloc(&g->arena, sizeof *q);
    int32_t *zeros = w_arena_array(&g->arena, ns, sizeof *zeros);
    if (!q || !zeros) return w_oom(e, ns * sizeof *zeros, "a quantisation");
    for (size_t i = 0; z && i < ns; i++) zeros[i] = (int32_t)z[i];
    *q = (w_quant){(uint32_t)ns, axis, scale, zeros};
    *out = q;
    return WEIR_OK;
}

/* Every reader takes it as the weights of a matrix product or convolution. */
static bool only_weights(const w_qdq *q, w_id v) {
    if (q->uses.output[v] || !q->uses.count[v]) return false;
    for (uint32_t i = q->head[v]; i != UINT32_MAX; i = q->edge[i].next) {
        uint16_t op = q->g->node[q->edge[i].node].op;
        if (q->edge[i].slot != 1 || (op != W_OP_Conv && op != W_OP_Gemm && op != W_OP_MatMul)) return false;
    }
    return true;
}

weir_status w_qdq_to_signed(w_graph *g, w_value *v, w_quant *quant, size_t bytes, weir_error *e) {
    int8_t *data = w_arena_alloc_aligned(&g->arena, W_MAX(bytes, 1));
    int32_t *zero = w_arena_array(&g->arena, quant->n, sizeof *zero);
    if (!data || !zero) return w_oom(e, bytes, "signed weights");
    for (size_t i = 0; i < bytes; i++) data[i] = (int8_t)(((const uint8_t *)v->data)[i] - 128);
    for (uint32_t i = 0; i < quant->n; i++) zero[i] = quant->zero[i] - 128;
    quant->zero = zero;
    v->data = data;
    v->type = WEIR_S8;
    v->is_mapped = false;
    return WEIR_OK;
}

static weir_status keep_bytes(w_qdq *q, w_id k, const w_quant *quant, w_redirect *to, weir_error *e) {
    w_graph *g = q->g;
    w_id w = g->node[k].in[0], y = g->node[k].out[0];
    if (q->uses.count[w] > 1 || g->value[w].quant) {
        w_id copy;
        W_TRY(w_graph_add_derived(g, w_value_name(g, y), ".bytes", &copy, e));
        w_id name = g->value[copy].name;
        g->value[copy] = g->value[w];
        g->value[copy].name = name;
        w = copy;
    }
    w_quant *own = w_arena_alloc(&g->arena, sizeof *own);
    if (!own) return w_oom(e, sizeof *own, "a quantisation");
    *own = *quant;
    if (g->value[w].type == WEIR_U8) W_TRY(w_qdq_to_signed(g, &g->value[w], own, w_value_bytes(g, w), e));
    g->value[w].quant = own;
    w_node_kill(g, k);
    w_redirect_set(to, y, w);
    return WEIR_OK;
}

/* The output itself becomes the constant. */
static weir_status materialise(w_qdq *q, w_id k, const w_quant *quant, weir_error *e) {
    w_graph *g = q->g;
    w_id w = g->node[k].in[0], y = g->node[k].out[0];
    const w_quant *before = g->value[w].quant;
    float *data;
    size_t n;
    g->value[w].quant = quant;
    weir_status s = w_const_f32(g, w, &g->arena, &data, &n, e);
    g->value[w].quant = before;
    if (s != WEIR_OK) return s;
    w_node_kill(g, k);
    w_value *v = &g->value[y];
    v->kind = W_VALUE_CONST;
    v->type = WEIR_F32;
    v->shape = g->value[w].shape;
    v->data = data;
    return WEIR_OK;
}

weir_status w_qdq_const(w_qdq *q, w_id k, w_redirect *to, weir_error *e) {
    const w_graph *g = q->g;
    const w_node *n = &g->node[k];
    const w_quant *quant;
    w_type type;
    if (g->value[n->out[0]].type != WEIR_F32 || q->uses.output[n->out[0]]) return WEIR_OK;
    W_TRY(w_qdq_params(q->g, n, &quant, &type, e));
    w_type stored = g->value[n->in[0]].type;
    if (!quant || (g->value[n->in[0]].quant && !w_quant_equal(quant, g->value[n->in[0]].quant))) return WEIR_OK;
    if ((stored == WEIR_S8 || stored == WEIR_U8) && only_weights(q, n->out[0])) return keep_bytes(q, k, quant, to, e);
    return materialise(q, k, quant, e);
}
