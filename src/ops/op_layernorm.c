/* LayerNormalization: all axes from one on are normalised together, by statistics of each line of their own. */
#include "op_attr_table.h"
#include "op_util.h"
#include <math.h>

enum { X, SCALE, B };

static int true_axis(const w_node *n, const w_shape *x) {
    int64_t axis = ((const w_layernorm_attr *)n->attr)->axis;
    return (int)(axis < 0 ? axis + x->rank : axis);
}

static int64_t line_length(const w_node *n, const w_shape *x) {
    int64_t len = 1;
    for (int i = true_axis(n, x); i < x->rank; i++) len = w_sat_mul(len, x->dim[i]);
    return len;
}

static weir_status check_param(const w_graph *g, const w_node *n, uint32_t i, const w_shape *x, weir_error *e) {
    const w_value *v = w_node_in(g, n, i);
    char t[W_SHAPE_TEXT], u[W_SHAPE_TEXT];
    if (!v) return WEIR_OK;
    W_TRY(w_check_same_type(g, n, X, i, e));
    bool fits = v->shape.rank <= x->rank;
    for (int k = 0; fits && k < v->shape.rank; k++)
        fits = v->shape.dim[k] == 1 || w_dims_agree(v->shape.dim[k], x->dim[x->rank - v->shape.rank + k]);
    if (fits) return WEIR_OK;
    return w_node_fail(e, g, n, "%s has shape %s, expected one that broadcasts to %s as X", i == SCALE ? "Scale" : "B",
                       w_shape_text(g, &v->shape, t), w_shape_text(g, x, u));
}

static weir_status infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_layernorm_attr *a = n->attr;
    const w_value *x = w_node_in(g, n, X);
    w_shape s = x->shape, lines = x->shape;
    w_type type = w_real_type(x), statistics = w_type_from_onnx(a->stash_type);
    int axis = 0;
    W_TRY(w_check_type(g, n, X, "X", W_T_FLOATS, e));
    W_TRY(w_check_rank(g, n, X, "X", 1, W_MAX_RANK, e));
    W_TRY(w_axis(g, n, a->axis, s.rank, &axis, e));
    if (statistics != WEIR_F32 && statistics != WEIR_BF16)
        return w_node_fail(e, g, n, "stash_type is %lld, expected 1 (f32) or 16 (bf16)", (long long)a->stash_type);
    for (uint32_t i = SCALE; i <= B; i++) W_TRY(check_param(g, n, i, &s, e));
    for (int i = axis; i < s.rank; i++) lines.dim[i] = 1;
    W_TRY(w_set_out(g, n, 0, type, &s, e));
    for (uint32_t o = 1; o < n->nout; o++) W_TRY(w_set_out(g, n, o, statistics, &lines, e));
    return WEIR_OK;
}

/* A line of one element is its own mean: nothing but B matters then. */
static w_tag map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    const w_value *v = w_node_in(g, n, i);
    const w_shape *x = &w_node_in(g, n, X)->shape;
    *in = (w_box){0};
    if (!v || (o && i)) return W_UNUSED;
    if (i) return w_box_broadcast(&v->shape, out, in) == W_EXACT && line_length(n, x) == 1 ? W_COVER : w_box_end(in, W_EXACT);
    *in = *out;
    for (int k = true_axis(n, x); k < x->rank; k++) w_box_axis(in, k, 0, out->n[k] ? x->dim[k] : 0, 1);
    return w_box_end(in, line_length(n, x) == 1 ? W_COVER : W_EXACT);
}

/* Two passes over the line for its statistics, two operations to write an element. */
static int64_t work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    const w_shape *x = &w_node_in(g, n, X)->shape;
    return o ? w_sat_mul(line_length(n, x), w_box_count(box)) : w_sat_mul(4, w_box_count(box));
}

typedef struct line { double mean, inverse; } line;

static line statistics_of(const float *x, int64_t len, double epsilon) {
    double sum = 0.0, squares = 0.0;
    for (int64_t i = 0; i < len; i++) sum += x[i];
    double mean = sum / (double)len;
    for (int64_t i = 0; i < len; i++) squares += (x[i] - mean) * (x[i] - mean);
    return (line){mean, 1.0 / sqrt(squares / (double)len + epsilon)};
}

static weir_status ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    (void)g;
    (void)e;
    const float *x = in[X].data, *scale = in[SCALE].data, *bias = n->nin > B ? in[B].data : NULL;
    int64_t len = line_length(n, &in[X].shape), count = w_count(&in[X]);
    w_walk k;
    w_walk_init(&k, &in[X].shape);
    w_walk_broadcast(&k, 0, &in[SCALE].shape);
    if (bias) w_walk_broadcast(&k, 1, &in[B].shape);
    for (int64_t first = 0; len && first < count; first += len) {
        line l = statistics_of(x + first, len, ((const w_layernorm_attr *)n->attr)->epsilon);
        for (int64_t i = first; i < first + len; i++, w_walk_step(&k))
            if (out[0].data)
                ((float *)out[0].data)[i] = (float)((x[i] - l.mean) * l.inverse * scale[k.off[0]] + (bias ? bias[k.off[1]] : 0.0));
        if (n->nout > 1 && out[1].data) ((float *)out[1].data)[first / len] = (float)l.mean;
        if (n->nout > 2 && out[2].data) ((float *)out[2].data)[first / len] = (float)l.inverse;
    }
    return WEIR_OK;
}

static const w_attr_def attrs[] = {
    A_INT(w_layernorm_attr, axis, -1), A_FLOAT(w_layernorm_attr, epsilon, 1e-5f), A_INT(w_layernorm_attr, stash_type, 1),
};

/* Op: LayerNormalization
 * ONNX: 17
 * Inputs: X, Scale, B (optional)
 * Attributes: axis, epsilon, stash_type
 * Limits: floating-point types; statistics are computed in f32 or better whatever stash_type says
 * Map: X exact: the lines that the box touches whole; Scale and B exact, with broadcasting
 */
W_OP_DEFINE(LayerNormalization, "LayerNormalization", 2, 3, 1, 3, 17, w_layernorm_attr, attrs, infer, map, work, ref);
