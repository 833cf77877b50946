/* Integer vectors that steer a shape, followed back through the operators with which exporters compute them (the batch size of
 * x.view(x.size(0), -1) and the like), so that a symbol in a shape survives the detour over data.
 *
 * Depth and the number of looked-at values are bounded: what is too long is simply not known. */
#include "op_util.h"

enum { MOST_DEPTH = 24, MOST_LOOKS = 256 };
typedef struct look { const w_graph *g; int left; } look;

static bool follow(look *l, w_id id, int depth, w_dims *out);

static bool add(w_dims *d, int64_t v, bool symbol) {
    if (d->n == W_MAX_RANK) return false;
    if (symbol) d->symbols |= 1u << d->n;
    d->v[d->n++] = v;
    return true;
}

static bool is_symbol(const w_dims *d, uint32_t i) { return d->symbols >> i & 1u; }

static bool from_constant(const w_value *v, w_dims *out) {
    int64_t n = w_shape_count(&v->shape);
    if ((v->type != WEIR_S64 && v->type != WEIR_S32) || v->shape.rank > 1 || n < 0 || n > W_MAX_RANK) return false;
    for (int64_t i = 0; i < n; i++) add(out, w_load_int(v->data, v->type, (size_t)i), false);
    return true;
}

static bool from_shape(const w_graph *g, const w_node *n, w_dims *out) {
    const w_shape_attr *a = n->attr;
    const w_value *x = w_node_in(g, n, 0);
    if (!x || !x->shape.known || !a) return false;
    int64_t rank = x->shape.rank, start = a->start < 0 ? a->start + rank : a->start, end = a->end < 0 ? a->end + rank : a->end;
    for (int64_t i = W_MAX(start, 0); i < W_MIN(end, rank); i++) add(out, x->shape.dim[i], x->shape.dim[i] < 0);
    return true;
}

static bool from_concat(look *l, const w_node *n, int depth, w_dims *out) {
    for (uint32_t i = 0; i < n->nin; i++) {
        w_dims part = {0};
        if (!follow(l, n->in[i], depth, &part)) return false;
        for (uint32_t k = 0; k < part.n; k++)
            if (!add(out, part.v[k], is_symbol(&part, k))) return false;
    }
    return true;
}

/* data and indices are vectors (or the index a scalar), so the axis can only be 0. */
static bool from_gather(look *l, const w_node *n, int depth, w_dims *out) {
    w_dims data = {0}, index = {0};
    const w_value *x = w_node_in(l->g, n, 0);
    if (!x || !x->shape.known || x->shape.rank != 1) return false;
    if (!follow(l, n->in[0], depth, &data) || !follow(l, n->in[1], depth, &index) || index.symbols) return false;
    for (uint32_t i = 0; i < index.n; i++) {
        int64_t k = index.v[i] < 0 ? index.v[i] + data.n : index.v[i];
        if (k < 0 || k >= data.n || !add(out, data.v[k], is_symbol(&data, (uint32_t)k))) return false;
    }
    return true;
}

/* Slice of a vector in its input form with step 1. */
static bool from_slice(look *l, const w_node *n, int depth, w_dims *out) {
    w_dims data = {0}, list[5] = {{{0}, 0, 0}};
    if (n->nin < 3 || !follow(l, n->in[0], depth, &data)) return false;
    for (uint32_t i = 1; i < n->nin && i < 5; i++) {
        if (n->in[i] == W_NONE) continue;
        if (!follow(l, n->in[i], depth, &list[i]) || list[i].symbols || list[i].n != 1) return false;
    }
    if (list[1].n != 1 || list[2].n != 1 || (list[4].n && list[4].v[0] != 1)) return false;
    int64_t from = list[1].v[0] < 0 ? list[1].v[0] + data.n : list[1].v[0], to = list[2].v[0] < 0 ? list[2].v[0] + data.n : list[2].v[0];
    for (int64_t i = W_MAX(from, 0); i < W_MIN(to, data.n); i++) add(out, data.v[i], is_symbol(&data, (uint32_t)i));
    return true;
}

static bool from_node(look *l, const w_node *n, int depth, w_dims *out) {
    const w_cast_attr *cast = n->attr;
    if (n->op == W_OP_NONE || (n->nin == 0) || n->in[0] == W_NONE) return false;
    switch (n->op) {
    case W_OP_Shape: return from_shape(l->g, n, out);
    case W_OP_Concat: return from_concat(l, n, depth, out);
    case W_OP_Gather: return n->nin > 1 && from_gather(l, n, depth, out);
    case W_OP_Slice: return from_slice(l, n, depth, out);
    case W_OP_Cast: return (w_type_from_onnx(cast->to) == WEIR_S64 || w_type_from_onnx(cast->to) == WEIR_S32) && follow(l, n->in[0], depth, out);
    case W_OP_Identity:
    case W_OP_Squeeze:
    case W_OP_Unsqueeze:
    case W_OP_Reshape: return follow(l, n->in[0], depth, out);
    default: return false;
    }
}

static bool follow(look *l, w_id id, int depth, w_dims *out) {
    if (id >= l->g->nvalue || depth == 0 || l->left-- <= 0) return false;
    const w_value *v = &l->g->value[id];
    if (v->kind == W_VALUE_CONST) return v->data && from_constant(v, out);
    if (v->kind != W_VALUE_NODE || v->producer >= l->g->nnode) return false;
    return from_node(l, &l->g->node[v->producer], depth - 1, out);
}

bool w_follow_dims(const w_graph *g, const w_node *n, uint32_t i, w_dims *out) {
    look l = {g, MOST_LOOKS};
    *out = (w_dims){0};
    return i < n->nin && n->in[i] != W_NONE && follow(&l, n->in[i], MOST_DEPTH, out);
}
