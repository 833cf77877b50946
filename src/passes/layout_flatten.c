/* Flatten under pass_layout: rows of weights are permuted behind it. New data lies in the graph's arena; storage (type,
 * quantisation, coding) stays. */
#include "passlayout.h"
#include <string.h>

/* A copy of the constant's description under a derived name, or the constant itself when nobody else uses it. */
static weir_status own_const(w_layouter *l, w_id *v, const char *suffix, weir_error *e) {
    w_graph *g = l->g;
    if (*v < l->nvalue && l->uses.count[*v] == 1) return WEIR_OK;
    w_id copy;
    W_TRY(w_graph_add_derived(g, w_value_name(g, *v), suffix, &copy, e));
    w_id name = g->value[copy].name;
    g->value[copy] = g->value[*v];
    g->value[copy].name = name;
    *v = copy;
    return WEIR_OK;
}

/* Element (a, c, p) of [A, C, P] goes to (a, p, c). */
static void swap_inner(const char *from, char *to, size_t A, size_t C, size_t P, size_t size) {
    for (size_t a = 0; a < A; a++)
        for (size_t c = 0; c < C; c++)
            for (size_t p = 0; p < P; p++)
                memcpy(to + ((a * P + p) * C + c) * size, from + ((a * C + c) * P + p) * size, size);
}

static bool multiplies_const(const w_graph *g, const w_node *n) {
    if ((n->op != W_OP_Gemm && n->op != W_OP_MatMul) || n->nin < 2 || !w_is_const(g, n->in[1])) return false;
    const w_gemm_attr *a = n->attr;
    return g->value[n->in[1]].shape.rank == 2 && (n->op == W_OP_MatMul || !a->transA);
}

/* The value in whose order the node takes its data: quantising them on the way, for it alone, changes no order. */
static w_id ordered_as(const w_layouter *l, w_id data) {
    const w_node *p = w_producer(l->g, data);
    return p && p->op == W_OP_DynamicQuantizeLinear && data == p->out[0] && l->uses.count[data] == 1 ? p->in[0] : data;
}

weir_status w_layout_readers(w_layouter *l, weir_error *e) {
    const w_graph *g = l->g;
    l->gemms = w_arena_array(&l->tmp, W_MAX(l->nvalue, 1), sizeof *l->gemms);
    l->reader = w_arena_array(&l->tmp, W_MAX(l->nvalue, 1), sizeof *l->reader);
    l->next = w_arena_array(&l->tmp, W_MAX(l->nnode, 1), sizeof *l->next);
    if (!l->gemms || !l->reader || !l->next) return w_oom(e, l->nvalue * 12, "layouts");
    W_TRY(w_graph_uses(g, &l->tmp, &l->uses, e));
    for (size_t v = 0; v < l->nvalue; v++) l->reader[v] = W_NONE;
    for (size_t k = 0; k < l->nnode; k++) {
        const w_node *n = &g->node[k];
        if (!n->op || !multiplies_const(g, n)) continue;
        w_id v = ordered_as(l, n->in[0]);
        l->gemms[v]++;
        l->next[k] = l->reader[v];
        l->reader[v] = (w_id)k;
    }
    return WEIR_OK;
}

/* Scales along the permuted axis move with it. */
static weir_status permute_quant(w_graph *g, w_value *b, int32_t axis, size_t C, size_t P, weir_error *e) {
    if (!b->quant || b->quant->n == 1 || b->quant->axis != axis) return WEIR_OK;
    w_quant *q = w_arena_alloc(&g->arena, sizeof *q);
    float *scale = w_arena_array(&g->arena, b->quant->n, sizeof *scale);
    int32_t *zero = w_arena_array(&g->arena, b->quant->n, sizeof *zero);
    if (!q || !scale || !zero) return w_oom(e, b->quant->n * 8, "scales");
    swap_inner((const char *)b->quant->scale, (char *)scale, 1, C, P, sizeof *scale);
    swap_inner((const char *)b->quant->zero, (char *)zero, 1, C, P, sizeof *zero);
    *q = (w_quant){b->quant->n, axis, scale, zero};
    b->quant = q;
    return WEIR_OK;
}

/* Reorders the reduction axis of the weights from (c, p) to (p, c). */
static weir_status permute_rows(w_layouter *l, w_node *n, size_t C, size_t P, weir_error *e) {
    w_graph *g = l->g;
    W_TRY(own_const(l, &n->in[1], ".nhwc", e));
    w_value *b = &g->value[n->in[1]];
    bool trans = n->op == W_OP_Gemm && ((w_gemm_attr *)n->attr)->transB;
    size_t width = (size_t)b->shape.dim[trans ? 0 : 1], size = w_type_size(b->type), bytes = w_value_bytes(g, n->in[1]);
    char *data = w_arena_alloc_aligned(&g->arena, W_MAX(bytes, 1));
    if (!data) return w_oom(e, bytes, "permuted weights");
    if (trans) swap_inner(b->data, data, width, C, P, size);
    else swap_inner(b->data, data, 1, C, P, width * size);
    w_const_rest(g, b->data, bytes);
    b->data = data;
    b->is_mapped = false;
    return permute_quant(g, b, trans ? 1 : 0, C, P, e);
}

static weir_status add_transpose(w_layouter *l, w_id x, w_id *out, weir_error *e) {
    w_graph *g = l->g;
    W_TRY(w_layout_twin(l, x, ".nhwc_view", out, e));
    const w_shape s = g->value[x].shape;
    g->value[*out].shape = (w_shape){.rank = 4, .known = true, .dim = {s.dim[0], s.dim[2], s.dim[3], s.dim[1]}};
    w_transpose_attr *attr = w_op_attr_new(g, W_OP_Transpose);
    int64_t *perm = w_arena_array(&g->arena, 4, sizeof *perm);
    if (!attr || !perm) return w_oom(e, 64, "a Transpose");
    memcpy(perm, (const int64_t[]){0, 2, 3, 1}, 4 * sizeof *perm);
    attr->perm = (w_ints){perm, 4, true};
    return w_graph_add_node(g, W_OP_Transpose, "", &x, 1, out, 1, attr, NULL, e);
}

/* Bytes of weights. Beyond, a second copy of them while the plan is made costs more than turning the far smaller image at
 * every run: its bytes are those of the weights by the number of outputs. */
#define MOST_MOVED ((size_t)32 << 20)

static bool too_large(const w_layouter *l, w_id y) {
    for (w_id r = l->reader[y]; r != W_NONE; r = l->next[r])
        if (w_value_bytes(l->g, l->g->node[r].in[1]) > MOST_MOVED) return true;
    return false;
}

weir_status w_layout_flatten(w_layouter *l, w_id k, bool *done, weir_error *e) {
    w_graph *g = l->g;
    w_id x = g->node[k].in[0], y = g->node[k].out[0], view;
    const w_shape s = g->value[x].shape, *t = &g->value[y].shape;
    *done = false;
    if (g->value[x].layout != W_NHWC || w_layout_free(&s) || !w_shape_bound(&s) || !w_shape_bound(t)) return WEIR_OK;
    if (t->rank != 2 || t->dim[0] != s.dim[0] || !l->gemms[y] || l->gemms[y] != l->uses.count[y] || too_large(l, y)) return WEIR_OK;
    for (w_id r = l->reader[y]; r != W_NONE; r = l->next[r])
        W_TRY(permute_rows(l, &g->node[r], (size_t)s.dim[1], (size_t)(s.dim[2] * s.dim[3]), e));
    W_TRY(add_transpose(l, x, &view, e));
    w_axis_attr *flat = w_op_attr_new(g, W_OP_Flatten);
    if (!flat) return w_oom(e, sizeof *flat, "a Flatten");
    flat->axis = 1;
    w_node *n = &g->node[k];
    n->op = W_OP_Flatten;
    n->attr = flat;
    n->in[0] = view;
    n->nin = 1;
    *done = true;
    return WEIR_OK;
}
