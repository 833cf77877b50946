/* ConvTranspose over one to three spatial axes: every input spreads its weighted kernel over the output. */
#include "op_attr_table.h"
#include "op_util.h"
#include <string.h>

enum { X, WEIGHTS, B };

/* One spatial axis; missing ones lead, with extent and kernel 1. Output o gets input i by tap k where i * s + k * d == o + lo. */
typedef struct spread { int64_t in[3], out[3], k[3], s[3], d[3], lo[3]; } spread;

static int64_t int_or(const w_ints *a, int i, int64_t missing) { return a->n > (uint32_t)i ? a->v[i] : missing; }

static bool is_same(const char *auto_pad) { return strncmp(auto_pad, "SAME_", 5) == 0; }

/* Padding follows from the output's length when that is given, or when it must be that of the input times the stride. */
static void spread_axis(const w_convtranspose_attr *a, spread *p, int i, int nsp) {
    int j = 3 - nsp + i;
    int64_t full = p->s[j] * (p->in[j] - 1) + int_or(&a->output_padding, i, 0) + (p->k[j] - 1) * p->d[j] + 1;
    bool same = is_same(a->auto_pad);
    if (!same && !a->output_shape.n) {
        bool padded = strcmp(a->auto_pad, "VALID") != 0;
        p->lo[j] = padded ? int_or(&a->pads, i, 0) : 0;
        p->out[j] = full - p->lo[j] - (padded ? int_or(&a->pads, nsp + i, 0) : 0);
        return;
    }
    int at = a->output_shape.n == (uint32_t)nsp + 2 ? i + 2 : i; /* some exporters write batch and channels too */
    p->out[j] = a->output_shape.n ? a->output_shape.v[at] : p->in[j] * p->s[j];
    int64_t total = W_MAX(full - p->out[j], 0);
    p->lo[j] = strcmp(a->auto_pad, "SAME_UPPER") == 0 ? total / 2 : total - total / 2;
}

static void spread_get(const w_convtranspose_attr *a, const w_shape *x, const w_shape *w, spread *p) {
    int nsp = x->rank - 2;
    *p = (spread){0};
    for (int j = 0; j < 3; j++) p->in[j] = p->out[j] = p->k[j] = p->s[j] = p->d[j] = 1;
    for (int i = 0; i < nsp; i++) {
        int j = 3 - nsp + i;
        p->in[j] = x->dim[2 + i];
        p->k[j] = w->dim[2 + i];
        p->s[j] = int_or(&a->strides, i, 1);
        p->d[j] = int_or(&a->dilations, i, 1);
        spread_axis(a, p, i, nsp);
    }
}

/* ---- shape rule ---- */

static weir_status check_list(const w_graph *g, const w_node *n, const w_ints *a, const char *what, uint32_t expected, int64_t least, weir_error *e) {
    if (a->n && a->n != expected) return w_node_fail(e, g, n, "%s has %u entries, expected %u", what, a->n, expected);
    for (uint32_t i = 0; i < a->n; i++)
        if (a->v[i] < least || a->v[i] > W_MAX_DIM)
            return w_node_fail(e, g, n, "%s[%u] is %lld, expected %lld to %lld", what, i, (long long)a->v[i], (long long)least, (long long)W_MAX_DIM);
    return WEIR_OK;
}

static weir_status check_attributes(const w_graph *g, const w_node *n, const w_shape *w, weir_error *e) {
    const w_convtranspose_attr *a = n->attr;
    uint32_t nsp = w->rank - 2u;
    W_TRY(check_list(g, n, &a->kernel_shape, "kernel_shape", nsp, 1, e));
    W_TRY(check_list(g, n, &a->strides, "strides", nsp, 1, e));
    W_TRY(check_list(g, n, &a->dilations, "dilations", nsp, 1, e));
    W_TRY(check_list(g, n, &a->pads, "pads", 2 * nsp, 0, e));
    W_TRY(check_list(g, n, &a->output_padding, "output_padding", nsp, 0, e));
    W_TRY(check_list(g, n, &a->output_shape, "output_shape", a->output_shape.n == nsp + 2 ? nsp + 2 : nsp, 0, e));
    for (uint32_t i = 0; i < a->kernel_shape.n; i++)
        if (a->kernel_shape.v[i] != w->dim[2 + i])
            return w_node_fail(e, g, n, "kernel_shape[%u] is %lld, W has %lld there", i, (long long)a->kernel_shape.v[i], (long long)w->dim[2 + i]);
    if (is_same(a->auto_pad) || strcmp(a->auto_pad, "NOTSET") == 0 || strcmp(a->auto_pad, "VALID") == 0) return WEIR_OK;
    return w_node_fail(e, g, n, "auto_pad is '%.40s', expected NOTSET, SAME_UPPER, SAME_LOWER or VALID", a->auto_pad);
}

static weir_status check_channels(const w_graph *g, const w_node *n, const w_shape *x, const w_shape *w, weir_error *e) {
    int64_t group = ((const w_convtranspose_attr *)n->attr)->group;
    const w_value *b = w_node_in(g, n, B);
    char t[W_SHAPE_TEXT];
    if (group < 1 || group > W_MAX_DIM) return w_node_fail(e, g, n, "group is %lld, expected at least 1", (long long)group);
    for (int i = 0; i < w->rank; i++)
        if (w->dim[i] < 1) return w_node_fail(e, g, n, "W has dimension %lld on axis %d, expected a number of at least 1", (long long)w->dim[i], i);
    W_TRY(w_check_dim_equal(g, n, "the number of channels of X", x->dim[1], "W has for its inputs", w->dim[0], e));
    if (w->dim[0] % group) return w_node_fail(e, g, n, "W has %lld input channels, group %lld does not divide them", (long long)w->dim[0], (long long)group);
    if (!b || (b->shape.rank == 1 && b->shape.dim[0] == w_sat_mul(w->dim[1], group))) return WEIR_OK;
    return w_node_fail(e, g, n, "B has shape %s, expected [%lld] as W's output channels", w_shape_text(g, &b->shape, t), (long long)w_sat_mul(w->dim[1], group));
}

static weir_status infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_value *v = w_node_in(g, n, X);
    const w_shape *x = &v->shape, *w = &w_node_in(g, n, WEIGHTS)->shape;
    spread p;
    W_TRY(w_check_type(g, n, X, "X", W_T_FLOATS, e));
    for (uint32_t i = WEIGHTS; i <= B; i++) W_TRY(w_check_same_type(g, n, X, i, e));
    W_TRY(w_check_rank(g, n, X, "X", 3, 5, e));
    if (w->rank != x->rank) return w_node_fail(e, g, n, "W has rank %u, expected %u as X", w->rank, x->rank);
    W_TRY(check_channels(g, n, x, w, e));
    W_TRY(check_attributes(g, n, w, e));
    for (int i = 2; i < x->rank; i++)
        if (x->dim[i] < 0) return w_set_unknown(g, n, 0, w_real_type(v)), WEIR_OK;
    spread_get(n->attr, x, w, &p);
    w_shape s = {.rank = x->rank, .known = true, .dim = {x->dim[0], w_sat_mul(w->dim[1], ((const w_convtranspose_attr *)n->attr)->group)}};
    for (int i = 2; i < x->rank; i++) {
        s.dim[i] = p.out[i + 3 - x->rank];
        if (s.dim[i] < 1 || x->dim[i] < 1) return w_node_fail(e, g, n, "axis %d of the output would have %lld elements", i, (long long)s.dim[i]);
    }
    return w_set_out(g, n, 0, w_real_type(v), &s, e);
}

/* ---- access map, work ---- */

/* Inputs whose kernels reach into lo ... hi of the output. */
static void reached_from(const spread *p, int j, int64_t lo, int64_t hi, w_box *in, int axis) {
    int64_t first = lo + p->lo[j] - (p->k[j] - 1) * p->d[j], last = (hi + p->lo[j]) / p->s[j];
    first = first <= 0 ? 0 : (first + p->s[j] - 1) / p->s[j];
    last = W_MIN(last, p->in[j] - 1);
    w_box_axis(in, axis, first <= last ? first : 0, W_MAX(last - first + 1, 0), 1);
}

static w_tag map_x(const spread *p, const w_shape *x, const w_shape *w, int64_t group, const w_box *out, w_box *in) {
    int64_t first = out->lo[1] / w->dim[1], last = (out->lo[1] + (out->n[1] - 1) * out->step[1]) / w->dim[1], each = x->dim[1] / group;
    bool exact = out->step[1] <= w->dim[1];
    *in = (w_box){.rank = x->rank};
    w_box_axis(in, 0, out->lo[0], out->n[0], out->step[0]);
    w_box_axis(in, 1, first * each, (last - first + 1) * each, 1);
    for (int i = 2; i < x->rank; i++) {
        int j = i + 3 - x->rank;
        reached_from(p, j, out->lo[i], out->lo[i] + (out->n[i] - 1) * out->step[i], in, i);
        exact &= p->d[j] == 1 && out->step[i] == 1;
    }
    return w_box_end(in, exact ? W_EXACT : W_COVER);
}

static w_tag map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    const w_convtranspose_attr *a = n->attr;
    const w_shape *x = &w_node_in(g, n, X)->shape, *w = &w_node_in(g, n, WEIGHTS)->shape;
    spread p;
    *in = (w_box){0};
    if (!w_node_in(g, n, i) || w_box_count(out) == 0) return W_UNUSED;
    if (i == WEIGHTS) return w_map_all(g, n, o, out, i, in);
    spread_get(a, x, w, &p);
    if (i == X) return map_x(&p, x, w, a->group, out, in);
    in->rank = 1;
    w_box_axis(in, 0, out->lo[1], out->n[1], out->step[1]);
    return W_EXACT;
}

/* An output gets every stride-th tap, at most. */
static int64_t work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    (void)o;
    const w_shape *x = &w_node_in(g, n, X)->shape, *w = &w_node_in(g, n, WEIGHTS)->shape;
    spread p;
    int64_t taps = 1, channels = w->dim[0] / ((const w_convtranspose_attr *)n->attr)->group;
    spread_get(n->attr, x, w, &p);
    for (int j = 0; j < 3; j++) taps = w_sat_mul(taps, (p.k[j] + p.s[j] - 1) / p.s[j]);
    return w_sat_mul(w_sat_mul(taps, channels), w_box_count(box));
}

/* ---- reference ---- */

/* The input behind output o by tap k of axis j, or -1. */
static int64_t source(const spread *p, int j, int64_t o, int64_t k) {
    int64_t at = o + p->lo[j] - k * p->d[j];
    return at >= 0 && at % p->s[j] == 0 && at / p->s[j] < p->in[j] ? at / p->s[j] : -1;
}

/* One output: kernels [channels][...] of `w`, `step` apart, over the image planes `x`. */
static double element(const spread *p, const float *x, int64_t channels, const float *w, int64_t step, const int64_t at[3]) {
    int64_t image = p->in[0] * p->in[1] * p->in[2], k[3], i[3];
    double sum = 0;
    for (k[0] = 0; k[0] < p->k[0]; k[0]++) {
        if ((i[0] = source(p, 0, at[0], k[0])) < 0) continue;
        for (k[1] = 0; k[1] < p->k[1]; k[1]++) {
            if ((i[1] = source(p, 1, at[1], k[1])) < 0) continue;
            for (k[2] = 0; k[2] < p->k[2]; k[2]++) {
                if ((i[2] = source(p, 2, at[2], k[2])) < 0) continue;
                const float *px = x + (i[0] * p->in[1] + i[1]) * p->in[2] + i[2], *pw = w + (k[0] * p->k[1] + k[1]) * p->k[2] + k[2];
                for (int64_t c = 0; c < channels; c++) sum += (double)px[c * image] * pw[c * step];
            }
        }
    }
    return sum;
}

static weir_status ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    (void)g;
    (void)e;
    const w_convtranspose_attr *a = n->attr;
    const w_shape *xs = &in[X].shape, *ws = &in[WEIGHTS].shape;
    spread p;
    spread_get(a, xs, ws, &p);
    int64_t image = p.in[0] * p.in[1] * p.in[2], size = p.out[0] * p.out[1] * p.out[2], taps = p.k[0] * p.k[1] * p.k[2];
    int64_t all = out->shape.dim[1], each = xs->dim[1] / a->group, step = ws->dim[1] * taps;
    const float *bias = n->nin > B ? in[B].data : NULL;
    for (int64_t plane = 0; plane < out->shape.dim[0] * all; plane++) {
        int64_t c = plane % all, first = c / ws->dim[1] * each, at[3] = {0};
        const float *x = (const float *)in[X].data + (plane / all * xs->dim[1] + first) * image;
        const float *w = (const float *)in[WEIGHTS].data + first * step + c % ws->dim[1] * taps;
        for (int64_t k = 0; k < size; k++) {
            ((float *)out->data)[plane * size + k] = (float)(element(&p, x, each, w, step, at) + (bias ? bias[c] : 0.0));
            for (int j = 2; j >= 0 && ++at[j] == p.out[j]; j--) at[j] = 0;
        }
    }
    return WEIR_OK;
}

static const w_attr_def attrs[] = {
    A_INTS(w_convtranspose_attr, kernel_shape), A_INTS(w_convtranspose_attr, strides), A_INTS(w_convtranspose_attr, pads),
    A_INTS(w_convtranspose_attr, dilations), A_INTS(w_convtranspose_attr, output_padding), A_INTS(w_convtranspose_attr, output_shape),
    A_INT(w_convtranspose_attr, group, 1), A_STRING(w_convtranspose_attr, auto_pad, "NOTSET"),
};

/* Op: ConvTranspose
 * ONNX: 1, 11
 * Inputs: X, W, B (optional)
 * Attributes: kernel_shape, strides, pads, dilations, output_padding, output_shape, group, auto_pad
 * Limits: 1 to 3 spatial axes; the shape of W is a number on every axis
 * Map: X exact without dilation: what reaches into the box, all channels of the groups it hits; B exact; W cover
 */
W_OP_DEFINE(ConvTranspose, "ConvTranspose", 2, 3, 1, 1, 1, w_convtranspose_attr, attrs, infer, map, work, ref);
