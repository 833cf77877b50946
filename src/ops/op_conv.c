/* Conv over one to three spatial axes, with the residual input and the activation that fusion gives it. */
#include "op_attr_table.h"
#include "op_util.h"

enum { X, W, B, R };

static w_window_spec spec_of(const w_conv_attr *a) {
    return (w_window_spec){&a->kernel_shape, &a->strides, &a->pads, &a->dilations, a->auto_pad, false};
}

static weir_status check_channels(const w_graph *g, const w_node *n, const w_conv_attr *a, const w_shape *x, const w_shape *w, weir_error *e) {
    if (a->group < 1 || a->group > W_MAX_DIM) return w_node_fail(e, g, n, "group is %lld, expected at least 1", (long long)a->group);
    for (int i = 0; i < w->rank; i++)
        if (w->dim[i] < 1) return w_node_fail(e, g, n, "W has dimension %lld on axis %d, expected a number of at least 1", (long long)w->dim[i], i);
    if (w->dim[0] % a->group)
        return w_node_fail(e, g, n, "W has %lld output channels, group %lld does not divide them", (long long)w->dim[0], (long long)a->group);
    if (x->dim[1] >= 0 && w->dim[1] * a->group != x->dim[1])
        return w_node_fail(e, g, n, "W has %lld input channels, X has %lld and group is %lld", (long long)w->dim[1], (long long)x->dim[1],
                           (long long)a->group);
    return WEIR_OK;
}

static weir_status check_extra(const w_graph *g, const w_node *n, const w_shape *out, weir_error *e) {
    const w_value *b = w_node_in(g, n, B), *r = w_node_in(g, n, R);
    char t[W_SHAPE_TEXT], u[W_SHAPE_TEXT];
    if (b && (b->shape.rank != 1 || b->shape.dim[0] != out->dim[1]))
        return w_node_fail(e, g, n, "B has shape %s, expected [%lld] as W's output channels", w_shape_text(g, &b->shape, t), (long long)out->dim[1]);
    if (!r) return WEIR_OK;
    bool same = r->shape.rank == out->rank;
    for (int i = 0; same && i < out->rank; i++) same = w_dims_agree(r->shape.dim[i], out->dim[i]);
    if (same) return WEIR_OK;
    return w_node_fail(e, g, n, "the residual has shape %s, expected %s as the output", w_shape_text(g, &r->shape, t), w_shape_text(g, out, u));
}

static weir_status infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_conv_attr *a = n->attr;
    w_window_spec spec = spec_of(a);
    w_window win;
    char t[W_SHAPE_TEXT];
    const w_shape *x = &w_node_in(g, n, X)->shape, *w = &w_node_in(g, n, W)->shape;
    W_TRY(w_check_type(g, n, X, "X", W_T_FLOATS, e));
    for (uint32_t i = W; i <= R; i++) W_TRY(w_check_same_type(g, n, X, i, e));
    W_TRY(w_check_rank(g, n, X, "X", 3, 5, e));
    if (w->rank != x->rank) return w_node_fail(e, g, n, "W has rank %u, expected %u as X", w->rank, x->rank);
    W_TRY(check_channels(g, n, a, x, w, e));
    if (!w_shape_positive(x)) return w_node_fail(e, g, n, "X has shape %s, expected no dimension of 0", w_shape_text(g, x, t));
    for (int i = 2; i < x->rank; i++)
        if (x->dim[i] < 0) return w_set_unknown(g, n, 0, w_real_type(w_node_in(g, n, X))), WEIR_OK;
    W_TRY(w_window_check(g, n, &spec, x, w, &win, e));
    w_shape s = {.rank = x->rank, .known = true, .dim = {x->dim[0], w->dim[0]}};
    for (int i = 2; i < x->rank; i++) s.dim[i] = win.out[i + 3 - x->rank];
    W_TRY(check_extra(g, n, &s, e));
    return w_set_out(g, n, 0, w_real_type(w_node_in(g, n, X)), &s, e);
}

/* The taps of axis j that some output of the box reads inside the input. */
static w_tag taps_used(const w_window *win, int j, int64_t lo, int64_t step, int64_t count, w_box *in, int axis) {
    int64_t first = -1, last = -1, hits = 0;
    if (win->k[j] > 4096) return w_box_axis(in, axis, 0, win->k[j], 1), W_COVER;
    for (int64_t k = 0; k < win->k[j]; k++) {
        int64_t at = lo * win->s[j] - win->lo[j] + k * win->d[j], stride = step * win->s[j];
        int64_t skip = at < 0 ? (-at + stride - 1) / stride : 0;
        if (skip >= count || at + skip * stride >= win->in[j]) continue;
        if (first < 0) first = k;
        last = k;
        hits++;
    }
    w_box_axis(in, axis, first < 0 ? 0 : first, first < 0 ? 0 : last - first + 1, 1);
    return hits == last - first + 1 || first < 0 ? W_EXACT : W_COVER;
}

static w_tag map_x(const w_window *win, const w_shape *x, const w_shape *w, int64_t group, const w_box *out, w_box *in) {
    int64_t per_group = w->dim[0] / group, first = out->lo[1] / per_group;
    int64_t last = (out->lo[1] + (out->n[1] - 1) * out->step[1]) / per_group;
    *in = (w_box){.rank = x->rank};
    w_box_axis(in, 0, out->lo[0], out->n[0], out->step[0]);
    w_box_axis(in, 1, first * w->dim[1], (last - first + 1) * w->dim[1], 1);
    w_tag tag = out->step[1] <= per_group ? W_EXACT : W_COVER;
    return w_box_end(in, w_map_window(win, out, in, 2) == W_COVER ? W_COVER : tag);
}

static w_tag map_w(const w_window *win, const w_shape *w, const w_box *out, w_box *in) {
    w_tag tag = W_EXACT;
    *in = (w_box){.rank = w->rank};
    w_box_axis(in, 0, out->lo[1], out->n[1], out->step[1]);
    w_box_axis(in, 1, 0, w->dim[1], 1);
    for (int i = 0; i < win->nsp; i++)
        if (taps_used(win, 3 - win->nsp + i, out->lo[2 + i], out->step[2 + i], out->n[2 + i], in, 2 + i) == W_COVER) tag = W_COVER;
    return w_box_end(in, tag);
}

static w_tag map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    (void)o;
    const w_conv_attr *a = n->attr;
    w_window_spec spec = spec_of(a);
    w_window win;
    const w_value *v = w_node_in(g, n, i);
    const w_shape *x = &w_node_in(g, n, X)->shape, *w = &w_node_in(g, n, W)->shape;
    *in = (w_box){0};
    if (!v || w_box_count(out) == 0) return W_UNUSED;
    w_window_get(&spec, x, w, &win);
    switch (i) {
    case X: return map_x(&win, x, w, a->group, out, in);
    case W: return map_w(&win, w, out, in);
    case B:
        in->rank = 1;
        w_box_axis(in, 0, out->lo[1], out->n[1], out->step[1]);
        return W_EXACT;
    default: *in = *out; return W_EXACT;
    }
}

static int64_t work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    (void)o;
    const w_shape *w = &w_node_in(g, n, W)->shape;
    int64_t per = 1;
    for (int i = 1; i < w->rank; i++) per = w_sat_mul(per, w->dim[i]);
    return w_sat_mul(per, w_box_count(box));
}

/* One output plane: filter `w` ([cpg] x taps) over image planes `x`. */
static void plane(const w_window *win, const float *x, int64_t cpg, const float *w, float bias, const float *residual, const w_epilogue *ep,
                  float *y) {
    int64_t image = win->in[0] * win->in[1] * win->in[2], taps = win->k[0] * win->k[1] * win->k[2], at[3] = {0}, k[3];
    for (int64_t i = 0, count = win->out[0] * win->out[1] * win->out[2]; i < count; i++) {
        double sum = bias;
        for (k[0] = 0; k[0] < win->k[0]; k[0]++) {
            int64_t z = at[0] * win->s[0] + k[0] * win->d[0] - win->lo[0];
            if (z < 0 || z >= win->in[0]) continue;
            for (k[1] = 0; k[1] < win->k[1]; k[1]++) {
                int64_t r = at[1] * win->s[1] + k[1] * win->d[1] - win->lo[1];
                if (r < 0 || r >= win->in[1]) continue;
                for (k[2] = 0; k[2] < win->k[2]; k[2]++) {
                    int64_t c = at[2] * win->s[2] + k[2] * win->d[2] - win->lo[2];
                    if (c < 0 || c >= win->in[2]) continue;
                    const float *px = x + (z * win->in[1] + r) * win->in[2] + c, *pw = w + (k[0] * win->k[1] + k[1]) * win->k[2] + k[2];
                    for (int64_t ic = 0; ic < cpg; ic++) sum += (double)px[ic * image] * pw[ic * taps];
                }
            }
        }
        y[i] = w_act_apply(ep, (float)(residual ? sum + residual[i] : sum));
        for (int j = 2; j >= 0 && ++at[j] == win->out[j]; j--) at[j] = 0;
    }
}

static weir_status ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    (void)g;
    (void)e;
    const w_conv_attr *a = n->attr;
    w_window_spec spec = spec_of(a);
    w_window win;
    w_window_get(&spec, &in[X].shape, &in[W].shape, &win);
    int64_t channels = in[W].shape.dim[0], cpg = in[W].shape.dim[1], per_group = channels / a->group;
    int64_t image = win.in[0] * win.in[1] * win.in[2], size = win.out[0] * win.out[1] * win.out[2];
    const float *x = in[X].data, *w = in[W].data, *bias = n->nin > B ? in[B].data : NULL, *res = n->nin > R ? in[R].data : NULL;
    for (int64_t p = 0; p < out->shape.dim[0] * channels; p++) {
        int64_t b = p / channels, oc = p % channels;
        plane(&win, x + (b * in[X].shape.dim[1] + oc / per_group * cpg) * image, cpg, w + oc * cpg * win.k[0] * win.k[1] * win.k[2],
              bias ? bias[oc] : 0.0f, res ? res + p * size : NULL, &a->ep, (float *)out->data + p * size);
    }
    return WEIR_OK;
}

static const w_attr_def conv_attrs[] = {
    A_INTS(w_conv_attr, kernel_shape), A_INTS(w_conv_attr, strides), A_INTS(w_conv_attr, pads), A_INTS(w_conv_attr, dilations),
    A_INT(w_conv_attr, group, 1), A_STRING(w_conv_attr, auto_pad, "NOTSET"), A_EPILOGUE(w_conv_attr),
};

/* Op: Conv
 * ONNX: 1, 11
 * Inputs: X, W, B (optional), residual (optional, weir's: added before the activation)
 * Attributes: kernel_shape, strides, pads, dilations, group, auto_pad; weir_act, weir_act_a, weir_act_b
 * Limits: 1 to 3 spatial axes; the shape of W is a number on every axis
 * Map: X exact: the windows of the box, all channels of the groups it hits; W exact: its filters and the taps that hit the image
 */
W_OP_DEFINE(Conv, "Conv", 2, 4, 1, 1, 1, w_conv_attr, conv_attrs, infer, map, work, ref);
