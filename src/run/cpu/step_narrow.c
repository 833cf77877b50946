/* MatMulNBits as an implicit GEMM with one tap: few rows read the weights as they are, many have them made f32 once. */
#include "step_igemm.h"
#include "steps.h"

enum { A, B, SCALES, ZEROS, BIAS = 5 };

static size_t rows_of(const w_graph *g, const w_node *n) {
    const w_shape *s = &w_node_in(g, n, A)->shape;
    size_t rows = 1;
    for (int i = 0; i + 1 < s->rank; i++) rows *= (size_t)s->dim[i];
    return rows;
}

static bool constant(const w_graph *g, const w_node *n, uint32_t i) {
    const w_value *v = w_node_in(g, n, i);
    return !v || v->kind == W_VALUE_CONST;
}

static const char *refuse_f32(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    if (!constant(g, n, B) || !constant(g, n, SCALES) || !constant(g, n, ZEROS) || !constant(g, n, BIAS)) return "weights are not constant";
    if (w_shape_count(&w_node_in(g, n, A)->shape) <= 0) return "A is empty";
    if (w_is_nhwc(w_node_in(g, n, A)) || w_is_nhwc(&g->value[n->out[0]])) return "an operand does not lie row-major";
    return w_igemm_refuse_f32(g, n, W_NONE);
}

static const char *refuse_narrow(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const char *why = refuse_f32(p, n, a);
    w_nbits m = w_nbits_of(n);
    return why ? why : w_igemm_refuse_narrow(p->ctx->kernels, rows_of(g, n), (size_t)m.k, (size_t)m.n, m.bits);
}

/* ---- prepare ---- */

/* Zero points one a byte, in tmp; NULL without any. */
static weir_status zeros_of(w_plan *p, const w_step *s, const w_nbits *m, w_arena *tmp, const uint8_t **out, weir_error *e) {
    const w_value *v = w_step_in(p, s, ZEROS);
    *out = NULL;
    if (!v) return WEIR_OK;
    uint8_t *zero = w_arena_alloc(tmp, (size_t)(m->n * m->blocks));
    if (!zero) return w_oom(e, (size_t)(m->n * m->blocks), "zero points");
    for (int64_t j = 0; j < m->n; j++)
        for (int64_t b = 0; b < m->blocks; b++) zero[j * m->blocks + b] = (uint8_t)w_nbits_zero(m, v->data, j, b);
    *out = zero;
    return WEIR_OK;
}

static weir_status source_of(w_plan *p, const w_step *s, const w_nbits *m, w_arena *tmp, w_narrow_source *out, weir_error *e) {
    float *scale;
    size_t count;
    W_TRY(w_const_f32(p->graph, w_step_node(p, s)->in[SCALES], tmp, &scale, &count, e));
    *out = (w_narrow_source){.bits = m->bits, .w = w_step_in(p, s, B)->data, .stride_n = (size_t)(m->blocks * m->block), .stride_k = 1,
                             .scale = scale, .scale_n = (size_t)m->blocks, .scale_k = 1, .n = (size_t)m->n, .k = (size_t)m->k,
                             .group = (size_t)m->block};
    return zeros_of(p, s, m, tmp, &out->zero, e);
}

static weir_status pack(w_plan *p, w_step *s, igemm *m, const w_nbits *b, bool narrow, w_arena *tmp, weir_error *e) {
    float *bias = NULL, zero = (float)w_nbits_zero(b, NULL, 0, 0);
    w_narrow_source from;
    size_t count;
    W_TRY(source_of(p, s, b, tmp, &from, e));
    if (w_step_in(p, s, BIAS)) W_TRY(w_const_f32(p->graph, w_step_node(p, s)->in[BIAS], tmp, &bias, &count, e));
    if (narrow) return w_igemm_pack_narrow(p, s, m, &from, zero, bias, e);
    float *w = w_arena_array(tmp, from.n * from.k, sizeof *w);
    if (!w) return w_oom(e, from.n * from.k * sizeof *w, "weights as f32");
    w_unpack_narrow(w, &from, zero, 0, from.n);
    return w_igemm_pack_f32(p, s, m, w, from.k, 1, bias, e);
}

static weir_status prepare(w_plan *p, w_step *s, bool narrow, weir_error *e) {
    const w_node *n = w_step_node(p, s);
    w_nbits b = w_nbits_of(n);
    igemm *m = w_step_params(p, s, sizeof *m, e);
    if (!m) return WEIR_NO_RESOURCE;
    m->p = rows_of(p->graph, n);
    m->f32.rows = (w_rows){.taps = 1, .c = (size_t)b.k, .row_stride = (size_t)b.k};
    m->f32.n = m->f32.out_stride = (size_t)b.n;
    w_igemm_epilogue(p, s, m, &((const w_nbits_attr *)n->attr)->ep, W_NONE);
    w_arena tmp;
    w_arena_init(&tmp, p->ctx);
    weir_status st = pack(p, s, m, &b, narrow, &tmp, e);
    w_arena_fini(&tmp);
    return st;
}
static weir_status prepare_narrow(w_plan *p, w_step *s, weir_error *e) { return prepare(p, s, true, e); }
static weir_status prepare_f32(w_plan *p, w_step *s, weir_error *e) { return prepare(p, s, false, e); }

const w_impl w_impl_nbits_narrow = {"nbits_narrow", W_OP_MatMulNBits, refuse_narrow, prepare_narrow, w_igemm_run, w_igemm_touch};
const w_impl w_impl_nbits_f32 = {"nbits_f32", W_OP_MatMulNBits, refuse_f32, prepare_f32, w_igemm_run, w_igemm_touch};
