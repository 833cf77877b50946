/* Resize: each axis is a weighted sum of neighbours of its own, and the operator is their product.
 *
 * A w_resize_line says for one axis which inputs an output reads and with what weights; shape rule, access map, reference and
 * the steps that run it fast all ask it. Positions are computed in f32, as ONNX Runtime does: in double, ties fall elsewhere. */
#include "op_attr_table.h"
#include "op_resize.h"
#include "op_util.h"
#include <math.h>
#include <string.h>

enum { X, ROI, SCALES, SIZES };

/* ---- one axis ---- */

static bool is(const char *a, const char *b) { return a && strcmp(a, b) == 0; }

/* Where output o lies between the inputs. */
static float origin(const w_resize_line *l, int64_t o) {
    float length = l->scale * (float)l->in, x = (float)o, last = (float)(l->in - 1);
    switch (l->transform) {
    case W_RESIZE_ALIGN_CORNERS: return length == 1.0f ? 0.0f : x * last / (length - 1.0f);
    case W_RESIZE_ASYMMETRIC: return x / l->scale;
    case W_RESIZE_CROP:
        if (l->out == 1) return 0.5f * (l->roi[0] + l->roi[1]) * last;
        return l->roi[0] * last + x * (l->roi[1] - l->roi[0]) * last / (float)(l->out - 1);
    case W_RESIZE_PYTORCH: return l->out == 1 ? 0.0f : (x + 0.5f) / l->scale - 0.5f;
    case W_RESIZE_TF_NEAREST: return (x + 0.5f) / l->scale;
    case W_RESIZE_SYMMETRIC: return 0.5f * (float)l->in * (1.0f - (float)l->out / length) + (x + 0.5f) / l->scale - 0.5f;
    default: return (x + 0.5f) / l->scale - 0.5f;
    }
}

/* The cubic convolution kernel. */
static double cubic(double x, double a) {
    x = fabs(x);
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

static double nearest(const w_resize_line *l, double ratio, bool right) {
    bool up = ratio == 1.0;
    switch (l->nearest) {
    case W_RESIZE_PREFER_FLOOR: up |= ratio > 0.5; break;
    case W_RESIZE_PREFER_CEIL: up |= ratio >= 0.5; break;
    case W_RESIZE_CEIL: up = true; break;
    default: break;
    }
    return up == right;
}

/* Neighbours of a position: base + 1 - reach ... base + reach, where base < position <= base + 1. */
typedef struct around { float at; int64_t base, reach; double shrink; } around;

static around around_of(const w_resize_line *l, int64_t o) {
    around a = {.at = fminf(fmaxf(origin(l, o), -0x1p32f), 0x1p32f), .reach = l->mode == W_RESIZE_CUBIC ? 2 : 1, .shrink = 1};
    a.base = (int64_t)ceilf(a.at) - 1;
    if (!l->antialias || l->scale >= 1 || l->mode == W_RESIZE_NEAREST) return a;
    a.shrink = l->scale;
    a.reach = -(int64_t)floor(-(double)a.reach / a.shrink);
    return a;
}

static double coefficient(const w_resize_line *l, const around *a, int64_t i) {
    if (l->mode == W_RESIZE_NEAREST) return nearest(l, (double)a->at - (double)a->base, i > a->base);
    double x = ((double)i - (double)a->at) * a->shrink;
    return l->mode == W_RESIZE_CUBIC ? cubic(x, l->cubic_a) : fmax(1 - fabs(x), 0);
}

static int64_t inside(const w_resize_line *l, int64_t i) { return W_MAX(W_MIN(i, l->in - 1), 0); }

bool w_resize_taps(const w_resize_line *l, int64_t o, int64_t *lo, int64_t *hi) {
    if (l->whole) return *lo = *hi = o, true;
    around a = around_of(l, o);
    if (l->transform == W_RESIZE_CROP && !(a.at >= 0 && a.at <= (float)(l->in - 1))) return false;
    *lo = inside(l, a.base + 1 - a.reach);
    *hi = inside(l, a.base + a.reach);
    if (l->mode == W_RESIZE_NEAREST) *lo = *hi = coefficient(l, &a, a.base) > 0 ? *lo : *hi;
    return true;
}

/* What lies beyond the ends counts for the element there, or not at all. */
double w_resize_weight(const w_resize_line *l, int64_t o, int64_t i) {
    if (l->whole || l->mode == W_RESIZE_NEAREST) return 1;
    around a = around_of(l, o);
    double own = 0, sum = 0;
    for (int64_t k = a.base + 1 - a.reach; k <= a.base + a.reach; k++) {
        double c = coefficient(l, &a, k);
        if (l->exclude_outside && k != inside(l, k)) continue;
        sum += c;
        if (inside(l, k) == i) own += c;
    }
    return l->exclude_outside || a.shrink < 1 ? own / sum : own;
}

/* ---- the node's parameters ---- */

static int transform_named(const char *s) {
    static const char *const names[] = {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
                                        "tf_half_pixel_for_nn", "tf_crop_and_resize"};
    for (int i = 0; i < (int)W_COUNT(names); i++)
        if (is(s, names[i])) return i;
    return -1;
}

static int nearest_named(const char *s) {
    static const char *const names[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    for (int i = 0; i < (int)W_COUNT(names); i++)
        if (is(s, names[i])) return i;
    return -1;
}

static int mode_named(const char *s) {
    static const char *const names[] = {"nearest", "linear", "cubic"};
    for (int i = 0; i < (int)W_COUNT(names); i++)
        if (is(s, names[i])) return i;
    return -1;
}

/* The axis that entry k of scales, sizes and roi is about. */
static int axis_at(const w_resize_attr *a, int rank, uint32_t k) {
    if (!a->axes.n) return (int)k;
    return (int)(a->axes.v[k] < 0 ? a->axes.v[k] + rank : a->axes.v[k]);
}

/* One factor for all axes, which keeps the proportions; 0: each has its own. */
static float common_scale(const w_resize_attr *a, const w_shape *x, const int64_t *sizes, uint32_t n) {
    bool smaller = is(a->keep_aspect_ratio_policy, "not_larger");
    float scale = 0;
    if (!smaller && !is(a->keep_aspect_ratio_policy, "not_smaller")) return 0;
    for (uint32_t k = 0; k < n; k++) {
        float s = (float)sizes[k] / (float)x->dim[axis_at(a, x->rank, k)];
        if (k == 0 || (smaller ? s < scale : s > scale)) scale = s;
    }
    return scale;
}

/* -1 for what is no length; infer refuses it. */
static int64_t whole_length(float x) { return x >= 0 && x < 0x1p31f ? (int64_t)x : -1; }

static void set_length(w_resize_line *l, int64_t size, float common) {
    l->scale = common > 0 ? common : (float)size / (float)l->in;
    l->out = common > 0 ? whole_length(common * (float)l->in + 0.5f) : size;
}

static void line_init(w_resize_line *l, const w_resize_attr *a, int64_t in) {
    *l = (w_resize_line){.in = in, .out = in, .scale = 1, .cubic_a = (double)a->cubic_coeff_a, .exclude_outside = a->exclude_outside != 0,
                         .antialias = a->antialias != 0, .roi = {0, 1}};
    l->transform = (w_resize_transform)transform_named(a->coordinate_transformation_mode);
    l->nearest = (w_resize_nearest)nearest_named(a->nearest_mode);
    l->mode = (w_resize_mode)mode_named(a->mode);
}

void w_resize_lines(const w_node *n, const w_shape *x, const w_tensor *roi, const w_tensor *scales, const w_tensor *sizes, w_resize_line *line) {
    const w_resize_attr *a = n->attr;
    uint32_t count = a->axes.n ? a->axes.n : x->rank;
    int64_t size[W_MAX_RANK];
    bool by_size = w_tensor_ints(sizes, size, W_MAX_RANK) == count;
    float common = by_size ? common_scale(a, x, size, count) : 0;
    for (int i = 0; i < x->rank; i++) line_init(&line[i], a, x->dim[i]);
    for (uint32_t k = 0; k < count; k++) {
        w_resize_line *l = &line[axis_at(a, x->rank, k)];
        if (by_size) set_length(l, size[k], common);
        else l->scale = w_load_real(scales->data, scales->type, k), l->out = whole_length(l->scale * (float)l->in);
        for (uint32_t end = 0; roi->data && end < 2 && l->transform == W_RESIZE_CROP; end++)
            l->roi[end] = w_load_real(roi->data, roi->type, k + end * count);
    }
    for (int i = 0; i < x->rank; i++) {
        const w_resize_line *l = &line[i];
        line[i].whole = l->scale == 1 && l->out == l->in && (l->transform != W_RESIZE_CROP || (l->roi[0] == 0 && l->roi[1] == 1));
    }
}

static w_tensor operand(const w_graph *g, const w_node *n, uint32_t i) {
    const w_value *v = w_node_in(g, n, i);
    return v && w_shape_count(&v->shape) > 0 ? (w_tensor){v->type, v->shape, (void *)v->data} : (w_tensor){0};
}

void w_resize_lines_of(const w_graph *g, const w_node *n, w_resize_line *line) {
    w_tensor roi = operand(g, n, ROI), scales = operand(g, n, SCALES), sizes = operand(g, n, SIZES);
    w_resize_lines(n, &w_node_in(g, n, X)->shape, &roi, &scales, &sizes, line);
}

/* ---- shape rule ---- */

static weir_status check_names(const w_graph *g, const w_node *n, const w_resize_attr *a, weir_error *e) {
    const char *keep = a->keep_aspect_ratio_policy;
    if (mode_named(a->mode) < 0) return w_node_fail(e, g, n, "mode is '%.40s', expected nearest, linear or cubic", a->mode);
    if (transform_named(a->coordinate_transformation_mode) < 0)
        return w_node_fail(e, g, n, "coordinate_transformation_mode '%.40s' is not known", a->coordinate_transformation_mode);
    if (nearest_named(a->nearest_mode) < 0) return w_node_fail(e, g, n, "nearest_mode '%.40s' is not known", a->nearest_mode);
    if (!is(keep, "stretch") && !is(keep, "not_larger") && !is(keep, "not_smaller"))
        return w_node_fail(e, g, n, "keep_aspect_ratio_policy is '%.40s', expected stretch, not_larger or not_smaller", keep);
    return WEIR_OK;
}

/* An absent operand may also be an empty one. */
static bool is_given(const w_graph *g, const w_node *n, uint32_t i) {
    const w_value *v = w_node_in(g, n, i);
    return v && !(v->shape.rank == 1 && v->shape.dim[0] == 0);
}

static weir_status check_vector(const w_graph *g, const w_node *n, uint32_t i, const char *what, int64_t count, bool *known, weir_error *e) {
    const w_value *v = w_node_in(g, n, i);
    if (!is_given(g, n, i)) return WEIR_OK;
    W_TRY(w_check_type(g, n, i, what, i == SIZES ? W_T(WEIR_S64) : W_T_FLOATS, e));
    W_TRY(w_check_rank(g, n, i, what, 1, 1, e));
    W_TRY(w_check_dim_equal(g, n, what, v->shape.dim[0], "number of axes", count, e));
    *known &= v->kind == W_VALUE_CONST && v->data && v->shape.dim[0] == count;
    return WEIR_OK;
}

static weir_status check_operands(const w_graph *g, const w_node *n, bool *known, weir_error *e) {
    const w_resize_attr *a = n->attr;
    const w_shape *x = &w_node_in(g, n, X)->shape;
    unsigned mask;
    int64_t count = a->axes.n ? a->axes.n : x->rank;
    bool crops = is(a->coordinate_transformation_mode, "tf_crop_and_resize");
    W_TRY(w_axis_mask(g, n, a->axes.v, a->axes.n, x->rank, &mask, e));
    if (is_given(g, n, SCALES) == is_given(g, n, SIZES)) return w_node_fail(e, g, n, "expected scales or sizes, and not both");
    if (crops && !is_given(g, n, ROI)) return w_node_fail(e, g, n, "tf_crop_and_resize needs roi");
    *known = true;
    if (crops) W_TRY(check_vector(g, n, ROI, "roi", 2 * count, known, e));
    W_TRY(check_vector(g, n, SCALES, "scales", count, known, e));
    return check_vector(g, n, SIZES, "sizes", count, known, e);
}

static weir_status check_line(const w_graph *g, const w_node *n, const w_resize_line *l, int axis, weir_error *e) {
    if (!(l->scale > 0) || !(l->scale * (float)l->in < 0x1p31f))
        return w_node_fail(e, g, n, "the scale of axis %d is %g, expected a positive number that leaves less than 2^31 elements", axis,
                           (double)l->scale);
    if (l->out < 0 || (l->in == 0 && l->out > 0)) return w_node_fail(e, g, n, "axis %d would get %lld elements", axis, (long long)l->out);
    return WEIR_OK;
}

/* An axis whose length is a symbol may only stay as it is. */
static bool symbols_stay(const w_shape *x, const w_resize_line *line) {
    for (int i = 0; i < x->rank; i++)
        if (x->dim[i] < 0 && line[i].scale != 1) return false;
    return true;
}

static weir_status infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_value *x = w_node_in(g, n, X);
    w_type type = w_real_type(x);
    w_shape s = x->shape;
    w_resize_line line[W_MAX_RANK];
    bool known;
    W_TRY(w_check_type(g, n, X, "X", W_T_ALL, e));
    W_TRY(w_check_rank(g, n, X, "X", 1, W_MAX_RANK, e));
    W_TRY(check_names(g, n, n->attr, e));
    W_TRY(check_operands(g, n, &known, e));
    if (known) w_resize_lines_of(g, n, line);
    if (!known || (is_given(g, n, SIZES) && !w_shape_bound(&s)) || !symbols_stay(&s, line)) return w_set_unknown(g, n, 0, type), WEIR_OK;
    for (int i = 0; i < s.rank; i++) {
        if (s.dim[i] < 0) continue;
        W_TRY(check_line(g, n, &line[i], i, e));
        s.dim[i] = line[i].out;
    }
    return w_set_out(g, n, 0, type, &s, e);
}

/* ---- access map, work ---- */

/* The inputs between the first and the last that an axis of the box reads. Exact where the box names every one of them alone. */
static w_tag map_axis(const w_resize_line *l, const w_box *out, int axis, w_box *in) {
    int64_t lo, hi, first = INT64_MAX, last = -1, before = -1;
    bool exact = l->mode == W_RESIZE_NEAREST;
    if (l->whole) return w_box_axis(in, axis, out->lo[axis], out->n[axis], out->step[axis]), W_EXACT;
    if (out->n[axis] > 1 << 16) return w_box_axis(in, axis, 0, l->in, 1), W_COVER;
    for (int64_t k = 0; k < out->n[axis]; k++) {
        if (!w_resize_taps(l, out->lo[axis] + k * out->step[axis], &lo, &hi)) {
            exact = false;
            continue;
        }
        exact &= before < 0 || (lo >= before && lo <= before + 1);
        before = lo;
        first = W_MIN(first, lo);
        last = W_MAX(last, hi);
    }
    w_box_axis(in, axis, last < 0 ? 0 : first, last < 0 ? 0 : last - first + 1, 1);
    return exact ? W_EXACT : W_COVER;
}

static w_tag map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    w_resize_line line[W_MAX_RANK];
    w_tag tag = W_EXACT;
    if (i != X) return w_map_all(g, n, o, out, i, in);
    *in = (w_box){.rank = out->rank};
    if (w_box_count(out) == 0) return W_UNUSED;
    w_resize_lines_of(g, n, line);
    for (int k = 0; k < out->rank; k++)
        if (map_axis(&line[k], out, k, in) == W_COVER) tag = W_COVER;
    return w_box_end(in, tag);
}

/* Axis by axis: each costs its taps. */
static int64_t work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    (void)o;
    w_resize_line line[W_MAX_RANK];
    int64_t lo = 0, hi = 0, each = 0;
    w_resize_lines_of(g, n, line);
    for (int k = 0; k < box->rank; k++) {
        const w_resize_line *l = &line[k];
        if (l->mode == W_RESIZE_NEAREST || l->whole || l->out < 1) continue;
        if (w_resize_taps(l, l->out / 2, &lo, &hi)) each += hi - lo + 1;
    }
    return w_sat_mul(each, w_box_count(box));
}

/* ---- reference ---- */

static double load(const w_tensor *x, int64_t i) {
    return x->type == WEIR_F32 ? (double)((const float *)x->data)[i] : (double)w_load_int(x->data, x->type, (size_t)i);
}

/* The sum over the product of the axes' taps for the output at `at`. */
static double value_at(const w_tensor *x, const w_resize_line *line, const int64_t *stride, const int64_t *at, double outside) {
    int rank = x->shape.rank;
    int64_t lo[W_MAX_RANK], hi[W_MAX_RANK], i[W_MAX_RANK];
    for (int k = 0; k < rank; k++) {
        if (!w_resize_taps(&line[k], at[k], &lo[k], &hi[k])) return outside;
        i[k] = lo[k];
    }
    for (double sum = 0;;) {
        double weight = 1;
        int64_t offset = 0;
        for (int k = 0; k < rank; k++) {
            if (lo[k] < hi[k] || line[k].mode != W_RESIZE_NEAREST) weight *= w_resize_weight(&line[k], at[k], i[k]);
            offset += i[k] * stride[k];
        }
        if (weight != 0) sum += weight * load(x, offset);
        int k = rank - 1;
        for (; k >= 0 && ++i[k] > hi[k]; k--) i[k] = lo[k];
        if (k < 0) return sum;
    }
}

bool w_resize_copies(const w_node *n) {
    const w_resize_attr *a = n->attr;
    return mode_named(a->mode) == W_RESIZE_NEAREST && transform_named(a->coordinate_transformation_mode) != W_RESIZE_CROP;
}

/* Nearest keeps elements of any type as they are: 64-bit integers have no exact double. */
static void copy_at(const w_tensor *x, const w_resize_line *line, const int64_t *stride, const int64_t *at, w_tensor *out, int64_t to) {
    size_t size = w_type_size(x->type);
    int64_t offset = 0, lo, hi;
    for (int k = 0; k < x->shape.rank; k++) {
        w_resize_taps(&line[k], at[k], &lo, &hi);
        offset += lo * stride[k];
    }
    memcpy((uint8_t *)out->data + (size_t)to * size, (const uint8_t *)x->data + (size_t)offset * size, size);
}

static weir_status ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    (void)g;
    (void)e;
    static const w_tensor absent;
    const w_resize_attr *a = n->attr;
    w_resize_line line[W_MAX_RANK];
    int64_t stride[W_MAX_RANK];
    w_walk k;
    w_resize_lines(n, &in[X].shape, n->nin > ROI ? &in[ROI] : &absent, n->nin > SCALES ? &in[SCALES] : &absent,
                   n->nin > SIZES ? &in[SIZES] : &absent, line);
    w_strides(&in[X].shape, stride);
    w_walk_init(&k, &out->shape);
    for (int64_t i = 0, count = w_count(out); i < count; i++, w_walk_step(&k)) {
        if (w_resize_copies(n)) {
            copy_at(&in[X], line, stride, k.at, out, i);
            continue;
        }
        double y = value_at(&in[X], line, stride, k.at, (double)a->extrapolation_value);
        if (out->type == WEIR_F32) ((float *)out->data)[i] = (float)y;
        else w_store_int(out->data, out->type, (size_t)i, (int64_t)y);
    }
    return WEIR_OK;
}

static const w_attr_def attrs[] = {
    A_STRING(w_resize_attr, mode, "nearest"), A_STRING(w_resize_attr, coordinate_transformation_mode, "half_pixel"),
    A_STRING(w_resize_attr, nearest_mode, "round_prefer_floor"), A_STRING(w_resize_attr, keep_aspect_ratio_policy, "stretch"),
    A_FLOAT(w_resize_attr, cubic_coeff_a, -0.75f), A_FLOAT(w_resize_attr, extrapolation_value, 0.0f), A_INT(w_resize_attr, exclude_outside, 0),
    A_INT(w_resize_attr, antialias, 0), A_INTS(w_resize_attr, axes),
};

/* Op: Resize
 * ONNX: 11, 13, 18, 19
 * Inputs: X, roi (optional), scales (optional), sizes (optional)
 * Attributes: mode, coordinate_transformation_mode, nearest_mode, cubic_coeff_a, exclude_outside, extrapolation_value, antialias, axes, keep_aspect_ratio_policy
 * Limits: roi, scales and sizes are constants when the plan is made
 * Map: X exact where elements are only copied and none is skipped, else cover; the others cover
 */
W_OP_DEFINE(Resize, "Resize", 1, 4, 1, 1, 11, w_resize_attr, attrs, infer, map, work, ref);
