/* Pooling: sliding windows over one to three spatial axes, and over the whole image. */
#include "op_attr_table.h"
#include "op_util.h"
#include <math.h>

static w_window_spec spec_of(const w_pool_attr *a) {
    return (w_window_spec){&a->kernel_shape, &a->strides, &a->pads, &a->dilations, a->auto_pad, a->ceil_mode != 0};
}

static weir_status check_image(const w_graph *g, const w_node *n, int hi, weir_error *e) {
    const w_shape *x = &w_node_in(g, n, 0)->shape;
    char t[W_SHAPE_TEXT];
    W_TRY(w_check_rank(g, n, 0, "X", 3, hi, e));
    if (!w_shape_positive(x)) return w_node_fail(e, g, n, "X has shape %s, expected no dimension of 0", w_shape_text(g, x, t));
    return WEIR_OK;
}

static weir_status infer_window(w_graph *g, w_node *n, unsigned types, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_value *v = w_node_in(g, n, 0);
    w_window_spec spec = spec_of(n->attr);
    w_window win;
    W_TRY(w_check_type(g, n, 0, "X", types, e));
    W_TRY(check_image(g, n, 5, e));
    w_shape x = v->shape, s = x;
    for (int i = 2; i < x.rank; i++)
        if (x.dim[i] < 0) {
            w_set_unknown(g, n, 0, w_real_type(v));
            w_set_unknown(g, n, 1, WEIR_S64);
            return WEIR_OK;
        }
    W_TRY(w_window_check(g, n, &spec, &x, NULL, &win, e));
    for (int i = 0; i < win.nsp; i++) {
        int j = 3 - win.nsp + i;
        if (W_MAX(win.lo[j], win.hi[j]) > (win.k[j] - 1) * win.d[j])
            return w_node_fail(e, g, n, "pads reach %lld on spatial axis %d, expected less than the kernel's span of %lld",
                               (long long)W_MAX(win.lo[j], win.hi[j]), i, (long long)((win.k[j] - 1) * win.d[j] + 1));
        s.dim[2 + i] = win.out[j];
    }
    w_type t = w_real_type(v);
    W_TRY(w_set_out(g, n, 0, t, &s, e));
    return w_set_out(g, n, 1, WEIR_S64, &s, e);
}

static weir_status max_infer(w_graph *g, w_node *n, weir_error *e) {
    return infer_window(g, n, W_T_FLOATS | W_T(WEIR_U8) | W_T(WEIR_S8), e);
}

static weir_status average_infer(w_graph *g, w_node *n, weir_error *e) { return infer_window(g, n, W_T_FLOATS, e); }

static w_tag window_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    w_window_spec spec = spec_of(n->attr);
    const w_shape *x = &w_node_in(g, n, 0)->shape;
    w_window win;
    w_window_get(&spec, x, NULL, &win);
    *in = (w_box){.rank = x->rank};
    for (int k = 0; k < 2; k++) w_box_axis(in, k, out->lo[k], out->n[k], out->step[k]);
    w_tag tag = w_map_window(&win, out, in, 2);
    return w_box_end(in, o == 0 ? tag : W_COVER); /* the index of a window of one element is fixed */
}

static int64_t window_work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    if (o) return 0;
    const w_pool_attr *a = n->attr;
    int64_t per = 1;
    for (uint32_t i = 0; i < a->kernel_shape.n; i++) per = w_sat_mul(per, a->kernel_shape.v[i]);
    return w_sat_mul(per, w_box_count(box));
}

/* The part of one window that lies inside the image, as first tap and end of taps per axis. */
typedef struct taps { int64_t first[3], end[3], base[3]; } taps;

static taps taps_at(const w_window *win, const int64_t at[3]) {
    taps t;
    for (int j = 0; j < 3; j++) {
        int64_t d = win->d[j];
        t.base[j] = at[j] * win->s[j] - win->lo[j];
        t.first[j] = t.base[j] < 0 ? (-t.base[j] + d - 1) / d : 0;
        t.end[j] = t.base[j] >= win->in[j] ? 0 : W_MIN(win->k[j], (win->in[j] - 1 - t.base[j]) / d + 1);
    }
    return t;
}

typedef struct best { float value; int64_t at[3]; } best;

static float element(const w_tensor *x, int64_t i) {
    return x->type == WEIR_F32 ? ((const float *)x->data)[i] : (float)w_load_int(x->data, x->type, (size_t)i);
}

static best window_max(const w_window *win, const w_tensor *x, int64_t plane, const taps *t) {
    best b = {-INFINITY, {0, 0, 0}};
    bool any = false;
    int64_t k[3], p[3];
    for (k[0] = t->first[0]; k[0] < t->end[0]; k[0]++)
        for (k[1] = t->first[1]; k[1] < t->end[1]; k[1]++)
            for (k[2] = t->first[2]; k[2] < t->end[2]; k[2]++) {
                for (int j = 0; j < 3; j++) p[j] = t->base[j] + k[j] * win->d[j];
                float v = element(x, plane + (p[0] * win->in[1] + p[1]) * win->in[2] + p[2]);
                if (any && !(v > b.value) && !isnan(v)) continue;
                any = true;
                b = (best){v, {p[0], p[1], p[2]}};
                if (isnan(v)) return b;
            }
    return b;
}

static int64_t flat_index(const w_window *win, const best *b, bool column_major) {
    if (!column_major) return (b->at[0] * win->in[1] + b->at[1]) * win->in[2] + b->at[2];
    if (win->nsp == 3) return (b->at[2] * win->in[1] + b->at[1]) * win->in[0] + b->at[0];
    return b->at[2] * win->in[1] + b->at[1];
}

static void next_window(const w_window *win, int64_t at[3]) {
    for (int j = 2; j >= 0 && ++at[j] == win->out[j]; j--) at[j] = 0;
}

static weir_status max_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    (void)g;
    (void)e;
    const w_pool_attr *a = n->attr;
    w_window_spec spec = spec_of(a);
    w_window win;
    w_window_get(&spec, &in[0].shape, NULL, &win);
    int64_t image = win.in[0] * win.in[1] * win.in[2], size = win.out[0] * win.out[1] * win.out[2];
    int64_t total = in[0].shape.dim[0] * in[0].shape.dim[1] * size, at[3] = {0}, *index = n->nout > 1 ? out[1].data : NULL;
    for (int64_t i = 0; i < total; i++, next_window(&win, at)) {
        taps t = taps_at(&win, at);
        best b = window_max(&win, &in[0], i / size * image, &t);
        if (out[0].type == WEIR_F32) ((float *)out[0].data)[i] = w_act_apply(&a->ep, b.value);
        else w_store_int(out[0].data, out[0].type, (size_t)i, (int64_t)b.value);
        if (index) index[i] = i / size * image + flat_index(&win, &b, a->storage_order != 0);
    }
    return WEIR_OK;
}

static double window_sum(const w_window *win, const float *x, const taps *t) {
    double sum = 0.0;
    int64_t k[3];
    for (k[0] = t->first[0]; k[0] < t->end[0]; k[0]++)
        for (k[1] = t->first[1]; k[1] < t->end[1]; k[1]++)
            for (k[2] = t->first[2]; k[2] < t->end[2]; k[2]++)
                sum += x[((t->base[0] + k[0] * win->d[0]) * win->in[1] + t->base[1] + k[1] * win->d[1]) * win->in[2] + t->base[2] + k[2] * win->d[2]];
    return sum;
}

/* What the mean divides by: taps on the image, or on the image and its pads. Taps beyond both (ceil_mode) never count. */
static int64_t window_divisor(const w_window *win, const taps *t, bool with_pads) {
    int64_t count = 1;
    for (int j = 0; j < 3; j++) {
        int64_t room = win->in[j] + win->hi[j] - t->base[j];
        if (with_pads) count *= W_MIN(win->k[j], (room - 1) / win->d[j] + 1);
        else count *= W_MAX(t->end[j] - t->first[j], 0);
    }
    return count;
}

static weir_status average_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    (void)g;
    (void)e;
    const w_pool_attr *a = n->attr;
    w_window_spec spec = spec_of(a);
    w_window win;
    w_window_get(&spec, &in[0].shape, NULL, &win);
    int64_t image = win.in[0] * win.in[1] * win.in[2], size = win.out[0] * win.out[1] * win.out[2];
    int64_t total = in[0].shape.dim[0] * in[0].shape.dim[1] * size, at[3] = {0};
    for (int64_t i = 0; i < total; i++, next_window(&win, at)) {
        taps t = taps_at(&win, at);
        int64_t count = window_divisor(&win, &t, a->count_include_pad != 0);
        double sum = window_sum(&win, (const float *)in[0].data + i / size * image, &t);
        ((float *)out[0].data)[i] = w_act_apply(&a->ep, count ? (float)(sum / (double)count) : 0.0f);
    }
    return WEIR_OK;
}

static const w_attr_def pool_attrs[] = {
    A_INTS(w_pool_attr, kernel_shape), A_INTS(w_pool_attr, strides), A_INTS(w_pool_attr, pads), A_INTS(w_pool_attr, dilations),
    A_STRING(w_pool_attr, auto_pad, "NOTSET"), A_INT(w_pool_attr, ceil_mode, 0), A_INT(w_pool_attr, count_include_pad, 0),
    A_INT(w_pool_attr, storage_order, 0), A_EPILOGUE(w_pool_attr),
};

/* Op: MaxPool
 * ONNX: 1, 8, 10, 11, 12
 * Inputs: X
 * Attributes: kernel_shape, strides, pads, dilations, auto_pad, ceil_mode, storage_order; weir_act, weir_act_a, weir_act_b
 * Limits: 1 to 3 spatial axes; pads smaller than the kernel
 * Map: exact: the windows of the box (cover where dilation and stride leave gaps, and for the indices)
 */
W_OP_DEFINE(MaxPool, "MaxPool", 1, 1, 1, 2, 1, w_pool_attr, pool_attrs, max_infer, window_map, window_work, max_ref);

/* Op: AveragePool
 * ONNX: 7, 10, 11, 19
 * Inputs: X
 * Attributes: kernel_shape, strides, pads, dilations, auto_pad, ceil_mode, count_include_pad; weir_act, weir_act_a, weir_act_b
 * Limits: 1 to 3 spatial axes; pads smaller than the kernel
 * Map: exact: the windows of the box (cover where dilation and stride leave gaps)
 */
W_OP_DEFINE(AveragePool, "AveragePool", 1, 1, 1, 1, 7, w_pool_attr, pool_attrs, average_infer, window_map, window_work, average_ref);

/* ---- the whole image ---- */

static weir_status global_infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_value *v = w_node_in(g, n, 0);
    W_TRY(w_check_type(g, n, 0, "X", W_T_FLOATS, e));
    W_TRY(check_image(g, n, W_MAX_RANK, e));
    w_shape s = v->shape;
    for (int i = 2; i < s.rank; i++) s.dim[i] = 1;
    return w_set_out(g, n, 0, w_real_type(v), &s, e);
}

static w_tag global_map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    (void)o;
    const w_shape *x = &w_node_in(g, n, i)->shape;
    *in = *out;
    for (int k = 2; k < x->rank; k++) w_box_axis(in, k, 0, out->n[k] ? x->dim[k] : 0, 1);
    return w_box_end(in, W_EXACT);
}

static int64_t image_size(const w_shape *x) {
    int64_t size = 1;
    for (int i = 2; i < x->rank; i++) size = w_sat_mul(size, W_MAX(x->dim[i], 1));
    return size;
}

static int64_t global_work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    (void)o;
    return w_sat_mul(w_box_count(box), image_size(&w_node_in(g, n, 0)->shape));
}

static weir_status global_average_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    (void)g;
    (void)e;
    const w_gpool_attr *a = n->attr;
    int64_t size = image_size(&in[0].shape);
    const float *x = in[0].data;
    for (int64_t p = 0, count = w_count(out); p < count; p++) {
        double sum = 0.0;
        for (int64_t i = 0; i < size; i++) sum += x[p * size + i];
        ((float *)out->data)[p] = w_act_apply(&a->ep, (float)(sum / (double)size));
    }
    return WEIR_OK;
}

static weir_status global_max_ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    (void)g;
    (void)e;
    const w_gpool_attr *a = n->attr;
    int64_t size = image_size(&in[0].shape);
    const float *x = in[0].data;
    for (int64_t p = 0, count = w_count(out); p < count; p++) {
        float m = x[p * size];
        for (int64_t i = 1; i < size && !isnan(m); i++)
            if (x[p * size + i] > m || isnan(x[p * size + i])) m = x[p * size + i];
        ((float *)out->data)[p] = w_act_apply(&a->ep, m);
    }
    return WEIR_OK;
}

static const w_attr_def gpool_attrs[] = {A_EPILOGUE(w_gpool_attr)};

/* Op: GlobalAveragePool
 * ONNX: 1
 * Inputs: X
 * Attributes: weir_act, weir_act_a, weir_act_b
 * Limits: rank 3 to 8
 * Map: exact: the images of the channels of the box
 */
W_OP_DEFINE(GlobalAveragePool, "GlobalAveragePool", 1, 1, 1, 1, 1, w_gpool_attr, gpool_attrs, global_infer, global_map, global_work,
            global_average_ref);

/* Op: GlobalMaxPool
 * ONNX: 1
 * Inputs: X
 * Attributes: weir_act, weir_act_a, weir_act_b
 * Limits: rank 3 to 8
 * Map: exact: the images of the channels of the box
 */
W_OP_DEFINE(GlobalMaxPool, "GlobalMaxPool", 1, 1, 1, 1, 1, w_gpool_attr, gpool_attrs, global_infer, global_map, global_work, global_max_ref);
