/* ReduceMean, ReduceSum, ReduceMax, ReduceMin of f32 in any layout: one walk over the input in memory order, adding into
 * the output. Each output element sums its inputs in that order. */
#include "step.h"
#include "steps_leaf.h"
#include <math.h>

typedef struct reduce_params {
    w_nd nd;          /* operand 0: input, operand 1: output (stride 0 along reduced axes) */
    uint16_t op;
    float init, scale;
    size_t out;
} reduce_params;

/* Marks the reduced axes; false when they are not known at plan time. */
static bool reduced_axes(const w_graph *g, const w_node *n, bool *reduced) {
    const w_value *in = w_node_in(g, n, 0), *axes = w_node_in(g, n, 1);
    const w_ints *at = w_attr_ints(n, "axes");
    int64_t list[W_MAX_RANK], rank = in->shape.rank;
    size_t count = 0;
    if (axes) {
        int64_t k = w_shape_count(&axes->shape);
        if (axes->kind != W_VALUE_CONST || axes->type != WEIR_S64 || k < 0 || k > W_MAX_RANK) return false;
        count = (size_t)k;
        if (count) __builtin_memcpy(list, axes->data, count * sizeof list[0]);
    } else if (at && at->n <= W_MAX_RANK) {
        count = at->n;
        for (size_t i = 0; i < count; i++) list[i] = at->v[i];
    } else if (at) return false;
    if (count == 0 && w_attr_int(n, "noop_with_empty_axes", 0)) return false;
    for (int64_t d = 0; d < rank; d++) reduced[d] = count == 0;
    for (size_t i = 0; i < count; i++) {
        int64_t d = list[i] < 0 ? list[i] + rank : list[i];
        if (d < 0 || d >= rank) return false;
        reduced[d] = true;
    }
    return true;
}

static const char *reduce_refuse(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_value *in = w_node_in(g, n, 0), *out = &g->value[n->out[0]];
    bool reduced[W_MAX_RANK];
    if (!w_is_real_f32(in) || !w_is_real_f32(out)) return "not f32";
    if (!reduced_axes(g, n, reduced)) return "axes are not constant";
    if (w_shape_count(&in->shape) <= 0) return "empty";
    return NULL;
}

/* Strides of the output by the input's dims: 0 along reduced ones. With keepdims the ranks agree, else dims are dropped. */
static void output_strides(const w_value *out, const bool *reduced, uint32_t rank, int64_t *stride) {
    int64_t own[W_MAX_RANK];
    w_layout_strides(&out->shape, out->layout, own);
    uint32_t at = 0;
    for (uint32_t d = 0; d < rank; d++) {
        stride[d] = reduced[d] ? 0 : own[out->shape.rank == rank ? d : at];
        if (!reduced[d]) at++;
    }
}

static weir_status reduce_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_node *n = w_step_node(p, s);
    const w_value *in = w_step_in(p, s, 0), *out = w_step_out(p, s, 0);
    reduce_params *r = w_step_params(p, s, sizeof *r, e);
    if (!r) return WEIR_NO_RESOURCE;
    bool reduced[W_MAX_RANK];
    int64_t stride[2][W_MAX_RANK];
    reduced_axes(p->graph, n, reduced);
    w_layout_strides(&in->shape, w_value_layout(in), stride[0]);
    output_strides(out, reduced, in->shape.rank, stride[1]);
    w_nd_init(&r->nd, &in->shape, 2, stride, NULL);
    if (w_shape_count(&in->shape) == 1) r->nd.stride[1][0] = 0;
    r->op = n->op;
    r->out = (size_t)w_shape_count(&out->shape);
    r->init = n->op == W_OP_ReduceMax ? -INFINITY : n->op == W_OP_ReduceMin ? INFINITY : 0.0f;
    r->scale = n->op == W_OP_ReduceMean ? (float)r->out / (float)w_shape_count(&in->shape) : 1.0f;
    s->kernel = "f32_reduce";
    s->tile = "whole";
    s->threads = 1;
    return WEIR_OK;
}

static float fold(uint16_t op, float acc, float x) {
    if (op == W_OP_ReduceMax) return x != x || x > acc ? x : acc;
    if (op == W_OP_ReduceMin) return x != x || x < acc ? x : acc;
    return acc + x;
}

static void fold_line(uint16_t op, float *out, int64_t so, const float *in, int64_t si, int64_t n) {
    if (so == 0) {
        float acc = *out;
        for (int64_t i = 0; i < n; i++) acc = fold(op, acc, in[i * si]);
        *out = acc;
    } else if (op == W_OP_ReduceMax || op == W_OP_ReduceMin)
        for (int64_t i = 0; i < n; i++) out[i * so] = fold(op, out[i * so], in[i * si]);
    else
        for (int64_t i = 0; i < n; i++) out[i * so] += in[i * si];
}

static void reduce_run(const w_step *s, const w_bindings *b) {
    const reduce_params *r = s->params;
    const w_nd *nd = &r->nd;
    const float *in = w_loc_ptr(&s->in[0], b);
    float *out = w_loc_ptr(&s->out[0], b);
    uint32_t inner = nd->rank - 1;
    int64_t lines = w_nd_count(nd) / nd->n[inner], off[W_ND_OPERANDS];
    for (size_t i = 0; i < r->out; i++) out[i] = r->init;
    for (int64_t k = 0; k < lines; k++) {
        w_nd_at(nd, inner, k, off);
        fold_line(r->op, out + off[1], nd->stride[1][inner], in + off[0], nd->stride[0][inner], nd->n[inner]);
    }
    for (size_t i = 0; r->scale != 1.0f && i < r->out; i++) out[i] *= r->scale;
}

static void reduce_touch(const w_plan *p, const w_step *s, w_touch *t) {
    w_touch_loc(t, &s->in[0], 0, s->in[0].bytes, W_READ);
    w_touch_loc(t, &s->out[0], 0, s->out[0].bytes, W_WRITE);
    w_touch_l1(t, 2 * (double)s->in[0].bytes, (double)s->in[0].bytes + (double)s->out[0].bytes);
}

const w_impl w_impl_reduce_mean = {"reduce_mean", W_OP_ReduceMean, reduce_refuse, reduce_prepare, reduce_run, reduce_touch};
const w_impl w_impl_reduce_sum = {"reduce_sum", W_OP_ReduceSum, reduce_refuse, reduce_prepare, reduce_run, reduce_touch};
const w_impl w_impl_reduce_max = {"reduce_max", W_OP_ReduceMax, reduce_refuse, reduce_prepare, reduce_run, reduce_touch};
const w_impl w_impl_reduce_min = {"reduce_min", W_OP_ReduceMin, reduce_refuse, reduce_prepare, reduce_run, reduce_touch};
