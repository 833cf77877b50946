/* Normalisations: over the batch (as inference sees it), along an axis, across neighbouring channels. */
#include "op_attr_table.h"
#include "op_util.h"
#include <math.h>

/* ---- BatchNormalization ---- */

static weir_status bn_params(const w_graph *g, const w_node *n, const w_shape *x, weir_error *e) {
    static const char *const names[] = {"X", "scale", "B", "mean", "var"};
    char t[W_SHAPE_TEXT];
    for (uint32_t i = 1; i < 5; i++) {
        const w_shape *s = &w_node_in(g, n, i)->shape;
        W_TRY(w_check_type(g, n, i, names[i], W_T_FLOATS, e));
        if (s->rank == 1 && w_dims_agree(s->dim[0], x->rank > 1 ? x->dim[1] : 1)) continue;
        return w_node_fail(e, g, n, "%s has shape %s, expected one number for each of %lld channels", names[i], w_shape_text(g, s, t),
                           (long long)(x->rank > 1 ? x->dim[1] : 1));
    }
    return WEIR_OK;
}

static weir_status bn_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_bn_attr *a = n->attr;
    W_TRY(w_check_type(g, n, 0, "X", W_T_FLOATS, e));
    W_TRY(w_check_rank(g, n, 0, "X", 1, W_MAX_RANK, e));
    if (a->training_mode) return w_node_fail(e, g, n, "training_mode is %lld, only inference is supported", (long long)a->training_mode);
    if (!a->spatial) return w_node_fail(e, g, n, "spatial is 0, only statistics per channel are supported");
    for (uint32_t o = 1; o < n->nout; o++)
        if (n->out[o] != W_NONE) return w_node_fail(e, g, n, "output %u belongs to training, only inference is supported", o);
    w_shape x = w_node_in(g, n, 0)->shape;
    W_TRY(bn_params(g, n, &x, e));
    return w_set_out(g, n, 0, w_real_type(w_node_in(g, n, 0)), &x, e);
}

static w_tag bn_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    if (i == 0) return *in = *out, w_box_end(in, W_EXACT);
    *in = (w_box){.rank = 1};
    if (out->rank < 2) w_box_axis(in, 0, 0, 1, 1);
    else w_box_axis(in, 0, out->lo[1], out->n[1], out->step[1]);
    return w_box_end(in, W_EXACT);
}

static weir_status bn_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const w_bn_attr *a = n->attr;
    const float *x = in[0].data, *scale = in[1].data, *bias = in[2].data, *mean = in[3].data, *var = in[4].data;
    const w_shape *s = &in[0].shape;
    int64_t channels = s->rank > 1 ? s->dim[1] : 1, size = 1;
    for (int i = 2; i < s->rank; i++) size *= s->dim[i];
    for (int64_t i = 0, count = w_count(out); i < count; i++) {
        int64_t c = i / size % channels;
        ((float *)out->data)[i] = (float)((x[i] - (double)mean[c]) / sqrt((double)var[c] + a->epsilon) * scale[c] + bias[c]);
    }
    return WEIR_OK;
}

static const w_attr_def bn_attrs[] = {
    A_FLOAT(w_bn_attr, epsilon, 1e-5f), A_FLOAT(w_bn_attr, momentum, 0.9f), A_INT(w_bn_attr, training_mode, 0), A_INT(w_bn_attr, spatial, 1),
};

/* Op: BatchNormalization
 * ONNX: 7, 9, 14, 15
 * Inputs: X, scale, B, mean, var
 * Attributes: epsilon, momentum, training_mode, spatial
 * Limits: inference only; statistics per channel
 * Map: exact, element by element; the parameters of the box's channels
 */
W_OP_DEFINE(BatchNormalization, "BatchNormalization", 5, 5, 1, 5, 7, w_bn_attr, bn_attrs, bn_infer, bn_map, w_work_elements, bn_ref);

/* ---- Softmax, LogSoftmax ---- */

static weir_status softmax_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    w_softmax_attr *a = n->attr;
    W_TRY(w_check_type(g, n, 0, "input", W_T_FLOATS, e));
    W_TRY(w_check_rank(g, n, 0, "input", 1, W_MAX_RANK, e));
    w_shape s = w_node_in(g, n, 0)->shape;
    bool old = w_opset(g) < 13;
    int64_t wanted = a->axis != W_AXIS_BY_OPSET ? a->axis : old ? W_MIN(1, s.rank - 1) : -1;
    int axis = 0;
    W_TRY(w_axis(g, n, wanted, s.rank, &axis, e));
    a->axis = axis;
    if (old) a->coerce = 0;
    for (int i = axis + 1; old && i < s.rank; i++)
        if (s.dim[i] != 1) a->coerce = 1;
    return w_set_out(g, n, 0, w_real_type(w_node_in(g, n, 0)), &s, e);
}

static w_tag softmax_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    const w_softmax_attr *a = n->attr;
    const w_shape *x = &w_node_in(g, n, 0)->shape;
    *in = *out;
    for (int k = (int)a->axis; k < (a->coerce ? x->rank : (int)a->axis + 1); k++) w_box_axis(in, k, 0, out->n[k] ? x->dim[k] : 0, 1);
    return w_box_end(in, W_EXACT);
}

static void softmax_line(const float *x, float *y, int64_t n, int64_t step, bool log_of) {
    float top = x[0];
    double sum = 0.0;
    for (int64_t i = 1; i < n; i++) top = fmaxf(top, x[i * step]);
    for (int64_t i = 0; i < n; i++) sum += exp((double)x[i * step] - top);
    for (int64_t i = 0; i < n; i++) {
        double d = (double)x[i * step] - top;
        y[i * step] = (float)(log_of ? d - log(sum) : exp(d) / sum);
    }
}

static weir_status softmax_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const w_softmax_attr *a = n->attr;
    const w_shape *s = &in->shape;
    int64_t outer = 1, len = 1, inner = 1;
    for (int i = 0; i < s->rank; i++) {
        if (i < a->axis) outer *= s->dim[i];
        else if (i == a->axis || a->coerce) len *= s->dim[i];
        else inner *= s->dim[i];
    }
    for (int64_t i = 0; len && i < outer * inner; i++) {
        int64_t at = i / inner * len * inner + i % inner;
        softmax_line((const float *)in->data + at, (float *)out->data + at, len, inner, n->op == W_OP_LogSoftmax);
    }
    return WEIR_OK;
}

static int64_t softmax_work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) { return w_sat_mul(3, w_box_count(box)); }

static const w_attr_def softmax_attrs[] = {
    A_INT(w_softmax_attr, axis, W_AXIS_BY_OPSET),
    {"weir_coerce", W_ATTR_INT, offsetof(w_softmax_attr, coerce), 0, 0.0f, NULL, false},
};

/* Op: Softmax
 * ONNX: 1, 11, 13
 * Inputs: input
 * Attributes: axis (default 1 before 13, then -1); weir_coerce
 * Limits: none
 * Map: exact: the whole axis (before 13: all axes from it on) of the lines that the box touches
 */
W_OP_DEFINE(Softmax, "Softmax", 1, 1, 1, 1, 1, w_softmax_attr, softmax_attrs, softmax_infer, softmax_map, softmax_work, softmax_ref);

/* Op: LogSoftmax
 * ONNX: 1, 11, 13
 * Inputs: input
 * Attributes: axis (default 1 before 13, then -1); weir_coerce
 * Limits: none
 * Map: exact: the whole axis (before 13: all axes from it on) of the lines that the box touches
 */
W_OP_DEFINE(LogSoftmax, "LogSoftmax", 1, 1, 1, 1, 1, w_softmax_attr, softmax_attrs, softmax_infer, softmax_map, softmax_work, softmax_ref);

/* ---- LRN ---- */

static weir_status lrn_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_lrn_attr *a = n->attr;
    if (a->size < 1 || a->size > W_MAX_DIM) return w_node_fail(e, g, n, "size is %lld, expected at least 1", (long long)a->size);
    W_TRY(w_check_rank(g, n, 0, "X", 2, W_MAX_RANK, e));
    return w_infer_same(g, n, W_T_FLOATS, e);
}

static w_tag lrn_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    const w_lrn_attr *a = n->attr;
    *in = *out;
    w_tag tag = w_box_sum(in, 1, out->lo[1] - (a->size - 1) / 2, out->step[1], out->n[1], 1, a->size, w_node_in(g, n, 0)->shape.dim[1]);
    return w_box_end(in, tag);
}

static int64_t lrn_work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    return w_sat_mul(((const w_lrn_attr *)n->attr)->size, w_box_count(box));
}

static weir_status lrn_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    const w_lrn_attr *a = n->attr;
    const w_shape *s = &in->shape;
    const float *x = in->data;
    int64_t channels = s->dim[1], size = 1;
    for (int i = 2; i < s->rank; i++) size *= s->dim[i];
    for (int64_t i = 0, count = w_count(out); i < count; i++) {
        int64_t c = i / size % channels, first = W_MAX(c - (a->size - 1) / 2, 0), last = W_MIN(c + a->size / 2, channels - 1);
        double sum = 0.0;
        for (int64_t k = first; k <= last; k++) sum += (double)x[i + (k - c) * size] * x[i + (k - c) * size];
        ((float *)out->data)[i] = (float)(x[i] / pow(a->bias + (double)a->alpha / (double)a->size * sum, a->beta));
    }
    return WEIR_OK;
}

static const w_attr_def lrn_attrs[] = {
    A_INT_REQUIRED(w_lrn_attr, size), A_FLOAT(w_lrn_attr, alpha, 1e-4f), A_FLOAT(w_lrn_attr, beta, 0.75f), A_FLOAT(w_lrn_attr, bias, 1.0f),
};

/* Op: LRN
 * ONNX: 1, 13
 * Inputs: X
 * Attributes: size, alpha, beta, bias
 * Limits: none
 * Map: exact: the neighbouring channels of the box
 */
W_OP_DEFINE(LRN, "LRN", 1, 1, 1, 1, 1, w_lrn_attr, lrn_attrs, lrn_infer, lrn_map, lrn_work, lrn_ref);
