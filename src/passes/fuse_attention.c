/* attention: MatMul(Q, K^T), a scale, a mask, Softmax, MatMul with V become one Attention, which keeps no scores. Recognised at the
 * Softmax, once all shapes are numbers; every value on the way serves this chain alone and is a real number. Two forms:
 *
 *   rank 4: Q, V and the result as they are, K in front of its Transpose;
 *   rank 3: where Q, K and V are split into heads by a Reshape and a Transpose each, and the result is put together by the same
 *           two, all eight go: Attention reads and writes heads side by side.
 *
 * For plans only: a file keeps the operators that it came with. */
#include "passfuse.h"
#include <string.h>

typedef struct match {
    w_id scores, product; /* nodes: MatMul of Q and K, MatMul with V */
    w_id q, k, v, mask, y;
    w_id chain[8];        /* nodes that go */
    uint32_t nchain;
    float scale;
} match;

static bool real_single(const w_fuser *f, w_id v) {
    return v != W_NONE && w_fuse_single(f, v) && !f->g->value[v].quant && f->g->value[v].type == WEIR_F32;
}

static w_node *only_user(const w_fuser *f, w_id v) {
    return real_single(f, v) && f->uses.only[v] != W_NONE ? &f->g->node[f->uses.only[v]] : NULL;
}

static bool is_real(const w_graph *g, w_id v) { return v != W_NONE && g->value[v].type == WEIR_F32 && !g->value[v].quant && g->value[v].kind != W_VALUE_CONST; }

static bool is_plain_product(const w_node *n) { return n && n->op == W_OP_MatMul && n->nin == 2 && w_epilogue_free(n); }

static bool note(match *m, w_id node) { return m->nchain < W_COUNT(m->chain) && (m->chain[m->nchain++] = node, true); }

/* x behind a multiplication or division by one number; x itself otherwise. */
static w_id peel_scale(const w_fuser *f, w_id x, match *m) {
    const w_graph *g = f->g;
    const w_node *n = real_single(f, x) ? w_producer(g, x) : NULL;
    float c;
    if (!n || (n->op != W_OP_Mul && n->op != W_OP_Div) || !w_epilogue_free(n)) return x;
    unsigned side = w_const_scalar(g, n->in[1], &c) ? 0 : 1;
    if (side && (n->op == W_OP_Div || !w_const_scalar(g, n->in[0], &c))) return x;
    if (!w_shape_equal(&g->value[n->in[side]].shape, &g->value[x].shape) || !note(m, g->value[x].producer)) return x;
    m->scale = n->op == W_OP_Mul ? m->scale * c : m->scale / c;
    return n->in[side];
}

static bool fits_mask(const w_graph *g, w_id mask, const w_shape *scores) {
    const w_value *v = &g->value[mask];
    if (v->type != WEIR_F32 || v->quant || v->coding || v->shape.rank < 1 || v->shape.rank > 4) return false;
    for (int i = 0; i < v->shape.rank; i++) {
        int64_t d = v->shape.dim[i], want = scores->dim[4 - v->shape.rank + i];
        if (d != want && (d != 1 || i == v->shape.rank - 1)) return false;
    }
    return true;
}

/* The product of Q and K behind the scores x, whose mask and scale are noted. */
static bool find_scores(const w_fuser *f, w_id x, match *m) {
    const w_graph *g = f->g;
    const w_node *n = real_single(f, x) ? w_producer(g, x) : NULL;
    w_shape shape = g->value[x].shape;
    if (!n) return false;
    if (n->op == W_OP_Add) {
        unsigned side = !fits_mask(g, n->in[1], &shape) || (fits_mask(g, n->in[0], &shape) && !real_single(f, n->in[0])) ? 1 : 0;
        if (!w_epilogue_free(n) || !fits_mask(g, n->in[!side], &shape) || !note(m, g->value[x].producer)) return false;
        m->mask = n->in[!side];
        x = n->in[side];
    }
    x = peel_scale(f, x, m);
    n = real_single(f, x) ? w_producer(g, x) : NULL;
    if (!is_plain_product(n) || !w_shape_equal(&g->value[x].shape, &shape)) return false;
    m->scores = g->value[x].producer;
    return note(m, m->scores);
}

static bool has_perm(const w_node *n, int64_t a, int64_t b, int64_t c) {
    if (!n || n->op != W_OP_Transpose) return false;
    const w_ints *p = &((const w_transpose_attr *)n->attr)->perm;
    return p->n == 4 && p->v[0] == 0 && p->v[1] == a && p->v[2] == b && p->v[3] == c;
}

static bool has_shape(const w_graph *g, w_id v, int64_t a, int64_t b, int64_t c, int64_t d) {
    return w_shape_equal(&g->value[v].shape, &(w_shape){.rank = 4, .known = true, .dim = {a, b, c, d}});
}

static bool find(const w_fuser *f, w_id softmax, match *m) {
    const w_graph *g = f->g;
    const w_node *n = &g->node[softmax], *product = only_user(f, n->out[0]);
    const w_softmax_attr *a = n->attr;
    *m = (match){.mask = W_NONE, .scale = 1.0f};
    if (a->coerce || g->value[n->in[0]].shape.rank != 4 || (a->axis != 3 && a->axis != -1)) return false;
    if (!is_plain_product(product) || product->in[0] != n->out[0] || !is_real(g, product->in[1]) || !is_real(g, product->out[0])) return false;
    m->product = f->uses.only[n->out[0]];
    m->v = product->in[1];
    m->y = product->out[0];
    if (!note(m, softmax) || !find_scores(f, n->in[0], m)) return false;
    const w_node *scores = &g->node[m->scores];
    m->q = peel_scale(f, scores->in[0], m);
    m->k = peel_scale(f, scores->in[1], m);
    const int64_t *p = g->value[n->out[0]].shape.dim, *q = g->value[m->q].shape.dim, *v = g->value[m->v].shape.dim;
    return is_real(g, m->q) && is_real(g, m->k) && w_shape_bound(&g->value[n->out[0]].shape) && has_shape(g, m->q, p[0], p[1], p[2], q[3]) &&
           has_shape(g, m->k, p[0], p[1], q[3], p[3]) && has_shape(g, m->v, p[0], p[1], p[3], v[3]);
}

/* ---- rank 3 ---- */

/* What a Reshape to [batch, rows, heads, size] reads, when it is [batch, rows, heads * size]; W_NONE otherwise. */
static w_id joined(const w_graph *g, w_id split) {
    const w_node *n = w_producer(g, split);
    const int64_t *d = g->value[split].shape.dim;
    w_shape flat = {.rank = 3, .known = true, .dim = {d[0], d[1], d[2] * d[3]}};
    return n && n->op == W_OP_Reshape && is_real(g, n->in[0]) && w_shape_equal(&g->value[n->in[0]].shape, &flat) ? n->in[0] : W_NONE;
}

static w_id joined_behind(const w_graph *g, w_id v, int64_t a, int64_t b, int64_t c) {
    const w_node *n = w_producer(g, v);
    return has_perm(n, a, b, c) ? joined(g, n->in[0]) : W_NONE;
}

static bool flatten(const w_fuser *f, match *m) {
    const w_graph *g = f->g;
    const w_node *turn = only_user(f, m->y), *join = has_perm(turn, 2, 1, 3) ? only_user(f, turn->out[0]) : NULL;
    w_id q = joined_behind(g, m->q, 2, 1, 3), k = joined_behind(g, m->k, 2, 3, 1), v = joined_behind(g, m->v, 2, 1, 3);
    if (q == W_NONE || k == W_NONE || v == W_NONE || !join || join->op != W_OP_Reshape || g->value[join->out[0]].quant) return false;
    const int64_t *d = g->value[turn->out[0]].shape.dim;
    if (!w_shape_equal(&g->value[join->out[0]].shape, &(w_shape){.rank = 3, .known = true, .dim = {d[0], d[1], d[2] * d[3]}})) return false;
    if (!note(m, f->uses.only[m->y]) || !note(m, f->uses.only[turn->out[0]])) return false;
    m->q = q, m->k = k, m->v = v, m->y = join->out[0];
    return true;
}

/* ---- rank 4 ---- */

/* K in front of its Transpose; one that also puts the heads in front does only this from now on. */
static bool upright(const w_fuser *f, match *m) {
    w_graph *g = f->g;
    w_node *n = w_producer(g, m->k);
    if (has_perm(n, 1, 3, 2)) return m->k = n->in[0], true;
    if (!has_perm(n, 2, 3, 1) || !real_single(f, m->k)) return false;
    int64_t *perm = ((w_transpose_attr *)n->attr)->perm.v, *d = g->value[m->k].shape.dim, size = d[2];
    perm[2] = 1, perm[3] = 3;
    d[2] = d[3], d[3] = size;
    return true;
}

static weir_status become(w_fuser *f, match *m, int64_t heads, weir_error *e) {
    w_graph *g = f->g;
    w_attention_attr *a = w_op_attr_new(g, W_OP_Attention);
    w_id *in = w_arena_array(&g->arena, 4, sizeof *in);
    if (!a || !in) return w_oom(e, sizeof *a, "attributes");
    a->scale = m->scale;
    a->nan = 1;
    a->q_num_heads = a->kv_num_heads = heads;
    memcpy(in, (w_id[]){m->q, m->k, m->v, m->mask}, 4 * sizeof *in);
    for (uint32_t i = 0; i < m->nchain; i++) w_node_kill(g, m->chain[i]);
    w_node *n = &g->node[m->product];
    n->op = W_OP_Attention;
    n->attr = a;
    n->in = in;
    n->nin = m->mask == W_NONE ? 3 : 4;
    if (n->out[0] != m->y) w_node_retarget(g, m->product, m->y);
    return WEIR_OK;
}

weir_status w_pass_attention(w_graph *g, weir_error *e) {
    w_arena a;
    w_arena_init(&a, g->ctx);
    w_fuser f = {.g = g};
    weir_status s = w_graph_uses(g, &a, &f.uses, e);
    for (size_t k = 0; s == WEIR_OK && k < g->nnode; k++) {
        match m;
        if (g->node[k].op != W_OP_Softmax || !find(&f, (w_id)k, &m)) continue;
        int64_t heads = g->value[m.y].shape.dim[1];
        if (flatten(&f, &m)) s = become(&f, &m, heads, e);
        else if (upright(&f, &m)) s = become(&f, &m, 0, e);
    }
    w_arena_fini(&a);
    return s;
}
