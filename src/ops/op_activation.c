/* Activations: element-wise functions of one operand, some with parameters. */
#include "op_attr_table.h"
#include "op_util.h"
#include <math.h>
#include <string.h>

static float clip(float x, float lo, float hi) {
    if (x < lo) x = lo; /* NaN passes through both */
    return x > hi ? hi : x;
}

static float hard_sigmoid(float x, float alpha, float beta) { return clip(alpha * x + beta, 0.0f, 1.0f); }

static float gelu_erf(float x) { return (float)(0.5 * x * (1.0 + erf((double)x * 0.70710678118654752440))); }

float w_act_apply(const w_epilogue *ep, float x) {
    switch (ep->act) {
    case W_ACT_RELU: return x < 0.0f ? 0.0f : x;
    case W_ACT_CLIP: return clip(x, ep->a, ep->b);
    case W_ACT_LEAKY: return x < 0.0f ? ep->a * x : x;
    case W_ACT_HARDSWISH: return x * hard_sigmoid(x, 1.0f / 6.0f, 0.5f);
    case W_ACT_HARDSIGMOID: return hard_sigmoid(x, ep->a, ep->b);
    case W_ACT_SIGMOID: return (float)(1.0 / (1.0 + exp(-(double)x)));
    case W_ACT_TANH: return tanhf(x);
    case W_ACT_SILU: return (float)(x / (1.0 + exp(-(double)x)));
    case W_ACT_GELU: return gelu_erf(x);
    case W_ACT_ELU: return x < 0.0f ? ep->a * (float)expm1((double)x) : x;
    default: return x;
    }
}

static weir_status apply(const w_tensor *in, w_tensor *out, int64_t act, float a, float b) {
    w_epilogue ep = {act, a, b};
    const float *x = in->data;
    float *y = out->data;
    for (int64_t i = 0, count = w_count(out); i < count; i++) y[i] = w_act_apply(&ep, x[i]);
    return WEIR_OK;
}

static weir_status infer_float(w_graph *g, w_node *n, weir_error *e) { return w_infer_same(g, n, W_T_FLOATS, e); }

static weir_status infer_number(w_graph *g, w_node *n, weir_error *e) { return w_infer_same(g, n, W_T_FLOATS | W_T_SIGNED, e); }

/* ---- without attributes ---- */

static weir_status relu_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    if (in->type == WEIR_F32) return apply(in, out, W_ACT_RELU, 0, 0);
    for (int64_t i = 0, count = w_count(out); i < count; i++)
        w_store_int(out->data, out->type, (size_t)i, W_MAX(w_load_int(in->data, in->type, (size_t)i), 0));
    return WEIR_OK;
}

static weir_status sigmoid_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    return apply(in, out, W_ACT_SIGMOID, 0, 0);
}

static weir_status hardswish_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    return apply(in, out, W_ACT_HARDSWISH, 0, 0);
}

static weir_status tanh_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    return apply(in, out, W_ACT_TANH, 0, 0);
}

static weir_status softplus_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const float *x = in->data;
    float *y = out->data;
    for (int64_t i = 0, count = w_count(out); i < count; i++) y[i] = (float)(fmax(x[i], 0.0) + log1p(exp(-fabs((double)x[i]))));
    return WEIR_OK;
}

/* Op: Relu
 * ONNX: 6, 13, 14
 * Inputs: X
 * Attributes: none
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE_PLAIN(Relu, "Relu", 1, 1, 1, 1, 6, infer_number, w_map_same, w_work_elements, relu_ref);

/* Op: Sigmoid
 * ONNX: 6, 13
 * Inputs: X
 * Attributes: none
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE_PLAIN(Sigmoid, "Sigmoid", 1, 1, 1, 1, 6, infer_float, w_map_same, w_work_elements, sigmoid_ref);

/* Op: HardSwish
 * ONNX: 14
 * Inputs: X
 * Attributes: none
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE_PLAIN(HardSwish, "HardSwish", 1, 1, 1, 1, 14, infer_float, w_map_same, w_work_elements, hardswish_ref);

/* Op: Tanh
 * ONNX: 6, 13
 * Inputs: X
 * Attributes: none
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE_PLAIN(Tanh, "Tanh", 1, 1, 1, 1, 6, infer_float, w_map_same, w_work_elements, tanh_ref);

/* Op: Softplus
 * ONNX: 1
 * Inputs: X
 * Attributes: none
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE_PLAIN(Softplus, "Softplus", 1, 1, 1, 1, 1, infer_float, w_map_same, w_work_elements, softplus_ref);

/* ---- with attributes ---- */

static weir_status leaky_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    return apply(in, out, W_ACT_LEAKY, ((const w_alpha_attr *)n->attr)->alpha, 0);
}

static weir_status elu_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    return apply(in, out, W_ACT_ELU, ((const w_alpha_attr *)n->attr)->alpha, 0);
}

static weir_status hardsigmoid_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const w_hardsigmoid_attr *a = n->attr;
    return apply(in, out, W_ACT_HARDSIGMOID, a->alpha, a->beta);
}

static weir_status gelu_infer(w_graph *g, w_node *n, weir_error *e) {
    W_TRY(infer_float(g, n, e));
    const w_gelu_attr *a = n->attr;
    if (!a->approximate || strcmp(a->approximate, "none") == 0 || strcmp(a->approximate, "tanh") == 0) return WEIR_OK;
    return w_node_fail(e, g, n, "approximate is '%.40s', expected none or tanh", a->approximate);
}

static weir_status gelu_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const w_gelu_attr *a = n->attr;
    if (!a->approximate || strcmp(a->approximate, "tanh") != 0) return apply(in, out, W_ACT_GELU, 0, 0);
    const float *x = in->data;
    float *y = out->data;
    for (int64_t i = 0, count = w_count(out); i < count; i++) {
        double v = x[i];
        y[i] = (float)(0.5 * v * (1.0 + tanh(0.79788456080286535588 * (v + 0.044715 * v * v * v))));
    }
    return WEIR_OK;
}

static const w_attr_def leaky_attrs[] = {A_FLOAT(w_alpha_attr, alpha, 0.01f)};
static const w_attr_def elu_attrs[] = {A_FLOAT(w_alpha_attr, alpha, 1.0f)};
static const w_attr_def hardsigmoid_attrs[] = {A_FLOAT(w_hardsigmoid_attr, alpha, 0.2f), A_FLOAT(w_hardsigmoid_attr, beta, 0.5f)};
static const w_attr_def gelu_attrs[] = {A_STRING(w_gelu_attr, approximate, "none")};

/* Op: LeakyRelu
 * ONNX: 6, 16
 * Inputs: X
 * Attributes: alpha
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE(LeakyRelu, "LeakyRelu", 1, 1, 1, 1, 6, w_alpha_attr, leaky_attrs, infer_float, w_map_same, w_work_elements, leaky_ref);

/* Op: Elu
 * ONNX: 6
 * Inputs: X
 * Attributes: alpha
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE(Elu, "Elu", 1, 1, 1, 1, 6, w_alpha_attr, elu_attrs, infer_float, w_map_same, w_work_elements, elu_ref);

/* Op: HardSigmoid
 * ONNX: 6
 * Inputs: X
 * Attributes: alpha, beta
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE(HardSigmoid, "HardSigmoid", 1, 1, 1, 1, 6, w_hardsigmoid_attr, hardsigmoid_attrs, infer_float, w_map_same, w_work_elements,
            hardsigmoid_ref);

/* Op: Gelu
 * ONNX: 20
 * Inputs: X
 * Attributes: approximate
 * Limits: none
 * Map: exact, element by element
 */
W_OP_DEFINE(Gelu, "Gelu", 1, 1, 1, 1, 20, w_gelu_attr, gelu_attrs, gelu_infer, w_map_same, w_work_elements, gelu_ref);

/* ---- PRelu ---- */

static weir_status prelu_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    W_TRY(w_check_type(g, n, 0, "X", W_T_FLOATS, e));
    W_TRY(w_check_same_type(g, n, 0, 1, e));
    const w_shape *x = &w_node_in(g, n, 0)->shape, *s = &w_node_in(g, n, 1)->shape;
    w_shape joined;
    char t[W_SHAPE_TEXT], u[W_SHAPE_TEXT];
    W_TRY(w_broadcast(g, n, x, s, &joined, e));
    bool same = joined.rank == x->rank;
    for (int i = 0; same && i < x->rank; i++) same = w_dims_agree(joined.dim[i], x->dim[i]);
    if (!same)
        return w_node_fail(e, g, n, "slope has shape %s, expected one that broadcasts to %s", w_shape_text(g, s, t), w_shape_text(g, x, u));
    w_shape out = *x;
    return w_set_out(g, n, 0, w_real_type(w_node_in(g, n, 0)), &out, e);
}

static w_tag prelu_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    w_tag tag = w_map_same(g, n, o, out, i, in);
    return i == 1 && tag == W_EXACT ? W_COVER : tag; /* a slope matters only where X is negative */
}

static weir_status prelu_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const float *x = in[0].data, *slope = in[1].data;
    float *y = out->data;
    w_walk k;
    w_walk_init(&k, &out->shape);
    w_walk_broadcast(&k, 0, &in[1].shape);
    for (int64_t i = 0, count = w_count(out); i < count; i++, w_walk_step(&k)) y[i] = x[i] < 0.0f ? slope[k.off[0]] * x[i] : x[i];
    return WEIR_OK;
}

/* Op: PRelu
 * ONNX: 7, 9, 16
 * Inputs: X, slope
 * Attributes: none
 * Limits: floating-point types
 * Map: element by element with broadcasting; X exact, slope cover (it matters only where X is negative)
 */
W_OP_DEFINE_PLAIN(PRelu, "PRelu", 2, 2, 1, 1, 7, prelu_infer, prelu_map, w_work_elements, prelu_ref);

/* ---- Clip ---- */

static weir_status clip_infer(w_graph *g, w_node *n, weir_error *e) {
    W_TRY(w_infer_same(g, n, W_T_NUMBERS, e));
    for (uint32_t i = 1; i < 3; i++) {
        const w_value *v = w_node_in(g, n, i);
        if (!v || !v->shape.known || !v->type) continue;
        W_TRY(w_check_same_type(g, n, 0, i, e));
        char t[W_SHAPE_TEXT];
        if (v->shape.rank > 1 || (v->shape.rank == 1 && v->shape.dim[0] != 1))
            return w_node_fail(e, g, n, "%s has shape %s, expected a scalar", i == 1 ? "min" : "max", w_shape_text(g, &v->shape, t));
    }
    return WEIR_OK;
}

static w_tag clip_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    if (i == 0) return w_map_same(g, n, o, out, i, in);
    return w_map_all(g, n, o, out, i, in); /* a bound matters only where something reaches it */
}

static void clip_ints(const w_node *n, const w_tensor *in, w_tensor *out) {
    bool lo = n->nin > 1 && in[1].data, hi = n->nin > 2 && in[2].data;
    int64_t min = lo ? w_load_int(in[1].data, in[1].type, 0) : INT64_MIN, max = hi ? w_load_int(in[2].data, in[2].type, 0) : INT64_MAX;
    for (int64_t i = 0, count = w_count(out); i < count; i++) {
        int64_t x = w_load_int(in->data, in->type, (size_t)i);
        x = W_MAX(x, min);
        w_store_int(out->data, out->type, (size_t)i, W_MIN(x, max));
    }
}

static weir_status clip_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const w_clip_attr *a = n->attr;
    if (in->type != WEIR_F32) return clip_ints(n, in, out), WEIR_OK;
    float lo = n->nin > 1 && in[1].data ? *(const float *)in[1].data : a->min;
    float hi = n->nin > 2 && in[2].data ? *(const float *)in[2].data : a->max;
    return apply(in, out, W_ACT_CLIP, lo, hi);
}

static const w_attr_def clip_attrs[] = {A_FLOAT(w_clip_attr, min, -FLT_MAX), A_FLOAT(w_clip_attr, max, FLT_MAX)};

/* Op: Clip
 * ONNX: 6, 11, 12, 13
 * Inputs: X, min (optional), max (optional)
 * Attributes: min, max (6; inputs win)
 * Limits: none
 * Map: X exact, element by element; min and max cover
 */
W_OP_DEFINE(Clip, "Clip", 1, 3, 1, 1, 6, w_clip_attr, clip_attrs, clip_infer, clip_map, w_work_elements, clip_ref);
