/* QuantizeLinear and DequantizeLinear, one scale a tensor, u8. Input and output lie in the same layout. */
#include "step.h"
#include "steps_leaf.h"

typedef struct quant_params {
    size_t n;
    float scale;
    int32_t zero;
    bool quantize;
    w_fn_quantize_u8 *q;
    w_fn_dequantize_u8 *dq;
} quant_params;

static const char *quant_refuse(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_value *in = w_node_in(g, n, 0), *out = &g->value[n->out[0]], *scale = w_node_in(g, n, 1), *zero = w_node_in(g, n, 2);
    bool quantize = n->op == W_OP_QuantizeLinear;
    const w_value *real = quantize ? in : out, *bytes = quantize ? out : in;
    if (!w_is_real_f32(real)) return "the real side is not f32";
    if (bytes->type != WEIR_U8) return "the quantised side is not u8";
    if (scale->kind != W_VALUE_CONST || w_shape_count(&scale->shape) != 1) return "not one constant scale";
    if (zero && (zero->kind != W_VALUE_CONST || w_shape_count(&zero->shape) != 1)) return "not one constant zero point";
    if (w_value_layout(in) != out->layout && !w_layouts_agree(&in->shape)) return "input and output lie differently";
    return NULL;
}

static weir_status quant_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_node *n = w_step_node(p, s);
    const w_leaf_kernels *leaf = &p->ctx->kernels->leaf;
    quant_params *q = w_step_params(p, s, sizeof *q, e);
    if (!q) return WEIR_NO_RESOURCE;
    float *scale;
    int64_t *zero;
    size_t count;
    W_TRY(w_step_const(p, s, 1, &scale, &count, e));
    q->scale = scale[0];
    if (w_step_in(p, s, 2)) {
        W_TRY(w_const_i64(p->graph, n->in[2], &p->arena_mem, &zero, &count, e));
        q->zero = (int32_t)zero[0];
    }
    q->n = (size_t)w_shape_count(&w_step_in(p, s, 0)->shape);
    q->quantize = n->op == W_OP_QuantizeLinear;
    q->q = leaf->quantize_u8;
    q->dq = leaf->dequantize_u8;
    s->threads = w_step_threads(p, w_step_seconds(0, w_step_io_bytes(s)));
    s->tile = "16384 elements";
    s->kernel = w_arena_printf(&p->arena_mem, "%s__%s", q->quantize ? "quantize_u8" : "dequantize_u8", leaf->isa_f32);
    return s->kernel ? WEIR_OK : w_oom(e, 64, "names");
}

#define CHUNK 16384

static void quant_tile(void *arg, size_t index) {
    const w_job *j = arg;
    const quant_params *q = j->s->params;
    size_t first = index * CHUNK, n = W_MIN((size_t)CHUNK, q->n - first);
    const void *in = w_loc_ptr(&j->s->in[0], j->b);
    void *out = w_loc_ptr(&j->s->out[0], j->b);
    if (q->quantize) q->q((const float *)in + first, (uint8_t *)out + first, n, q->scale, q->zero);
    else q->dq((const uint8_t *)in + first, (float *)out + first, n, q->scale, q->zero);
}

static void quant_run(const w_step *s, const w_bindings *b) {
    w_step_for(s, b, quant_tile, (((const quant_params *)s->params)->n + CHUNK - 1) / CHUNK);
}

/* Scale and zero point are read at plan time. */
static void quant_touch(const w_plan *p, const w_step *s, w_touch *t) {
    w_touch_loc(t, &s->in[0], 0, s->in[0].bytes, W_READ);
    w_touch_loc(t, &s->out[0], 0, s->out[0].bytes, W_WRITE);
    w_touch_l1(t, (double)s->in[0].bytes, (double)s->out[0].bytes);
}

const w_impl w_impl_quantize = {"quantize_u8", W_OP_QuantizeLinear, quant_refuse, quant_prepare, quant_run, quant_touch};
const w_impl w_impl_dequantize = {"dequantize_u8", W_OP_DequantizeLinear, quant_refuse, quant_prepare, quant_run, quant_touch};
