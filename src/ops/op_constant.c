/* Operators that make data out of attributes and shapes: Constant, ConstantOfShape, Shape. */
#include "op_attr_table.h"
#include "op_util.h"
#include <string.h>

static w_tag unread_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    *in = (w_box){0};
    return W_UNUSED;
}

/* ---- Constant ---- */

/* The one attribute that is set, as a tensor that points into it. */
static uint32_t constant_value(const w_constant_attr *a, w_tensor *t) {
    uint32_t given = 0;
    *t = (w_tensor){.type = WEIR_S64, .shape = {.rank = 0, .known = true}, .data = (void *)&a->value_int};
    if (a->value) *t = *a->value, given++;
    if (a->value_ints.present) {
        *t = (w_tensor){WEIR_S64, {.rank = 1, .known = true, .dim = {a->value_ints.n}}, a->value_ints.v};
        given++;
    }
    if (a->value_floats.present) {
        *t = (w_tensor){WEIR_F32, {.rank = 1, .known = true, .dim = {a->value_floats.n}}, a->value_floats.v};
        given++;
    }
    if (a->value_float == a->value_float) {
        *t = (w_tensor){WEIR_F32, {.rank = 0, .known = true}, (void *)&a->value_float};
        given++;
    }
    return given + (a->value_int != INT64_MIN);
}

static weir_status constant_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    w_tensor t;
    uint32_t given = constant_value(n->attr, &t);
    if (given != 1)
        return w_node_fail(e, g, n, "%u values are given, expected one of value, value_int, value_ints, value_float, value_floats", given);
    return w_set_out(g, n, 0, t.type, &t.shape, e);
}

/* Numbers of a stored tensor as the reference types hold them: short floats and doubles become f32. */
static void copy_numbers(const w_tensor *from, w_tensor *to) {
    size_t count = (size_t)w_count(to);
    if (from->type == to->type) {
        if (count) memcpy(to->data, from->data, count * w_type_size(to->type));
        return;
    }
    for (size_t i = 0; i < count; i++) ((float *)to->data)[i] = w_load_real(from->data, from->type, i);
}

static weir_status constant_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    w_tensor t;
    constant_value(n->attr, &t);
    copy_numbers(&t, out);
    return WEIR_OK;
}

static const w_attr_def constant_attrs[] = {
    A_TENSOR(w_constant_attr, value), A_FLOAT(w_constant_attr, value_float, __builtin_nanf("")), A_FLOATS(w_constant_attr, value_floats),
    A_INT(w_constant_attr, value_int, INT64_MIN), A_INTS(w_constant_attr, value_ints),
};

/* Op: Constant
 * ONNX: 1, 9, 11, 12, 13, 19, 21
 * Inputs: none
 * Attributes: value, value_float, value_floats, value_int, value_ints (exactly one)
 * Limits: no sparse values, no strings; a value_float that is NaN and a value_int of -2^63 count as absent
 * Map: no inputs
 */
W_OP_DEFINE(Constant, "Constant", 0, 0, 1, 1, 1, w_constant_attr, constant_attrs, constant_infer, unread_map, w_work_none, constant_ref);

/* ---- ConstantOfShape ---- */

static weir_status of_shape_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_constant_of_shape_attr *a = n->attr;
    w_shape s = {.known = true};
    w_type t = a->value ? a->value->type : WEIR_F32;
    uint32_t rank;
    bool known;
    if (a->value && w_count(a->value) != 1)
        return w_node_fail(e, g, n, "value has %lld elements, expected 1", (long long)w_count(a->value));
    W_TRY(w_in_ints(g, n, 0, "input", s.dim, W_MAX_RANK, &rank, &known, e));
    if (!known) return w_set_unknown(g, n, 0, t), WEIR_OK;
    s.rank = (uint8_t)rank;
    for (uint32_t i = 0; i < rank; i++)
        if (s.dim[i] < 0) return w_node_fail(e, g, n, "input[%u] is %lld, expected at least 0", i, (long long)s.dim[i]);
    return w_set_out(g, n, 0, t, &s, e);
}

static weir_status of_shape_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const w_constant_of_shape_attr *a = n->attr;
    w_tensor one = {out->type, {.rank = 0, .known = true}, out->data};
    size_t size = w_type_size(out->type), count = (size_t)w_count(out);
    if (!count) return WEIR_OK;
    if (a->value) copy_numbers(a->value, &one);
    else memset(out->data, 0, size);
    for (size_t i = 1; i < count; i++) memcpy((uint8_t *)out->data + i * size, out->data, size);
    return WEIR_OK;
}

static const w_attr_def of_shape_attrs[] = {A_TENSOR(w_constant_of_shape_attr, value)};

/* Op: ConstantOfShape
 * ONNX: 9, 20, 21
 * Inputs: input
 * Attributes: value
 * Limits: input is a constant when the plan is made
 * Map: all, cover
 */
W_OP_DEFINE(ConstantOfShape, "ConstantOfShape", 1, 1, 1, 1, 9, w_constant_of_shape_attr, of_shape_attrs, of_shape_infer, MAP_ALL, w_work_none,
            of_shape_ref);

/* ---- Shape ---- */

static void shape_range(const w_shape_attr *a, int rank, int64_t *start, int64_t *end) {
    *start = a->start < 0 ? a->start + rank : a->start;
    *end = a->end < 0 ? a->end + rank : a->end;
    *start = W_MIN(W_MAX(*start, 0), rank);
    *end = W_MIN(W_MAX(*end, 0), rank);
}

static weir_status shape_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    int64_t start, end;
    W_TRY(w_check_type(g, n, 0, "data", W_T_ALL, e));
    shape_range(n->attr, w_node_in(g, n, 0)->shape.rank, &start, &end);
    w_shape s = {.rank = 1, .known = true, .dim = {W_MAX(end - start, 0)}};
    return w_set_out(g, n, 0, WEIR_S64, &s, e);
}

static weir_status shape_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    int64_t start, end;
    shape_range(n->attr, in->shape.rank, &start, &end);
    for (int64_t i = start; i < end; i++) {
        if (in->shape.dim[i] < 0) return w_node_fail(e, g, n, "dimension %lld is symbolic, its number is not known yet", (long long)i);
        ((int64_t *)out->data)[i - start] = in->shape.dim[i];
    }
    return WEIR_OK;
}

static const w_attr_def shape_attrs[] = {A_INT(w_shape_attr, start, 0), A_INT(w_shape_attr, end, INT64_MAX)};

/* Op: Shape
 * ONNX: 1, 13, 15, 19, 21
 * Inputs: data
 * Attributes: start, end
 * Limits: none
 * Map: nothing is read: the shape is known without the data
 */
W_OP_DEFINE(Shape, "Shape", 1, 1, 1, 1, 1, w_shape_attr, shape_attrs, shape_infer, unread_map, w_work_none, shape_ref);
