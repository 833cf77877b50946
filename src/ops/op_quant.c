/* QuantizeLinear and DequantizeLinear, per tensor or along one axis; DynamicQuantizeLinear, whose scale is the tensor's own. The result of the one and the operand of the other are
 * the stored integers, also where the value carries a quantisation that says the same as scale and zero_point. */
#include "op_attr_table.h"
#include "op_util.h"
#include <math.h>
#include <string.h>

enum { X, SCALE, ZERO };
#define W_T_QUANTISED (W_T(WEIR_U8) | W_T(WEIR_S8) | W_T(WEIR_U16) | W_T(WEIR_S16))

static weir_status check_params(const w_graph *g, const w_node *n, const w_shape *x, weir_error *e) {
    const w_quantize_attr *a = n->attr;
    const w_value *s = w_node_in(g, n, SCALE), *z = w_node_in(g, n, ZERO);
    char t[W_SHAPE_TEXT], u[W_SHAPE_TEXT];
    int axis = 0;
    if (a->block_size) return w_node_fail(e, g, n, "block_size is %lld, only whole axes are supported", (long long)a->block_size);
    W_TRY(w_check_type(g, n, SCALE, "scale", W_T_FLOATS, e));
    bool single = w_shape_count(&s->shape) == 1 && z && w_shape_count(&z->shape) == 1; /* quantisers mix [] and [1] */
    if (z && !single && !w_shape_equal(&s->shape, &z->shape))
        return w_node_fail(e, g, n, "zero_point has shape %s, expected %s as scale", w_shape_text(g, &z->shape, t), w_shape_text(g, &s->shape, u));
    if (s->shape.rank == 0 || (s->shape.rank == 1 && s->shape.dim[0] == 1)) return WEIR_OK;
    W_TRY(w_check_rank(g, n, SCALE, "scale", 0, 1, e));
    W_TRY(w_axis(g, n, a->axis, x->rank, &axis, e));
    return w_check_dim_equal(g, n, "the length of scale", s->shape.dim[0], "the input on that axis", x->dim[axis], e);
}

static weir_status quantize_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_quantize_attr *a = n->attr;
    const w_value *z = w_node_in(g, n, ZERO);
    w_type t = z ? z->type : a->output_dtype ? w_type_from_onnx(a->output_dtype) : WEIR_U8;
    W_TRY(w_check_type(g, n, X, "x", W_T_FLOATS | W_T(WEIR_S32), e));
    if ((unsigned)t >= 32 || !(W_T(t) & W_T_QUANTISED))
        return w_node_fail(e, g, n, "the output would have type %s, expected u8, s8, u16 or s16", t ? w_type_name(t) : "unknown");
    if (z && a->output_dtype && w_type_from_onnx(a->output_dtype) != t)
        return w_node_fail(e, g, n, "output_dtype is %lld, zero_point has type %s", (long long)a->output_dtype, w_type_name(t));
    w_shape s = w_node_in(g, n, X)->shape;
    W_TRY(check_params(g, n, &s, e));
    return w_set_out(g, n, 0, t, &s, e);
}

static weir_status dequantize_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_value *x = w_node_in(g, n, X), *z = w_node_in(g, n, ZERO);
    w_shape s = x->shape;
    if ((unsigned)x->type >= 32 || !(W_T(x->type) & (W_T_QUANTISED | W_T(WEIR_S32))))
        return w_node_fail(e, g, n, "x has type %s, expected u8, s8, u16, s16 or s32", w_type_name(x->type));
    if (z && z->type != x->type) return w_node_fail(e, g, n, "zero_point has type %s, expected %s as x", w_type_name(z->type), w_type_name(x->type));
    W_TRY(check_params(g, n, &s, e));
    return w_set_out(g, n, 0, w_real_type(w_node_in(g, n, SCALE)), &s, e);
}

static w_tag map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    const w_quantize_attr *a = n->attr;
    const w_value *v = w_node_in(g, n, i);
    if (!v || i == X) return w_map_same(g, n, o, out, i, in);
    *in = (w_box){.rank = v->shape.rank};
    if (w_shape_count(&v->shape) == 1) return w_box_whole(&v->shape, W_EXACT, in);
    int axis = (int)(a->axis < 0 ? a->axis + out->rank : a->axis);
    w_box_axis(in, 0, out->lo[axis], out->n[axis], out->step[axis]);
    return w_box_end(in, W_EXACT);
}

/* Which entry of scale and zero_point element i uses. */
typedef struct channels { int64_t count, inner; } channels;

static channels channels_of(const w_node *n, const w_tensor *in) {
    const w_quantize_attr *a = n->attr;
    const w_shape *x = &in[X].shape;
    channels c = {w_count(&in[SCALE]), 1};
    if (c.count == 1) return c; /* per tensor: the axis may be anything */
    for (int i = (int)(a->axis < 0 ? a->axis + x->rank : a->axis) + 1; i < x->rank; i++) c.inner *= x->dim[i];
    return c;
}

static int64_t zero_at(const w_node *n, const w_tensor *in, int64_t c) {
    return n->nin > ZERO && in[ZERO].data ? w_load_int(in[ZERO].data, in[ZERO].type, (size_t)c) : 0;
}

static int64_t saturate(double x, w_type t) {
    double lo = t == WEIR_S8 ? -128 : t == WEIR_S16 ? -32768 : 0, hi = t == WEIR_S8 ? 127 : t == WEIR_U8 ? 255 : t == WEIR_S16 ? 32767 : 65535;
    return isnan(x) ? 0 : (int64_t)(x < lo ? lo : x > hi ? hi : x);
}

static weir_status quantize_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const float *scale = in[SCALE].data;
    channels ch = channels_of(n, in);
    for (int64_t i = 0, count = w_count(out); i < count; i++) {
        int64_t c = ch.count == 1 ? 0 : i / ch.inner % ch.count;
        float x = w_load_real(in[X].data, in[X].type, (size_t)i);
        w_store_int(out->data, out->type, (size_t)i, saturate(rint((double)(x / scale[c])) + (double)zero_at(n, in, c), out->type));
    }
    return WEIR_OK;
}

static weir_status dequantize_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const float *scale = in[SCALE].data;
    channels ch = channels_of(n, in);
    for (int64_t i = 0, count = w_count(out); i < count; i++) {
        int64_t c = ch.count == 1 ? 0 : i / ch.inner % ch.count;
        ((float *)out->data)[i] = (float)(w_load_int(in[X].data, in[X].type, (size_t)i) - zero_at(n, in, c)) * scale[c];
    }
    return WEIR_OK;
}

static const w_attr_def quantize_attrs[] = {
    A_INT(w_quantize_attr, axis, 1), A_INT(w_quantize_attr, saturate, 1), A_INT(w_quantize_attr, block_size, 0),
    A_INT(w_quantize_attr, output_dtype, 0),
};

/* Op: QuantizeLinear
 * ONNX: 10, 13, 19, 21
 * Inputs: x, scale, zero_point (optional)
 * Attributes: axis, saturate, block_size, output_dtype
 * Limits: results of 8 or 16 bits; no blocks
 * Map: exact, element by element; scale and zero_point of the box's channels
 */
W_OP_DEFINE(QuantizeLinear, "QuantizeLinear", 2, 3, 1, 1, 10, w_quantize_attr, quantize_attrs, quantize_infer, map, w_work_elements, quantize_ref);

/* Op: DequantizeLinear
 * ONNX: 10, 13, 19, 21
 * Inputs: x, scale, zero_point (optional)
 * Attributes: axis, saturate, block_size, output_dtype
 * Limits: operands of 8, 16 or 32 bits; no blocks
 * Map: exact, element by element; scale and zero_point of the box's channels
 */
W_OP_DEFINE(DequantizeLinear, "DequantizeLinear", 2, 3, 1, 1, 10, w_quantize_attr, quantize_attrs, dequantize_infer, map, w_work_elements,
            dequantize_ref);

/* ---- DynamicQuantizeLinear ---- */

enum { Y, Y_SCALE, Y_ZERO };

static weir_status dynamic_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    w_shape s = w_node_in(g, n, X)->shape, scalar = {.known = true};
    W_TRY(w_check_type(g, n, X, "x", W_T(WEIR_F32), e));
    W_TRY(w_set_out(g, n, Y, WEIR_U8, &s, e));
    W_TRY(w_set_out(g, n, Y_SCALE, WEIR_F32, &scalar, e));
    return w_set_out(g, n, Y_ZERO, WEIR_U8, &scalar, e);
}

static w_tag dynamic_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    (void)o;
    return w_box_count(out) ? w_box_whole(&w_node_in(g, n, i)->shape, W_COVER, in) : W_UNUSED;
}

/* Two passes over the tensor, whatever is asked for. */
static int64_t dynamic_work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    return o == Y ? w_sat_mul(2, w_box_count(box)) : 0;
}

w_dynamic w_dynamic_of(float lo, float hi) {
    w_dynamic d = {.scale = hi == lo ? 1.0f : (hi - lo) / 255.0f};
    float zero = -lo / d.scale;
    d.zero = (int32_t)rintf(!(zero > 0) ? 0 : zero > 255 ? 255 : zero);
    return d;
}

static weir_status dynamic_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const float *x = in[X].data;
    float lo = 0, hi = 0;
    int64_t count = w_count(&in[X]);
    for (int64_t i = 0; i < count; i++) {
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
    }
    w_dynamic d = w_dynamic_of(lo, hi);
    for (int64_t i = 0; i < count; i++)
        w_store_int(out[Y].data, WEIR_U8, (size_t)i, saturate(rint((double)(x[i] / d.scale)) + d.zero, WEIR_U8));
    memcpy(out[Y_SCALE].data, &d.scale, sizeof d.scale);
    w_store_int(out[Y_ZERO].data, WEIR_U8, 0, d.zero);
    return WEIR_OK;
}

/* Op: DynamicQuantizeLinear
 * ONNX: 11
 * Inputs: x
 * Attributes: none
 * Limits: f32 to u8; NaN counts for neither end of the range
 * Map: cover: everything, because the scale is the whole tensor's
 */
W_OP_DEFINE_PLAIN(DynamicQuantizeLinear, "DynamicQuantizeLinear", 1, 1, 3, 3, 11, dynamic_infer, dynamic_map, dynamic_work, dynamic_ref);
