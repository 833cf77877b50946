/* Operators that join and pick along an axis: Concat, Split, Gather. Slice and Pad are in op_slice.c. */
#include "op_attr_table.h"
#include "op_util.h"
#include <string.h>

/* ---- Concat ---- */

static weir_status concat_operand(const w_graph *g, const w_node *n, uint32_t i, int axis, w_shape *s, weir_error *e) {
    const w_shape *x = &w_node_in(g, n, i)->shape;
    char t[W_SHAPE_TEXT], u[W_SHAPE_TEXT];
    W_TRY(w_check_same_type(g, n, 0, i, e));
    bool same = x->rank == s->rank;
    for (int k = 0; same && k < s->rank; k++) {
        same = k == axis || w_dims_agree(x->dim[k], s->dim[k]);
        if (k != axis) s->dim[k] = w_dim_pick(s->dim[k], x->dim[k]);
    }
    if (same) return WEIR_OK;
    return w_node_fail(e, g, n, "input %u has shape %s, expected %s except on axis %d", i, w_shape_text(g, x, t), w_shape_text(g, s, u), axis);
}

static weir_status concat_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_axis_attr *a = n->attr;
    const w_value *first = w_node_in(g, n, 0);
    w_shape s = first->shape;
    int axis = 0;
    W_TRY(w_check_type(g, n, 0, "input 0", W_T_ALL, e));
    W_TRY(w_axis(g, n, a->axis, s.rank, &axis, e));
    int64_t sum = 0;
    bool known = true;
    for (uint32_t i = 0; i < n->nin; i++) {
        int64_t d = w_node_in(g, n, i)->shape.rank > axis ? w_node_in(g, n, i)->shape.dim[axis] : 0;
        W_TRY(concat_operand(g, n, i, axis, &s, e));
        if (d < 0 && n->nin > 1) known = false;
        else if (__builtin_add_overflow(sum, d, &sum)) return w_node_fail(e, g, n, "the sum of dimensions on axis %d overflows", axis);
    }
    if (!known) return w_set_unknown(g, n, 0, w_real_type(first)), WEIR_OK;
    s.dim[axis] = sum;
    return w_set_out(g, n, 0, w_real_type(first), &s, e);
}

static int true_axis(int64_t axis, int rank) { return (int)(axis < 0 ? axis + rank : axis); }

/* The part of a box's axis that falls into [base, base + len), moved to start at 0. */
static void cut_axis(w_box *in, int axis, const w_box *out, int64_t base, int64_t len) {
    w_box_sum(in, axis, out->lo[axis] - base, out->step[axis], out->n[axis], 1, 1, len);
}

static w_tag concat_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    int axis = true_axis(((const w_axis_attr *)n->attr)->axis, out->rank);
    int64_t base = 0;
    for (uint32_t k = 0; k < i; k++) base += w_node_in(g, n, k)->shape.dim[axis];
    *in = *out;
    cut_axis(in, axis, out, base, w_node_in(g, n, i)->shape.dim[axis]);
    return w_box_end(in, W_EXACT);
}

static weir_status concat_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    int axis = true_axis(((const w_axis_attr *)n->attr)->axis, out->shape.rank);
    size_t size = w_type_size(out->type);
    int64_t to[W_MAX_RANK], from[W_MAX_RANK], base = 0;
    w_strides(&out->shape, to);
    for (uint32_t i = 0; i < n->nin; i++) {
        w_strides(&in[i].shape, from);
        if (w_count(&in[i]))
            w_copy_strided((uint8_t *)out->data + (size_t)(base * to[axis]) * size, to, in[i].data, from, in[i].shape.dim, in[i].shape.rank, size);
        base += in[i].shape.dim[axis];
    }
    return WEIR_OK;
}

static const w_attr_def concat_attrs[] = {A_INT_REQUIRED(w_axis_attr, axis)};

/* Op: Concat
 * ONNX: 4, 11, 13
 * Inputs: inputs (one or more)
 * Attributes: axis
 * Limits: none
 * Map: exact: the part of the box that lies in the operand
 */
W_OP_DEFINE(Concat, "Concat", 1, UINT32_MAX, 1, 1, 4, w_axis_attr, concat_attrs, concat_infer, concat_map, w_work_none, concat_ref);

/* ---- Split ---- */

/* Length of part o when none are given: equal parts, the last one takes what is left. */
static int64_t equal_part(const w_node *n, int64_t dim, uint32_t o) {
    int64_t each = (dim + n->nout - 1) / n->nout;
    return W_MAX(W_MIN(each, dim - each * (int64_t)o), 0);
}

/* The lengths as given: attribute, constant input, or neither (*count 0). */
static weir_status given_part(const w_graph *g, const w_node *n, uint32_t o, int64_t *len, uint32_t *count, bool *known, weir_error *e) {
    const w_split_attr *a = n->attr;
    const w_value *v = w_node_in(g, n, 1);
    *known = true;
    *count = a->split.n;
    if (a->split.n && v) return w_node_fail(e, g, n, "split is given as an attribute and as an input");
    if (a->split.n) {
        if (o < a->split.n) *len = a->split.v[o];
        return WEIR_OK;
    }
    if (!v) return WEIR_OK;
    W_TRY(w_check_type(g, n, 1, "split", W_T_INDEX, e));
    W_TRY(w_check_rank(g, n, 1, "split", 1, 1, e));
    *known = v->kind == W_VALUE_CONST && v->data && v->shape.dim[0] >= 0;
    *count = (uint32_t)W_MAX(v->shape.dim[0], 0);
    if (*known && o < *count) *len = w_load_int(v->data, v->type, o);
    return WEIR_OK;
}

static weir_status check_parts(const w_graph *g, const w_node *n, int64_t dim, uint32_t count, weir_error *e) {
    const w_split_attr *a = n->attr;
    int64_t sum = 0, len = 0;
    bool known;
    if (a->num_outputs && a->num_outputs != n->nout)
        return w_node_fail(e, g, n, "num_outputs is %lld, the node has %u outputs", (long long)a->num_outputs, n->nout);
    if (!count) {
        if (dim % n->nout && !a->num_outputs && w_opset(g) < 18)
            return w_node_fail(e, g, n, "%lld on the axis is no multiple of %u outputs", (long long)dim, n->nout);
        return WEIR_OK;
    }
    if (count != n->nout) return w_node_fail(e, g, n, "split has %u lengths, the node has %u outputs", count, n->nout);
    for (uint32_t o = 0; o < count; o++) {
        W_TRY(given_part(g, n, o, &len, &count, &known, e));
        if (len < 0 || len > W_MAX_DIM) return w_node_fail(e, g, n, "split[%u] is %lld, expected at least 0", o, (long long)len);
        if (__builtin_add_overflow(sum, len, &sum)) return w_node_fail(e, g, n, "the lengths in split overflow");
    }
    if (dim >= 0 && sum != dim)
        return w_node_fail(e, g, n, "the lengths in split add up to %lld, the axis has %lld", (long long)sum, (long long)dim);
    return WEIR_OK;
}

static weir_status split_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_value *x = w_node_in(g, n, 0);
    w_shape s = x->shape;
    w_type t = w_real_type(x);
    int64_t len = 0;
    uint32_t count;
    int axis = 0;
    bool known;
    W_TRY(w_check_type(g, n, 0, "input", W_T_ALL, e));
    W_TRY(w_axis(g, n, ((const w_split_attr *)n->attr)->axis, s.rank, &axis, e));
    W_TRY(given_part(g, n, 0, &len, &count, &known, e));
    int64_t dim = s.dim[axis];
    if (known) W_TRY(check_parts(g, n, dim, count, e));
    for (uint32_t o = 0; o < n->nout; o++) {
        if (!known || (!count && dim < 0)) {
            w_set_unknown(g, n, o, t);
            continue;
        }
        W_TRY(given_part(g, n, o, &len, &count, &known, e));
        s.dim[axis] = count ? len : equal_part(n, dim, o);
        W_TRY(w_set_out(g, n, o, t, &s, e));
    }
    return WEIR_OK;
}

/* Where output o starts on the axis: what lies before it, from the inferred shapes. */
static int64_t split_base(const w_graph *g, const w_node *n, uint32_t o, int axis) {
    int64_t base = 0;
    for (uint32_t k = 0; k < o; k++) base += w_node_out(g, n, k)->shape.dim[axis];
    return base;
}

static w_tag split_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    if (i) return w_map_all(g, n, o, out, i, in);
    int axis = true_axis(((const w_split_attr *)n->attr)->axis, out->rank);
    *in = *out;
    in->lo[axis] += split_base(g, n, o, axis);
    return w_box_end(in, W_EXACT);
}

static weir_status split_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    int axis = true_axis(((const w_split_attr *)n->attr)->axis, in->shape.rank);
    size_t size = w_type_size(in->type);
    int64_t to[W_MAX_RANK], from[W_MAX_RANK], base = 0;
    w_strides(&in->shape, from);
    for (uint32_t o = 0; o < n->nout; o++) {
        w_strides(&out[o].shape, to);
        if (out[o].data && w_count(&out[o]))
            w_copy_strided(out[o].data, to, (uint8_t *)in->data + (size_t)(base * from[axis]) * size, from, out[o].shape.dim, out[o].shape.rank, size);
        base += out[o].shape.dim[axis];
    }
    return WEIR_OK;
}

static const w_attr_def split_attrs[] = {A_INT(w_split_attr, axis, 0), A_INT(w_split_attr, num_outputs, 0), A_INTS(w_split_attr, split)};

/* Op: Split
 * ONNX: 2, 11, 13, 18
 * Inputs: input, split (optional, from 13 on)
 * Attributes: axis, split (before 13), num_outputs
 * Limits: split is a constant when the plan is made
 * Map: exact, moved by where the output starts; split cover
 */
W_OP_DEFINE(Split, "Split", 1, 2, 1, UINT32_MAX, 2, w_split_attr, split_attrs, split_infer, split_map, w_work_none, split_ref);

/* ---- Gather ---- */

static weir_status check_indices(const w_graph *g, const w_node *n, int64_t dim, weir_error *e) {
    const w_value *v = w_node_in(g, n, 1);
    int64_t count = w_shape_count(&v->shape);
    if (v->kind != W_VALUE_CONST || !v->data || dim < 0 || count < 0) return WEIR_OK;
    for (int64_t i = 0; i < count; i++) {
        int64_t k = w_load_int(v->data, v->type, (size_t)i);
        if (k < -dim || k >= dim)
            return w_node_fail(e, g, n, "index %lld is outside the axis, expected %lld to %lld", (long long)k, (long long)-dim, (long long)dim - 1);
    }
    return WEIR_OK;
}

static weir_status gather_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_value *x = w_node_in(g, n, 0);
    const w_shape *d = &x->shape, *ix = &w_node_in(g, n, 1)->shape;
    int axis = 0;
    W_TRY(w_check_type(g, n, 0, "data", W_T_ALL, e));
    W_TRY(w_check_type(g, n, 1, "indices", W_T_INDEX, e));
    W_TRY(w_axis(g, n, ((const w_axis_attr *)n->attr)->axis, d->rank, &axis, e));
    W_TRY(check_indices(g, n, d->dim[axis], e));
    if (d->rank - 1 + ix->rank > W_MAX_RANK)
        return w_node_fail(e, g, n, "the output would have rank %d, at most %d is supported", d->rank - 1 + ix->rank, W_MAX_RANK);
    w_shape s = {.known = true};
    for (int i = 0; i < axis; i++) s.dim[s.rank++] = d->dim[i];
    for (int i = 0; i < ix->rank; i++) s.dim[s.rank++] = ix->dim[i];
    for (int i = axis + 1; i < d->rank; i++) s.dim[s.rank++] = d->dim[i];
    return w_set_out(g, n, 0, w_real_type(x), &s, e);
}

static w_tag gather_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    const w_shape *d = &w_node_in(g, n, 0)->shape;
    int axis = true_axis(((const w_axis_attr *)n->attr)->axis, d->rank), between = w_node_in(g, n, 1)->shape.rank;
    if (i) return w_map_all(g, n, o, out, i, in);
    *in = (w_box){.rank = d->rank};
    for (int k = 0; k < d->rank; k++) {
        int j = k < axis ? k : k - 1 + between;
        if (k == axis) w_box_axis(in, k, 0, d->dim[k], 1);
        else w_box_axis(in, k, out->lo[j], out->n[j], out->step[j]);
    }
    return w_box_end(in, w_box_count(out) ? W_DATA : W_UNUSED);
}

static weir_status gather_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const w_shape *d = &in->shape;
    int axis = true_axis(((const w_axis_attr *)n->attr)->axis, d->rank);
    int64_t outer = 1, inner = 1, len = d->dim[axis], picks = w_count(&in[1]);
    for (int i = 0; i < axis; i++) outer *= d->dim[i];
    for (int i = axis + 1; i < d->rank; i++) inner *= d->dim[i];
    size_t bytes = (size_t)inner * w_type_size(in->type);
    for (int64_t p = 0; p < picks; p++) {
        int64_t k = w_load_int(in[1].data, in[1].type, (size_t)p);
        if (k < -len || k >= len)
            return w_node_fail(e, g, n, "index %lld is outside the axis, expected %lld to %lld", (long long)k, (long long)-len, (long long)len - 1);
        if (k < 0) k += len;
        for (int64_t o = 0; o < outer; o++)
            memcpy((uint8_t *)out->data + (size_t)(o * picks + p) * bytes, (const uint8_t *)in->data + (size_t)(o * len + k) * bytes, bytes);
    }
    return WEIR_OK;
}

static const w_attr_def gather_attrs[] = {A_INT(w_axis_attr, axis, 0)};

/* Op: Gather
 * ONNX: 1, 11, 13
 * Inputs: data, indices
 * Attributes: axis
 * Limits: none
 * Map: data depends on the indices: the whole axis, the box elsewhere; indices cover
 */
W_OP_DEFINE(Gather, "Gather", 2, 2, 1, 1, 1, w_axis_attr, gather_attrs, gather_infer, gather_map, w_work_none, gather_ref);
