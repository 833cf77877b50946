/* Makers of what image networks consist of: convolutions, pools, normalisations, residual and branching blocks. */
#include "rg.h"
#include <math.h>
#include <string.h>

static bool is_image(const rg_graph *g, int x) { return g->value[x].rank >= 3 && g->value[x].rank <= 5 && rg_real(g->value[x].type); }

/* ---- convolutions ---- */

typedef struct conv_plan { int64_t out, group, k[3], s[3], d[3], lo[3], hi[3]; bool same; } conv_plan;

/* Kernel, stride and pads of one axis of `size`; the span of the kernel fits what is padded. */
static void plan_axis(rg_graph *g, conv_plan *p, int i, int64_t size) {
    static const int kernels[] = {1, 1, 1, 2, 3, 3, 3, 3, 4, 5, 7};
    p->k[i] = i && rg_chance(g, 80) ? p->k[0] : kernels[rg_pick(g, 11)];
    p->s[i] = i && rg_chance(g, 85) ? p->s[0] : rg_chance(g, 70) ? 1 : rg_range(g, 2, 3);
    p->d[i] = i && rg_chance(g, 85) ? p->d[0] : rg_chance(g, 85) ? 1 : rg_range(g, 2, 3);
    int64_t span = (p->k[i] - 1) * p->d[i];
    p->lo[i] = p->hi[i] = rg_chance(g, 60) ? span / 2 : 0;
    if (rg_chance(g, 15)) p->lo[i] = rg_pick(g, (int)span + 1), p->hi[i] = rg_pick(g, (int)span + 1);
    while (size + p->lo[i] + p->hi[i] < span + 1 && p->k[i] > 1) p->k[i]--, span = (p->k[i] - 1) * p->d[i], p->lo[i] = p->hi[i] = span / 2;
}

static void plan_group(rg_graph *g, conv_plan *p, int64_t channels) {
    p->group = 1;
    p->out = rg_chance(g, 30) ? 8 * rg_range(g, 1, 4) : rg_range(g, 1, 20);
    if (rg_chance(g, 25)) {
        p->group = channels;
        p->out = channels * (rg_chance(g, 85) ? 1 : 2);
    } else if (rg_chance(g, 20)) {
        for (int64_t k = rg_range(g, 2, 5); k > 1; k--)
            if (channels % k == 0) p->group = k;
        p->out = p->group * rg_range(g, 1, 8);
    }
}

/* Convolutions are the dear ones: references multiply at leisure. */
static bool affordable(const rg_graph *g, const rg_value *x, const conv_plan *p) {
    int64_t work = p->out * x->dim[1] / p->group * x->dim[0];
    for (int i = 2; i < x->rank; i++) work *= p->k[i - 2] * ((x->dim[i] + p->lo[i - 2] + p->hi[i - 2]) / p->s[i - 2] + 1);
    return work < (g->large ? 4000000 : 400000);
}

static void set_window(rg_graph *g, rg_op *n, const conv_plan *p, int sp, bool pool) {
    int64_t pads[6];
    bool auto_pad = rg_chance(g, 15);
    for (int i = 0; i < sp; i++) pads[i] = p->lo[i], pads[i + sp] = p->hi[i];
    if (pool || rg_chance(g, 80)) rg_set_ints(n, "kernel_shape", sp, p->k);
    bool unit = true, plain = true, bare = true;
    for (int i = 0; i < sp; i++) {
        unit &= p->s[i] == 1, plain &= p->d[i] == 1, bare &= !p->lo[i] && !p->hi[i];
        auto_pad &= (p->k[i] - 1) * p->d[i] + 1 >= p->s[i]; /* else SAME would pad by less than nothing */
    }
    auto_pad &= plain || !pool; /* engines do not agree on what SAME means for a dilated pool */
    if (!unit || rg_chance(g, 50)) rg_set_ints(n, "strides", sp, p->s);
    if (!plain || (!pool && rg_chance(g, 50))) rg_set_ints(n, "dilations", sp, p->d);
    if (auto_pad) rg_set_s(n, "auto_pad", rg_chance(g, 70) ? "SAME_UPPER" : rg_chance(g, 50) ? "SAME_LOWER" : "VALID");
    else if (!bare || rg_chance(g, 50)) rg_set_ints(n, "pads", 2 * sp, pads);
}

static int conv_with(rg_graph *g, int x, const conv_plan *p, bool bias) {
    const rg_value v = g->value[x];
    int64_t dim[RG_RANK] = {p->out, v.dim[1] / p->group, 1, 1, 1}, taps = dim[1];
    if (!affordable(g, &v, p)) return -1;
    for (int i = 2; i < v.rank; i++) taps *= dim[i] = p->k[i - 2];
    float most = 1.5f / sqrtf((float)taps);
    int in[3] = {x, g->quant ? rg_quant_weights(g, v.rank, dim, most, 0) : rg_weights(g, v.rank, dim, -most, most), -1};
    if (rg_chance(g, 3)) in[1] = rg_input(g, g->real, v.rank, dim, false); /* weights that are not known beforehand */
    if (bias) in[2] = g->quant && rg_chance(g, 60) ? rg_quant_bias(g, x, in[1], p->out) : -1;
    if (bias && in[2] < 0) in[2] = rg_weights(g, 1, &p->out, -0.5f, 0.5f);
    rg_op *n = rg_add(g, "Conv", bias ? 3 : 2, in, 1);
    set_window(g, n, p, v.rank - 2, false);
    if (p->group > 1 || rg_chance(g, 30)) rg_set_i(n, "group", p->group);
    return rg_done(g, n, v.mag);
}

int rg_make_conv(rg_graph *g, int x) {
    conv_plan p = {0};
    if (!is_image(g, x)) return -1;
    for (int i = 2; i < g->value[x].rank; i++) plan_axis(g, &p, i - 2, g->value[x].dim[i]);
    plan_group(g, &p, g->value[x].dim[1]);
    int y = conv_with(g, x, &p, rg_chance(g, 60));
    if (y >= 0 && rg_chance(g, 25)) {
        int z = rg_make_batchnorm(g, y);
        y = z >= 0 ? z : y;
    }
    if (y < 0 || !rg_chance(g, 45)) return y;
    int z = rg_chance(g, 70) ? rg_simple(g, "Relu", y, -1, g->value[y].mag) : rg_make_activation(g, y);
    return z >= 0 ? z : y;
}

/* A convolution that keeps the image, or a pointwise one. */
static int keep_conv(rg_graph *g, int x, int64_t out, int64_t k, int64_t group, bool bias) {
    conv_plan p = {.out = out, .group = group};
    for (int i = 0; i < 3; i++) p.k[i] = k, p.s[i] = p.d[i] = 1, p.lo[i] = p.hi[i] = k / 2;
    return conv_with(g, x, &p, bias);
}

static int or_else(int y, int x) { return y >= 0 ? y : x; }

/* Residual and inverted residual blocks, with and without normalisation. */
int rg_make_block(rg_graph *g, int x) {
    if (!is_image(g, x)) return -1;
    int64_t c = g->value[x].dim[1];
    bool inverted = rg_chance(g, 40), norm = rg_chance(g, 60);
    int64_t inner = inverted ? c * 2 : c;
    int y = keep_conv(g, x, inner, inverted ? 1 : 3, 1, !norm);
    if (y < 0) return -1;
    if (norm) y = or_else(rg_make_batchnorm(g, y), y);
    y = or_else(rg_make_activation(g, y), y);
    if (g->value[y].dim[1] != inner) return -1;
    if (inverted) {
        y = or_else(keep_conv(g, y, inner, 3, inner, true), y);
        y = or_else(rg_make_activation(g, y), y);
    }
    y = keep_conv(g, y, c, inverted ? 1 : 3, 1, !norm);
    if (y < 0 || g->value[y].rank != g->value[x].rank) return y;
    if (norm) y = or_else(rg_make_batchnorm(g, y), y);
    int sum = rg_chance(g, 50) ? rg_simple(g, "Add", x, y, 2) : rg_simple(g, "Add", y, x, 2);
    if (sum < 0 || !rg_chance(g, 60)) return or_else(sum, y);
    return or_else(rg_simple(g, "Relu", sum, -1, 2), sum);
}

/* Squeeze and excitation. */
int rg_make_gate(rg_graph *g, int x) {
    if (!is_image(g, x) || g->value[x].rank != 4) return -1;
    int64_t c = g->value[x].dim[1], inner = 1 + c / 2;
    int y = rg_make_global(g, x);
    if (y < 0 || g->value[y].rank != 4 || g->value[y].dim[1] != c) return y;
    y = or_else(keep_conv(g, y, inner, 1, 1, true), y);
    y = or_else(rg_simple(g, "Relu", y, -1, 1), y);
    y = keep_conv(g, y, c, 1, 1, true);
    if (y < 0) return -1;
    y = or_else(rg_simple(g, rg_chance(g, 50) ? "Sigmoid" : "HardSigmoid", y, -1, 1), y);
    return rg_simple(g, "Mul", rg_chance(g, 50) ? x : y, y, g->value[x].mag);
}

/* Branches of different kernels, side by side. */
int rg_make_inception(rg_graph *g, int x) {
    int part[RG_IN], n = 0, count = rg_range(g, 2, 4);
    if (!is_image(g, x)) return -1;
    for (int i = 0; i < count; i++) {
        int y = keep_conv(g, x, rg_range(g, 1, 12), i % 2 ? 3 : 1, 1, rg_chance(g, 70));
        if (y >= 0 && rg_chance(g, 70)) y = or_else(rg_simple(g, "Relu", y, -1, 1), y);
        if (y >= 0) part[n++] = y;
    }
    if (rg_chance(g, 40)) part[n++] = x;
    if (n < 1) return -1;
    rg_op *c = rg_add(g, "Concat", n, part, 1);
    rg_set_i(c, "axis", 1);
    return rg_done(g, c, 2);
}

/* Channels of groups interleaved. */
int rg_make_shuffle(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    int64_t group = rg_range(g, 2, 4), perm[] = {0, 2, 1, 3, 4};
    if (!is_image(g, x) || v.rank != 4 || v.dim[1] % group) return -1;
    int64_t apart[] = {g->batch ? 0 : v.dim[0], group, v.dim[1] / group, v.dim[2], v.dim[3]};
    int64_t again[] = {g->batch ? 0 : v.dim[0], rg_chance(g, 50) ? -1 : v.dim[1], v.dim[2], v.dim[3]};
    int y = rg_simple(g, "Reshape", x, rg_ints(g, 5, apart), v.mag);
    if (y < 0) return -1;
    rg_op *n = rg_add(g, "Transpose", 1, &y, 1);
    rg_set_ints(n, "perm", 5, perm);
    y = rg_done(g, n, v.mag);
    return y < 0 ? -1 : rg_simple(g, "Reshape", y, rg_ints(g, 4, again), v.mag);
}

/* ---- pools ---- */

static void set_pool(rg_graph *g, rg_op *n, bool max) {
    if (g->opset >= 10 && rg_chance(g, 25)) rg_set_i(n, "ceil_mode", 1);
    if (!max && rg_chance(g, 30)) rg_set_i(n, "count_include_pad", 1);
    if (max && n->nout > 1 && rg_chance(g, 30)) rg_set_i(n, "storage_order", 1);
}

int rg_make_pool(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    conv_plan p = {0};
    bool max = rg_chance(g, 55);
    if (!is_image(g, x)) return -1;
    for (int i = 0; i < v.rank - 2; i++) {
        plan_axis(g, &p, i, v.dim[i + 2]);
        if (rg_chance(g, 50)) p.s[i] = 2;
        if (g->opset < (max ? 10 : 19)) p.d[i] = 1;
        p.lo[i] = p.lo[i] < p.k[i] ? p.lo[i] : p.k[i] - 1;
        p.hi[i] = p.hi[i] < p.k[i] ? p.hi[i] : p.k[i] - 1;
    }
    rg_op *n = rg_add(g, max ? "MaxPool" : "AveragePool", 1, &x, max && g->opset >= 8 && v.type == RG_F32 && !g->batch && rg_chance(g, 8) ? 2 : 1); /* indices count across the batch */
    set_window(g, n, &p, v.rank - 2, true);
    if (!max && g->opset < 19) n->nattr -= rg_get(n, "dilations") && n->attr[n->nattr - 1].name[0] == 'd';
    set_pool(g, n, max);
    return rg_done(g, n, v.mag);
}

int rg_make_global(rg_graph *g, int x) {
    static const char *const ops[] = {"GlobalAveragePool", "GlobalAveragePool", "GlobalMaxPool"};
    if (!is_image(g, x)) return -1;
    if (rg_chance(g, 70)) return rg_simple(g, ops[rg_pick(g, 3)], x, -1, g->value[x].mag);
    int64_t axes[] = {2, 3, 4};
    int in[2] = {x, -1}, sp = g->value[x].rank - 2;
    bool operand = g->opset >= 18;
    if (operand) in[1] = rg_ints(g, sp, axes);
    rg_op *n = rg_add(g, "ReduceMean", operand ? 2 : 1, in, 1);
    if (!operand) rg_set_ints(n, "axes", sp, axes);
    if (rg_chance(g, 70)) rg_set_i(n, "keepdims", rg_chance(g, 60));
    return rg_done(g, n, g->value[x].mag);
}

/* ---- normalisation ---- */

int rg_make_batchnorm(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    if (v.rank < 2 || v.rank > 5 || !rg_real(v.type)) return -1;
    int64_t c = v.dim[1];
    int in[5] = {x, rg_const(g, v.type, 1, &c, 0.4f, 1.6f), rg_const(g, v.type, 1, &c, -0.5f, 0.5f), rg_const(g, v.type, 1, &c, -0.5f, 0.5f),
                 rg_const(g, v.type, 1, &c, 0.3f, 2.0f)};
    rg_op *n = rg_add(g, "BatchNormalization", 5, in, 1);
    if (rg_chance(g, 50)) rg_set_f(n, "epsilon", 1e-3f);
    if (rg_chance(g, 30)) rg_set_f(n, "momentum", 0.9f);
    return rg_done(g, n, v.mag);
}

int rg_make_lrn(rg_graph *g, int x) {
    if (!is_image(g, x) || g->value[x].rank != 4 || g->value[x].type != RG_F32) return -1;
    rg_op *n = rg_add(g, "LRN", 1, &x, 1); /* ONNX Runtime takes odd sizes only */
    rg_set_i(n, "size", 2 * rg_range(g, 0, 3) + 1);
    if (rg_chance(g, 60)) rg_set_f(n, "alpha", rg_uniform(g, 1e-4f, 0.2f));
    if (rg_chance(g, 60)) rg_set_f(n, "beta", rg_uniform(g, 0.3f, 1.0f));
    if (rg_chance(g, 60)) rg_set_f(n, "bias", rg_uniform(g, 1.0f, 2.0f));
    return rg_done(g, n, g->value[x].mag);
}
