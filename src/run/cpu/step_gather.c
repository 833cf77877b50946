/* Gather along an axis of row-major data: runs of contiguous elements picked by index. An index outside the axis gives
 * zeros: a step cannot fail. */
#include "step.h"
#include "steps_leaf.h"
#include <string.h>

typedef struct gather_params {
    int64_t outer, axis, count; /* runs: [outer][axis] in the data, [outer][count] in the result */
    size_t run;                 /* bytes */
    bool wide;                  /* indices are s64, else s32 */
    const void *index;          /* constant indices, aligned; NULL: operand 1 */
} gather_params;

static const char *gather_refuse(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_value *in = w_node_in(g, n, 0), *out = &g->value[n->out[0]], *index = w_node_in(g, n, 1);
    if ((w_value_layout(in) == W_NHWC && !w_layouts_agree(&in->shape)) ||
        (out->layout == W_NHWC && !w_layouts_agree(&out->shape)))
        return "an operand lies channels-last";
    if (in->quant && in->quant->n > 1) return "quantised per channel";
    if (!w_same_quant(in, out)) return "input and output are stored differently";
    if (index->type != WEIR_S64 && index->type != WEIR_S32) return "indices are neither s64 nor s32";
    return NULL;
}

static weir_status gather_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_node *n = w_step_node(p, s);
    const w_value *in = w_step_in(p, s, 0), *index = w_step_in(p, s, 1);
    gather_params *k = w_step_params(p, s, sizeof *k, e);
    if (!k) return WEIR_NO_RESOURCE;
    int64_t axis = w_attr_int(n, "axis", 0), inner = 1;
    if (axis < 0) axis += in->shape.rank;
    k->outer = 1;
    for (int64_t d = 0; d < axis; d++) k->outer *= in->shape.dim[d];
    for (int64_t d = axis + 1; d < in->shape.rank; d++) inner *= in->shape.dim[d];
    k->axis = in->shape.dim[axis];
    k->count = w_shape_count(&index->shape);
    k->run = (size_t)inner * w_type_size(in->type);
    k->wide = index->type == WEIR_S64;
    if (index->kind == W_VALUE_CONST) {
        size_t bytes = w_value_bytes(p->graph, n->in[1]);
        void *copy = w_arena_alloc_aligned(&p->arena_mem, W_MAX(bytes, (size_t)1));
        if (!copy) return w_oom(e, bytes, "indices");
        memcpy(copy, index->data, bytes);
        k->index = copy;
    }
    s->kernel = "gather_runs";
    s->tile = "whole";
    s->threads = 1;
    s->bytewise = true;
    return WEIR_OK;
}

static void gather_run(const w_step *s, const w_bindings *b) {
    const gather_params *k = s->params;
    uint8_t *out = w_loc_ptr(&s->out[0], b);
    const uint8_t *in = w_loc_ptr(&s->in[0], b);
    const void *index = k->index ? k->index : w_loc_ptr(&s->in[1], b);
    for (int64_t o = 0; o < k->outer; o++)
        for (int64_t c = 0; c < k->count; c++, out += k->run) {
            int64_t i = k->wide ? ((const int64_t *)index)[c] : ((const int32_t *)index)[c];
            if (i < 0) i += k->axis;
            if (i < 0 || i >= k->axis) memset(out, 0, k->run);
            else memcpy(out, in + (size_t)(o * k->axis + i) * k->run, k->run);
        }
}

/* Which rows of the data are read is known at run time only: as many as the result has, here the first. */
static void gather_touch(const w_plan *p, const w_step *s, w_touch *t) {
    const gather_params *k = s->params;
    size_t rows = (size_t)W_MIN(k->count, k->axis) * k->run, data = k->outer == 1 ? rows : s->in[0].bytes;
    w_touch_loc(t, &s->in[1], 0, s->in[1].bytes, W_READ);
    w_touch_loc(t, &s->in[0], 0, data, W_READ);
    w_touch_loc(t, &s->out[0], 0, s->out[0].bytes, W_WRITE);
    w_touch_l1(t, (double)(s->in[1].bytes + data), (double)s->out[0].bytes);
}

const w_impl w_impl_gather = {"gather_runs", W_OP_Gather, gather_refuse, gather_prepare, gather_run, gather_touch};
