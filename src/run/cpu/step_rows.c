/* Operators on rows of contiguous elements: Softmax and LayerNormalization over the innermost axes, BatchNormalization with
 * channels innermost. */
#include "step.h"
#include "steps_leaf.h"
#include <math.h>

typedef struct rows_params {
    size_t rows, n, chunk, tiles; /* chunk: rows of a tile */
    w_fn_softmax_f32 *softmax;
    w_fn_affine_f32 *affine;
    w_fn_layernorm_f32 *layernorm;
    const float *mul, *add;
    float epsilon;
} rows_params;

static bool both_f32(const w_graph *g, const w_node *n) {
    return w_is_real_f32(w_node_in(g, n, 0)) && w_is_real_f32(&g->value[n->out[0]]);
}

/* Neighbours along `axis` are neighbours in memory: whatever lies inside of it there has length 1. */
static bool is_inner(const w_value *v, int64_t axis) {
    int64_t stride[W_MAX_RANK];
    w_layout_strides(&v->shape, w_value_layout(v), stride);
    return stride[axis] == 1;
}

/* `axis` runs innermost in both operands, which lie alike. */
static bool axis_is_inner(const w_value *in, const w_value *out, int64_t axis) {
    if (axis < 0 || axis >= in->shape.rank) return false;
    if (w_value_layout(in) != out->layout && !w_layouts_agree(&in->shape)) return false;
    return is_inner(in, axis) || is_inner(out, axis);
}

static int64_t axis_of(const w_node *n, const w_shape *s) {
    int64_t axis = w_attr_int(n, "axis", -1);
    return axis < 0 ? axis + s->rank : axis;
}

static const char *softmax_refuse(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_value *in = w_node_in(g, n, 0), *out = &g->value[n->out[0]];
    int64_t axis = axis_of(n, &in->shape);
    if (!both_f32(g, n)) return "not f32";
    if (w_attr_int(n, "weir_coerce", 0) && axis != in->shape.rank - 1) return "all axes from its own on are normalised together";
    return axis_is_inner(in, out, axis) ? NULL : "the axis is not innermost in memory";
}

static rows_params *rows_begin(w_plan *p, w_step *s, int64_t n, const char *kernel, weir_error *e) {
    rows_params *r = w_step_params(p, s, sizeof *r, e);
    if (!r) return NULL;
    int64_t count = w_shape_count(&w_step_in(p, s, 0)->shape);
    r->n = (size_t)n;
    r->rows = n > 0 ? (size_t)(count / n) : 0;
    r->chunk = W_MAX((size_t)16384 / W_MAX(r->n, (size_t)1), (size_t)1);
    r->tiles = (r->rows + r->chunk - 1) / r->chunk;
    s->threads = w_step_threads(p, w_step_seconds(0, 4 * w_step_io_bytes(s)));
    s->inplace = 1;
    s->kernel = w_arena_printf(&p->arena_mem, "%s__%s", kernel, p->ctx->kernels->leaf.isa_f32);
    s->tile = w_arena_printf(&p->arena_mem, "%zu rows of %zu", r->chunk, r->n);
    if (s->kernel && s->tile) return r;
    w_oom(e, 64, "names");
    return NULL;
}

static weir_status softmax_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_shape *shape = &w_step_in(p, s, 0)->shape;
    rows_params *r = rows_begin(p, s, shape->dim[axis_of(w_step_node(p, s), shape)], "f32_softmax", e);
    if (!r) return WEIR_NO_RESOURCE;
    r->softmax = p->ctx->kernels->leaf.softmax_f32;
    return WEIR_OK;
}

static const char *affine_refuse(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_value *in = w_node_in(g, n, 0), *out = &g->value[n->out[0]];
    if (n->nout > 1) return "has statistics as results";
    if (!both_f32(g, n)) return "not f32";
    for (uint32_t i = 1; i < 5; i++)
        if (!w_node_in(g, n, i) || w_node_in(g, n, i)->kind != W_VALUE_CONST) return "statistics are not constant";
    return axis_is_inner(in, out, 1) ? NULL : "channels are not innermost in memory";
}

static weir_status affine_prepare(w_plan *p, w_step *s, weir_error *e) {
    int64_t c = w_step_in(p, s, 0)->shape.dim[1];
    rows_params *r = rows_begin(p, s, c, "f32_affine", e);
    float *scale, *bias, *mean, *var, epsilon = w_attr_float(w_step_node(p, s), "epsilon", 1e-5f);
    size_t n;
    if (!r) return WEIR_NO_RESOURCE;
    W_TRY(w_step_const(p, s, 1, &scale, &n, e));
    W_TRY(w_step_const(p, s, 2, &bias, &n, e));
    W_TRY(w_step_const(p, s, 3, &mean, &n, e));
    W_TRY(w_step_const(p, s, 4, &var, &n, e));
    float *packed = w_step_packed(p, s, 2 * (size_t)c * sizeof(float), e);
    if (!packed) return WEIR_NO_RESOURCE;
    for (int64_t i = 0; i < c; i++) {
        packed[i] = scale[i] / sqrtf(var[i] + epsilon);
        packed[c + i] = bias[i] - mean[i] * packed[i];
    }
    r->affine = p->ctx->kernels->leaf.affine_f32;
    r->mul = packed;
    r->add = packed + c;
    return WEIR_OK;
}

static int64_t elements_from(const w_shape *s, int64_t axis) {
    int64_t n = 1;
    for (int64_t i = axis; i < s->rank; i++) n *= s->dim[i];
    return n;
}

/* The parameter is constant, and either one number or one for each element of a row that starts at `axis` of x. */
static bool is_row(const w_value *v, const w_shape *x, int64_t axis) {
    if (v->kind != W_VALUE_CONST) return false;
    if (w_shape_count(&v->shape) == 1) return true;
    for (int64_t i = 0; i < x->rank; i++) {
        int64_t at = i - x->rank + v->shape.rank, d = at < 0 ? 1 : v->shape.dim[at];
        if (d != (i < axis ? 1 : x->dim[i])) return false;
    }
    return true;
}

static bool in_rows(const w_value *v) { return w_value_layout(v) == W_ROW || w_layouts_agree(&v->shape); }

static const char *layernorm_refuse(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_value *in = w_node_in(g, n, 0), *out = &g->value[n->out[0]], *scale = w_node_in(g, n, 1), *bias = w_node_in(g, n, 2);
    int64_t axis = axis_of(n, &in->shape);
    for (uint32_t i = 1; i < n->nout; i++)
        if (n->out[i] != W_NONE) return "has statistics as results";
    if (!both_f32(g, n)) return "not f32";
    if (w_shape_count(&in->shape) < 1) return "empty";
    if (!in_rows(in) || !in_rows(out)) return "the rows are not contiguous in memory";
    if (!is_row(scale, &in->shape, axis) || (bias && !is_row(bias, &in->shape, axis))) return "scale and bias are not constant and the same for all rows";
    return NULL;
}

/* One number a column, whatever was given. */
static weir_status row_param(w_plan *p, w_step *s, uint32_t i, float *to, size_t n, weir_error *e) {
    float *from = NULL;
    size_t have = 0;
    if (w_step_in(p, s, i)) W_TRY(w_step_const(p, s, i, &from, &have, e));
    for (size_t k = 0; k < n; k++) to[k] = from ? from[have == 1 ? 0 : k] : 0.0f;
    return WEIR_OK;
}

static weir_status layernorm_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_node *n = w_step_node(p, s);
    const w_shape *shape = &w_step_in(p, s, 0)->shape;
    rows_params *r = rows_begin(p, s, elements_from(shape, axis_of(n, shape)), "f32_layernorm", e);
    if (!r) return WEIR_NO_RESOURCE;
    float *packed = w_step_packed(p, s, 2 * r->n * sizeof(float), e);
    if (!packed) return WEIR_NO_RESOURCE;
    W_TRY(row_param(p, s, 1, packed, r->n, e));
    W_TRY(row_param(p, s, 2, packed + r->n, r->n, e));
    r->layernorm = p->ctx->kernels->leaf.layernorm_f32;
    r->epsilon = w_attr_float(n, "epsilon", 1e-5f);
    r->mul = packed;
    r->add = packed + r->n;
    return WEIR_OK;
}

static void rows_tile(void *arg, size_t index) {
    const w_job *j = arg;
    const rows_params *r = j->s->params;
    size_t first = index * r->chunk, rows = W_MIN(r->chunk, r->rows - first);
    const float *in = (const float *)w_loc_ptr(&j->s->in[0], j->b) + first * r->n;
    float *out = (float *)w_loc_ptr(&j->s->out[0], j->b) + first * r->n;
    if (r->softmax) r->softmax(in, out, rows, r->n);
    else if (r->layernorm) r->layernorm(in, out, r->mul, r->add, r->epsilon, rows, r->n);
    else r->affine(in, out, r->mul, r->add, rows, r->n);
}

static void rows_run(const w_step *s, const w_bindings *b) {
    w_step_for(s, b, rows_tile, ((const rows_params *)s->params)->tiles);
}

static void rows_touch(const w_plan *p, const w_step *s, w_touch *t) {
    const rows_params *r = s->params;
    double passes = r->affine ? 1 : 3;
    if (s->packed_bytes) w_touch_packed(t, s, 0, s->packed_bytes);
    w_touch_loc(t, &s->in[0], 0, s->in[0].bytes, W_READ);
    w_touch_loc(t, &s->out[0], 0, s->out[0].bytes, W_WRITE);
    w_touch_l1(t, passes * (double)s->in[0].bytes + (r->softmax ? 0 : 2 * (double)s->in[0].bytes),
               (r->softmax ? 2 : 1) * (double)s->out[0].bytes);
}

/* ---- Softmax down columns: the elements of a line lie apart, those of neighbouring lines together ---- */

typedef struct columns_params { size_t n, stride, chunk, chunks, tiles; w_fn_softmax_columns_f32 *fn; } columns_params;

static const char *columns_refuse(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_value *in = w_node_in(g, n, 0), *out = &g->value[n->out[0]];
    if (!both_f32(g, n)) return "not f32";
    if (w_attr_int(n, "weir_coerce", 0)) return "several axes are normalised together";
    if (w_value_layout(in) != out->layout && !w_layouts_agree(&in->shape)) return "input and output lie differently";
    return w_shape_count(&in->shape) < 1 ? "empty" : NULL;
}

static weir_status columns_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_value *in = w_step_in(p, s, 0);
    int64_t axis = axis_of(w_step_node(p, s), &in->shape), stride[W_MAX_RANK];
    columns_params *c = w_step_params(p, s, sizeof *c, e);
    if (!c) return WEIR_NO_RESOURCE;
    w_layout_strides(&in->shape, w_value_layout(in), stride);
    c->n = (size_t)in->shape.dim[axis];
    c->stride = (size_t)stride[axis];
    c->chunk = W_MIN(c->stride, W_ALIGN_UP(W_MAX((size_t)16384 / c->n, (size_t)1), (size_t)16));
    c->chunks = (c->stride + c->chunk - 1) / c->chunk;
    c->tiles = (size_t)w_shape_count(&in->shape) / (c->n * c->stride) * c->chunks;
    c->fn = p->ctx->kernels->leaf.softmax_columns_f32;
    s->threads = w_step_threads(p, w_step_seconds(0, 4 * w_step_io_bytes(s)));
    s->inplace = 1;
    s->kernel = w_arena_printf(&p->arena_mem, "f32_softmax_columns__%s", p->ctx->kernels->leaf.isa_f32);
    s->tile = w_arena_printf(&p->arena_mem, "%zu columns of %zu", c->chunk, c->n);
    return s->kernel && s->tile ? WEIR_OK : w_oom(e, 64, "names");
}

static void columns_tile(void *arg, size_t index) {
    const w_job *j = arg;
    const columns_params *c = j->s->params;
    size_t first = index % c->chunks * c->chunk, at = index / c->chunks * c->n * c->stride + first;
    c->fn((const float *)w_loc_ptr(&j->s->in[0], j->b) + at, (float *)w_loc_ptr(&j->s->out[0], j->b) + at, c->n, c->stride,
          W_MIN(c->chunk, c->stride - first));
}

static void columns_run(const w_step *s, const w_bindings *b) {
    w_step_for(s, b, columns_tile, ((const columns_params *)s->params)->tiles);
}

static void columns_touch(const w_plan *p, const w_step *s, w_touch *t) {
    w_touch_loc(t, &s->in[0], 0, s->in[0].bytes, W_READ);
    w_touch_loc(t, &s->out[0], 0, s->out[0].bytes, W_WRITE);
    w_touch_l1(t, 3 * (double)s->in[0].bytes, 2 * (double)s->out[0].bytes);
}

const w_impl w_impl_softmax_columns = {"softmax_columns", W_OP_Softmax, columns_refuse, columns_prepare, columns_run, columns_touch};
const w_impl w_impl_softmax = {"softmax_rows", W_OP_Softmax, softmax_refuse, softmax_prepare, rows_run, rows_touch};
const w_impl w_impl_layernorm = {"layernorm_rows", W_OP_LayerNormalization, layernorm_refuse, layernorm_prepare, rows_run, rows_touch};
const w_impl w_impl_affine = {"affine_rows", W_OP_BatchNormalization, affine_refuse, affine_prepare, rows_run, rows_touch};
