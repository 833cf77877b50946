/* Activations and other functions of one element: f32 by kernel, u8 through a table of 256 results made at plan time.
 *
 * Input and output lie in the same layout, so that the elements are one vector. */
#include "step_window.h"
#include "steps_leaf.h"
#include <math.h>
#include <string.h>

typedef struct unary_params {
    w_kepi op;
    w_fn_unary_f32 *fn;
    w_fn_lut_u8 *lut_fn;
    const uint8_t *lut;
    size_t n, elem, chunk;     /* elements in all, bytes of one, elements of a tile */
    size_t pixel;              /* elements whose results adjoin, where the others lie apart; or 0 */
} unary_params;

static bool limit(const w_graph *g, const w_node *n, uint32_t i, float *x) {
    const w_value *v = w_node_in(g, n, i);
    if (!v) return true;
    if (v->kind != W_VALUE_CONST || !w_is_real_f32(v) || w_shape_count(&v->shape) != 1) return false;
    __builtin_memcpy(x, v->data, sizeof *x);
    return true;
}

/* The kernel's code of the node's function; false when there is none. */
static bool op_of(const w_graph *g, const w_node *n, w_kepi *op) {
    *op = (w_kepi){W_KACT_NONE, 0, 0};
    switch (n->op) {
    case W_OP_Relu: op->act = W_KACT_RELU; return true;
    case W_OP_LeakyRelu: *op = (w_kepi){W_KACT_LEAKY, w_attr_float(n, "alpha", 0.01f), 0}; return true;
    case W_OP_Elu: *op = (w_kepi){W_KACT_ELU, w_attr_float(n, "alpha", 1.0f), 0}; return true;
    case W_OP_HardSigmoid:
        *op = (w_kepi){W_KACT_HARDSIGMOID, w_attr_float(n, "alpha", 0.2f), w_attr_float(n, "beta", 0.5f)};
        return true;
    case W_OP_Clip:
        *op = (w_kepi){W_KACT_CLIP, w_attr_float(n, "min", -INFINITY), w_attr_float(n, "max", INFINITY)};
        return limit(g, n, 1, &op->a) && limit(g, n, 2, &op->b) && op->a <= op->b;
    case W_OP_Gelu: op->act = W_KACT_GELU; return !w_attr_str(n, "approximate") || w_attr_str(n, "approximate")[0] == 'n';
    case W_OP_HardSwish: op->act = W_KACT_HARDSWISH; return true;
    case W_OP_Sigmoid: op->act = W_KACT_SIGMOID; return true;
    case W_OP_Tanh: op->act = W_KACT_TANH; return true;
    case W_OP_Abs: op->act = W_UN_ABS; return true;
    case W_OP_Neg: op->act = W_UN_NEG; return true;
    case W_OP_Exp: op->act = W_UN_EXP; return true;
    case W_OP_Sqrt: op->act = W_UN_SQRT; return true;
    case W_OP_Reciprocal: op->act = W_UN_RECIPROCAL; return true;
    case W_OP_Floor: op->act = W_UN_FLOOR; return true;
    case W_OP_Ceil: op->act = W_UN_CEIL; return true;
    case W_OP_Table: return true; /* its results are there */
    default: return false;
    }
}

static const char *unary_refuse(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_value *in = w_node_in(g, n, 0), *out = &g->value[n->out[0]];
    w_kepi op;
    if (!op_of(g, n, &op)) return "a form that has no kernel";
    if (w_value_layout(in) != out->layout && !w_layouts_agree(&in->shape)) return "input and output lie differently";
    if (w_is_real_f32(in) && w_is_real_f32(out)) return NULL;
    if (n->op == W_OP_Table) return w_node_in(g, n, 1)->kind == W_VALUE_CONST ? NULL : "the table is not constant";
    if (w_is_quant8(in) && w_is_quant8(out) && in->type == WEIR_U8 && out->type == WEIR_U8) return NULL;
    return "neither f32 nor u8";
}

static const uint8_t *make_lut(w_plan *p, w_step *s, const w_kepi *op, weir_error *e) {
    const w_quant *in = w_step_in(p, s, 0)->quant, *out = w_step_out(p, s, 0)->quant;
    const w_leaf_kernels *leaf = &p->ctx->kernels->leaf;
    uint8_t *lut = w_step_packed(p, s, 256, e);
    float x[256];
    if (!lut) return NULL;
    if (w_step_node(p, s)->op == W_OP_Table) return memcpy(lut, w_step_in(p, s, 1)->data, 256);
    for (int i = 0; i < 256; i++) x[i] = (float)(i - in->zero[0]) * in->scale[0];
    leaf->unary_f32(op, x, x, 256);
    leaf->quantize_u8(x, lut, 256, out->scale[0], out->zero[0]);
    return lut;
}

#define CHUNK ((size_t)16384)
#define SCATTER 8192 /* bytes of results that wait in a buffer; a larger pixel goes straight to its place */

static weir_status unary_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_value *in = w_step_in(p, s, 0);
    const w_leaf_kernels *leaf = &p->ctx->kernels->leaf;
    unary_params *u = w_step_params(p, s, sizeof *u, e);
    if (!u) return WEIR_NO_RESOURCE;
    op_of(p->graph, w_step_node(p, s), &u->op);
    u->n = (size_t)w_shape_count(&in->shape);
    u->elem = w_type_size(in->type);
    if (in->type == WEIR_U8) {
        u->lut = make_lut(p, s, &u->op, e);
        if (!u->lut) return WEIR_NO_RESOURCE;
        u->lut_fn = leaf->lut_u8;
    } else {
        u->fn = leaf->unary_f32;
    }
    u->pixel = s->out[0].pitch ? (size_t)in->shape.dim[1] : 0;
    u->chunk = u->pixel ? W_MAX(CHUNK / u->pixel, (size_t)1) * u->pixel : CHUNK;
    if (in->kind != W_VALUE_CONST) s->inplace = 1;
    s->threads = w_step_threads(p, w_step_seconds(0, w_step_io_bytes(s)));
    s->tile = u->pixel ? "pixels" : "16384 elements";
    s->kernel = w_arena_printf(&p->arena_mem, "%s__%s", u->lut ? "u8_table" : "f32_unary", u->lut ? leaf->isa_u8 : leaf->isa_f32);
    return s->kernel ? WEIR_OK : w_oom(e, 64, "names");
}

static void apply(const unary_params *u, const uint8_t *in, uint8_t *out, size_t n) {
    if (u->lut) u->lut_fn(u->lut, in, out, n);
    else u->fn(&u->op, (const float *)(const void *)in, (float *)(void *)out, n);
}

/* Results of whole runs of pixels, then each where it belongs: kernels want more than a pixel. */
static void scatter(const unary_params *u, const uint8_t *in, uint8_t *out, size_t pixels, size_t pitch) {
    _Alignas(32) uint8_t made[SCATTER];
    size_t bytes = u->pixel * u->elem, run = SCATTER / bytes;
    for (size_t i = 0; run == 0 && i < pixels; i++) apply(u, in + i * bytes, out + i * pitch, u->pixel);
    for (size_t i = 0; run > 0 && i < pixels; i += run) {
        size_t n = W_MIN(run, pixels - i);
        apply(u, in + i * bytes, made, n * u->pixel);
        for (size_t k = 0; k < n; k++) memcpy(out + (i + k) * pitch, made + k * bytes, bytes);
    }
}

static void unary_tile(void *arg, size_t index) {
    const w_job *j = arg;
    const unary_params *u = j->s->params;
    size_t first = index * u->chunk, n = W_MIN(u->chunk, u->n - first), pitch = j->s->out[0].pitch;
    const uint8_t *in = (const uint8_t *)w_loc_ptr(&j->s->in[0], j->b) + first * u->elem;
    uint8_t *out = w_loc_ptr(&j->s->out[0], j->b);
    if (u->pixel) scatter(u, in, out + first / u->pixel * pitch, n / u->pixel, pitch);
    else apply(u, in, out + first * u->elem, n);
}

static void unary_run(const w_step *s, const w_bindings *b) {
    const unary_params *u = s->params;
    w_step_for(s, b, unary_tile, (u->n + u->chunk - 1) / u->chunk);
}

static void unary_touch(const w_plan *p, const w_step *s, w_touch *t) {
    const unary_params *u = s->params;
    if (s->packed_bytes) w_touch_packed(t, s, 0, s->packed_bytes);
    w_touch_loc(t, &s->in[0], 0, s->in[0].bytes, W_READ);
    size_t rows = s->out[0].pitch ? s->out[0].bytes / (u->pixel * u->elem) : 1;
    w_touch_rows(t, &s->out[0], 0, rows, s->out[0].bytes / rows, W_WRITE);
    w_touch_l1(t, (double)(s->packed_bytes + s->in[0].bytes), (double)s->out[0].bytes);
}

#define UNARY(op)                                                                                                      \
    const w_impl w_impl_unary_##op = {"unary_" #op, W_OP_##op, unary_refuse, unary_prepare, unary_run, unary_touch};
UNARY(Relu)
UNARY(LeakyRelu)
UNARY(Elu)
UNARY(Clip)
UNARY(Sigmoid)
UNARY(HardSigmoid)
UNARY(HardSwish)
UNARY(Tanh)
UNARY(Gelu)
UNARY(Abs)
UNARY(Neg)
UNARY(Exp)
UNARY(Sqrt)
UNARY(Reciprocal)
UNARY(Floor)
UNARY(Ceil)
UNARY(Table)
