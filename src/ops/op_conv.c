/* Conv over one to three spatial axes, with the residual input and the activation that fusion gives it; ConvInteger: the exact
 * convolution of 8-bit integers. */
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

/* Shape of the result; unknown while an extent of the image is a symbol. */
static weir_status out_shape(const w_graph *g, const w_node *n, w_shape *s, weir_error *e) {
    const w_conv_attr *a = n->attr;
    w_window_spec spec = spec_of(a);
    w_window win;
    char t[W_SHAPE_TEXT];
    const w_shape *x = &w_node_in(g, n, X)->shape, *w = &w_node_in(g, n, W)->shape;
    *s = (w_shape){.known = false};
    W_TRY(w_check_rank(g, n, X, "X", 3, 5, e));
    if (w->rank != x->rank) return w_node_fail(e, g, n, "W has rank %u, expected %u as X", w->rank, x->rank);
    W_TRY(check_channels(g, n, a, x, w, e));
    if (!w_shape_positive(x)) return w_node_fail(e, g, n, "X has shape %s, expected no dimension of 0", w_shape_text(g, x, t));
    for (int i = 2; i < x->rank; i++)
        if (x->dim[i] < 0) return WEIR_OK;
    W_TRY(w_window_check(g, n, &spec, x, w, &win, e));
    *s = (w_shape){.rank = x->rank, .known = true, .dim = {x->dim[0], w->dim[0]}};
    for (int i = 2; i < x->rank; i++) s->dim[i] = win.out[i + 3 - x->rank];
    return WEIR_OK;
}

static weir_status set_out(w_graph *g, w_node *n, w_type t, const w_shape *s, weir_error *e) {
    if (s->known) return w_set_out(g, n, 0, t, s, e);
    w_set_unknown(g, n, 0, t);
    return WEIR_OK;
}

static weir_status infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    w_shape s;
    w_type t;
    W_TRY(w_check_product(g, n, "X", &t, e));
    W_TRY(out_shape(g, n, &s, e));
    if (s.known) W_TRY(check_extra(g, n, &s, e));
    return set_out(g, n, t, &s, e);
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

static w_tag map_channels(const w_box *out, w_box *in) {
    *in = (w_box){.rank = 1};
    w_box_axis(in, 0, out->lo[1], out->n[1], out->step[1]);
    return W_EXACT;
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
    case B: return map_channels(out, in);
    case R: *in = *out; return W_EXACT;
    default: return w_box_whole(&v->shape, W_EXACT, in);
    }
}

static int64_t work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    (void)o;
    const w_shape *w = &w_node_in(g, n, W)->shape;
    int64_t per = 1;
    for (int i = 1; i < w->rank; i++) per = w_sat_mul(per, w->dim[i]);
    return w_sat_mul(per, w_box_count(box));
}

/* Where the operands of the sums lie: for output plane p, the planes of its group and its filter. */
typedef struct planes { w_window win; int64_t count, channels, cpg, per_group, image, taps, size, all; } planes;

static planes planes_of(const w_node *n, const w_tensor *in, const w_tensor *out) {
    const w_conv_attr *a = n->attr;
    w_window_spec spec = spec_of(a);
    planes p = {.channels = in[W].shape.dim[0], .cpg = in[W].shape.dim[1], .all = in[X].shape.dim[1]};
    w_window_get(&spec, &in[X].shape, &in[W].shape, &p.win);
    p.count = out->shape.dim[0] * p.channels;
    p.per_group = p.channels / a->group;
    p.image = p.win.in[0] * p.win.in[1] * p.win.in[2];
    p.taps = p.win.k[0] * p.win.k[1] * p.win.k[2];
    p.size = p.win.out[0] * p.win.out[1] * p.win.out[2];
    return p;
}

/* Sum of the products of one window that lie inside the image; x and w are whole operands. */
static double window_sum(const planes *p, int64_t plane, const int64_t at[3], const w_numbers *x, const w_numbers *w) {
    double sum = 0;
    const w_window *win = &p->win;
    int64_t oc = plane % p->channels, k[3];
    int64_t image = (plane / p->channels * p->all + oc / p->per_group * p->cpg) * p->image, filter = oc * p->cpg * p->taps;
    for (k[0] = 0; k[0] < win->k[0]; k[0]++) {
        int64_t z = at[0] * win->s[0] + k[0] * win->d[0] - win->lo[0];
        if (z < 0 || z >= win->in[0]) continue;
        for (k[1] = 0; k[1] < win->k[1]; k[1]++) {
            int64_t r = at[1] * win->s[1] + k[1] * win->d[1] - win->lo[1];
            if (r < 0 || r >= win->in[1]) continue;
            for (k[2] = 0; k[2] < win->k[2]; k[2]++) {
                int64_t c = at[2] * win->s[2] + k[2] * win->d[2] - win->lo[2];
                if (c < 0 || c >= win->in[2]) continue;
                int64_t px = image + (z * win->in[1] + r) * win->in[2] + c, pw = filter + (k[0] * win->k[1] + k[1]) * win->k[2] + k[2];
                for (int64_t ic = 0; ic < p->cpg; ic++) sum += w_number(x, px + ic * p->image) * w_number(w, pw + ic * p->taps);
            }
        }
    }
    return sum;
}

static void next_window(const w_window *win, int64_t at[3]) {
    for (int j = 2; j >= 0 && ++at[j] == win->out[j]; j--) at[j] = 0;
}

static weir_status ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    (void)g;
    (void)e;
    const w_conv_attr *a = n->attr;
    planes p = planes_of(n, in, out);
    const float *bias = n->nin > B ? in[B].data : NULL, *res = n->nin > R ? in[R].data : NULL;
    double unit;
    w_numbers x = w_product_data(n, in, &unit), w = w_numbers_of(&in[W], 0);
    for (int64_t o = 0; o < p.count; o++) {
        int64_t at[3] = {0};
        for (int64_t i = o * p.size; i < (o + 1) * p.size; i++, next_window(&p.win, at)) {
            double sum = unit * window_sum(&p, o, at, &x, &w) + (bias ? bias[o % p.channels] : 0.0);
            ((float *)out->data)[i] = w_act_apply(&a->ep, (float)(res ? sum + res[i] : sum));
        }
    }
    return WEIR_OK;
}

static const w_attr_def conv_attrs[] = {
    A_INTS(w_conv_attr, kernel_shape), A_INTS(w_conv_attr, strides), A_INTS(w_conv_attr, pads), A_INTS(w_conv_attr, dilations),
    A_INT(w_conv_attr, group, 1), A_STRING(w_conv_attr, auto_pad, "NOTSET"), A_EPILOGUE(w_conv_attr),
};

/* Op: Conv
 * ONNX: 1, 11
 * Inputs: X, W, B (optional), residual (optional, weir's: added before the activation), scale and zero point of X (optional, weir's: X is u8)
 * Attributes: kernel_shape, strides, pads, dilations, group, auto_pad; weir_act, weir_act_a, weir_act_b
 * Limits: 1 to 3 spatial axes; the shape of W is a number on every axis
 * Map: X exact: the windows of the box, all channels of the groups it hits; W exact: its filters and the taps that hit the image
 */
W_OP_DEFINE(Conv, "Conv", 2, 6, 1, 1, 1, w_conv_attr, conv_attrs, infer, map, work, ref);

/* ---- ConvInteger ---- */

enum { X_ZERO = 2, W_ZERO = 3 };

static weir_status check_zero(const w_graph *g, const w_node *n, uint32_t i, const char *what, int64_t channels, weir_error *e) {
    const w_value *z = w_node_in(g, n, i), *v = w_node_in(g, n, i - X_ZERO);
    char t[W_SHAPE_TEXT];
    if (!z) return WEIR_OK;
    if (z->type != v->type) return w_node_fail(e, g, n, "%s has type %s, expected %s as its operand", what, w_type_name(z->type), w_type_name(v->type));
    if (z->shape.rank == 0 || (z->shape.rank == 1 && (z->shape.dim[0] == 1 || z->shape.dim[0] == channels))) return WEIR_OK;
    return w_node_fail(e, g, n, "%s has shape %s, expected one number%s", what, w_shape_text(g, &z->shape, t),
                       channels > 1 ? ", or one an output channel" : "");
}

static weir_status integer_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    w_shape s;
    W_TRY(w_check_bytes(g, n, X, "x", e));
    W_TRY(w_check_bytes(g, n, W, "w", e));
    W_TRY(out_shape(g, n, &s, e));
    W_TRY(check_zero(g, n, X_ZERO, "x_zero_point", 1, e));
    W_TRY(check_zero(g, n, W_ZERO, "w_zero_point", w_node_in(g, n, W)->shape.dim[0], e));
    return set_out(g, n, WEIR_S32, &s, e);
}

static w_tag integer_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    const w_value *v = w_node_in(g, n, i);
    *in = (w_box){0};
    if (i <= W || !v || w_box_count(out) == 0) return i <= W ? map(g, n, o, out, i, in) : W_UNUSED;
    return w_shape_count(&v->shape) == 1 ? w_box_whole(&v->shape, W_EXACT, in) : map_channels(out, in);
}

static int64_t zero_of(const w_node *n, const w_tensor *in, uint32_t i, int64_t channel) {
    return n->nin > i && in[i].data ? w_load_int(in[i].data, in[i].type, w_count(&in[i]) == 1 ? 0 : (size_t)channel) : 0;
}

static weir_status integer_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    (void)g;
    (void)e;
    planes p = planes_of(n, in, out);
    w_numbers x = w_numbers_of(&in[X], zero_of(n, in, X_ZERO, 0));
    for (int64_t o = 0; o < p.count; o++) {
        int64_t at[3] = {0};
        w_numbers w = w_numbers_of(&in[W], zero_of(n, in, W_ZERO, o % p.channels));
        for (int64_t i = o * p.size; i < (o + 1) * p.size; i++, next_window(&p.win, at))
            w_store_int(out->data, WEIR_S32, (size_t)i, (int64_t)window_sum(&p, o, at, &x, &w));
    }
    return WEIR_OK;
}

static const w_attr_def integer_attrs[] = {
    A_INTS(w_conv_attr, kernel_shape), A_INTS(w_conv_attr, strides), A_INTS(w_conv_attr, pads), A_INTS(w_conv_attr, dilations),
    A_INT(w_conv_attr, group, 1), A_STRING(w_conv_attr, auto_pad, "NOTSET"),
};

/* Op: ConvInteger
 * ONNX: 10
 * Inputs: x, w, x_zero_point (optional), w_zero_point (optional)
 * Attributes: kernel_shape, strides, pads, dilations, group, auto_pad
 * Limits: operands of 8 bits; sums wrap at 32 bits; 1 to 3 spatial axes; the shape of w is a number on every axis
 * Map: x and w as X and W of Conv; w_zero_point exact: those of the box's channels
 */
W_OP_DEFINE(ConvInteger, "ConvInteger", 2, 4, 1, 1, 10, w_conv_attr, integer_attrs, integer_infer, integer_map, work, integer_ref);
