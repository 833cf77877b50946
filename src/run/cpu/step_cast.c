/* Cast between f16 and f32. Input and output lie in the same layout. */
#include "step.h"
#include "steps_leaf.h"

typedef struct cast_params {
    size_t n;
    w_fn_half_to_f32 *widen; /* one of the two is set */
    w_fn_f32_to_half *narrow;
} cast_params;

static const char *cast_refuse(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_value *in = w_node_in(g, n, 0), *out = &g->value[n->out[0]];
    bool widen = in->type == WEIR_F16 && out->type == WEIR_F32, narrow = in->type == WEIR_F32 && out->type == WEIR_F16;
    if (in->quant || out->quant || (!widen && !narrow)) return "not between f16 and f32";
    if (in->kind == W_VALUE_CONST) return "the operand is constant";
    return w_value_layout(in) == out->layout || w_layouts_agree(&in->shape) ? NULL : "input and output lie differently";
}

static weir_status cast_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_value *in = w_step_in(p, s, 0);
    const w_leaf_kernels *leaf = &p->ctx->kernels->leaf;
    cast_params *c = w_step_params(p, s, sizeof *c, e);
    if (!c) return WEIR_NO_RESOURCE;
    c->n = (size_t)w_shape_count(&in->shape);
    if (in->type == WEIR_F16) c->widen = leaf->half_to_f32;
    else c->narrow = leaf->f32_to_half;
    s->threads = w_step_threads(p, w_step_seconds(0, w_step_io_bytes(s)));
    s->tile = "16384 elements";
    s->kernel = w_arena_printf(&p->arena_mem, "%s__%s", c->widen ? "half_to_f32" : "f32_to_half", leaf->isa_f32);
    return s->kernel ? WEIR_OK : w_oom(e, 64, "names");
}

#define CHUNK 16384

static void cast_tile(void *arg, size_t index) {
    const w_job *j = arg;
    const cast_params *c = j->s->params;
    size_t first = index * CHUNK, n = W_MIN((size_t)CHUNK, c->n - first);
    const void *in = w_loc_ptr(&j->s->in[0], j->b);
    void *out = w_loc_ptr(&j->s->out[0], j->b);
    if (c->widen) c->widen((const uint16_t *)in + first, (float *)out + first, n);
    else c->narrow((const float *)in + first, (uint16_t *)out + first, n);
}

static void cast_run(const w_step *s, const w_bindings *b) {
    w_step_for(s, b, cast_tile, (((const cast_params *)s->params)->n + CHUNK - 1) / CHUNK);
}

const w_impl w_impl_cast_half = {"cast_half", W_OP_Cast, cast_refuse, cast_prepare, cast_run, w_touch_streaming};
