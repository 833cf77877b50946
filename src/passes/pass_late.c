/* late: what ONNX says in four nodes, DynamicQuantizeLinear, a product of integers, Cast to f32 and Mul with the scales, becomes a
 * product of weir's whose data have a late scale and whose weights carry theirs.
 *
 * The scales may be multiplied with each other first, or one after the other with the result. Weights are constant bytes around 0,
 * or 128 where they are unsigned, with one scale or one an output channel; what does not look so stays as it is, and is computed
 * as it is. */
#include "passqdq.h"
#include <math.h>

typedef struct late {
    w_graph *g;
    w_uses uses;
} late;

/* A product of integers and what it is multiplied with. */
typedef struct found {
    w_id product;              /* node */
    w_id data, scale, zero;    /* outputs of the DynamicQuantizeLinear */
    w_id weight_scale;         /* constant, or W_NONE: 1 */
    unsigned scales;           /* times that `scale` is a factor */
} found;

static w_node *sole_producer(const late *l, w_id v, uint16_t op) {
    w_node *p = w_producer(l->g, v);
    return p && p->op == op && v < l->uses.n && l->uses.count[v] == 1 && !l->uses.output[v] ? p : NULL;
}

static bool is_mul(const w_node *n) { return n && n->op == W_OP_Mul && w_epilogue_free(n); }

/* v is cast(product): fills what belongs to the product. */
static bool find_product(const late *l, w_id v, found *f) {
    const w_graph *g = l->g;
    const w_node *cast = sole_producer(l, v, W_OP_Cast), *n;
    if (!cast || g->value[v].type != WEIR_F32) return false;
    n = sole_producer(l, cast->in[0], W_OP_MatMulInteger);
    if (!n) n = sole_producer(l, cast->in[0], W_OP_ConvInteger);
    const w_node *q = n ? w_producer(g, n->in[0]) : NULL;
    if (!q || q->op != W_OP_DynamicQuantizeLinear || n->in[0] != q->out[0] || w_input_of(n, 2) != q->out[2]) return false;
    f->product = g->value[cast->in[0]].producer;
    f->data = q->out[0];
    f->scale = q->out[1];
    f->zero = q->out[2];
    return true;
}

static bool take_factor(const w_graph *g, w_id v, found *f, bool nested) {
    const w_node *m = w_producer(g, v);
    if (v == f->scale) return ++f->scales == 1;
    if (w_is_plain(g, v)) {
        bool first = f->weight_scale == W_NONE;
        f->weight_scale = v;
        return first;
    }
    return nested && is_mul(m) && take_factor(g, m->in[0], f, false) && take_factor(g, m->in[1], f, false);
}

/* v times the other factor of the Mul: v is the cast product, or that times something. */
static bool match_side(const late *l, w_id v, w_id factor, found *f) {
    const w_node *inner = sole_producer(l, v, W_OP_Mul);
    *f = (found){.weight_scale = W_NONE};
    if (find_product(l, v, f)) return take_factor(l->g, factor, f, true) && f->scales == 1;
    for (unsigned i = 0; is_mul(inner) && i < 2; i++) {
        *f = (found){.weight_scale = W_NONE};
        if (!find_product(l, inner->in[i], f)) continue;
        return take_factor(l->g, inner->in[1 - i], f, true) && take_factor(l->g, factor, f, true) && f->scales == 1;
    }
    return false;
}

/* ---- weights ---- */

/* Output channels of the weights; the axis counted from the end along which the result's channels run. */
static int64_t channels_of(const w_graph *g, const w_node *n, unsigned *from_end) {
    const w_shape *w = &g->value[n->in[1]].shape;
    bool conv = n->op == W_OP_ConvInteger;
    if (!w_shape_bound(w) || w->rank < 2) return 0;
    *from_end = conv ? w->rank - 1u : 1;
    return w->dim[conv ? 0 : w->rank - 1];
}

static bool along(const w_shape *s, unsigned from_end, int64_t channels) {
    for (unsigned i = 1; i <= s->rank; i++)
        if (s->dim[s->rank - i] != (i == from_end ? channels : 1)) return false;
    return s->rank >= from_end;
}

/* Whether all zero points (none: 0) are `centre`. */
static weir_status centred(w_graph *g, w_id v, int64_t centre, bool *yes, weir_error *e) {
    int64_t *z;
    size_t n;
    *yes = v == W_NONE && centre == 0;
    if (v == W_NONE || !w_is_const(g, v)) return WEIR_OK;
    W_TRY(w_const_i64(g, v, &g->arena, &z, &n, e));
    *yes = true;
    for (size_t i = 0; i < n; i++) *yes &= z[i] == centre;
    return WEIR_OK;
}

/* The quantisation that the weights get; NULL when they cannot have one. */
static weir_status weight_quant(w_graph *g, const found *f, w_quant **out, weir_error *e) {
    const w_node *n = &g->node[f->product];
    const w_value *w = &g->value[n->in[1]];
    unsigned from_end = 0;
    int64_t channels = w_is_const(g, n->in[1]) ? channels_of(g, n, &from_end) : 0;
    bool even, usable = true;
    float *scale, one = 1;
    size_t count = 1;
    *out = NULL;
    W_TRY(centred(g, w_input_of(n, 3), w->type == WEIR_U8 ? 128 : 0, &even, e));
    if (!even || channels < 1 || w->quant || w->coding) return WEIR_OK;
    if (f->weight_scale == W_NONE) scale = &one;
    else W_TRY(w_const_f32(g, f->weight_scale, &g->arena, &scale, &count, e));
    if (count != 1 && !along(&g->value[f->weight_scale].shape, from_end, channels)) return WEIR_OK;
    for (size_t i = 0; i < count; i++) usable &= scale[i] > 0 && isfinite(scale[i]);
    if (!usable) return WEIR_OK;
    w_quant *q = w_arena_alloc(&g->arena, sizeof *q);
    float *own = w_arena_array(&g->arena, count, sizeof *own);
    int32_t *zeros = w_arena_array(&g->arena, count, sizeof *zeros);
    if (!q || !own || !zeros) return w_oom(e, count * 8, "a quantisation");
    for (size_t i = 0; i < count; i++) own[i] = scale[i], zeros[i] = w->type == WEIR_U8 ? 128 : 0;
    *q = (w_quant){(uint32_t)count, n->op == W_OP_ConvInteger ? 0 : w->shape.rank - 1, own, zeros};
    *out = q;
    return WEIR_OK;
}

/* Others may read the same bytes as the integers that they are. */
static weir_status own_weights(w_graph *g, w_id v, w_quant *q, w_id *out, weir_error *e) {
    W_TRY(w_graph_add_derived(g, w_value_name(g, v), ".scaled", out, e));
    w_id name = g->value[*out].name;
    g->value[*out] = g->value[v];
    g->value[*out].name = name;
    if (g->value[v].type == WEIR_U8) W_TRY(w_qdq_to_signed(g, &g->value[*out], q, w_value_bytes(g, v), e));
    g->value[*out].quant = q;
    return WEIR_OK;
}

/* ---- the node ---- */

static weir_status new_attr(w_graph *g, const w_node *n, uint16_t op, void **out, weir_error *e) {
    *out = w_op_attr_new(g, op);
    if (!*out) return w_oom(e, w_op_get(op)->attr_size, "attributes");
    if (op == W_OP_Conv) *(w_conv_attr *)*out = *(const w_conv_attr *)n->attr; /* ConvInteger's, with no activation */
    return WEIR_OK;
}

/* Mul k becomes the product; the nodes in front of it have lost their reader. */
static weir_status replace(w_graph *g, w_id k, const found *f, w_quant *q, weir_error *e) {
    const w_node *from = &g->node[f->product];
    uint16_t op = from->op == W_OP_ConvInteger ? W_OP_Conv : W_OP_MatMul;
    w_id w, *in = w_arena_array(&g->arena, W_IN_ZERO + 1, sizeof *in);
    void *attr;
    if (!in) return w_oom(e, (W_IN_ZERO + 1) * sizeof *in, "node inputs");
    W_TRY(own_weights(g, from->in[1], q, &w, e));
    W_TRY(new_attr(g, from, op, &attr, e));
    in[0] = f->data;
    in[1] = w;
    in[2] = in[3] = W_NONE;
    in[W_IN_SCALE] = f->scale;
    in[W_IN_ZERO] = f->zero;
    g->node[k] = (w_node){.op = op, .name = from->name, .nin = W_IN_ZERO + 1, .nout = 1, .in = in, .out = g->node[k].out, .attr = attr};
    return WEIR_OK;
}

static weir_status try_mul(late *l, w_id k, weir_error *e) {
    w_graph *g = l->g;
    const w_node *n = &g->node[k];
    found f;
    w_quant *q;
    if (!is_mul(n) || (!match_side(l, n->in[0], n->in[1], &f) && !match_side(l, n->in[1], n->in[0], &f))) return WEIR_OK;
    if (!w_shape_equal(&g->value[n->out[0]].shape, &g->value[g->node[f.product].out[0]].shape)) return WEIR_OK;
    W_TRY(weight_quant(g, &f, &q, e));
    return q ? replace(g, k, &f, q, e) : WEIR_OK;
}

/* From the last node on: of two Muls one after the other, the second has both scales. */
weir_status w_pass_late(w_graph *g, weir_error *e) {
    bool any = false;
    for (size_t k = 0; k < g->nnode; k++) any |= g->node[k].op == W_OP_DynamicQuantizeLinear;
    if (!any) return WEIR_OK;
    w_arena a;
    w_arena_init(&a, g->ctx);
    late l = {.g = g};
    weir_status s = w_graph_uses(g, &a, &l.uses, e);
    for (size_t k = g->nnode; s == WEIR_OK && k-- > 0;) s = try_mul(&l, (w_id)k, e);
    w_arena_fini(&a);
    return s;
}
