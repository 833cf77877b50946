/* Operators that change the shape and keep the order of the elements: Reshape, Flatten, Squeeze, Unsqueeze; and Expand and
 * Transpose, which only move them. */
#include "op_attr_table.h"
#include "op_util.h"
#include <string.h>

static weir_status copy_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    size_t bytes = (size_t)w_count(out) * w_type_size(out->type);
    if (bytes) memcpy(out->data, in->data, bytes);
    return WEIR_OK;
}

/* One run of axes of the operand against the run of axes of the result with the same number of elements. */
static w_tag map_run(const w_shape *x, int i0, int i1, const w_shape *y, int j0, int j1, const w_box *out, w_box *in) {
    if (i1 - i0 == 1 && j1 - j0 == 1) {
        w_box_axis(in, i0, out->lo[j0], out->n[j0], out->step[j0]);
        return W_EXACT;
    }
    bool whole = true;
    for (int j = j0; j < j1; j++) whole &= out->n[j] == y->dim[j];
    for (int i = i0; i < i1; i++) w_box_axis(in, i, 0, x->dim[i], 1);
    return whole ? W_EXACT : W_COVER;
}

/* Both shapes fall into runs of axes with equal products; runs of one axis are exact. */
static w_tag view_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    const w_value *v = w_node_in(g, n, i), *r = w_node_out(g, n, 0);
    if (i || w_shape_count(&v->shape) <= 0 || w_box_count(out) == 0) return w_map_all(g, n, o, out, i, in);
    const w_shape *x = &v->shape, *y = &r->shape;
    w_tag tag = W_EXACT;
    *in = (w_box){.rank = x->rank};
    int a = 0, b = 0;
    while (a < x->rank || b < y->rank) {
        int a0 = a, b0 = b;
        int64_t pa = a < x->rank ? x->dim[a++] : 1, pb = b < y->rank ? y->dim[b++] : 1;
        if (pa == 1 && pb != 1 && a0 < a) b = b0, pb = 1; /* an axis of 1 stands alone */
        else if (pb == 1 && pa != 1 && b0 < b) a = a0, pa = 1;
        while (pa != pb) {
            if (pa < pb) pa *= x->dim[a++];
            else pb *= y->dim[b++];
        }
        if (map_run(x, a0, a, y, b0, b, out, in) == W_COVER) tag = W_COVER;
    }
    return w_box_end(in, tag);
}

/* ---- Reshape ---- */

/* Elements as a product of numbers and symbols, to compare two shapes that may hold symbols. */
typedef struct factors { int64_t number; int64_t symbol[W_MAX_RANK]; int nsymbol; } factors;

static void factor(factors *f, int64_t d) {
    if (d < 0) f->symbol[f->nsymbol++] = d;
    else f->number = w_sat_mul(f->number, d);
}

/* Removes from both what stands in both. */
static void cancel(factors *a, factors *b) {
    for (int i = 0; i < a->nsymbol; i++)
        for (int j = 0; j < b->nsymbol; j++)
            if (a->symbol[i] == b->symbol[j]) {
                a->symbol[i--] = a->symbol[--a->nsymbol];
                b->symbol[j] = b->symbol[--b->nsymbol];
                break;
            }
}

static weir_status reshape_inferred(const w_graph *g, const w_node *n, const factors *have, const factors *want, int64_t *dim, bool *known,
                                    weir_error *e) {
    *known = false;
    if (want->nsymbol || have->nsymbol > 1) return WEIR_OK;
    if (want->number == 0) return w_node_fail(e, g, n, "-1 cannot be inferred beside a dimension of 0");
    if (have->nsymbol == 0 && have->number % want->number)
        return w_node_fail(e, g, n, "%lld elements cannot be shaped into a multiple of %lld", (long long)have->number, (long long)want->number);
    if (have->nsymbol == 1 && have->number != want->number) return WEIR_OK;
    *dim = have->nsymbol ? have->symbol[0] : have->number / want->number;
    *known = true;
    return WEIR_OK;
}

/* target: each entry a symbol, a number, 0 (copy) or -1 (infer). */
static weir_status reshape_resolve(const w_graph *g, const w_node *n, const w_shape *x, const w_dims *target, bool allowzero, w_shape *s,
                                   bool *known, weir_error *e) {
    factors have = {.number = 1}, want = {.number = 1};
    int open = -1;
    char t[W_SHAPE_TEXT], u[W_SHAPE_TEXT];
    for (int i = 0; i < x->rank; i++) factor(&have, x->dim[i]);
    *s = (w_shape){.rank = (uint8_t)target->n, .known = true};
    for (int i = 0; i < s->rank; i++) {
        int64_t d = s->dim[i] = target->v[i];
        if (target->symbols >> i & 1u) {
            factor(&want, d);
            continue;
        }
        if (d < -1 || d > W_MAX_DIM) return w_node_fail(e, g, n, "shape[%d] is %lld, expected -1, 0 or a dimension", i, (long long)d);
        if (d == 0 && !allowzero && i >= x->rank)
            return w_node_fail(e, g, n, "shape[%d] is 0 (copy), the input has rank %u", i, x->rank);
        if (d == 0 && !allowzero) s->dim[i] = x->dim[i];
        if (d == -1 && open >= 0) return w_node_fail(e, g, n, "shape has -1 at %d and at %d, expected it once", open, i);
        if (d == -1) open = i;
        else factor(&want, s->dim[i]);
    }
    cancel(&have, &want);
    *known = true;
    if (open >= 0) return reshape_inferred(g, n, &have, &want, &s->dim[open], known, e);
    if (have.nsymbol || want.nsymbol || have.number == want.number) return WEIR_OK;
    return w_node_fail(e, g, n, "%s has %lld elements, %s has %lld", w_shape_text(g, x, t), (long long)have.number, w_shape_text(g, s, u),
                       (long long)want.number);
}

static weir_status reshape_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_reshape_attr *a = n->attr;
    const w_value *x = w_node_in(g, n, 0);
    w_dims target = {0};
    w_shape s;
    bool known;
    W_TRY(w_check_type(g, n, 0, "data", W_T_ALL, e));
    W_TRY(w_in_ints(g, n, 1, "shape", target.v, W_MAX_RANK, &target.n, &known, e));
    if (known || w_follow_dims(g, n, 1, &target)) W_TRY(reshape_resolve(g, n, &x->shape, &target, a->allowzero != 0, &s, &known, e));
    if (!known) return w_set_unknown(g, n, 0, w_real_type(x)), WEIR_OK;
    return w_set_out(g, n, 0, w_real_type(x), &s, e);
}

static const w_attr_def reshape_attrs[] = {A_INT(w_reshape_attr, allowzero, 0)};

/* Op: Reshape
 * ONNX: 5, 13, 14, 19, 21
 * Inputs: data, shape
 * Attributes: allowzero
 * Limits: shape is a constant when the plan is made
 * Map: exact where axes correspond one to one or the box holds a merged run of axes whole; else cover; shape cover
 */
W_OP_DEFINE(Reshape, "Reshape", 2, 2, 1, 1, 5, w_reshape_attr, reshape_attrs, reshape_infer, view_map, w_work_none, copy_ref);

/* ---- Flatten ---- */

static bool merged(const w_shape *x, int from, int to, int64_t *dim) {
    factors f = {.number = 1};
    for (int i = from; i < to; i++) factor(&f, x->dim[i]);
    if (f.nsymbol > 1 || (f.nsymbol == 1 && f.number != 1)) return false;
    *dim = f.nsymbol ? f.symbol[0] : f.number;
    return true;
}

static weir_status flatten_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_axis_attr *a = n->attr;
    const w_value *x = w_node_in(g, n, 0);
    int rank = x->shape.rank;
    W_TRY(w_check_type(g, n, 0, "input", W_T_ALL, e));
    if (a->axis < -rank || a->axis > rank) return w_node_fail(e, g, n, "axis is %lld, expected %d to %d", (long long)a->axis, -rank, rank);
    int axis = (int)(a->axis < 0 ? a->axis + rank : a->axis);
    w_shape s = {.rank = 2, .known = true};
    if (!merged(&x->shape, 0, axis, &s.dim[0]) || !merged(&x->shape, axis, rank, &s.dim[1]))
        return w_set_unknown(g, n, 0, w_real_type(x)), WEIR_OK;
    return w_set_out(g, n, 0, w_real_type(x), &s, e);
}

static const w_attr_def flatten_attrs[] = {A_INT(w_axis_attr, axis, 1)};

/* Op: Flatten
 * ONNX: 1, 9, 11, 13, 21
 * Inputs: input
 * Attributes: axis
 * Limits: none
 * Map: exact where axes correspond one to one or the box holds a merged run of axes whole; else cover
 */
W_OP_DEFINE(Flatten, "Flatten", 1, 1, 1, 1, 1, w_axis_attr, flatten_attrs, flatten_infer, view_map, w_work_none, copy_ref);

/* ---- Squeeze, Unsqueeze ---- */

static weir_status read_axes(const w_graph *g, const w_node *n, int64_t axes[W_MAX_RANK], uint32_t *count, bool *known, weir_error *e) {
    const w_axes_attr *a = n->attr;
    *count = 0;
    *known = true;
    if (a->axes.n > W_MAX_RANK) return w_node_fail(e, g, n, "axes has %u entries, expected at most %d", a->axes.n, W_MAX_RANK);
    if (a->axes.n && w_node_in(g, n, 1)) return w_node_fail(e, g, n, "axes are given as an attribute and as an input");
    if (!a->axes.n) return w_in_ints(g, n, 1, "axes", axes, W_MAX_RANK, count, known, e);
    memcpy(axes, a->axes.v, (*count = a->axes.n) * sizeof axes[0]);
    return WEIR_OK;
}

static weir_status squeeze_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_value *x = w_node_in(g, n, 0);
    int64_t axes[W_MAX_RANK];
    uint32_t count;
    unsigned mask;
    bool known;
    W_TRY(w_check_type(g, n, 0, "data", W_T_ALL, e));
    W_TRY(read_axes(g, n, axes, &count, &known, e));
    if (known) W_TRY(w_axis_mask(g, n, axes, count, x->shape.rank, &mask, e));
    w_shape s = {.known = true};
    bool all = count == 0;
    for (int i = 0; known && i < x->shape.rank; i++) {
        int64_t d = x->shape.dim[i];
        bool named = !all && (mask & 1u << i);
        if (named && !w_dims_agree(d, 1)) return w_node_fail(e, g, n, "axis %d has dimension %lld, expected 1", i, (long long)d);
        if (all && d < 0) known = false;
        if (!(named || (all && d == 1))) s.dim[s.rank++] = d;
    }
    if (!known) return w_set_unknown(g, n, 0, w_real_type(x)), WEIR_OK;
    return w_set_out(g, n, 0, w_real_type(x), &s, e);
}

static weir_status unsqueeze_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_value *x = w_node_in(g, n, 0);
    int64_t axes[W_MAX_RANK];
    uint32_t count;
    unsigned mask;
    bool known;
    W_TRY(w_check_type(g, n, 0, "data", W_T_ALL, e));
    W_TRY(read_axes(g, n, axes, &count, &known, e));
    if (!known) return w_set_unknown(g, n, 0, w_real_type(x)), WEIR_OK;
    if (!count) return w_node_fail(e, g, n, "axes are missing");
    int rank = x->shape.rank + (int)count;
    if (rank > W_MAX_RANK) return w_node_fail(e, g, n, "the output would have rank %d, at most %d is supported", rank, W_MAX_RANK);
    W_TRY(w_axis_mask(g, n, axes, count, rank, &mask, e));
    w_shape s = {.rank = (uint8_t)rank, .known = true};
    for (int i = 0, j = 0; i < rank; i++) s.dim[i] = mask & 1u << i ? 1 : x->shape.dim[j++];
    return w_set_out(g, n, 0, w_real_type(x), &s, e);
}

static const w_attr_def axes_attrs[] = {A_INTS(w_axes_attr, axes)};

/* Op: Squeeze
 * ONNX: 1, 11, 13, 21
 * Inputs: data, axes (optional, from 13 on)
 * Attributes: axes (before 13)
 * Limits: axes are a constant when the plan is made
 * Map: exact; axes cover
 */
W_OP_DEFINE(Squeeze, "Squeeze", 1, 2, 1, 1, 1, w_axes_attr, axes_attrs, squeeze_infer, view_map, w_work_none, copy_ref);

/* Op: Unsqueeze
 * ONNX: 1, 11, 13, 21
 * Inputs: data, axes (from 13 on)
 * Attributes: axes (before 13)
 * Limits: axes are a constant when the plan is made
 * Map: exact; axes cover
 */
W_OP_DEFINE(Unsqueeze, "Unsqueeze", 1, 2, 1, 1, 1, w_axes_attr, axes_attrs, unsqueeze_infer, view_map, w_work_none, copy_ref);

/* ---- Transpose ---- */

static int source_axis(const w_transpose_attr *a, int rank, int i) { return a->perm.n ? (int)a->perm.v[i] : rank - 1 - i; }

static weir_status transpose_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_transpose_attr *a = n->attr;
    const w_value *x = w_node_in(g, n, 0);
    w_shape s = {.rank = x->shape.rank, .known = true};
    unsigned mask = 0;
    W_TRY(w_check_type(g, n, 0, "data", W_T_ALL, e));
    if (a->perm.n && a->perm.n != s.rank) return w_node_fail(e, g, n, "perm has %u entries, expected %u", a->perm.n, s.rank);
    for (uint32_t i = 0; i < a->perm.n; i++) {
        if (a->perm.v[i] < 0 || a->perm.v[i] >= s.rank)
            return w_node_fail(e, g, n, "perm[%u] is %lld, expected 0 to %d", i, (long long)a->perm.v[i], s.rank - 1);
        if (mask & 1u << a->perm.v[i]) return w_node_fail(e, g, n, "perm has axis %lld twice", (long long)a->perm.v[i]);
        mask |= 1u << a->perm.v[i];
    }
    for (int i = 0; i < s.rank; i++) s.dim[i] = x->shape.dim[source_axis(a, s.rank, i)];
    return w_set_out(g, n, 0, w_real_type(x), &s, e);
}

static w_tag transpose_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    *in = (w_box){.rank = out->rank};
    for (int k = 0; k < out->rank; k++) w_box_axis(in, source_axis(n->attr, out->rank, k), out->lo[k], out->n[k], out->step[k]);
    return w_box_end(in, W_EXACT);
}

static weir_status transpose_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    int64_t from[W_MAX_RANK], to[W_MAX_RANK], own[W_MAX_RANK];
    int rank = out->shape.rank;
    w_strides(&in->shape, own);
    w_strides(&out->shape, to);
    for (int i = 0; i < rank; i++) from[i] = own[source_axis(n->attr, rank, i)];
    w_copy_strided(out->data, to, in->data, from, out->shape.dim, rank, w_type_size(out->type));
    return WEIR_OK;
}

static const w_attr_def transpose_attrs[] = {A_INTS(w_transpose_attr, perm)};

/* Op: Transpose
 * ONNX: 1, 13, 21
 * Inputs: data
 * Attributes: perm
 * Limits: none
 * Map: exact, axes permuted
 */
W_OP_DEFINE(Transpose, "Transpose", 1, 1, 1, 1, 1, w_transpose_attr, transpose_attrs, transpose_infer, transpose_map, w_work_none, transpose_ref);

/* ---- Expand ---- */

static weir_status expand_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_value *x = w_node_in(g, n, 0);
    w_dims target = {0};
    bool known;
    W_TRY(w_check_type(g, n, 0, "input", W_T_ALL, e));
    W_TRY(w_in_ints(g, n, 1, "shape", target.v, W_MAX_RANK, &target.n, &known, e));
    if (!known && !w_follow_dims(g, n, 1, &target)) return w_set_unknown(g, n, 0, w_real_type(x)), WEIR_OK;
    w_shape want = {.rank = (uint8_t)target.n, .known = true}, s;
    memcpy(want.dim, target.v, sizeof want.dim);
    for (int i = 0; i < want.rank; i++)
        if (want.dim[i] < 0 && !(target.symbols >> i & 1u)) return w_node_fail(e, g, n, "shape[%d] is %lld, expected at least 0", i, (long long)want.dim[i]);
    W_TRY(w_broadcast(g, n, &x->shape, &want, &s, e));
    return w_set_out(g, n, 0, w_real_type(x), &s, e);
}

static w_tag expand_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    return i ? w_map_all(g, n, o, out, i, in) : w_map_same(g, n, o, out, i, in);
}

static weir_status expand_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    int64_t to[W_MAX_RANK];
    w_walk k;
    w_walk_init(&k, &out->shape);
    w_walk_broadcast(&k, 0, &in->shape);
    w_strides(&out->shape, to);
    w_copy_strided(out->data, to, in->data, k.stride[0], out->shape.dim, out->shape.rank, w_type_size(out->type));
    return WEIR_OK;
}

/* Op: Expand
 * ONNX: 8, 13
 * Inputs: input, shape
 * Attributes: none
 * Limits: shape is a constant when the plan is made
 * Map: input exact, element by element with broadcasting; shape cover
 */
W_OP_DEFINE_PLAIN(Expand, "Expand", 2, 2, 1, 1, 8, expand_infer, expand_map, w_work_none, expand_ref);
