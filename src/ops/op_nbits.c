/* MatMulNBits of ONNX Runtime's domain: a product with weights of 2, 4 or 8 bits whose blocks along the reduction have a scale, and
 * perhaps a zero point, each. B holds the columns one after the other, every block in whole bytes, its first code lowest. */
#include "op_attr_table.h"
#include "op_util.h"

enum { A, B, SCALES, ZEROS, GROUP_INDEX, BIAS };

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
w_nbits w_nbits_of(const w_node *n) {
    const w_nbits_attr *at = n->attr;
    int64_t blocks = ceil_div(at->K, at->block_size);
    return (w_nbits){at->K, at->N, at->block_size, blocks, ceil_div(blocks * at->bits, 8), (unsigned)at->bits};
}

int64_t w_nbits_zero(const w_nbits *m, const uint8_t *zeros, int64_t column, int64_t block) {
    if (!zeros) return INT64_C(1) << (m->bits - 1);
    int64_t bit = block * m->bits;
    return zeros[column * m->zero_bytes + bit / 8] >> bit % 8 & ((1 << m->bits) - 1);
}

static weir_status check_attributes(const w_graph *g, const w_node *n, weir_error *e) {
    const w_nbits_attr *at = n->attr;
    int64_t block = at->block_size;
    if (at->bits != 2 && at->bits != 4 && at->bits != 8) return w_node_fail(e, g, n, "bits is %lld, expected 2, 4 or 8", (long long)at->bits);
    if (block < 16 || block > 1 << 20 || block & (block - 1))
        return w_node_fail(e, g, n, "block_size is %lld, expected a power of two from 16 to 2^20", (long long)block);
    if (at->K < 1 || at->N < 1 || at->K > W_MAX_DIM || at->N > W_MAX_DIM)
        return w_node_fail(e, g, n, "K is %lld and N is %lld, expected 1 to %lld", (long long)at->K, (long long)at->N, (long long)W_MAX_DIM);
    return WEIR_OK;
}

static weir_status check_count(const w_graph *g, const w_node *n, uint32_t i, const char *what, int64_t expected, weir_error *e) {
    const w_value *v = w_node_in(g, n, i);
    char t[W_SHAPE_TEXT];
    if (!v || w_shape_count(&v->shape) == expected) return WEIR_OK;
    return w_node_fail(e, g, n, "%s has shape %s, expected %lld elements by bits, block_size, K and N", what, w_shape_text(g, &v->shape, t), (long long)expected);
}

static weir_status check_weights(const w_graph *g, const w_node *n, weir_error *e) {
    const w_value *b = w_node_in(g, n, B), *zeros = w_node_in(g, n, ZEROS), *bias = w_node_in(g, n, BIAS);
    w_nbits m = w_nbits_of(n);
    if (b->type != WEIR_U8 || b->quant) return w_node_fail(e, g, n, "B has type %s, expected u8", w_type_name(w_real_type(b)));
    if (zeros && (zeros->type != WEIR_U8 || zeros->quant))
        return w_node_fail(e, g, n, "zero_points have type %s, only packed ones (u8) are supported", w_type_name(w_real_type(zeros)));
    if (w_node_in(g, n, GROUP_INDEX)) return w_node_fail(e, g, n, "has g_idx, which is not supported");
    W_TRY(w_check_same_type(g, n, A, SCALES, e));
    W_TRY(check_count(g, n, B, "B", w_sat_mul(m.n, w_sat_mul(m.blocks, m.block * m.bits / 8)), e));
    W_TRY(check_count(g, n, SCALES, "scales", w_sat_mul(m.n, m.blocks), e));
    W_TRY(check_count(g, n, ZEROS, "zero_points", w_sat_mul(m.n, m.zero_bytes), e));
    if (bias) W_TRY(w_check_same_type(g, n, A, BIAS, e));
    return check_count(g, n, BIAS, "bias", m.n, e);
}

static weir_status infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_nbits_attr *at = n->attr;
    w_shape s = w_node_in(g, n, A)->shape;
    W_TRY(w_check_type(g, n, A, "A", W_T_FLOATS, e));
    W_TRY(w_check_rank(g, n, A, "A", 1, W_MAX_RANK, e));
    W_TRY(check_attributes(g, n, e));
    W_TRY(w_check_dim_equal(g, n, "the last dimension of A", s.dim[s.rank - 1], "in K", at->K, e));
    W_TRY(check_weights(g, n, e));
    s.dim[s.rank - 1] = at->N;
    return w_set_out(g, n, 0, w_real_type(w_node_in(g, n, A)), &s, e);
}

/* What the columns of the box have of an operand with as many elements for each: the same indices of its first axis, or a run of
 * a vector. */
static w_tag columns(const w_value *v, int64_t n, w_tag tag, const w_box *out, w_box *in) {
    int last = out->rank - 1;
    int64_t each = w_shape_count(&v->shape) / n;
    if (v->shape.rank != 1 && v->shape.dim[0] != n) return w_box_whole(&v->shape, W_COVER, in);
    w_box_whole(&v->shape, tag, in);
    if (v->shape.rank > 1 || each == 1) {
        w_box_axis(in, 0, out->lo[last], out->n[last], out->step[last]);
        return tag;
    }
    w_box_axis(in, 0, out->lo[last] * each, ((out->n[last] - 1) * out->step[last] + 1) * each, 1);
    return out->step[last] > 1 ? W_COVER : tag;
}

/* Codes behind the end of a column change nothing. */
static w_tag tag_of(const w_nbits *m, uint32_t i) {
    bool padded = i == B ? m->k % m->block : i == ZEROS && m->blocks * m->bits % 8;
    return padded ? W_COVER : W_EXACT;
}

static w_tag map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    (void)o;
    const w_value *v = w_node_in(g, n, i);
    *in = (w_box){0};
    if (!v || !w_box_count(out)) return W_UNUSED;
    w_nbits m = w_nbits_of(n);
    if (i != A) return columns(v, m.n, tag_of(&m, i), out, in);
    *in = *out;
    w_box_axis(in, in->rank - 1, 0, v->shape.dim[in->rank - 1], 1);
    return w_box_end(in, W_EXACT);
}

static int64_t work(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    (void)g;
    (void)o;
    return w_sat_mul(w_box_count(box), w_nbits_of(n).k);
}

static double element(const w_nbits *m, const w_node *n, const w_tensor *in, const float *a, int64_t column) {
    const uint8_t *b = (const uint8_t *)in[B].data + column * m->blocks * (m->block * m->bits / 8);
    const uint8_t *zeros = n->nin > ZEROS ? in[ZEROS].data : NULL;
    double sum = 0;
    for (int64_t k = 0; k < m->k; k++) {
        int64_t bit = k * m->bits, code = b[bit / 8] >> bit % 8 & ((1 << m->bits) - 1), block = k / m->block;
        float scale = ((const float *)in[SCALES].data)[column * m->blocks + block];
        sum += (double)a[k] * (double)((float)(code - w_nbits_zero(m, zeros, column, block)) * scale);
    }
    return sum;
}

static weir_status ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    (void)g;
    (void)e;
    const w_nbits_attr *at = n->attr;
    const float *bias = n->nin > BIAS ? in[BIAS].data : NULL, *a = in[A].data;
    w_nbits m = w_nbits_of(n);
    for (int64_t i = 0, count = w_count(out); i < count; i++) {
        int64_t column = i % m.n;
        double y = element(&m, n, in, a + i / m.n * m.k, column) + (bias ? (double)bias[column] : 0.0);
        ((float *)out->data)[i] = w_act_apply(&at->ep, (float)y);
    }
    return WEIR_OK;
}

static const w_attr_def attrs[] = {
    A_INT_REQUIRED(w_nbits_attr, K), A_INT_REQUIRED(w_nbits_attr, N), A_INT(w_nbits_attr, bits, 4), A_INT_REQUIRED(w_nbits_attr, block_size),
    A_INT(w_nbits_attr, accuracy_level, 0), A_EPILOGUE(w_nbits_attr),
};

/* Op: MatMulNBits
 * ONNX: none (com.microsoft 1)
 * Inputs: A, B, scales, zero_points (optional), g_idx (not supported), bias (optional)
 * Attributes: K, N, bits, block_size, accuracy_level (of no effect: activations stay f32); weir_act, weir_act_a, weir_act_b
 * Limits: 2, 4 or 8 bits; zero points packed like codes
 * Map: A exact: the rows of the box; the others exact: its columns, but for codes of padding
 */
W_OP_DEFINE(MatMulNBits, "MatMulNBits", 3, 6, 1, 1, 1, w_nbits_attr, attrs, infer, map, work, ref);
