/* Gemm and MatMul as implicit GEMM with one tap: constant weights f32, of few bits, or u8 x s8, and weights known only at run time.
 *
 * Gemm: alpha goes into the weights (u8: into the scales), beta into the bias. */
#include "step_gemm.h"
#include "step_igemm.h"
#include "steps.h"

static size_t count_of(const w_shape *s, uint32_t from, uint32_t to) {
    size_t n = 1;
    for (uint32_t i = from; i < to; i++) n *= (size_t)s->dim[i];
    return n;
}

static bool row_major(const w_value *v) {
    return v->shape.rank != 4 || w_value_layout(v) == W_ROW || w_layouts_agree(&v->shape);
}

static void attributes(const w_node *n, w_product *o) {
    if (n->op == W_OP_Gemm) {
        const w_gemm_attr *at = n->attr;
        *o = (w_product){.trans_b = at->transB != 0, .alpha = at->alpha, .beta = at->beta, .ep = &at->ep, .res = 3};
    } else {
        const w_matmul_attr *at = n->attr;
        *o = (w_product){.alpha = 1, .beta = 1, .ep = &at->ep, .res = W_NONE};
    }
}

const char *w_product_of(const w_graph *g, const w_node *n, w_product *o) {
    const w_value *a = w_node_in(g, n, 0), *b = w_node_in(g, n, 1), *y = &g->value[n->out[0]];
    attributes(n, o);
    if (n->op == W_OP_Gemm && ((const w_gemm_attr *)n->attr)->transA) return "A is transposed";
    uint32_t ra = a->shape.rank, rb = b->shape.rank;
    if (ra < 1 || rb < 2) return "an operand is a vector";
    if (w_shape_count(&a->shape) <= 0 || w_shape_count(&b->shape) <= 0) return "an operand is empty";
    if (!row_major(a) || !row_major(y) || !row_major(b)) return "an operand does not lie row-major";
    o->k = (size_t)a->shape.dim[ra - 1];
    o->n = (size_t)b->shape.dim[rb - (o->trans_b ? 2 : 1)];
    o->batch = count_of(&b->shape, 0, rb - 2);
    o->m = count_of(&a->shape, 0, ra - 1);
    if (o->batch == 1) return NULL;
    if (ra != rb) return "B has batches that A lacks";
    for (uint32_t i = 0; i + 2 < rb; i++)
        if (a->shape.dim[i] != b->shape.dim[i]) return "batches are broadcast";
    o->m /= o->batch;
    return NULL;
}

const char *w_product_refuse_bias(const w_graph *g, const w_node *n, const w_product *o) {
    const w_value *c = w_node_in(g, n, 2);
    if (!c) return NULL;
    if (c->kind != W_VALUE_CONST) return "the bias is not constant";
    size_t count = (size_t)w_shape_count(&c->shape);
    if (count == 1) return NULL;
    bool columns = count == o->n && c->shape.rank >= 1 && (size_t)c->shape.dim[c->shape.rank - 1] == o->n;
    return columns ? NULL : "the bias is not one number a column";
}

static const char *refuse_constant(const w_graph *g, const w_node *n, w_product *o) {
    const char *why = w_product_of(g, n, o);
    if (why) return why;
    if (o->batch != 1) return "B has batches";
    if (w_node_in(g, n, 1)->kind != W_VALUE_CONST) return "B is not constant";
    return w_product_refuse_bias(g, n, o);
}

static const char *refuse_f32(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    w_product o;
    const char *why = refuse_constant(g, n, &o);
    return why ? why : w_igemm_refuse_f32(g, n, o.res);
}

/* Few rows by weights that are bf16, or 8 bits with scales for whole columns. */
static const char *refuse_narrow(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    w_product o;
    const char *why = refuse_constant(g, n, &o);
    if (!why) why = w_igemm_refuse_f32(g, n, o.res);
    if (why) return why;
    const w_value *b = w_node_in(g, n, 1);
    bool half = b->type == WEIR_BF16 && !b->quant, bytes = (b->type == WEIR_S8 || b->type == WEIR_U8) && b->quant;
    if (!half && !bytes) return "weights are neither bf16 nor of 8 bits with scales";
    if (half && o.alpha != 1.0f) return "alpha is not 1";
    if (bytes && b->quant->n > 1 && b->quant->axis != b->shape.rank - (o.trans_b ? 2 : 1)) return "scales do not run along the columns";
    return w_igemm_refuse_narrow(p->ctx->kernels, o.m, o.k, o.n, half ? W_BITS_BF16 : 8);
}

static const char *refuse_u8(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    w_product o;
    const char *why = refuse_constant(g, n, &o);
    if (why) return why;
    if (o.k > INT32_MAX / (255 * 128)) return "the sum is too long for 32 bits";
    int64_t axis = w_node_in(g, n, 1)->shape.rank - (o.trans_b ? 2 : 1);
    return w_igemm_refuse_u8(g, n, o.res, axis, o.ep->act);
}

static const char *refuse_dynamic(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    w_product o;
    const char *why = w_product_of(g, n, &o);
    if (!why) why = w_product_refuse_bias(g, n, &o);
    if (why) return why;
    if (!w_is_real_f32(w_node_in(g, n, 1))) return "B is not f32";
    if (o.alpha != 1.0f) return "alpha is not 1";
    return w_igemm_refuse_f32(g, n, o.res);
}

/* ---- prepare ---- */

weir_status w_product_bias(w_plan *p, const w_step *s, const w_product *o, w_arena *a, float **out, weir_error *e) {
    const w_node *node = w_step_node(p, s);
    float *c;
    size_t count;
    *out = NULL;
    if (!w_step_in(p, s, 2)) return WEIR_OK;
    W_TRY(w_const_f32(p->graph, node->in[2], a, &c, &count, e));
    *out = w_arena_array(a, o->n, sizeof **out);
    if (!*out) return w_oom(e, o->n * sizeof **out, "a bias");
    for (size_t i = 0; i < o->n; i++) (*out)[i] = c[count == 1 ? 0 : i] * o->beta;
    return WEIR_OK;
}

static w_rows plain_rows(const w_product *o) { return (w_rows){.taps = 1, .c = o->k, .row_stride = o->k}; }

static igemm *begin(w_plan *p, w_step *s, w_product *o, weir_error *e) {
    igemm *m = w_step_params(p, s, sizeof *m, e);
    if (!m) return NULL;
    w_product_of(p->graph, w_step_node(p, s), o);
    m->p = o->m;
    m->f32.rows = m->u8.rows = plain_rows(o);
    m->f32.n = m->f32.out_stride = m->f32.res_stride = o->n;
    m->u8.n = m->u8.out_stride = m->u8.res_stride = o->n;
    w_igemm_epilogue(p, s, m, o->ep, o->res);
    return m;
}

static weir_status scaled(w_plan *p, const w_step *s, float by, w_arena *tmp, const void **out, weir_error *e) {
    float *w;
    size_t count;
    W_TRY(w_const_f32(p->graph, w_step_node(p, s)->in[1], tmp, &w, &count, e));
    for (size_t i = 0; i < count; i++) w[i] *= by;
    *out = w;
    return WEIR_OK;
}

static weir_status pack_f32(w_plan *p, w_step *s, igemm *m, const w_product *o, w_arena *tmp, weir_error *e) {
    const void *w;
    float *bias;
    size_t count;
    if (o->alpha == 1.0f) W_TRY(w_const_view_f32(p->graph, w_step_node(p, s)->in[1], tmp, &w, &count, e));
    else W_TRY(scaled(p, s, o->alpha, tmp, &w, e));
    W_TRY(w_product_bias(p, s, o, tmp, &bias, e));
    return w_igemm_pack_f32(p, s, m, w, o->trans_b ? o->k : 1, o->trans_b ? 1 : o->n, bias, e);
}

/* Scales times alpha and, unless they are one number, zero points of unsigned codes, from tmp. */
static weir_status narrow_scales(const w_value *b, float alpha, w_arena *tmp, w_narrow_source *s, float *zero, weir_error *e) {
    const w_quant *q = b->quant;
    int32_t up = b->type == WEIR_S8 ? 128 : 0;
    float *scale = w_arena_array(tmp, q->n, sizeof *scale);
    uint8_t *zeros = w_arena_array(tmp, q->n, 1);
    bool same = true;
    if (!scale || !zeros) return w_oom(e, q->n * 5, "scales");
    for (uint32_t i = 0; i < q->n; i++) {
        scale[i] = q->scale[i] * alpha;
        zeros[i] = (uint8_t)(q->zero[i] + up);
        same &= q->zero[i] == q->zero[0];
    }
    *zero = (float)(q->zero[0] + up);
    s->scale = scale;
    s->scale_n = q->n > 1;
    s->zero = same ? NULL : zeros;
    return WEIR_OK;
}

static weir_status pack_narrow(w_plan *p, w_step *s, igemm *m, const w_product *o, w_arena *tmp, weir_error *e) {
    const w_value *b = w_step_in(p, s, 1);
    float *bias, zero = 0;
    w_narrow_source from = {.bits = b->type == WEIR_BF16 ? W_BITS_BF16 : 8, .w = b->data, .stride_n = o->trans_b ? o->k : 1,
                            .stride_k = o->trans_b ? 1 : o->n, .flip = b->type == WEIR_S8 ? 0x80 : 0, .group = o->k};
    if (b->quant) W_TRY(narrow_scales(b, o->alpha, tmp, &from, &zero, e));
    W_TRY(w_product_bias(p, s, o, tmp, &bias, e));
    return w_igemm_pack_narrow(p, s, m, &from, zero, bias, e);
}

static weir_status pack_u8(w_plan *p, w_step *s, igemm *m, const w_product *o, w_arena *tmp, weir_error *e) {
    float *bias, *mul = w_igemm_mul(p, s, o->n, o->alpha * m->unit, e);
    if (!mul) return WEIR_NO_RESOURCE;
    W_TRY(w_product_bias(p, s, o, tmp, &bias, e));
    for (size_t i = 0; bias && i < o->n; i++) bias[i] *= m->unit;
    w_pack_u8_args a = {.w = w_step_in(p, s, 1)->data, .stride_n = o->trans_b ? o->k : 1, .stride_k = o->trans_b ? 1 : o->n,
                        .zx = w_packed_zero(p, s), .mul = mul, .bias = bias};
    return w_igemm_pack_u8(p, s, m, &a, e);
}

typedef weir_status pack_fn(w_plan *p, w_step *s, igemm *m, const w_product *o, w_arena *tmp, weir_error *e);

static weir_status prepare(w_plan *p, w_step *s, pack_fn *pack, weir_error *e) {
    w_product o;
    igemm *m = begin(p, s, &o, e);
    if (!m) return WEIR_NO_RESOURCE;
    w_arena tmp;
    w_arena_init(&tmp, p->ctx);
    weir_status st = pack(p, s, m, &o, &tmp, e);
    w_arena_fini(&tmp);
    return st;
}
static weir_status prepare_f32(w_plan *p, w_step *s, weir_error *e) { return prepare(p, s, pack_f32, e); }
static weir_status prepare_narrow(w_plan *p, w_step *s, weir_error *e) { return prepare(p, s, pack_narrow, e); }
static weir_status prepare_u8(w_plan *p, w_step *s, weir_error *e) { return prepare(p, s, pack_u8, e); }

static weir_status prepare_dynamic(w_plan *p, w_step *s, weir_error *e) {
    w_product o;
    float *bias;
    igemm *m = begin(p, s, &o, e);
    if (!m) return WEIR_NO_RESOURCE;
    W_TRY(w_product_bias(p, s, &o, &p->arena_mem, &bias, e));
    m->late.batch = o.batch;
    m->late.stride_n = o.trans_b ? o.k : 1;
    m->late.stride_k = o.trans_b ? 1 : o.n;
    m->late.w_stride = o.k * o.n;
    m->late.bias = bias;
    return w_igemm_late_f32(p, s, m, e);
}

#define IMPL(op, name, refuse, prep) {name, W_OP_##op, refuse, prep, w_igemm_run, w_igemm_touch}
const w_impl w_impl_gemm_u8 = IMPL(Gemm, "gemm_u8", refuse_u8, prepare_u8);
const w_impl w_impl_gemm_narrow = IMPL(Gemm, "gemm_narrow", refuse_narrow, prepare_narrow);
const w_impl w_impl_gemm_f32 = IMPL(Gemm, "gemm_f32", refuse_f32, prepare_f32);
const w_impl w_impl_gemm_f32_dynamic = IMPL(Gemm, "gemm_f32_dynamic", refuse_dynamic, prepare_dynamic);
const w_impl w_impl_matmul_u8 = IMPL(MatMul, "matmul_u8", refuse_u8, prepare_u8);
const w_impl w_impl_matmul_narrow = IMPL(MatMul, "matmul_narrow", refuse_narrow, prepare_narrow);
const w_impl w_impl_matmul_f32 = IMPL(MatMul, "matmul_f32", refuse_f32, prepare_f32);
const w_impl w_impl_matmul_f32_dynamic = IMPL(MatMul, "matmul_f32_dynamic", refuse_dynamic, prepare_dynamic);
