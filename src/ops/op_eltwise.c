/* Element-wise operators of several operands, with ONNX (numpy) broadcasting. */
#include "op_attr_table.h"
#include "op_util.h"
#include <math.h>

static weir_status infer_broadcast(w_graph *g, w_node *n, unsigned types, bool same_type, weir_error *e) {
    W_BEGIN(g, n, e);
    w_shape s = w_node_in(g, n, 0)->shape;
    for (uint32_t i = 0; i < n->nin; i++) {
        W_TRY(w_check_type(g, n, i, "an operand", types, e));
        if (same_type) W_TRY(w_check_same_type(g, n, 0, i, e));
        W_TRY(w_broadcast(g, n, &s, &w_node_in(g, n, i)->shape, &s, e));
    }
    return w_set_out(g, n, 0, w_real_type(w_node_in(g, n, 0)), &s, e);
}

static weir_status infer_arith(w_graph *g, w_node *n, weir_error *e) { return infer_broadcast(g, n, W_T_NUMBERS, true, e); }

static float arith_float(w_op op, float a, float b) {
    switch (op) {
    case W_OP_Add: return a + b;
    case W_OP_Sub: return a - b;
    case W_OP_Mul: return a * b;
    default: return a / b;
    }
}

/* Wraps on overflow; a division by zero gives 0 and MIN / -1 wraps, since a reference may not trap. */
static int64_t arith_int(w_op op, int64_t a, int64_t b) {
    switch (op) {
    case W_OP_Add: return (int64_t)((uint64_t)a + (uint64_t)b);
    case W_OP_Sub: return (int64_t)((uint64_t)a - (uint64_t)b);
    case W_OP_Mul: return (int64_t)((uint64_t)a * (uint64_t)b);
    default: return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
    }
}

static void walk_two(w_walk *k, const w_tensor *in, const w_tensor *out) {
    w_walk_init(k, &out->shape);
    w_walk_broadcast(k, 0, &in[0].shape);
    w_walk_broadcast(k, 1, &in[1].shape);
}

static weir_status arith_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const w_eltwise_attr *at = n->attr;
    w_walk k;
    walk_two(&k, in, out);
    int64_t count = w_count(out);
    if (out->type == WEIR_F32) {
        const float *a = in[0].data, *b = in[1].data;
        float *y = out->data;
        for (int64_t i = 0; i < count; i++, w_walk_step(&k)) y[i] = w_act_apply(&at->ep, arith_float(n->op, a[k.off[0]], b[k.off[1]]));
        return WEIR_OK;
    }
    for (int64_t i = 0; i < count; i++, w_walk_step(&k)) {
        int64_t a = w_load_int(in[0].data, in[0].type, (size_t)k.off[0]), b = w_load_int(in[1].data, in[1].type, (size_t)k.off[1]);
        w_store_int(out->data, out->type, (size_t)i, arith_int(n->op, a, b));
    }
    return WEIR_OK;
}

static const w_attr_def eltwise_attrs[] = {A_EPILOGUE(w_eltwise_attr)};

/* Op: Add
 * ONNX: 7, 13, 14
 * Inputs: A, B
 * Attributes: weir_act, weir_act_a, weir_act_b
 * Limits: none
 * Map: exact, element by element with broadcasting
 */
W_OP_DEFINE(Add, "Add", 2, 2, 1, 1, 7, w_eltwise_attr, eltwise_attrs, infer_arith, w_map_same, w_work_elements, arith_ref);

/* Op: Sub
 * ONNX: 7, 13, 14
 * Inputs: A, B
 * Attributes: weir_act, weir_act_a, weir_act_b
 * Limits: none
 * Map: exact, element by element with broadcasting
 */
W_OP_DEFINE(Sub, "Sub", 2, 2, 1, 1, 7, w_eltwise_attr, eltwise_attrs, infer_arith, w_map_same, w_work_elements, arith_ref);

/* Op: Mul
 * ONNX: 7, 13, 14
 * Inputs: A, B
 * Attributes: weir_act, weir_act_a, weir_act_b
 * Limits: none
 * Map: exact, element by element with broadcasting
 */
W_OP_DEFINE(Mul, "Mul", 2, 2, 1, 1, 7, w_eltwise_attr, eltwise_attrs, infer_arith, w_map_same, w_work_elements, arith_ref);

/* Op: Div
 * ONNX: 7, 13, 14
 * Inputs: A, B
 * Attributes: weir_act, weir_act_a, weir_act_b
 * Limits: integer division by zero gives 0
 * Map: exact, element by element with broadcasting
 */
W_OP_DEFINE(Div, "Div", 2, 2, 1, 1, 7, w_eltwise_attr, eltwise_attrs, infer_arith, w_map_same, w_work_elements, arith_ref);

/* ---- Pow ---- */

static weir_status pow_infer(w_graph *g, w_node *n, weir_error *e) { return infer_broadcast(g, n, W_T_NUMBERS, false, e); }

static double real_at(const w_tensor *t, int64_t i) {
    return t->type == WEIR_F32 ? ((const float *)t->data)[i] : (double)w_load_int(t->data, t->type, (size_t)i);
}

static int64_t to_int(double x) { return x >= 9223372036854775807.0 ? INT64_MAX : x <= -9223372036854775808.0 || isnan(x) ? INT64_MIN : (int64_t)x; }

static weir_status pow_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    w_walk k;
    walk_two(&k, in, out);
    for (int64_t i = 0, count = w_count(out); i < count; i++, w_walk_step(&k)) {
        double y = pow(real_at(&in[0], k.off[0]), real_at(&in[1], k.off[1]));
        if (out->type == WEIR_F32) ((float *)out->data)[i] = (float)y;
        else w_store_int(out->data, out->type, (size_t)i, to_int(y));
    }
    return WEIR_OK;
}

/* Op: Pow
 * ONNX: 7, 12, 13, 15
 * Inputs: X, Y
 * Attributes: none
 * Limits: integer results beyond 2^53 are rounded
 * Map: exact, element by element with broadcasting
 */
W_OP_DEFINE_PLAIN(Pow, "Pow", 2, 2, 1, 1, 7, pow_infer, w_map_same, w_work_elements, pow_ref);

/* ---- any number of operands ---- */

static float fold_float(w_op op, float a, float b) {
    if (op == W_OP_Sum) return a + b;
    if (isnan(a) || isnan(b)) return NAN;
    return op == W_OP_Min ? W_MIN(a, b) : W_MAX(a, b);
}

static int64_t fold_int(w_op op, int64_t a, int64_t b) {
    return op == W_OP_Sum ? (int64_t)((uint64_t)a + (uint64_t)b) : op == W_OP_Min ? W_MIN(a, b) : W_MAX(a, b);
}

static void fold_operand(w_op op, const w_tensor *in, w_tensor *out, bool first) {
    w_walk k;
    w_walk_init(&k, &out->shape);
    w_walk_broadcast(&k, 0, &in->shape);
    for (int64_t i = 0, count = w_count(out); i < count; i++, w_walk_step(&k)) {
        if (out->type == WEIR_F32) {
            float x = ((const float *)in->data)[k.off[0]], *y = (float *)out->data + i;
            *y = first ? x : fold_float(op, *y, x);
        } else {
            int64_t x = w_load_int(in->data, in->type, (size_t)k.off[0]);
            w_store_int(out->data, out->type, (size_t)i, first ? x : fold_int(op, w_load_int(out->data, out->type, (size_t)i), x));
        }
    }
}

static weir_status fold_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    for (uint32_t i = 0; i < n->nin; i++) fold_operand(n->op, &in[i], out, i == 0);
    return WEIR_OK;
}

static int64_t fold_work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    return w_sat_mul(w_box_count(box), W_MAX((int64_t)n->nin - 1, 1));
}

/* Op: Min
 * ONNX: 6, 8, 12, 13
 * Inputs: data (one or more)
 * Attributes: none
 * Limits: none
 * Map: exact, element by element with broadcasting
 */
W_OP_DEFINE_PLAIN(Min, "Min", 1, UINT32_MAX, 1, 1, 6, infer_arith, w_map_same, fold_work, fold_ref);

/* Op: Max
 * ONNX: 6, 8, 12, 13
 * Inputs: data (one or more)
 * Attributes: none
 * Limits: none
 * Map: exact, element by element with broadcasting
 */
W_OP_DEFINE_PLAIN(Max, "Max", 1, UINT32_MAX, 1, 1, 6, infer_arith, w_map_same, fold_work, fold_ref);

/* Op: Sum
 * ONNX: 6, 8, 13
 * Inputs: data (one or more)
 * Attributes: none
 * Limits: none
 * Map: exact, element by element with broadcasting
 */
W_OP_DEFINE_PLAIN(Sum, "Sum", 1, UINT32_MAX, 1, 1, 6, infer_arith, w_map_same, fold_work, fold_ref);
