/* Fused activations as nodes of their own. */
#include "onnx_out.h"
#include <float.h>
#include <string.h>

w_epilogue w_out_epilogue(const w_node *n) {
    const w_op_def *def = w_op_get(n->op);
    w_epilogue ep = {.act = W_ACT_NONE};
    for (uint32_t i = 0; n->attr && i < def->nattrs; i++) {
        const char *field = (const char *)n->attr + def->attrs[i].offset;
        if (strcmp(def->attrs[i].name, "weir_act") == 0) memcpy(&ep.act, field, sizeof ep.act);
        if (strcmp(def->attrs[i].name, "weir_act_a") == 0) memcpy(&ep.a, field, sizeof ep.a);
        if (strcmp(def->attrs[i].name, "weir_act_b") == 0) memcpy(&ep.b, field, sizeof ep.b);
    }
    return ep;
}

static void with_alpha(w_exporter *x, const char *op, float alpha, const char *in, const char *out) {
    w_out_begin(x, op, "");
    w_out_in(x, in);
    w_out_out(x, out);
    w_out_float(x, "alpha", alpha);
    w_out_end(x);
}

static void clip(w_exporter *x, const w_epilogue *ep, const char *base, const char *in, const char *out) {
    const char *lo = ep->a > -FLT_MAX ? w_out_scalar(x, base, "min", ep->a) : "";
    const char *hi = ep->b < FLT_MAX ? w_out_scalar(x, base, "max", ep->b) : "";
    w_out_begin(x, "Clip", "");
    w_out_in(x, in);
    w_out_in(x, lo);
    if (hi[0]) w_out_in(x, hi);
    w_out_out(x, out);
    w_out_end(x);
}

static void hard_sigmoid(w_exporter *x, const w_epilogue *ep, const char *in, const char *out) {
    w_out_begin(x, "HardSigmoid", "");
    w_out_in(x, in);
    w_out_out(x, out);
    w_out_float(x, "alpha", ep->a);
    w_out_float(x, "beta", ep->b);
    w_out_end(x);
}

/* 0.5 x (1 + f), f = erf(x / sqrt 2) or tanh(sqrt(2 / pi) (x + 0.044715 x^3)). */
void w_out_gelu(w_exporter *x, const char *base, bool tanh_form, const char *in, const char *out) {
    const char *half = w_out_scalar(x, base, "half", 0.5f), *one = w_out_scalar(x, base, "one", 1.0f);
    const char *arg = w_out_name(x, base, "gelu_arg"), *f = w_out_name(x, base, "gelu_f"), *plus = w_out_name(x, base, "gelu_plus");
    const char *scaled = w_out_name(x, base, "gelu_half");
    if (tanh_form) {
        const char *c = w_out_scalar(x, base, "gelu_c", 0.044715f), *k = w_out_scalar(x, base, "gelu_k", 0.7978845608f);
        const char *sq = w_out_name(x, base, "gelu_sq"), *cube = w_out_name(x, base, "gelu_cube"), *small = w_out_name(x, base, "gelu_small");
        const char *sum = w_out_name(x, base, "gelu_sum");
        w_out_binary(x, "Mul", in, in, sq);
        w_out_binary(x, "Mul", sq, in, cube);
        w_out_binary(x, "Mul", cube, c, small);
        w_out_binary(x, "Add", in, small, sum);
        w_out_binary(x, "Mul", sum, k, arg);
    } else {
        w_out_binary(x, "Mul", in, w_out_scalar(x, base, "gelu_k", 0.70710678118f), arg);
    }
    w_out_unary(x, tanh_form ? "Tanh" : "Erf", arg, f);
    w_out_binary(x, "Add", f, one, plus);
    w_out_binary(x, "Mul", in, half, scaled);
    w_out_binary(x, "Mul", scaled, plus, out);
}

void w_out_act(w_exporter *x, const w_epilogue *ep, const char *base, const char *in, const char *out) {
    const char *inner;
    switch (ep->act) {
    case W_ACT_RELU: w_out_unary(x, "Relu", in, out); break;
    case W_ACT_CLIP: clip(x, ep, base, in, out); break;
    case W_ACT_LEAKY: with_alpha(x, "LeakyRelu", ep->a, in, out); break;
    case W_ACT_HARDSWISH: w_out_unary(x, "HardSwish", in, out); break;
    case W_ACT_HARDSIGMOID: hard_sigmoid(x, ep, in, out); break;
    case W_ACT_SIGMOID: w_out_unary(x, "Sigmoid", in, out); break;
    case W_ACT_TANH: w_out_unary(x, "Tanh", in, out); break;
    case W_ACT_SILU:
        inner = w_out_name(x, base, "sigmoid");
        w_out_unary(x, "Sigmoid", in, inner);
        w_out_binary(x, "Mul", in, inner, out);
        break;
    case W_ACT_GELU: w_out_gelu(x, base, false, in, out); break;
    case W_ACT_ELU: with_alpha(x, "Elu", ep->a, in, out); break;
    default: w_out_unary(x, "Identity", in, out); break;
    }
}
