/* qdq: QuantizeLinear/DequantizeLinear pairs, as ONNX writes 8-bit models, become storage of the values between.
 *
 *  - a constant behind DequantizeLinear: weights keep their bytes and carry the scales, others (biases) become f32;
 *  - the output of QuantizeLinear is a quantised value; readers behind its DequantizeLinear that can work on 8 bits read
 *    it directly; a producer that can write 8 bits writes it directly, and the QuantizeLinear goes away;
 *  - QuantizeLinear stays at graph inputs and behind operators that work on real numbers, DequantizeLinear in front of
 *    them and at graph outputs.
 *
 * Which operators work on 8 bits: Conv, Gemm, MatMul on 8-bit data and weights; Gemm and MatMul of two matrices that, like their
 * product, are 8-bit; averages and functions of one element when all they read and write is 8-bit; views, Concat and pooling when,
 * besides, all of it has one scale. Add, Sub, Mul, Div and extrema read and write 8 bits wherever there are such, beside real numbers.
 * Activations become unsigned: signed ones move by 128. */
#include "passqdq.h"

weir_status w_qdq_edges(w_qdq *q, weir_error *e) {
    const w_graph *g = q->g;
    size_t n = 0;
    for (size_t k = 0; k < g->nnode; k++) n += g->node[k].nin;
    q->head = w_arena_array(&q->tmp, W_MAX(g->nvalue, 1), sizeof *q->head);
    q->edge = w_arena_array(&q->tmp, W_MAX(n, 1), sizeof *q->edge);
    if (!q->head || !q->edge || n >= UINT32_MAX) return w_oom(e, n * sizeof *q->edge, "quantised values");
    for (size_t v = 0; v < g->nvalue; v++) q->head[v] = UINT32_MAX;
    uint32_t at = 0;
    for (size_t k = 0; k < g->nnode; k++)
        for (uint32_t i = 0; i < g->node[k].nin; i++) {
            w_id v = g->node[k].in[i];
            if (v == W_NONE) continue;
            q->edge[at] = (w_qdq_edge){(w_id)k, i, q->head[v]};
            q->head[v] = at++;
        }
    return w_graph_uses(g, &q->tmp, &q->uses, e);
}

/* ---- quantised values ---- */

/* Every reader takes the integers for the real numbers they stand for; others (a Transpose of the integers themselves) would
 * see a value that has become real. */
static bool read_as_real(const w_qdq *q, w_id v) {
    for (uint32_t i = q->head[v]; i != UINT32_MAX; i = q->edge[i].next)
        if (q->g->node[q->edge[i].node].op != W_OP_DequantizeLinear || q->edge[i].slot != 0) return false;
    return true;
}

static bool only_dequantised(const w_qdq *q, w_id v) { return !q->uses.output[v] && read_as_real(q, v); }

static weir_status set_unsigned_zero(w_graph *g, w_node *n, int32_t zero, weir_error *e) {
    uint8_t *data = w_arena_alloc(&g->arena, 1);
    if (!data) return w_oom(e, 1, "a zero point");
    *data = (uint8_t)zero;
    W_TRY(w_node_widen(g, n, 3, e));
    w_id name_of = n->in[1];
    w_shape scalar = g->value[name_of].shape;
    W_TRY(w_graph_add_derived(g, w_value_name(g, name_of), ".zero", &n->in[2], e));
    w_value *v = &g->value[n->in[2]];
    v->kind = W_VALUE_CONST;
    v->type = WEIR_U8;
    v->shape = scalar;
    v->data = data;
    return WEIR_OK;
}

/* Signed to unsigned at QuantizeLinear k and all its DequantizeLinear readers. */
static weir_status make_unsigned(w_qdq *q, w_id k, w_quant *quant, weir_error *e) {
    w_graph *g = q->g;
    int32_t *zero = w_arena_alloc(&g->arena, sizeof *zero);
    if (!zero) return w_oom(e, sizeof *zero, "a zero point");
    *zero = quant->zero[0] + 128;
    quant->zero = zero;
    W_TRY(set_unsigned_zero(g, &g->node[k], *zero, e));
    w_id v = g->node[k].out[0];
    g->value[v].type = WEIR_U8;
    for (uint32_t i = q->head[v]; i != UINT32_MAX; i = q->edge[i].next)
        W_TRY(set_unsigned_zero(g, &g->node[q->edge[i].node], *zero, e));
    return WEIR_OK;
}

/* Readers' parameters must be those of the signed value before they can be moved together. */
static weir_status readers_agree(w_qdq *q, w_id v, const w_quant *quant, bool *agree, weir_error *e) {
    *agree = only_dequantised(q, v);
    for (uint32_t i = q->head[v]; *agree && i != UINT32_MAX; i = q->edge[i].next) {
        const w_quant *other;
        w_type type;
        W_TRY(w_qdq_params(q->g, &q->g->node[q->edge[i].node], &other, &type, e));
        *agree = other && type == WEIR_S8 && w_quant_equal(quant, other);
    }
    return WEIR_OK;
}

static weir_status mark_quantised(w_qdq *q, w_id k, weir_error *e) {
    w_graph *g = q->g;
    w_id v = g->node[k].out[0];
    const w_quant *quant;
    w_type type;
    if (g->value[v].quant) return WEIR_OK;
    W_TRY(w_qdq_params(g, &g->node[k], &quant, &type, e));
    if (!quant || quant->n != 1 || (type != WEIR_U8 && type != WEIR_S8)) return WEIR_OK;
    if (!read_as_real(q, v)) return WEIR_OK;
    w_quant *own = w_arena_alloc(&g->arena, sizeof *own);
    if (!own) return w_oom(e, sizeof *own, "a quantisation");
    *own = *quant;
    g->value[v].type = type; /* not known yet where shapes behind it are not */
    bool move = false;
    if (type == WEIR_S8) W_TRY(readers_agree(q, v, quant, &move, e));
    if (move) W_TRY(make_unsigned(q, k, own, e));
    g->value[v].quant = own;
    return WEIR_OK;
}

/* Whether the parameters of a DequantizeLinear are those that its operand carries. */
static weir_status matches(w_qdq *q, const w_node *n, bool *same, weir_error *e) {
    const w_value *v = &q->g->value[n->in[0]];
    const w_quant *quant;
    w_type type;
    if (v->kind == W_VALUE_CONST || !v->quant) return WEIR_OK;
    W_TRY(w_qdq_params(q->g, n, &quant, &type, e));
    *same = quant && w_quant_equal(quant, v->quant) && type == v->type;
    return WEIR_OK;
}

static weir_status match_pairs(w_qdq *q, weir_error *e) {
    const w_graph *g = q->g;
    q->match = w_arena_array(&q->tmp, W_MAX(g->nnode, 1), sizeof *q->match);
    if (!q->match) return w_oom(e, g->nnode, "quantised values");
    for (size_t k = 0; k < g->nnode; k++)
        if (g->node[k].op == W_OP_DequantizeLinear) W_TRY(matches(q, &g->node[k], &q->match[k], e));
    return WEIR_OK;
}

/* ---- who can work on 8 bits ---- */

/* The 8-bit value that v, a variable, is or stands for behind its DequantizeLinear; W_NONE: none. */
static w_id bytes_behind(const w_qdq *q, w_id v) {
    const w_graph *g = q->g;
    if (v == W_NONE || w_is_const(g, v)) return W_NONE;
    const w_node *p = w_producer(g, v);
    if (g->value[v].quant) return v;
    return p && p->op == W_OP_DequantizeLinear && q->match[g->value[v].producer] ? p->in[0] : W_NONE;
}

/* The 8-bit value as which v will be stored: itself, or the result of the QuantizeLinear that is its only reader. */
static w_id bytes_ahead(const w_qdq *q, w_id v) {
    const w_graph *g = q->g;
    if (g->value[v].quant) return v;
    if (v >= q->uses.n || q->uses.count[v] != 1 || q->uses.only[v] == W_NONE) return W_NONE;
    const w_node *r = &g->node[q->uses.only[v]];
    return r->op == W_OP_QuantizeLinear && r->in[0] == v && g->value[r->out[0]].quant ? r->out[0] : W_NONE;
}

static const w_quant *quant_of(const w_qdq *q, w_id v) { return v == W_NONE ? NULL : q->g->value[v].quant; }
static bool is_u8(const w_qdq *q, w_id v) { return v != W_NONE && q->g->value[v].type == WEIR_U8; }

typedef enum role { ROLE_REAL, ROLE_PRODUCT, ROLE_RESCALE, ROLE_CARRY, ROLE_MIX } role;

static role role_of(const w_node *n) {
    switch (n->op) {
    case W_OP_Conv: case W_OP_Gemm: case W_OP_MatMul: return ROLE_PRODUCT;
    case W_OP_Min: case W_OP_Max: return n->nin == 2 ? ROLE_MIX : ROLE_REAL;
    case W_OP_Add: case W_OP_Sub: case W_OP_Mul: case W_OP_Div: return ROLE_MIX;
    case W_OP_AveragePool: case W_OP_GlobalAveragePool:
    case W_OP_Relu: case W_OP_LeakyRelu: case W_OP_Elu: case W_OP_Clip: case W_OP_Sigmoid: case W_OP_HardSigmoid: case W_OP_HardSwish:
    case W_OP_Tanh: return ROLE_RESCALE;
    case W_OP_MaxPool: case W_OP_GlobalMaxPool: {
        const w_epilogue *ep = w_epilogue_of(n);
        return n->nout > 1 ? ROLE_REAL : ep && ep->act != W_ACT_NONE ? ROLE_RESCALE : ROLE_CARRY;
    }
    case W_OP_Concat: case W_OP_Slice: case W_OP_Reshape: case W_OP_Flatten: case W_OP_Squeeze: case W_OP_Unsqueeze: case W_OP_Transpose:
    case W_OP_Identity: case W_OP_DepthToSpace: case W_OP_SpaceToDepth: return ROLE_CARRY;
    case W_OP_Resize: return w_resize_copies(n) ? ROLE_CARRY : ROLE_REAL;
    default: return ROLE_REAL;
    }
}

/* How many leading inputs carry data. */
static uint32_t data_inputs(const w_node *n) {
    switch (n->op) {
    case W_OP_Concat: return n->nin;
    case W_OP_Add: case W_OP_Sub: case W_OP_Mul: case W_OP_Div: case W_OP_Min: case W_OP_Max: return 2;
    default: return 1;
    }
}

static bool slot_takes(const w_qdq *q, const w_node *n, uint32_t slot, w_id bytes) {
    role r = role_of(n);
    return r == ROLE_PRODUCT ? slot != 2 : slot < data_inputs(n) && (r != ROLE_MIX || is_u8(q, bytes));
}

/* Bytes by bytes with a result of bytes; others keep to real numbers, as attention does. */
static bool product_works(const w_qdq *q, const w_node *n) {
    const w_graph *g = q->g;
    w_id data = bytes_behind(q, n->in[0]);
    if (w_is_const(g, n->in[1])) return data != W_NONE && g->value[n->in[1]].quant;
    if (!is_u8(q, data) || !is_u8(q, bytes_behind(q, n->in[1])) || !is_u8(q, bytes_ahead(q, n->out[0]))) return false;
    const w_epilogue *ep = w_epilogue_of(n);
    w_id bias = w_input_of(n, 2);
    return n->op != W_OP_Conv && (bias == W_NONE || w_is_const(g, bias)) && w_input_of(n, 3) == W_NONE && ep->act <= W_ACT_HARDSIGMOID;
}

/* Whether node n works on 8 bits once its neighbours do. */
static bool works_quantised(const w_qdq *q, const w_node *n) {
    role r = role_of(n);
    if (r == ROLE_REAL) return false;
    if (r == ROLE_PRODUCT) return product_works(q, n);
    w_id result = bytes_ahead(q, n->out[0]);
    if (r == ROLE_MIX) return is_u8(q, result) || is_u8(q, bytes_behind(q, n->in[0])) || is_u8(q, bytes_behind(q, n->in[1]));
    const w_quant *out = quant_of(q, result);
    if (!out) return false;
    for (uint32_t i = 0; i < data_inputs(n); i++) {
        const w_quant *in = quant_of(q, bytes_behind(q, n->in[i]));
        if (!in || (r == ROLE_CARRY && !w_quant_equal(in, out))) return false;
    }
    return true;
}

/* ---- the pairs ---- */

/* Readers behind DequantizeLinear k that can, read its operand. Decisions see the graph before any such change. */
static void read_directly(w_qdq *q, w_id k, const bool *works) {
    w_graph *g = q->g;
    for (uint32_t i = q->head[g->node[k].out[0]]; i != UINT32_MAX; i = q->edge[i].next) {
        w_node *r = &g->node[q->edge[i].node];
        if (works[q->edge[i].node] && slot_takes(q, r, q->edge[i].slot, g->node[k].in[0])) r->in[q->edge[i].slot] = g->node[k].in[0];
    }
}

/* The producer of QuantizeLinear k's operand writes 8 bits itself. */
static void write_directly(w_qdq *q, w_id k, const bool *works) {
    w_graph *g = q->g;
    w_id x = g->node[k].in[0], v = g->node[k].out[0];
    const w_node *p = w_producer(g, x);
    if (!p || !g->value[v].quant || q->uses.count[x] != 1 || p->out[0] != x || !works[g->value[x].producer]) return;
    if (role_of(p) == ROLE_MIX && !is_u8(q, v)) return;
    w_id pk = g->value[x].producer;
    w_node_kill(g, k);
    w_node_retarget(g, pk, v);
}

static weir_status pass_constants(w_qdq *q, weir_error *e) {
    w_graph *g = q->g;
    w_redirect to;
    W_TRY(w_qdq_edges(q, e));
    W_TRY(w_redirect_init(g, &q->tmp, &to, e));
    for (size_t k = 0; k < g->nnode; k++)
        if (g->node[k].op == W_OP_DequantizeLinear && w_is_const(g, g->node[k].in[0])) W_TRY(w_qdq_const(q, (w_id)k, &to, e));
    w_redirect_apply(&to, g);
    return WEIR_OK;
}

static weir_status pass_activations(w_qdq *q, weir_error *e) {
    w_graph *g = q->g;
    W_TRY(w_qdq_edges(q, e));
    for (size_t k = 0; k < g->nnode; k++)
        if (g->node[k].op == W_OP_QuantizeLinear) W_TRY(mark_quantised(q, (w_id)k, e));
    W_TRY(match_pairs(q, e));
    bool *works = w_arena_array(&q->tmp, W_MAX(g->nnode, 1), sizeof *works);
    if (!works) return w_oom(e, g->nnode, "quantised values");
    for (size_t k = 0; k < g->nnode; k++) works[k] = g->node[k].op && works_quantised(q, &g->node[k]);
    for (size_t k = 0; k < g->nnode; k++)
        if (q->match[k]) read_directly(q, (w_id)k, works);
    for (size_t k = 0; k < g->nnode; k++)
        if (g->node[k].op == W_OP_QuantizeLinear) write_directly(q, (w_id)k, works);
    return WEIR_OK;
}

weir_status w_pass_qdq(w_graph *g, weir_error *e) {
    bool any = false;
    for (size_t k = 0; k < g->nnode; k++)
        any |= g->node[k].op == W_OP_QuantizeLinear || g->node[k].op == W_OP_DequantizeLinear;
    if (!any) return WEIR_OK;
    w_qdq q = {.g = g};
    w_arena_init(&q.tmp, g->ctx);
    weir_status s = w_qdq_early(&q, e);
    if (s == WEIR_OK) s = pass_constants(&q, e);
    if (s == WEIR_OK) s = pass_activations(&q, e);
    w_arena_fini(&q.tmp);
    return s;
}
