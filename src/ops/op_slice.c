/* Slice and Pad: windows of a tensor with steps, and borders around it. */
#include "op_attr_table.h"
#include "op_util.h"
#include <string.h>

/* ---- Slice ---- */

enum { DATA, STARTS, ENDS, AXES, STEPS };
typedef struct slice_spec { int64_t list[5][W_MAX_RANK]; uint32_t n[5]; } slice_spec; /* by input number, DATA unused */
/* Per axis of the input: index = start + step * [0, count). */
typedef struct slice_axes { int64_t start[W_MAX_RANK], step[W_MAX_RANK], count[W_MAX_RANK]; } slice_axes;

static void copy_list(slice_spec *s, int which, const w_ints *a) {
    s->n[which] = W_MIN(a->n, W_MAX_RANK);
    if (s->n[which]) memcpy(s->list[which], a->v, s->n[which] * sizeof(int64_t));
}

static void slice_from_attr(const w_slice_attr *a, slice_spec *s) {
    copy_list(s, STARTS, &a->starts);
    copy_list(s, ENDS, &a->ends);
    copy_list(s, AXES, &a->axes);
}

static weir_status slice_read(const w_graph *g, const w_node *n, slice_spec *s, bool *known, weir_error *e) {
    static const char *const names[] = {"data", "starts", "ends", "axes", "steps"};
    const w_slice_attr *a = n->attr;
    *s = (slice_spec){0};
    *known = true;
    if (n->nin == 1) {
        if (W_MAX(W_MAX(a->starts.n, a->ends.n), a->axes.n) > W_MAX_RANK) return w_node_fail(e, g, n, "more than %d axes are given", W_MAX_RANK);
        slice_from_attr(a, s);
        return WEIR_OK;
    }
    for (uint32_t i = STARTS; i <= STEPS; i++) {
        bool one;
        if (i <= ENDS && !w_node_in(g, n, i)) return w_node_fail(e, g, n, "required input %s is missing", names[i]);
        W_TRY(w_in_ints(g, n, i, names[i], s->list[i], W_MAX_RANK, &s->n[i], &one, e));
        *known &= one;
    }
    return WEIR_OK;
}

static weir_status slice_check(const w_graph *g, const w_node *n, const slice_spec *s, int rank, weir_error *e) {
    unsigned mask;
    uint32_t count = s->n[STARTS];
    if (s->n[ENDS] != count) return w_node_fail(e, g, n, "ends has %u entries, starts has %u", s->n[ENDS], count);
    if (s->n[AXES] && s->n[AXES] != count) return w_node_fail(e, g, n, "axes has %u entries, starts has %u", s->n[AXES], count);
    if (s->n[STEPS] && s->n[STEPS] != count) return w_node_fail(e, g, n, "steps has %u entries, starts has %u", s->n[STEPS], count);
    if (count > (uint32_t)rank) return w_node_fail(e, g, n, "starts has %u entries, the input has rank %d", count, rank);
    for (uint32_t i = 0; i < s->n[STEPS]; i++)
        if (s->list[STEPS][i] == 0) return w_node_fail(e, g, n, "steps[%u] is 0, expected another number", i);
    return w_axis_mask(g, n, s->list[AXES], s->n[AXES], rank, &mask, e);
}

static int64_t clamp(int64_t x, int64_t lo, int64_t hi) { return x < lo ? lo : x > hi ? hi : x; }

static void slice_axis(int64_t start, int64_t end, int64_t step, int64_t dim, slice_axes *r, int axis) {
    if (start < 0) start += dim;
    if (end < 0) end += dim;
    start = step > 0 ? clamp(start, 0, dim) : clamp(start, 0, dim - 1);
    end = step > 0 ? clamp(end, 0, dim) : clamp(end, -1, dim - 1);
    step = clamp(step, -W_MAX_DIM, W_MAX_DIM);
    int64_t room = step > 0 ? end - start : start - end, width = step > 0 ? step : -step;
    r->start[axis] = start;
    r->step[axis] = step;
    r->count[axis] = room > 0 ? (room + width - 1) / width : 0;
}

/* A symbolic axis is only understood when it is kept whole; false otherwise. */
static bool slice_resolve(const slice_spec *s, const w_shape *x, slice_axes *r) {
    bool known = true;
    for (int i = 0; i < x->rank; i++) r->start[i] = 0, r->step[i] = 1, r->count[i] = x->dim[i];
    for (uint32_t k = 0; k < s->n[STARTS]; k++) {
        int axis = s->n[AXES] ? (int)(s->list[AXES][k] < 0 ? s->list[AXES][k] + x->rank : s->list[AXES][k]) : (int)k;
        int64_t step = s->n[STEPS] ? s->list[STEPS][k] : 1;
        bool whole = s->list[STARTS][k] == 0 && s->list[ENDS][k] >= W_MAX_DIM && step == 1;
        if (x->dim[axis] >= 0) slice_axis(s->list[STARTS][k], s->list[ENDS][k], step, x->dim[axis], r, axis);
        else if (!whole) known = false;
    }
    return known;
}

static weir_status slice_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_value *x = w_node_in(g, n, DATA);
    slice_spec spec;
    slice_axes r;
    bool known;
    W_TRY(w_check_type(g, n, DATA, "data", W_T_ALL, e));
    W_TRY(slice_read(g, n, &spec, &known, e));
    if (known) W_TRY(slice_check(g, n, &spec, x->shape.rank, e));
    if (!known || !slice_resolve(&spec, &x->shape, &r)) return w_set_unknown(g, n, 0, w_real_type(x)), WEIR_OK;
    w_shape s = x->shape;
    for (int i = 0; i < s.rank; i++) s.dim[i] = r.count[i];
    return w_set_out(g, n, 0, w_real_type(x), &s, e);
}

static w_tag slice_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    const w_shape *x = &w_node_in(g, n, DATA)->shape;
    slice_spec spec;
    slice_axes r;
    bool known;
    if (i || slice_read(g, n, &spec, &known, NULL) != WEIR_OK || !known || !slice_resolve(&spec, x, &r)) return w_map_all(g, n, o, out, i, in);
    *in = (w_box){.rank = out->rank};
    for (int k = 0; k < out->rank; k++) {
        int64_t first = r.start[k] + r.step[k] * out->lo[k], last = first + r.step[k] * out->step[k] * (out->n[k] - 1);
        w_box_axis(in, k, out->n[k] ? W_MIN(first, last) : 0, out->n[k], out->step[k] * (r.step[k] < 0 ? -r.step[k] : r.step[k]));
    }
    return w_box_end(in, W_EXACT);
}

static weir_status slice_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    slice_spec spec = {0};
    slice_axes r;
    int64_t own[W_MAX_RANK], from[W_MAX_RANK], to[W_MAX_RANK], at = 0;
    if (n->nin == 1) slice_from_attr(n->attr, &spec);
    for (uint32_t i = STARTS; i < n->nin; i++) spec.n[i] = w_tensor_ints(&in[i], spec.list[i], W_MAX_RANK);
    W_TRY(slice_check(g, n, &spec, in->shape.rank, e));
    slice_resolve(&spec, &in->shape, &r);
    w_strides(&in->shape, own);
    w_strides(&out->shape, to);
    for (int i = 0; i < in->shape.rank; i++) {
        from[i] = own[i] * r.step[i];
        at += own[i] * r.start[i];
    }
    size_t size = w_type_size(in->type);
    if (w_count(out)) w_copy_strided(out->data, to, (const uint8_t *)in->data + (size_t)at * size, from, out->shape.dim, out->shape.rank, size);
    return WEIR_OK;
}

static const w_attr_def slice_attrs[] = {A_INTS(w_slice_attr, starts), A_INTS(w_slice_attr, ends), A_INTS(w_slice_attr, axes)};

/* Op: Slice
 * ONNX: 1, 10, 11, 13
 * Inputs: data, starts, ends, axes (optional), steps (optional)
 * Attributes: starts, ends, axes (before 10)
 * Limits: starts, ends, axes and steps are constants when the plan is made
 * Map: data exact; the others cover
 */
W_OP_DEFINE(Slice, "Slice", 1, 5, 1, 1, 1, w_slice_attr, slice_attrs, slice_infer, slice_map, w_work_none, slice_ref);

/* ---- Pad ---- */

enum { PADS = 1, VALUE, PAD_AXES };
typedef enum pad_mode { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP, PAD_BAD } pad_mode;
typedef struct pad_spec { int64_t lo[W_MAX_RANK], hi[W_MAX_RANK]; } pad_spec;

static pad_mode mode_of(const w_pad_attr *a) {
    static const char *const names[] = {"constant", "reflect", "edge", "wrap"};
    if (!a->mode) return PAD_CONSTANT;
    for (int i = 0; i < 4; i++)
        if (strcmp(a->mode, names[i]) == 0) return (pad_mode)i;
    return PAD_BAD;
}

/* Spreads a list of begins and ends over the named axes (all if naxes is 0). */
static void spread_pads(const int64_t *list, const int64_t *axes, uint32_t naxes, int rank, pad_spec *p) {
    *p = (pad_spec){0};
    uint32_t count = naxes ? naxes : (uint32_t)rank;
    for (uint32_t k = 0; k < count; k++) {
        int axis = naxes ? (int)(axes[k] < 0 ? axes[k] + rank : axes[k]) : (int)k;
        p->lo[axis] = list[k];
        p->hi[axis] = list[k + count];
    }
}

static weir_status pad_read(const w_graph *g, const w_node *n, int rank, pad_spec *p, bool *known, weir_error *e) {
    const w_pad_attr *a = n->attr;
    int64_t list[2 * W_MAX_RANK], axes[W_MAX_RANK];
    uint32_t count, naxes;
    unsigned mask;
    bool axes_known;
    W_TRY(w_in_ints(g, n, PADS, "pads", list, 2 * W_MAX_RANK, &count, known, e));
    W_TRY(w_in_ints(g, n, PAD_AXES, "axes", axes, W_MAX_RANK, &naxes, &axes_known, e));
    if (!w_node_in(g, n, PADS)) {
        if (a->pads.n > 2 * W_MAX_RANK) return w_node_fail(e, g, n, "pads has %u entries, expected %d", a->pads.n, 2 * rank);
        count = a->pads.n;
        if (count) memcpy(list, a->pads.v, count * sizeof list[0]);
    }
    *known &= axes_known;
    if (!*known) return WEIR_OK;
    W_TRY(w_axis_mask(g, n, axes, naxes, rank, &mask, e));
    uint32_t expected = 2u * (naxes ? naxes : (uint32_t)rank);
    if (count != expected) return w_node_fail(e, g, n, "pads has %u entries, expected %u", count, expected);
    for (uint32_t i = 0; i < count; i++)
        if (list[i] > W_MAX_DIM || list[i] < -W_MAX_DIM) return w_node_fail(e, g, n, "pads[%u] is %lld, too large", i, (long long)list[i]);
    spread_pads(list, axes, naxes, rank, p);
    return WEIR_OK;
}

static weir_status pad_axis(const w_graph *g, const w_node *n, pad_mode mode, int axis, const pad_spec *p, int64_t dim, int64_t *out, weir_error *e) {
    int64_t most = W_MAX(p->lo[axis], p->hi[axis]);
    *out = dim + p->lo[axis] + p->hi[axis];
    if (*out < 0 || -p->lo[axis] > dim || -p->hi[axis] > dim)
        return w_node_fail(e, g, n, "pads %lld and %lld on axis %d take away more than its %lld", (long long)p->lo[axis], (long long)p->hi[axis],
                           axis, (long long)dim);
    if (mode == PAD_REFLECT && most > 0 && most >= dim)
        return w_node_fail(e, g, n, "reflecting %lld on axis %d needs more than its %lld", (long long)most, axis, (long long)dim);
    if (mode != PAD_CONSTANT && most > 0 && dim == 0) return w_node_fail(e, g, n, "axis %d is empty, nothing can be repeated", axis);
    return WEIR_OK;
}

static weir_status pad_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_pad_attr *a = n->attr;
    const w_value *x = w_node_in(g, n, DATA), *v = w_node_in(g, n, VALUE);
    w_shape s = x->shape;
    pad_spec p;
    bool known;
    pad_mode mode = mode_of(a);
    if (mode == PAD_BAD) return w_node_fail(e, g, n, "mode is '%.40s', expected constant, reflect, edge or wrap", a->mode);
    W_TRY(w_check_type(g, n, DATA, "data", W_T_ALL, e));
    if (v) W_TRY(w_check_same_type(g, n, DATA, VALUE, e));
    if (v && w_shape_count(&v->shape) != 1) return w_node_fail(e, g, n, "constant_value is no scalar");
    W_TRY(pad_read(g, n, s.rank, &p, &known, e));
    for (int i = 0; known && i < s.rank; i++) {
        if (s.dim[i] < 0 && (p.lo[i] || p.hi[i])) known = false;
        if (s.dim[i] >= 0) W_TRY(pad_axis(g, n, mode, i, &p, s.dim[i], &s.dim[i], e));
    }
    if (!known) return w_set_unknown(g, n, 0, w_real_type(x)), WEIR_OK;
    return w_set_out(g, n, 0, w_real_type(x), &s, e);
}

/* Reflected, repeated and wrapped borders read inside the image: the box is exact only where it has no border. */
static w_tag pad_map_axis(pad_mode mode, const pad_spec *p, const w_box *out, int axis, int64_t dim, w_box *in) {
    int64_t first = out->lo[axis] - p->lo[axis], last = first + (out->n[axis] - 1) * out->step[axis];
    if (mode == PAD_CONSTANT || (first >= 0 && last < dim)) return w_box_sum(in, axis, first, out->step[axis], out->n[axis], 1, 1, dim);
    w_box_axis(in, axis, 0, out->n[axis] ? dim : 0, 1);
    return W_COVER;
}

static w_tag pad_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    const w_shape *x = &w_node_in(g, n, DATA)->shape;
    pad_spec p;
    bool known;
    if (i || pad_read(g, n, x->rank, &p, &known, NULL) != WEIR_OK || !known) return w_map_all(g, n, o, out, i, in);
    w_tag tag = W_EXACT;
    *in = (w_box){.rank = x->rank};
    for (int k = 0; k < x->rank; k++)
        if (pad_map_axis(mode_of(n->attr), &p, out, k, x->dim[k], in) == W_COVER) tag = W_COVER;
    return w_box_end(in, tag);
}

/* Index into the image, or -1 for the constant. */
static int64_t pad_source(pad_mode mode, int64_t i, int64_t dim) {
    if (i >= 0 && i < dim) return i;
    switch (mode) {
    case PAD_REFLECT: return i < 0 ? -i : 2 * (dim - 1) - i;
    case PAD_EDGE: return i < 0 ? 0 : dim - 1;
    case PAD_WRAP: return (i % dim + dim) % dim;
    default: return -1;
    }
}

static void pad_fill(const w_node *n, const w_tensor *in, uint8_t fill[8]) {
    const w_pad_attr *a = n->attr;
    size_t size = w_type_size(in->type);
    memset(fill, 0, 8);
    if (n->nin > VALUE && in[VALUE].data) memcpy(fill, in[VALUE].data, size);
    else if (in->type == WEIR_F32) memcpy(fill, &a->value, 4);
}

static weir_status pad_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const w_pad_attr *a = n->attr;
    int64_t list[2 * W_MAX_RANK], axes[W_MAX_RANK], own[W_MAX_RANK];
    uint32_t naxes = n->nin > PAD_AXES ? w_tensor_ints(&in[PAD_AXES], axes, W_MAX_RANK) : 0;
    uint32_t count = n->nin > PADS ? w_tensor_ints(&in[PADS], list, 2 * W_MAX_RANK) : 0;
    if (!count && a->pads.n) memcpy(list, a->pads.v, (count = W_MIN(a->pads.n, 2 * W_MAX_RANK)) * sizeof list[0]);
    int rank = in->shape.rank;
    if (count != 2u * (naxes ? naxes : (uint32_t)rank)) return w_node_fail(e, g, n, "pads has %u entries", count);
    pad_spec p;
    uint8_t fill[8];
    pad_fill(n, in, fill);
    spread_pads(list, axes, naxes, rank, &p);
    w_strides(&in->shape, own);
    size_t size = w_type_size(in->type);
    w_walk k;
    w_walk_init(&k, &out->shape);
    for (int64_t i = 0, total = w_count(out); i < total; i++, w_walk_step(&k)) {
        int64_t at = 0;
        for (int j = 0; j < rank && at >= 0; j++) {
            int64_t from = pad_source(mode_of(a), k.at[j] - p.lo[j], in->shape.dim[j]);
            at = from < 0 ? -1 : at + from * own[j];
        }
        memcpy((uint8_t *)out->data + (size_t)i * size, at < 0 ? fill : (const uint8_t *)in->data + (size_t)at * size, size);
    }
    return WEIR_OK;
}

static const w_attr_def pad_attrs[] = {A_STRING(w_pad_attr, mode, "constant"), A_INTS(w_pad_attr, pads), A_FLOAT(w_pad_attr, value, 0.0f)};

/* Op: Pad
 * ONNX: 2, 11, 13, 18, 19, 21
 * Inputs: data, pads, constant_value (optional), axes (optional)
 * Attributes: mode, pads, value (the last two before 11)
 * Limits: pads and axes are constants when the plan is made
 * Map: data exact where the mode is constant or the box has no border, else cover; the others cover
 */
W_OP_DEFINE(Pad, "Pad", 1, 4, 1, 1, 2, w_pad_attr, pad_attrs, pad_infer, pad_map, w_work_none, pad_ref);
