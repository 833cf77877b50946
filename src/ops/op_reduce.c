/* Reductions over axes. */
#include "op_attr_table.h"
#include "op_util.h"
#include <math.h>
#include <string.h>

/* ---- ReduceMean, ReduceSum, ReduceMax, ReduceMin ---- */

/* Axes from attribute or input as a mask of the reduced ones; *known is false if they are computed. */
static weir_status reduced_axes(const w_graph *g, const w_node *n, int rank, unsigned *mask, bool *known, weir_error *e) {
    const w_reduce_attr *a = n->attr;
    int64_t axes[W_MAX_RANK];
    uint32_t count = 0;
    *known = true;
    if (a->axes.n > W_MAX_RANK) return w_node_fail(e, g, n, "axes has %u entries, expected at most %d", a->axes.n, rank);
    if (a->axes.n && w_node_in(g, n, 1)) return w_node_fail(e, g, n, "axes are given as an attribute and as an input");
    for (uint32_t i = 0; i < a->axes.n; i++) axes[count++] = a->axes.v[i];
    if (!count) W_TRY(w_in_ints(g, n, 1, "axes", axes, W_MAX_RANK, &count, known, e));
    if (!*known) return WEIR_OK;
    W_TRY(w_axis_mask(g, n, axes, count, rank, mask, e));
    if (!count && !a->noop_with_empty_axes) *mask = (1u << rank) - 1u;
    return WEIR_OK;
}

static w_shape reduced_shape(const w_shape *x, unsigned mask, bool keep) {
    w_shape s = {.known = true};
    for (int i = 0; i < x->rank; i++) {
        if (!(mask & 1u << i)) s.dim[s.rank++] = x->dim[i];
        else if (keep) s.dim[s.rank++] = 1;
    }
    return s;
}

static weir_status reduce_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_reduce_attr *a = n->attr;
    const w_value *x = w_node_in(g, n, 0);
    unsigned mask;
    bool known;
    bool picks = n->op == W_OP_ReduceMax || n->op == W_OP_ReduceMin;
    W_TRY(w_check_type(g, n, 0, "data", picks ? W_T_ALL : W_T_NUMBERS, e));
    W_TRY(reduced_axes(g, n, x->shape.rank, &mask, &known, e));
    if (!known) return w_set_unknown(g, n, 0, w_real_type(x)), WEIR_OK;
    w_shape s = reduced_shape(&x->shape, mask, a->keepdims != 0);
    return w_set_out(g, n, 0, w_real_type(x), &s, e);
}

/* Box of the operand behind a box of the result: reduced axes whole, the others in order. */
static w_tag reduce_box(const w_shape *x, unsigned mask, bool keep, const w_box *out, w_box *in) {
    *in = (w_box){.rank = x->rank};
    for (int i = 0, j = 0; i < x->rank; i++) {
        if (mask & 1u << i) {
            w_box_axis(in, i, 0, x->dim[i], 1);
            j += keep;
        } else {
            w_box_axis(in, i, out->lo[j], out->n[j], out->step[j]);
            j++;
        }
    }
    return w_box_end(in, w_box_count(out) ? W_EXACT : W_UNUSED);
}

static w_tag reduce_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    const w_reduce_attr *a = n->attr;
    const w_value *x = w_node_in(g, n, 0);
    unsigned mask;
    bool known;
    if (i || reduced_axes(g, n, x->shape.rank, &mask, &known, NULL) != WEIR_OK || !known) return w_map_all(g, n, o, out, i, in);
    return reduce_box(&x->shape, mask, a->keepdims != 0, out, in);
}

static int64_t reduce_work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    const w_shape *x = &w_node_in(g, n, 0)->shape;
    unsigned mask;
    bool known;
    int64_t per = 1;
    if (reduced_axes(g, n, x->rank, &mask, &known, NULL) != WEIR_OK || !known) return w_box_count(box);
    for (int i = 0; i < x->rank; i++)
        if (mask & 1u << i) per = w_sat_mul(per, W_MAX(x->dim[i], 1));
    return w_sat_mul(per, w_box_count(box));
}

typedef struct line { double real; int64_t whole; int64_t at; } line; /* the running result of one reduction */

static double start_real(w_op op) { return op == W_OP_ReduceMax ? -INFINITY : op == W_OP_ReduceMin ? INFINITY : 0.0; }

/* What an empty reduction gives: the least or greatest number of the type. */
static int64_t start_whole(w_op op, w_type t) {
    if (op != W_OP_ReduceMax && op != W_OP_ReduceMin) return 0;
    bool top = op == W_OP_ReduceMin;
    if (t == WEIR_BOOL) return top;
    int bits = 8 * (int)w_type_size(t);
    if (t == WEIR_U8 || t == WEIR_U16) return top ? (INT64_C(1) << bits) - 1 : 0;
    int64_t greatest = (int64_t)(UINT64_MAX >> (65 - bits));
    return top ? greatest : -greatest - 1;
}

static void take(w_op op, const w_tensor *x, int64_t i, line *l) {
    if (x->type == WEIR_F32) {
        float v = ((const float *)x->data)[i];
        if (op == W_OP_ReduceMax) l->real = v > l->real || isnan(v) ? v : l->real;
        else if (op == W_OP_ReduceMin) l->real = v < l->real || isnan(v) ? v : l->real;
        else l->real += v;
        return;
    }
    int64_t v = w_load_int(x->data, x->type, (size_t)i);
    if (op == W_OP_ReduceMax) l->whole = W_MAX(l->whole, v);
    else if (op == W_OP_ReduceMin) l->whole = W_MIN(l->whole, v);
    else l->whole = (int64_t)((uint64_t)l->whole + (uint64_t)v);
}

/* Two walks: kept axes outside, reduced axes inside. */
static void split_walk(const w_shape *x, unsigned mask, w_walk *kept, w_walk *gone, int64_t *outer, int64_t *inner) {
    int64_t stride[W_MAX_RANK];
    *kept = *gone = (w_walk){0};
    *outer = *inner = 1;
    w_strides(x, stride);
    for (int i = 0; i < x->rank; i++) {
        w_walk *k = mask & 1u << i ? gone : kept;
        k->dim[k->rank] = x->dim[i];
        k->stride[0][k->rank++] = stride[i];
        *(mask & 1u << i ? inner : outer) *= x->dim[i];
    }
}

static weir_status reduce_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const w_reduce_attr *a = n->attr;
    int64_t axes[W_MAX_RANK], outer, inner;
    uint32_t count = 0;
    if (a->axes.n) memcpy(axes, a->axes.v, (count = W_MIN(a->axes.n, W_MAX_RANK)) * sizeof axes[0]);
    else if (n->nin > 1) count = w_tensor_ints(&in[1], axes, W_MAX_RANK);
    unsigned mask = count || a->noop_with_empty_axes ? w_axis_mask_unchecked(axes, count, in->shape.rank) : (1u << in->shape.rank) - 1u;
    w_walk kept, gone;
    split_walk(&in->shape, mask, &kept, &gone, &outer, &inner);
    for (int64_t i = 0; i < outer; i++, w_walk_step(&kept)) {
        line l = {start_real(n->op), start_whole(n->op, in->type), 0};
        for (int64_t k = 0; k < inner; k++, w_walk_step(&gone)) take(n->op, &in[0], kept.off[0] + gone.off[0], &l);
        if (n->op == W_OP_ReduceMean) l.real /= (double)inner, l.whole /= W_MAX(inner, 1);
        if (out->type == WEIR_F32) ((float *)out->data)[i] = (float)l.real;
        else w_store_int(out->data, out->type, (size_t)i, l.whole);
    }
    return WEIR_OK;
}

static const w_attr_def reduce_attrs[] = {
    A_INTS(w_reduce_attr, axes), A_INT(w_reduce_attr, keepdims, 1), A_INT(w_reduce_attr, noop_with_empty_axes, 0),
};

/* Op: ReduceMean
 * ONNX: 1, 11, 13, 18
 * Inputs: data, axes (optional, from 18 on)
 * Attributes: axes (before 18), keepdims, noop_with_empty_axes
 * Limits: axes are a constant when the plan is made
 * Map: exact: the reduced axes whole
 */
W_OP_DEFINE(ReduceMean, "ReduceMean", 1, 2, 1, 1, 1, w_reduce_attr, reduce_attrs, reduce_infer, reduce_map, reduce_work, reduce_ref);

/* Op: ReduceSum
 * ONNX: 1, 11, 13
 * Inputs: data, axes (optional, from 13 on)
 * Attributes: axes (before 13), keepdims, noop_with_empty_axes
 * Limits: axes are a constant when the plan is made
 * Map: exact: the reduced axes whole
 */
W_OP_DEFINE(ReduceSum, "ReduceSum", 1, 2, 1, 1, 1, w_reduce_attr, reduce_attrs, reduce_infer, reduce_map, reduce_work, reduce_ref);

/* Op: ReduceMax
 * ONNX: 1, 11, 12, 13, 18
 * Inputs: data, axes (optional, from 18 on)
 * Attributes: axes (before 18), keepdims, noop_with_empty_axes
 * Limits: axes are a constant when the plan is made
 * Map: exact: the reduced axes whole
 */
W_OP_DEFINE(ReduceMax, "ReduceMax", 1, 2, 1, 1, 1, w_reduce_attr, reduce_attrs, reduce_infer, reduce_map, reduce_work, reduce_ref);

/* Op: ReduceMin
 * ONNX: 1, 11, 12, 13, 18
 * Inputs: data, axes (optional, from 18 on)
 * Attributes: axes (before 18), keepdims, noop_with_empty_axes
 * Limits: axes are a constant when the plan is made
 * Map: exact: the reduced axes whole
 */
W_OP_DEFINE(ReduceMin, "ReduceMin", 1, 2, 1, 1, 1, w_reduce_attr, reduce_attrs, reduce_infer, reduce_map, reduce_work, reduce_ref);

/* ---- ArgMax ---- */

static weir_status arg_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_arg_attr *a = n->attr;
    const w_shape *x = &w_node_in(g, n, 0)->shape;
    int axis = 0;
    W_TRY(w_check_type(g, n, 0, "data", W_T_NUMBERS, e));
    W_TRY(w_check_rank(g, n, 0, "data", 1, W_MAX_RANK, e));
    W_TRY(w_axis(g, n, a->axis, x->rank, &axis, e));
    if (x->dim[axis] == 0) return w_node_fail(e, g, n, "axis %d has no elements to compare", axis);
    w_shape s = reduced_shape(x, 1u << axis, a->keepdims != 0);
    return w_set_out(g, n, 0, WEIR_S64, &s, e);
}

static unsigned arg_mask(const w_arg_attr *a, int rank) { return w_axis_mask_unchecked(&a->axis, 1, rank); }

static w_tag arg_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    const w_arg_attr *a = n->attr;
    const w_shape *x = &w_node_in(g, n, 0)->shape;
    return reduce_box(x, arg_mask(a, x->rank), a->keepdims != 0, out, in);
}

static int64_t arg_work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    const w_arg_attr *a = n->attr;
    const w_shape *x = &w_node_in(g, n, 0)->shape;
    return w_sat_mul(W_MAX(x->dim[a->axis < 0 ? a->axis + x->rank : a->axis], 1), w_box_count(box));
}

static double number_at(const w_tensor *t, int64_t i) {
    return t->type == WEIR_F32 ? ((const float *)t->data)[i] : (double)w_load_int(t->data, t->type, (size_t)i);
}

static weir_status arg_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const w_arg_attr *a = n->attr;
    w_walk kept, gone;
    int64_t outer, inner;
    split_walk(&in->shape, arg_mask(a, in->shape.rank), &kept, &gone, &outer, &inner);
    for (int64_t i = 0; i < outer; i++, w_walk_step(&kept)) {
        line l = {number_at(in, kept.off[0]), 0, 0};
        for (int64_t k = 0; k < inner; k++, w_walk_step(&gone)) {
            double v = number_at(in, kept.off[0] + gone.off[0]);
            if (v > l.real || (v >= l.real && a->select_last_index)) l = (line){v, 0, k};
        }
        ((int64_t *)out->data)[i] = l.at;
    }
    return WEIR_OK;
}

static const w_attr_def arg_attrs[] = {A_INT(w_arg_attr, axis, 0), A_INT(w_arg_attr, keepdims, 1), A_INT(w_arg_attr, select_last_index, 0)};

/* Op: ArgMax
 * ONNX: 1, 11, 12, 13
 * Inputs: data
 * Attributes: axis, keepdims, select_last_index
 * Limits: 64-bit integers beyond 2^53 are compared rounded
 * Map: exact: the axis whole
 */
W_OP_DEFINE(ArgMax, "ArgMax", 1, 1, 1, 1, 1, w_arg_attr, arg_attrs, arg_infer, arg_map, arg_work, arg_ref);
