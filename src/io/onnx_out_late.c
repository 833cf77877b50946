/* Products whose data have a late scale, in ONNX: MatMulInteger or ConvInteger, Cast, and the scales in the order in which weir's
 * kernels multiply, so that answers are the same numbers.
 *
 * Weights are written as unsigned bytes around 128. Of the two forms that the operators take, ONNX Runtime computes this one
 * exactly on every CPU; the signed one saturates pairs of products where a CPU has no dot product of bytes. */
#include "onnx_out.h"
#include <string.h>

/* Weights and bias in forms that the integer operators take. */
static bool has_integer_form(const w_exporter *x, const w_node *n) {
    const w_graph *g = x->g;
    if (!w_has_late_scale(n)) return false;
    const w_value *w = &g->value[n->in[1]], *b = w_node_in(g, n, 2);
    int channels = n->op == W_OP_Conv ? 0 : w->shape.rank - 1;
    if (n->op == W_OP_Gemm) {
        const w_gemm_attr *a = n->attr;
        if (a->transA || a->alpha != 1 || a->beta != 1) return false;
        channels = a->transB ? 0 : 1;
    }
    if (w->kind != W_VALUE_CONST || w->type != WEIR_S8 || !w->quant || (w->quant->n > 1 && w->quant->axis != channels)) return false;
    for (uint32_t i = 0; i < w->quant->n; i++)
        if (w->quant->zero[i]) return false;
    return n->op != W_OP_Conv || !b || (b->kind == W_VALUE_CONST && b->shape.rank == 1);
}

enum { CENTRE = 128 };

static const char *centre(w_exporter *x, const char *base) {
    static const uint8_t zero = CENTRE;
    const char *name = w_out_name(x, base, "centre");
    w_out_init(x, name, WEIR_U8, &(w_shape){.known = true}, &zero, 1);
    return name;
}

/* The weights around CENTRE; those of a Gemm in the order that MatMulInteger takes. */
static const char *weights(w_exporter *x, const w_node *n) {
    const w_value *w = &x->g->value[n->in[1]];
    bool turn = n->op == W_OP_Gemm && ((const w_gemm_attr *)n->attr)->transB;
    size_t count = w_value_bytes(x->g, n->in[1]), rows = turn ? (size_t)w->shape.dim[0] : 1, cols = turn ? (size_t)w->shape.dim[1] : count;
    uint8_t *t = w_arena_alloc(&x->scratch, count + 1);
    const char *name = w_out_name(x, w_value_name(x->g, n->in[1]), "u8");
    w_shape s = w->shape;
    x->oom = x->oom || !t;
    for (size_t r = 0; t && r < rows; r++)
        for (size_t c = 0; c < cols; c++) t[c * rows + r] = (uint8_t)(((const int8_t *)w->data)[r * cols + c] + CENTRE);
    if (turn) s.dim[0] = w->shape.dim[1], s.dim[1] = w->shape.dim[0];
    if (t) w_out_init(x, name, WEIR_U8, &s, t, count);
    return name;
}

/* One number, or one an output channel, shaped to run along the channels of the result. */
static const char *along_channels(w_exporter *x, const w_node *n, const char *base, const char *kind, const float *v, size_t count) {
    const w_shape *w = &x->g->value[n->in[1]].shape;
    w_shape s = {.rank = count > 1, .known = true, .dim = {(int64_t)count}};
    if (count > 1 && n->op == W_OP_Conv)
        for (s.rank = 1; s.rank < w->rank - 1; s.rank++) s.dim[s.rank] = 1;
    const char *name = w_out_name(x, base, kind);
    w_out_init(x, name, WEIR_F32, &s, v, count * sizeof *v);
    return name;
}

static const char *bias(w_exporter *x, const w_node *n, const char *base) {
    float *v;
    size_t count;
    if (n->op != W_OP_Conv) return w_out_real(x, n->in[2]);
    if (w_const_f32(x->g, n->in[2], &x->scratch, &v, &count, x->e) == WEIR_OK) return along_channels(x, n, base, "bias", v, count);
    x->oom = true;
    return "";
}

static const char *integer_product(w_exporter *x, const w_node *n, const char *base) {
    const char *data = w_out_raw(x, n->in[0]), *w = weights(x, n), *zero = w_out_raw(x, n->in[W_IN_ZERO]), *w_zero = centre(x, base);
    const char *sum = w_out_name(x, base, "s32");
    w_out_begin(x, n->op == W_OP_Conv ? "ConvInteger" : "MatMulInteger", w_graph_name(x->g, n->name));
    w_out_in(x, data);
    w_out_in(x, w);
    w_out_in(x, zero);
    w_out_in(x, w_zero);
    w_out_out(x, sum);
    if (n->op == W_OP_Conv) w_out_attrs(x, n);
    w_out_end(x);
    return sum;
}

bool w_out_late_product(w_exporter *x, const w_node *n, const char *base, const char *out) {
    if (!has_integer_form(x, n)) return false;
    const w_quant *q = x->g->value[n->in[1]].quant;
    bool biased = n->op != W_OP_MatMul && n->nin > 2 && n->in[2] != W_NONE;
    const char *sum = integer_product(x, n, base), *real = w_out_name(x, base, "cast"), *scale = w_out_name(x, base, "scale");
    const char *own = along_channels(x, n, base, "weight_scale", q->scale, q->n), *scaled = biased ? w_out_name(x, base, "scaled") : out;
    w_out_begin(x, "Cast", "");
    w_out_in(x, sum);
    w_out_out(x, real);
    w_out_int(x, "to", w_onnx_type_code(WEIR_F32));
    w_out_end(x);
    w_out_binary(x, "Mul", w_out_raw(x, n->in[W_IN_SCALE]), own, scale);
    w_out_binary(x, "Mul", real, scale, scaled);
    if (biased) w_out_binary(x, "Add", scaled, bias(x, n, base), out);
    return true;
}

const char *w_out_late_data(w_exporter *x, const w_node *n, const char *base) {
    const char *data = w_out_raw(x, n->in[0]), *scale = w_out_raw(x, n->in[W_IN_SCALE]), *zero = w_out_raw(x, n->in[W_IN_ZERO]);
    const char *real = w_out_name(x, base, "data");
    w_out_begin(x, "DequantizeLinear", "");
    w_out_in(x, data);
    w_out_in(x, scale);
    w_out_in(x, zero);
    w_out_out(x, real);
    w_out_end(x);
    return real;
}
