/* Functions of one operand, and the ones that change nothing but the type. */
#include "op_attr_table.h"
#include "op_util.h"
#include <math.h>
#include <string.h>

static weir_status infer_float(w_graph *g, w_node *n, weir_error *e) { return w_infer_same(g, n, W_T_FLOATS, e); }
static weir_status infer_signed(w_graph *g, w_node *n, weir_error *e) { return w_infer_same(g, n, W_T_FLOATS | W_T_SIGNED, e); }
static weir_status infer_number(w_graph *g, w_node *n, weir_error *e) { return w_infer_same(g, n, W_T_NUMBERS, e); }
static weir_status infer_any(w_graph *g, w_node *n, weir_error *e) { return w_infer_same(g, n, W_T_ALL, e); }

static float unary_float(w_op op, float x) {
    switch (op) {
    case W_OP_Abs: return fabsf(x);
    case W_OP_Neg: return -x;
    case W_OP_Exp: return (float)exp((double)x);
    case W_OP_Log: return (float)log((double)x);
    case W_OP_Sqrt: return sqrtf(x);
    case W_OP_Reciprocal: return 1.0f / x;
    case W_OP_Erf: return (float)erf((double)x);
    case W_OP_Floor: return floorf(x);
    default: return ceilf(x);
    }
}

static int64_t unary_int(w_op op, int64_t x) {
    bool flip = op == W_OP_Neg || (op == W_OP_Abs && x < 0);
    return flip ? (int64_t)(0 - (uint64_t)x) : x;
}

static weir_status unary_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    for (int64_t i = 0, count = w_count(out); i < count; i++) {
        if (out->type == WEIR_F32) ((float *)out->data)[i] = unary_float(n->op, ((const float *)in->data)[i]);
        else w_store_int(out->data, out->type, (size_t)i, unary_int(n->op, w_load_int(in->data, in->type, (size_t)i)));
    }
    return WEIR_OK;
}

/* Op: Abs
 * ONNX: 6, 13
 * Inputs: X
 * Attributes: none
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE_PLAIN(Abs, "Abs", 1, 1, 1, 1, 6, infer_number, w_map_same, w_work_elements, unary_ref);

/* Op: Neg
 * ONNX: 6, 13
 * Inputs: X
 * Attributes: none
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE_PLAIN(Neg, "Neg", 1, 1, 1, 1, 6, infer_signed, w_map_same, w_work_elements, unary_ref);

/* Op: Exp
 * ONNX: 6, 13
 * Inputs: X
 * Attributes: none
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE_PLAIN(Exp, "Exp", 1, 1, 1, 1, 6, infer_float, w_map_same, w_work_elements, unary_ref);

/* Op: Log
 * ONNX: 6, 13
 * Inputs: X
 * Attributes: none
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE_PLAIN(Log, "Log", 1, 1, 1, 1, 6, infer_float, w_map_same, w_work_elements, unary_ref);

/* Op: Sqrt
 * ONNX: 6, 13
 * Inputs: X
 * Attributes: none
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE_PLAIN(Sqrt, "Sqrt", 1, 1, 1, 1, 6, infer_float, w_map_same, w_work_elements, unary_ref);

/* Op: Reciprocal
 * ONNX: 6, 13
 * Inputs: X
 * Attributes: none
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE_PLAIN(Reciprocal, "Reciprocal", 1, 1, 1, 1, 6, infer_float, w_map_same, w_work_elements, unary_ref);

/* Op: Erf
 * ONNX: 9, 13
 * Inputs: X
 * Attributes: none
 * Limits: floating-point types
 * Map: exact, element by element
 */
W_OP_DEFINE_PLAIN(Erf, "Erf", 1, 1, 1, 1, 9, infer_float, w_map_same, w_work_elements, unary_ref);

/* Op: Floor
 * ONNX: 6, 13
 * Inputs: X
 * Attributes: none
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE_PLAIN(Floor, "Floor", 1, 1, 1, 1, 6, infer_float, w_map_same, w_work_elements, unary_ref);

/* Op: Ceil
 * ONNX: 6, 13
 * Inputs: X
 * Attributes: none
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE_PLAIN(Ceil, "Ceil", 1, 1, 1, 1, 6, infer_float, w_map_same, w_work_elements, unary_ref);

/* ---- no change ---- */

static weir_status copy_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    size_t bytes = (size_t)w_count(out) * w_type_size(out->type);
    if (bytes) memcpy(out->data, in->data, bytes);
    return WEIR_OK;
}

/* Op: Identity
 * ONNX: 1, 13, 14, 16
 * Inputs: X
 * Attributes: none
 * Limits: tensors only
 * Map: exact, element by element
 */
W_OP_DEFINE_PLAIN(Identity, "Identity", 1, 1, 1, 1, 1, infer_any, w_map_same, w_work_none, copy_ref);

static weir_status check_not_training(const w_graph *g, const w_node *n, weir_error *e) {
    const w_value *t = w_node_in(g, n, 2);
    if (!t) return WEIR_OK;
    if (t->type && t->type != WEIR_BOOL) return w_node_fail(e, g, n, "training_mode has type %s, expected bool", w_type_name(t->type));
    if (t->kind != W_VALUE_CONST || !t->data) return w_node_fail(e, g, n, "training_mode is computed, expected the constant false");
    if (w_shape_count(&t->shape) != 1) return w_node_fail(e, g, n, "training_mode is no scalar");
    if (w_load_int(t->data, WEIR_BOOL, 0)) return w_node_fail(e, g, n, "training_mode is true, only inference is supported");
    return WEIR_OK;
}

static weir_status dropout_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    W_TRY(w_check_type(g, n, 0, "data", W_T_FLOATS, e));
    W_TRY(check_not_training(g, n, e));
    w_shape s = w_node_in(g, n, 0)->shape;
    w_type t = w_real_type(w_node_in(g, n, 0));
    W_TRY(w_set_out(g, n, 0, t, &s, e));
    return w_set_out(g, n, 1, w_opset(g) < 10 ? t : WEIR_BOOL, &s, e);
}

static w_tag dropout_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    if (i == 0 && o == 0) return w_map_same(g, n, o, out, i, in);
    *in = (w_box){0};
    return W_UNUSED;
}

static weir_status dropout_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    W_TRY(copy_ref(g, n, in, out, e));
    if (n->nout < 2 || !out[1].data) return WEIR_OK;
    for (int64_t i = 0, count = w_count(&out[1]); i < count; i++) {
        if (out[1].type == WEIR_F32) ((float *)out[1].data)[i] = 1.0f;
        else w_store_int(out[1].data, out[1].type, (size_t)i, 1);
    }
    return WEIR_OK;
}

static const w_attr_def dropout_attrs[] = {A_FLOAT(w_dropout_attr, ratio, 0.5f), A_INT(w_dropout_attr, seed, 0)};

/* Op: Dropout
 * ONNX: 7, 10, 12, 13
 * Inputs: data, ratio (optional), training_mode (optional)
 * Attributes: ratio, seed
 * Limits: inference only: training_mode is absent or constant false
 * Map: data exact, element by element; the others are not read
 */
W_OP_DEFINE(Dropout, "Dropout", 1, 3, 1, 2, 7, w_dropout_attr, dropout_attrs, dropout_infer, dropout_map, w_work_none, dropout_ref);

/* ---- Cast ---- */

w_type w_type_from_onnx(int64_t data_type) {
    static const uint8_t types[17] = {0, WEIR_F32, WEIR_U8, WEIR_S8, WEIR_U16, WEIR_S16, WEIR_S32, WEIR_S64, 0, WEIR_BOOL, WEIR_F16, WEIR_F64,
                                      0, 0, 0, 0, WEIR_BF16};
    return data_type >= 0 && data_type < 17 ? (w_type)types[data_type] : (w_type)0;
}

static weir_status cast_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_cast_attr *a = n->attr;
    w_type t = w_type_from_onnx(a->to);
    if (!t) return w_node_fail(e, g, n, "to is %lld, expected the number of a numeric type or bool", (long long)a->to);
    W_TRY(w_check_type(g, n, 0, "input", W_T_ALL, e));
    w_shape s = w_node_in(g, n, 0)->shape;
    return w_set_out(g, n, 0, t, &s, e);
}

/* Most changes of an operand do not change its truth. */
static w_tag cast_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    w_tag tag = w_map_same(g, n, o, out, i, in);
    return tag == W_EXACT && w_node_out(g, n, 0)->type == WEIR_BOOL ? W_COVER : tag;
}

static int64_t truncate(double x) {
    if (isnan(x)) return 0;
    return x >= 9223372036854775807.0 ? INT64_MAX : x <= -9223372036854775808.0 ? INT64_MIN : (int64_t)x;
}

static weir_status cast_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    bool from = in->type == WEIR_F32, to = out->type == WEIR_F32;
    for (int64_t i = 0, count = w_count(out); i < count; i++) {
        float x = from ? ((const float *)in->data)[i] : 0.0f;
        int64_t v = from ? 0 : w_load_int(in->data, in->type, (size_t)i);
        if (to) ((float *)out->data)[i] = from ? x : (float)v;
        else if (out->type == WEIR_BOOL) w_store_int(out->data, WEIR_BOOL, (size_t)i, from ? x != 0.0f : v != 0);
        else w_store_int(out->data, out->type, (size_t)i, from ? truncate(x) : v);
    }
    return WEIR_OK;
}

static const w_attr_def cast_attrs[] = {A_INT_REQUIRED(w_cast_attr, to), A_INT(w_cast_attr, saturate, 1)};

/* Op: Cast
 * ONNX: 6, 9, 13, 19
 * Inputs: input
 * Attributes: to, saturate
 * Limits: numeric types and bool; no strings, no 8-bit floats
 * Map: element by element, exact; cover if the result is bool
 */
W_OP_DEFINE(Cast, "Cast", 1, 1, 1, 1, 6, w_cast_attr, cast_attrs, cast_infer, cast_map, w_work_none, cast_ref);
