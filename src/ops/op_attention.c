/* Attention: every row of Q asks all keys of its head, and gets their values weighted by a softmax of the products. Heads are an
 * axis of their own (rank 4) or lie side by side in the last axis (rank 3); heads of Q share those of K and V in equal groups.
 * The order is product, scale, softcap, mask, softmax. */
#include "op_attr_table.h"
#include "op_util.h"
#include <math.h>

enum { Q, K, VAL, MASK };

w_attention w_attention_of(const w_node *n, const w_shape *q, const w_shape *k, const w_shape *v) {
    const w_attention_attr *at = n->attr;
    w_attention a = {.batch = q->dim[0], .flat = q->rank == 3};
    a.heads = a.flat ? at->q_num_heads : q->dim[1];
    a.kv_heads = a.flat ? at->kv_num_heads : k->dim[1];
    a.rows = q->dim[q->rank - 2];
    a.keys = k->dim[k->rank - 2];
    a.size = a.flat ? q->dim[2] / a.heads : q->dim[3];
    a.v_size = a.flat ? v->dim[2] / a.kv_heads : v->dim[3];
    a.scale = at->scale == FLT_MAX ? (float)(1.0 / sqrt((double)a.size)) : at->scale;
    return a;
}

static w_attention sizes_of(const w_graph *g, const w_node *n) {
    return w_attention_of(n, &w_node_in(g, n, Q)->shape, &w_node_in(g, n, K)->shape, &w_node_in(g, n, VAL)->shape);
}

/* ---- shapes ---- */

static weir_status check_attrs(const w_graph *g, const w_node *n, int rank, weir_error *e) {
    const w_attention_attr *a = n->attr;
    if (a->softmax_precision && a->softmax_precision != 1 && a->softmax_precision != 10 && a->softmax_precision != 16)
        return w_node_fail(e, g, n, "softmax_precision is %lld, expected 1 (f32), 10 (f16) or 16 (bf16)", (long long)a->softmax_precision);
    if (rank == 3 && (a->q_num_heads < 1 || a->kv_num_heads < 1))
        return w_node_fail(e, g, n, "q_num_heads is %lld and kv_num_heads %lld, expected both for operands of rank 3", (long long)a->q_num_heads,
                           (long long)a->kv_num_heads);
    return WEIR_OK;
}

static weir_status check_split(const w_graph *g, const w_node *n, uint32_t i, int64_t heads, weir_error *e) {
    static const char *const names[] = {"Q", "K", "V"};
    int64_t width = w_node_in(g, n, i)->shape.dim[2];
    if (!w_dim_is_symbol(width) && width % heads == 0) return WEIR_OK;
    return w_node_fail(e, g, n, "the last axis of %s is %lld, expected a multiple of %lld heads", names[i], (long long)width, (long long)heads);
}

static weir_status check_mask(const w_graph *g, const w_node *n, const w_attention *a, weir_error *e) {
    const w_value *m = w_node_in(g, n, MASK);
    const int64_t want[] = {a->batch, a->heads, a->rows, a->keys};
    char t[W_SHAPE_TEXT];
    if (!m) return WEIR_OK;
    W_TRY(w_check_type(g, n, MASK, "attn_mask", W_T_FLOATS | W_T(WEIR_BOOL), e));
    bool fits = m->shape.rank >= 1 && m->shape.rank <= 4;
    for (int k = 0; fits && k < m->shape.rank; k++) fits = m->shape.dim[k] == 1 || w_dims_agree(m->shape.dim[k], want[4 - m->shape.rank + k]);
    if (fits) return WEIR_OK;
    return w_node_fail(e, g, n, "attn_mask has shape %s, expected one that broadcasts to the scores", w_shape_text(g, &m->shape, t));
}

static weir_status check_sizes(const w_graph *g, const w_node *n, const w_attention *a, weir_error *e) {
    const w_shape *q = &w_node_in(g, n, Q)->shape, *k = &w_node_in(g, n, K)->shape, *v = &w_node_in(g, n, VAL)->shape;
    int rank = q->rank, keys = rank - 2;
    W_TRY(w_check_dim_equal(g, n, "the batch of K", k->dim[0], "in Q", q->dim[0], e));
    W_TRY(w_check_dim_equal(g, n, "the batch of V", v->dim[0], "in Q", q->dim[0], e));
    W_TRY(w_check_dim_equal(g, n, "the number of values", v->dim[keys], "of keys", k->dim[keys], e));
    if (!a->flat) W_TRY(w_check_dim_equal(g, n, "the number of heads of V", v->dim[1], "of K", k->dim[1], e));
    W_TRY(w_check_dim_equal(g, n, "the head size of K", a->flat ? k->dim[2] / a->kv_heads : k->dim[3], "of Q", a->size, e));
    if (w_dim_is_symbol(a->heads) || w_dim_is_symbol(a->kv_heads) || (a->kv_heads > 0 && a->heads % a->kv_heads == 0)) return check_mask(g, n, a, e);
    return w_node_fail(e, g, n, "%lld heads of Q, expected a multiple of %lld of K", (long long)a->heads, (long long)a->kv_heads);
}

static weir_status infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    w_type t = w_real_type(w_node_in(g, n, Q));
    int rank = w_node_in(g, n, Q)->shape.rank;
    W_TRY(w_check_type(g, n, Q, "Q", W_T_FLOATS, e));
    W_TRY(w_check_rank(g, n, Q, "Q", 3, 4, e));
    W_TRY(w_check_rank(g, n, K, "K", rank, rank, e));
    W_TRY(w_check_rank(g, n, VAL, "V", rank, rank, e));
    for (uint32_t i = K; i <= VAL; i++) W_TRY(w_check_same_type(g, n, Q, i, e));
    W_TRY(check_attrs(g, n, rank, e));
    const w_attention_attr *at = n->attr;
    for (uint32_t i = Q; rank == 3 && i <= VAL; i++) W_TRY(check_split(g, n, i, i == Q ? at->q_num_heads : at->kv_num_heads, e));
    w_attention a = sizes_of(g, n);
    W_TRY(check_sizes(g, n, &a, e));
    w_shape s = w_node_in(g, n, Q)->shape;
    s.dim[rank - 1] = a.flat ? a.heads * a.v_size : a.v_size;
    return w_set_out(g, n, 0, t, &s, e);
}

/* ---- access map ---- */

/* Heads, rows and elements of the values that an output box asks for; whole: no head between the first and last is left out. */
typedef struct part { int64_t head, heads, head_step, at, n, step; bool whole; } part;

static part part_of(const w_attention *a, const w_box *out) {
    if (!a->flat) return (part){out->lo[1], out->n[1], out->step[1], out->lo[3], out->n[3], out->step[3], true};
    int64_t last = out->lo[2] + (out->n[2] - 1) * out->step[2], head = out->lo[2] / a->v_size, heads = last / a->v_size - head + 1;
    if (heads == 1) return (part){head, 1, 1, out->lo[2] - head * a->v_size, out->n[2], out->step[2], true};
    return (part){head, heads, 1, 0, a->v_size, 1, out->step[2] <= a->v_size};
}

/* Keys that the last row of the box sees. */
static int64_t seen_keys(const w_node *n, const w_attention *a, const w_box *out) {
    int axis = a->flat ? 1 : 2;
    int64_t last = out->lo[axis] + (out->n[axis] - 1) * out->step[axis];
    return ((const w_attention_attr *)n->attr)->is_causal ? W_MIN(last + 1, a->keys) : a->keys;
}

static w_tag operand_box(const w_attention *a, uint32_t i, const part *p, const w_box *out, int64_t keys, w_box *in) {
    int64_t group = i == Q ? 1 : a->heads / a->kv_heads, head = p->head / group, last = (p->head + (p->heads - 1) * p->head_step) / group;
    int64_t step = group == 1 ? p->head_step : 1, size = i == VAL ? a->v_size : a->size;
    bool exact = p->whole && (group == 1 || p->head_step <= group), some = i == VAL && !(a->flat && p->heads > 1);
    int rows = a->flat ? 1 : 2, axis = a->flat ? 2 : 3;
    in->rank = out->rank;
    w_box_axis(in, 0, out->lo[0], out->n[0], out->step[0]);
    if (i == Q) w_box_axis(in, rows, out->lo[rows], out->n[rows], out->step[rows]);
    else w_box_axis(in, rows, 0, keys, 1);
    if (!a->flat) w_box_axis(in, 1, head, (last - head) / step + 1, step);
    int64_t base = a->flat ? head * size : 0;
    if (some) w_box_axis(in, axis, base + p->at, p->n, p->step);
    else w_box_axis(in, axis, base, a->flat ? (last - head + 1) * size : size, 1);
    return w_box_end(in, exact && !(i == VAL && !some) ? W_EXACT : W_COVER);
}

static w_tag mask_box(const w_attention *a, const w_shape *mask, const part *p, const w_box *out, int64_t keys, w_box *in) {
    int rows = a->flat ? 1 : 2;
    w_box scores = {.rank = 4};
    w_box_axis(&scores, 0, out->lo[0], out->n[0], out->step[0]);
    w_box_axis(&scores, 1, p->head, p->heads, p->head_step);
    w_box_axis(&scores, 2, out->lo[rows], out->n[rows], out->step[rows]);
    w_box_axis(&scores, 3, 0, keys, 1);
    return w_box_broadcast(mask, &scores, in);
}

/* One key has weight 1 whatever its score is; so has the first for the first row, and a mask may leave out any. */
static w_tag map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    (void)o;
    const w_value *v = w_node_in(g, n, i), *mask = w_node_in(g, n, MASK);
    *in = (w_box){0};
    if (!v) return W_UNUSED;
    for (int k = 0; k < out->rank; k++)
        if (out->n[k] <= 0) return W_UNUSED;
    w_attention a = sizes_of(g, n);
    part p = part_of(&a, out);
    int64_t keys = seen_keys(n, &a, out);
    bool open = a.keys > 1 && !((const w_attention_attr *)n->attr)->is_causal && !(mask && mask->type == WEIR_BOOL);
    w_tag tag = i == MASK ? mask_box(&a, &v->shape, &p, out, keys, in) : operand_box(&a, i, &p, out, keys, in);
    if (tag == W_UNUSED) return tag;
    if (i == MASK) return open && p.whole && v->shape.dim[v->shape.rank - 1] > 1 ? tag : W_COVER;
    return open || (i == VAL && !mask) ? tag : W_COVER;
}

static int64_t work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    (void)o;
    w_attention a = sizes_of(g, n);
    part p = part_of(&a, box);
    int64_t rows = w_sat_mul(w_sat_mul(box->n[0], p.heads), box->n[a.flat ? 1 : 2]);
    return w_sat_mul(a.keys, w_sat_mul(rows, a.size) + w_box_count(box));
}

/* ---- reference ---- */

/* Strides of an operand by batch, head, row; elements of a head are neighbours. */
typedef struct strides { int64_t batch, head, row; } strides;

static strides strides_of(const w_attention *a, int64_t heads, int64_t rows, int64_t size) {
    return a->flat ? (strides){rows * heads * size, size, heads * size} : (strides){heads * rows * size, rows * size, size};
}

static double score_of(const w_node *n, const w_attention *a, const float *q, const float *k, const w_tensor *mask, int64_t at) {
    const w_attention_attr *t = n->attr;
    double x = 0.0;
    for (int64_t i = 0; i < a->size; i++) x += (double)q[i] * k[i];
    x *= a->scale;
    if (t->softcap > 0) x = t->softcap * tanh(x / t->softcap);
    if (!mask) return x;
    if (mask->type == WEIR_BOOL) return ((const uint8_t *)mask->data)[at] ? x : -INFINITY;
    return x + ((const float *)mask->data)[at];
}

static void softmax_of(double *x, int64_t n, double empty) {
    double top = -INFINITY, sum = 0.0;
    for (int64_t i = 0; i < n; i++) top = fmax(top, x[i]);
    bool none = top == -INFINITY;
    for (int64_t i = 0; i < n; i++) sum += x[i] = exp(x[i] - (none ? 0.0 : top));
    for (int64_t i = 0; i < n; i++) x[i] = none && sum == 0.0 ? empty : x[i] / sum;
}

/* The row of the output that the walk over the scores has come to. */
static void ref_row(const w_node *n, const w_attention *a, const w_tensor *in, w_walk *k, double *weight, float *y) {
    strides q = strides_of(a, a->heads, a->rows, a->size), ks = strides_of(a, a->kv_heads, a->keys, a->size);
    strides v = strides_of(a, a->kv_heads, a->keys, a->v_size), ys = strides_of(a, a->heads, a->rows, a->v_size);
    int64_t b = k->at[0], h = k->at[1], row = k->at[2], shared = h / (a->heads / a->kv_heads);
    const float *query = (const float *)in[Q].data + b * q.batch + h * q.head + row * q.row;
    const float *keys = (const float *)in[K].data + b * ks.batch + shared * ks.head, *values = (const float *)in[VAL].data + b * v.batch + shared * v.head;
    const w_tensor *mask = n->nin > MASK && in[MASK].data ? &in[MASK] : NULL;
    for (int64_t s = 0; s < a->keys; s++, w_walk_step(k)) weight[s] = score_of(n, a, query, keys + s * ks.row, mask, k->off[0]);
    int64_t seen = ((const w_attention_attr *)n->attr)->is_causal ? W_MIN(row + 1, a->keys) : a->keys;
    softmax_of(weight, seen, ((const w_attention_attr *)n->attr)->nan ? (double)NAN : 0.0);
    y += b * ys.batch + h * ys.head + row * ys.row;
    for (int64_t i = 0; i < a->v_size; i++) {
        double sum = 0.0;
        for (int64_t s = 0; s < seen; s++) sum += weight[s] * values[s * v.row + i];
        y[i] = (float)sum;
    }
}

static weir_status ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    w_attention a = w_attention_of(n, &in[Q].shape, &in[K].shape, &in[VAL].shape);
    w_shape scores = {.rank = 4, .known = true, .dim = {a.batch, a.heads, a.rows, a.keys}};
    w_arena tmp;
    w_walk k;
    w_arena_init(&tmp, g->ctx);
    double *weight = w_arena_array(&tmp, (size_t)W_MAX(a.keys, 1), sizeof *weight);
    weir_status s = weight ? WEIR_OK : w_oom(e, (size_t)a.keys * sizeof *weight, "a row of weights");
    w_walk_init(&k, &scores);
    if (n->nin > MASK && in[MASK].data) w_walk_broadcast(&k, 0, &in[MASK].shape);
    for (int64_t rows = a.batch * a.heads * a.rows; weight && a.keys && rows > 0; rows--) ref_row(n, &a, in, &k, weight, out->data);
    w_arena_fini(&tmp);
    return s;
}

static const w_attr_def attrs[] = {
    A_FLOAT(w_attention_attr, scale, FLT_MAX),   A_FLOAT(w_attention_attr, softcap, 0.0f),    A_INT(w_attention_attr, is_causal, 0),
    A_INT(w_attention_attr, q_num_heads, 0),     A_INT(w_attention_attr, kv_num_heads, 0), A_INT(w_attention_attr, softmax_precision, 0),
    {"weir_nan", W_ATTR_INT, offsetof(w_attention_attr, nan), 0, 0.0f, NULL, false},
};

/* Op: Attention
 * ONNX: 23
 * Inputs: Q, K, V, attn_mask (optional)
 * Attributes: scale, softcap, is_causal, q_num_heads, kv_num_heads, softmax_precision; weir_nan
 * Limits: floating-point types; no past or present keys and values, no qk_matmul_output; the softmax is computed in f32 or better; a row that may see no key is 0
 * Map: Q exact: the rows of the box in its heads; K and V exact: all keys (causal: those that the last row sees) of the heads; attn_mask exact, with broadcasting; cover where a key may be left out
 */
W_OP_DEFINE(Attention, "Attention", 3, 4, 1, 1, 23, w_attention_attr, attrs, infer, map, work, ref);
