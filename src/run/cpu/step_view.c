/* Reshape, Flatten, Squeeze, Unsqueeze, Identity where the planner could not make them views: the same elements in
 * row-major order under another shape. Plain bytes, or a strided copy when one side lies channels-last. */
#include "step.h"
#include "steps_leaf.h"
#include <string.h>

typedef struct view_params {
    bool bytes;  /* the same bytes in the same order */
    size_t elem;
    w_nd nd;
} view_params;

static bool is_permuted(const w_value *v) { return w_value_layout(v) == W_NHWC && !w_layouts_agree(&v->shape); }

static const char *view_refuse(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_value *in = w_node_in(g, n, 0), *out = &g->value[n->out[0]];
    if (!in || n->nout > 1) return "has a second result";
    if (in->quant && in->quant->n > 1) return "quantised per channel";
    if (!w_same_quant(in, out)) return "input and output are stored differently";
    if (is_permuted(in) && is_permuted(out) && !w_shape_equal(&in->shape, &out->shape))
        return "both sides lie channels-last with different shapes";
    return NULL;
}

static weir_status view_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_value *in = w_step_in(p, s, 0), *out = w_step_out(p, s, 0);
    view_params *v = w_step_params(p, s, sizeof *v, e);
    if (!v) return WEIR_NO_RESOURCE;
    v->elem = w_type_size(in->type);
    v->bytes = is_permuted(in) == is_permuted(out);
    if (!v->bytes) {
        const w_shape *dims = is_permuted(in) ? &in->shape : &out->shape;
        int64_t stride[W_ND_OPERANDS][W_MAX_RANK];
        w_layout_strides(dims, is_permuted(out) ? W_NHWC : W_ROW, stride[0]);
        w_layout_strides(dims, is_permuted(in) ? W_NHWC : W_ROW, stride[1]);
        w_nd_init(&v->nd, dims, 2, stride, NULL);
    }
    s->inplace = v->bytes ? 1 : 0;
    s->kernel = v->bytes ? "copy" : "copy_strided";
    s->tile = "whole";
    s->threads = 1;
    return WEIR_OK;
}

static void view_run(const w_step *s, const w_bindings *b) {
    const view_params *v = s->params;
    void *out = w_loc_ptr(&s->out[0], b);
    const void *in = w_loc_ptr(&s->in[0], b);
    if (!v->bytes) w_nd_copy(&v->nd, v->elem, out, in, 0, v->nd.n[0]);
    else if (out != in) memcpy(out, in, s->out[0].bytes);
}

/* Shape operands are read at plan time only. */
static void view_touch(const w_plan *p, const w_step *s, w_touch *t) {
    w_touch_loc(t, &s->in[0], 0, s->in[0].bytes, W_READ);
    w_touch_loc(t, &s->out[0], 0, s->out[0].bytes, W_WRITE);
    w_touch_l1(t, (double)s->in[0].bytes, (double)s->out[0].bytes);
}

#define VIEW(op)                                                                                                       \
    const w_impl w_impl_view_##op = {"view_" #op, W_OP_##op, view_refuse, view_prepare, view_run, view_touch};
VIEW(Reshape)
VIEW(Flatten)
VIEW(Squeeze)
VIEW(Unsqueeze)
VIEW(Identity)
VIEW(Dropout)
