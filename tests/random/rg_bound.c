/* Error bounds of the operators: see rg_bound.h. */
#include "rg_bound.h"
#include <math.h>
#include <string.h>

#define U 0x1p-24
#define APPROX 4e-7 /* of vector approximations of exp and its relatives */

/* Number i in storage order. Several scales (weights, row-major always): that of the channel; activations have one. */
double rg_real_at(const w_value *v, const w_tensor *t, size_t i) {
    const uint8_t *p = (const uint8_t *)t->data + i * w_type_size(t->type);
    double x = 0;
    float f;
    uint16_t h;
    int32_t s;
    int64_t l;
    switch (t->type) {
    case WEIR_F32: memcpy(&f, p, 4), x = f; break;
    case WEIR_F16: memcpy(&h, p, 2), x = w_f16_to_f32(h); break;
    case WEIR_S32: memcpy(&s, p, 4), x = s; break;
    case WEIR_S64: memcpy(&l, p, 8), x = (double)l; break;
    case WEIR_S8: x = *(const int8_t *)p; break;
    default: x = *p; break;
    }
    if (!v->quant) return x;
    size_t inner = 1;
    for (int d = v->quant->axis + 1; v->quant->n > 1 && d < t->shape.rank; d++) inner *= (size_t)t->shape.dim[d];
    size_t k = v->quant->n > 1 ? i / inner % v->quant->n : 0;
    return (x - v->quant->zero[k]) * (double)v->quant->scale[k];
}

void rg_measure(const w_value *v, const w_tensor *t, rg_known *k) {
    k->most = 0;
    k->least = INFINITY;
    for (size_t i = 0, n = w_tensor_count(t); i < n; i++) {
        double x = fabs(rg_real_at(v, t, i));
        if (!isfinite(x)) k->err = INFINITY;
        else k->most = fmax(k->most, x), k->least = fmin(k->least, x);
    }
}

/* What the rule of one node looks at. */
typedef struct look {
    const w_graph *g;
    const w_node *n;
    const rg_known *known;
    const w_tensor *values;
    double out; /* largest magnitude of result 0 */
} look;

static const rg_known *in(const look *l, uint32_t i) {
    static const rg_known none = {0, 0, 0};
    return i < l->n->nin && l->n->in[i] != W_NONE ? &l->known[l->n->in[i]] : &none;
}

static double most(const look *l, uint32_t i) { return in(l, i)->most; }
static double err(const look *l, uint32_t i) { return in(l, i)->err; }
static const w_shape *shape(const look *l, uint32_t i) { return &l->g->value[l->n->in[i]].shape; }

static double worst(const look *l) {
    double e = 0;
    for (uint32_t i = 0; i < l->n->nin; i++) e = fmax(e, err(l, i));
    return e;
}

/* Largest sum of magnitudes of the weights that meet in one result: operand i as [outer][channel][inner]; `channels` counts
 * the results, `lines` whether they lie along the axis (else the sum runs over all of a channel). */
static double weight_sum(const look *l, uint32_t i, int axis) {
    const w_value *v = &l->g->value[l->n->in[i]];
    const w_tensor *t = &l->values[l->n->in[i]];
    size_t inner = 1, n = w_tensor_count(t), channels = (size_t)t->shape.dim[axis];
    double sum = 0;
    for (int d = axis + 1; d < t->shape.rank; d++) inner *= (size_t)t->shape.dim[d];
    for (size_t c = 0; c < channels; c++) {
        double s = 0;
        for (size_t k = c * inner; k < n; k += inner * channels)
            for (size_t j = 0; j < inner; j++) s += fabs(rg_real_at(v, t, k + j));
        sum = fmax(sum, s);
    }
    return sum;
}

/* Products of operand 0 with weights whose magnitudes add up to `sum` over `depth` terms, and an addend. */
static double product(const look *l, double sum, double depth, double factor, double *pre) {
    double x = most(l, 0), e = err(l, 0), w = err(l, 1);
    *pre = sum * x + most(l, 2) + most(l, 3);
    return sum * e + depth * w * (x + e) + (depth + 16) * U * factor * (sum * x + most(l, 2) + most(l, 3)) + err(l, 2) + err(l, 3);
}

static double conv(const look *l, double *pre) {
    const w_conv_attr *a = l->n->attr;
    const w_shape *w = shape(l, 1);
    double depth = 1;
    bool small = w->rank == 4 && w->dim[2] == 3 && w->dim[3] == 3 && a->group == 1;
    for (int i = 1; i < w->rank; i++) depth *= (double)w->dim[i];
    return product(l, weight_sum(l, 1, 0), depth, small ? 205 : 1, pre);
}

static double gemm(const look *l, double *pre) {
    const w_gemm_attr *a = l->n->attr;
    const w_shape *b = shape(l, 1);
    int axis = a->transB ? 0 : 1;
    double scale = fmax(1, fmax(fabs((double)a->alpha), fabs((double)a->beta)));
    double e = scale * product(l, weight_sum(l, 1, axis), (double)b->dim[1 - axis], 1, pre);
    *pre *= scale;
    return e;
}

static double matmul(const look *l, double *pre) {
    const w_shape *b = shape(l, 1);
    double depth = (double)(b->rank == 1 ? b->dim[0] : b->dim[b->rank - 2]);
    double sum = b->rank == 2 ? weight_sum(l, 1, 1) : depth * most(l, 1);
    return product(l, sum, depth, 1, pre);
}

/* Elements that a reduction joins. */
static double joined(const look *l) {
    double out = (double)w_shape_count(&l->g->value[l->n->out[0]].shape);
    return fmax(1, (double)w_shape_count(shape(l, 0)) / fmax(1, out));
}

static double window(const look *l) {
    const w_pool_attr *a = l->n->attr;
    double k = 1;
    for (uint32_t i = 0; i < a->kernel_shape.n; i++) k *= (double)a->kernel_shape.v[i];
    return k;
}

static double power(const look *l) {
    double x = most(l, 0), p = most(l, 1), e = err(l, 0), low = in(l, 0)->least - e;
    if (e > 0 && low <= 0 && p < 1) return INFINITY;
    double slope = p * fmax(pow(x + e, p - 1), low > 0 ? pow(low, p - 1) : 0);
    return slope * e + err(l, 1) * l->out * 8 + (16 + 8 * p) * U * l->out + APPROX * l->out;
}

static double quotient(const look *l) {
    double b = in(l, 1)->least - err(l, 1);
    if (b <= 0) return in(l, 1)->least > 0 && err(l, 1) == 0 ? 0 : INFINITY;
    return (err(l, 0) + (most(l, 0) + err(l, 0)) / b * err(l, 1)) / b + 3 * U * l->out;
}

static double binary(const look *l, double *pre) {
    double a = most(l, 0), b = most(l, 1), ea = err(l, 0), eb = err(l, 1);
    *pre = l->n->op == W_OP_Mul ? a * b : l->n->op == W_OP_Div ? a / fmax(in(l, 1)->least, 1e-6) : a + b;
    switch (l->n->op) {
    case W_OP_Mul: return a * eb + b * ea + ea * eb + 2 * U * a * b;
    case W_OP_Div: return quotient(l);
    case W_OP_Pow: return power(l);
    default: return ea + eb + 2 * U * (a + b);
    }
}

static double lipschitz(w_act act, double a) {
    switch (act) {
    case W_ACT_LEAKY: case W_ACT_ELU: case W_ACT_HARDSIGMOID: return fmax(1, fabs(a));
    case W_ACT_HARDSWISH: return 1.5;
    case W_ACT_SILU: case W_ACT_GELU: return 1.13;
    default: return 1;
    }
}

static double activation(const look *l) {
    double e = err(l, 0), approx = 2 * APPROX * fmax(1, most(l, 0));
    switch (l->n->op) {
    case W_OP_Relu: return e;
    case W_OP_Clip: return worst(l);
    case W_OP_LeakyRelu: case W_OP_Elu: return lipschitz(W_ACT_LEAKY, ((const w_alpha_attr *)l->n->attr)->alpha) * e + approx;
    case W_OP_PRelu: return fmax(1, most(l, 1)) * e + most(l, 0) * err(l, 1) + 2 * U * most(l, 0);
    case W_OP_HardSwish: case W_OP_Gelu: return 1.5 * e + approx;
    default: return e + approx;
    }
}

static double unary(const look *l) {
    double x = most(l, 0), e = err(l, 0), low = in(l, 0)->least - e;
    switch (l->n->op) {
    case W_OP_Exp: return l->out * expm1(e) + (x + 16) * U * l->out + APPROX * l->out;
    case W_OP_Log: return low <= 0 ? INFINITY : e / low + APPROX * fmax(1, l->out);
    case W_OP_Sqrt: return (low > 0 ? e / sqrt(low) : sqrt(e)) + 4 * U * l->out;
    case W_OP_Reciprocal: return low <= 0 ? INFINITY : e / (low * low) + 4 * U * l->out;
    case W_OP_Erf: return 1.13 * e + APPROX;
    case W_OP_Floor: case W_OP_Ceil: return e > 0 ? e + 1 : 0;
    default: return e;
    }
}

static double normalisation(const look *l) {
    double x = most(l, 0), e = err(l, 0), n = (double)w_shape_count(shape(l, 0));
    if (l->n->op == W_OP_Softmax || l->n->op == W_OP_LogSoftmax) {
        double scale = l->n->op == W_OP_Softmax ? fmin(1, l->out) : fmax(1, l->out);
        return (l->n->op == W_OP_Softmax ? scale * expm1(2 * e) : 2 * e) + scale * ((fmin(n, 4096) + 2 * x + 32) * U + 2 * APPROX);
    }
    if (l->n->op == W_OP_LRN) {
        const w_lrn_attr *a = l->n->attr;
        double ab = 2 * (double)a->alpha * (double)a->beta;
        return a->bias < 1 ? INFINITY : e * (1 + ab * (x + e) * (x + e)) + (64 * U + APPROX) * x;
    }
    const w_bn_attr *a = l->n->attr;
    double factor = most(l, 1) / sqrt(in(l, 4)->least + (double)a->epsilon);
    return factor * e + 16 * U * (factor * (x + most(l, 3)) + most(l, 2));
}

/* LayerNormalization: y = d * s * scale + b, d = x - mean off by D, s = 1 / sqrt(variance + epsilon) at most 1 / sqrt(epsilon). The
 * variance moves by 2 |d| D, and |d| s is at most sqrt(n), so s is off by the part sqrt(n) s D; an answer is never farther off than two. */
static double layer_norm(const look *l) {
    const w_layernorm_attr *a = l->n->attr;
    const w_shape *x = shape(l, 0);
    double n = 1, s = 1 / sqrt((double)a->epsilon);
    for (int i = (int)(a->axis < 0 ? a->axis + x->rank : a->axis); i < x->rank; i++) n *= (double)x->dim[i];
    double d = err(l, 0) + 2 * (n + 4) * U * most(l, 0), e = (n + 1) * d * s + sqrt(n) * (n + 16) * U;
    return fmin(2 * e, 2 * sqrt(n)) * most(l, 1) + 4 * U * most(l, 2);
}

/* QuantizeLinear: in steps. A result of 8 bits is at most 255 steps off. */
static double quantised(const look *l) {
    double step = in(l, 1)->least;
    return step > 0 ? fmin(255, err(l, 0) / step + 1) : INFINITY;
}

static double cast(const look *l) {
    w_type from = l->g->value[l->n->in[0]].type, to = l->g->value[l->n->out[0]].type;
    bool whole = to != WEIR_F32 && to != WEIR_F16 && to != WEIR_BF16 && to != WEIR_F64;
    if (!whole || from == to) return err(l, 0);
    return err(l, 0) > 0 ? err(l, 0) + 1 : 0;
}

/* Error of result 0; *pre: magnitude before a fused activation. */
static double rule(const look *l, double *pre) {
    *pre = fmax(most(l, 0), l->out);
    switch (l->n->op) {
    case W_OP_Conv: return conv(l, pre);
    case W_OP_Gemm: return gemm(l, pre);
    case W_OP_MatMul: return matmul(l, pre);
    case W_OP_Add: case W_OP_Sub: case W_OP_Mul: case W_OP_Div: case W_OP_Pow: return binary(l, pre);
    case W_OP_Sum: {
        double e = 0, m = 0;
        for (uint32_t i = 0; i < l->n->nin; i++) e += err(l, i), m += most(l, i);
        return e + 2 * l->n->nin * U * m;
    }
    case W_OP_AveragePool: return err(l, 0) + (window(l) + 4) * U * most(l, 0);
    case W_OP_GlobalAveragePool: case W_OP_ReduceMean: return err(l, 0) + (joined(l) + 4) * U * most(l, 0);
    case W_OP_ReduceSum: return joined(l) * (err(l, 0) + (joined(l) + 4) * U * most(l, 0));
    case W_OP_Relu: case W_OP_LeakyRelu: case W_OP_PRelu: case W_OP_Elu: case W_OP_Clip: case W_OP_Sigmoid: case W_OP_HardSigmoid:
    case W_OP_HardSwish: case W_OP_Tanh: case W_OP_Softplus: case W_OP_Gelu: return activation(l);
    case W_OP_Exp: case W_OP_Log: case W_OP_Sqrt: case W_OP_Reciprocal: case W_OP_Erf: case W_OP_Floor: case W_OP_Ceil: return unary(l);
    case W_OP_Softmax: case W_OP_LogSoftmax: case W_OP_LRN: case W_OP_BatchNormalization: return normalisation(l);
    case W_OP_LayerNormalization: return layer_norm(l);
    case W_OP_ArgMax: return err(l, 0) > 0 ? INFINITY : 0;
    case W_OP_QuantizeLinear: return quantised(l);
    case W_OP_DequantizeLinear: return most(l, 1) * err(l, 0) + 2 * U * l->out;
    case W_OP_Cast: return cast(l);
    case W_OP_Shape: case W_OP_ConstantOfShape: return 0;
    default: return worst(l); /* moves, chooses or compares */
    }
}

static const w_epilogue *epilogue(const w_node *n) {
    switch (n->op) {
    case W_OP_Conv: return &((const w_conv_attr *)n->attr)->ep;
    case W_OP_Gemm: return &((const w_gemm_attr *)n->attr)->ep;
    case W_OP_MatMul: return &((const w_matmul_attr *)n->attr)->ep;
    case W_OP_MaxPool: case W_OP_AveragePool: return &((const w_pool_attr *)n->attr)->ep;
    case W_OP_GlobalAveragePool: case W_OP_GlobalMaxPool: return &((const w_gpool_attr *)n->attr)->ep;
    case W_OP_Add: case W_OP_Sub: case W_OP_Mul: case W_OP_Div: return &((const w_eltwise_attr *)n->attr)->ep;
    default: return NULL;
    }
}

void rg_bound(const w_graph *g, const w_node *n, rg_known *known, const w_tensor *values) {
    rg_known *out = &known[n->out[0]];
    look l = {g, n, known, values, out->most};
    const w_epilogue *ep = epilogue(n);
    double pre, e = rule(&l, &pre);
    if (ep && ep->act != W_ACT_NONE) e = lipschitz((w_act)ep->act, (double)ep->a) * e + 2 * APPROX * fmax(1, pre);
    for (uint32_t o = 0; o < n->nout; o++) {
        if (n->out[o] == W_NONE) continue;
        rg_known *k = &known[n->out[o]];
        const w_value *v = &g->value[n->out[o]];
        double own = n->op == W_OP_MaxPool && o == 1 && e > 0 ? INFINITY : e; /* which one is largest */
        if (v->type == WEIR_F16) own += 0x1p-11 * k->most + 0x1p-24;
        k->err = isnan(own) || isinf(k->err) ? INFINITY : own;
    }
}
