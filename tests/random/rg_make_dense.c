/* Makers of matrix products, activations, element-wise operators, reductions and classifier heads. */
#include "rg.h"
#include <math.h>
#include <string.h>

static int or_else(int y, int x) { return y >= 0 ? y : x; }

static int weights(rg_graph *g, int rank, const int64_t *dim, int64_t depth, int axis) {
    float most = 1.5f / sqrtf((float)depth);
    return g->quant ? rg_quant_weights(g, rank, dim, most, axis) : rg_weights(g, rank, dim, -most, most);
}

/* The third operand of Gemm in one of the shapes that stretch to the result's. */
static int addend(rg_graph *g, const rg_value *a, int64_t rows, int64_t columns) {
    int64_t full[2] = {rows, columns};
    int kind = a->batch ? rg_pick(g, 4) : rg_pick(g, 6);
    if (kind == 3) return rg_scalar(g, g->real, 0.25);
    if (kind == 2) full[0] = 1;
    if (kind == 4) full[1] = 1;
    if (kind < 2) return rg_weights(g, 1, &columns, -0.5f, 0.5f);
    return rg_weights(g, 2, full, -0.5f, 0.5f);
}

int rg_make_gemm(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    if (v.rank != 2 || !rg_real(v.type)) return -1;
    bool ta = !v.batch && rg_chance(g, 15), tb = rg_chance(g, 60), c = g->opset < 11 || rg_chance(g, 75);
    int64_t depth = v.dim[!ta], columns = rg_chance(g, 10) ? 33 : rg_range(g, 1, 40), dim[2] = {tb ? columns : depth, tb ? depth : columns};
    if (depth * columns > 20000) return -1;
    int in[3] = {x, weights(g, 2, dim, depth, tb ? 0 : 1), -1};
    if (c) in[2] = addend(g, &v, v.dim[ta], columns);
    rg_op *n = rg_add(g, "Gemm", c ? 3 : 2, in, 1);
    if (ta) rg_set_i(n, "transA", 1);
    if (tb || rg_chance(g, 30)) rg_set_i(n, "transB", tb);
    if (rg_chance(g, 20)) rg_set_f(n, "alpha", rg_uniform(g, 0.25f, 1.5f));
    if (rg_chance(g, 20)) rg_set_f(n, "beta", rg_uniform(g, 0.25f, 1.5f));
    int y = rg_done(g, n, v.mag);
    return y >= 0 && rg_chance(g, 35) ? or_else(rg_make_activation(g, y), y) : y;
}

/* x times its own transpose, as attention has it. */
static int self_product(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    int64_t perm[RG_RANK];
    for (int i = 0; i < v.rank; i++) perm[i] = i;
    perm[v.rank - 1] = v.rank - 2, perm[v.rank - 2] = v.rank - 1;
    rg_op *n = rg_add(g, "Transpose", 1, &x, 1);
    rg_set_ints(n, "perm", v.rank, perm);
    int t = rg_done(g, n, v.mag);
    if (t < 0 || rg_count(&v) * v.dim[v.rank - 2] > 300000) return -1;
    return rg_chance(g, 50) ? rg_simple(g, "MatMul", x, t, 4) : rg_simple(g, "MatMul", t, x, 4);
}

int rg_make_matmul(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    if (v.rank < 2 || !rg_real(v.type)) return -1;
    if (v.rank > 2 && rg_chance(g, 40)) return self_product(g, x);
    int64_t depth = v.dim[v.rank - 1], columns = rg_range(g, 1, 40), dim[RG_RANK] = {depth, columns};
    int rank = 2;
    if (rg_chance(g, 8)) rank = 1; /* a vector */
    else if (v.rank > 2 && rg_chance(g, 25)) {
        rank = 3;
        dim[0] = v.rank == 3 && !v.batch && rg_chance(g, 60) ? v.dim[0] : v.rank > 3 ? v.dim[v.rank - 3] : 1;
        dim[1] = depth, dim[2] = columns;
    }
    if (rg_count(&v) * columns > 300000) return -1;
    int w = rank == 2 ? weights(g, rank, dim, depth, 1) : rg_weights(g, rank, dim, -1.0f, 1.0f);
    int y = rg_simple(g, "MatMul", x, w, v.mag);
    if (y < 0 || rank != 2 || !rg_chance(g, 50)) return y;
    int b = rg_weights(g, 1, &columns, -0.5f, 0.5f);
    y = or_else(rg_chance(g, 50) ? rg_simple(g, "Add", y, b, v.mag) : rg_simple(g, "Add", b, y, v.mag), y);
    return rg_chance(g, 40) ? or_else(rg_make_activation(g, y), y) : y;
}

int rg_make_softmax(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    if (v.rank < 1 || !rg_real(v.type) || (v.batch && v.rank < 2)) return -1;
    rg_op *n = rg_add(g, rg_chance(g, 70) ? "Softmax" : "LogSoftmax", 1, &x, 1);
    int axis = v.batch ? rg_range(g, 1, v.rank - 1) : rg_pick(g, v.rank);
    if (v.rank < 2 || rg_chance(g, 60)) rg_set_i(n, "axis", g->opset >= 11 && rg_chance(g, 30) ? axis - v.rank : axis);
    return rg_done(g, n, 1);
}

/* ---- activations ---- */

static int clip(rg_graph *g, int x) {
    bool low = rg_chance(g, 80), high = rg_chance(g, 80);
    float lo = rg_chance(g, 60) ? 0 : -1, hi = rg_chance(g, 60) ? 6 : 1;
    if (g->opset < 11) {
        rg_op *n = rg_add(g, "Clip", 1, &x, 1);
        if (low) rg_set_f(n, "min", lo);
        if (high) rg_set_f(n, "max", hi);
        return rg_done(g, n, hi);
    }
    int in[3] = {x, low ? rg_scalar(g, g->value[x].type, lo) : -1, high ? rg_scalar(g, g->value[x].type, hi) : -1};
    return rg_done(g, rg_add(g, "Clip", high ? 3 : low ? 2 : 1, in, 1), hi);
}

static int prelu(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    int64_t dim[RG_RANK] = {v.dim[1], 1, 1, 1, 1};
    if (v.rank < 2) return -1;
    int rank = rg_chance(g, 70) ? v.rank - 1 : 1;
    if (rank == 1 && v.rank != 2) dim[0] = v.dim[v.rank - 1];
    return rg_simple(g, "PRelu", x, rg_const(g, v.type, rank, dim, -0.5f, 0.5f), v.mag);
}

int rg_make_activation(rg_graph *g, int x) {
    static const struct { const char *op; int since, weight; bool alpha, beta; } all[] = {
        {"Relu", 6, 8, false, false}, {"LeakyRelu", 6, 3, true, false}, {"Elu", 6, 1, true, false}, {"Sigmoid", 6, 2, false, false},
        {"HardSigmoid", 6, 2, true, true}, {"Tanh", 6, 2, false, false}, {"Softplus", 1, 1, false, false}, {"HardSwish", 14, 3, false, false},
        {"Gelu", 20, 3, false, false}};
    float mag = g->value[x].mag;
    if (!rg_real(g->value[x].type)) return -1;
    if (rg_chance(g, 20)) return clip(g, x);
    if (rg_chance(g, 8)) return prelu(g, x);
    int i = rg_pick(g, 9);
    while (all[i].since > g->opset || !rg_chance(g, all[i].weight * 10)) i = rg_pick(g, 9);
    rg_op *n = rg_add(g, all[i].op, 1, &x, 1);
    if (all[i].alpha && rg_chance(g, 60)) rg_set_f(n, "alpha", rg_uniform(g, 0.05f, 0.9f));
    if (all[i].beta && rg_chance(g, 50)) rg_set_f(n, "beta", rg_uniform(g, 0.2f, 0.8f));
    if (strcmp(all[i].op, "Gelu") == 0 && rg_chance(g, 50)) rg_set_s(n, "approximate", rg_chance(g, 50) ? "tanh" : "none");
    return rg_done(g, n, mag);
}

static int gelu_by_hand(rg_graph *g, int x) {
    int t = g->value[x].type;
    float m = g->value[x].mag;
    if (g->opset < 9) return -1;
    int e = rg_simple(g, "Div", x, rg_scalar(g, t, 1.4142135), m);
    e = e < 0 ? -1 : rg_simple(g, "Erf", e, -1, 1);
    e = e < 0 ? -1 : rg_simple(g, "Add", e, rg_scalar(g, t, 1), 2);
    e = e < 0 ? -1 : rg_simple(g, "Mul", x, e, m);
    return e < 0 ? -1 : rg_simple(g, "Mul", e, rg_scalar(g, t, 0.5), m);
}

/* x * sigmoid(x) and its relatives, as exporters write them. */
int rg_make_gated(rg_graph *g, int x) {
    int t = g->value[x].type, y = -1;
    if (!rg_real(t)) return -1;
    switch (rg_pick(g, 4)) {
    case 0: y = rg_simple(g, "Sigmoid", x, -1, 1); break;
    case 1: y = rg_simple(g, "HardSigmoid", x, -1, 1); break;
    case 2: return gelu_by_hand(g, x);
    default: {
        int s = rg_simple(g, "Add", x, rg_scalar(g, t, 3), 4);
        if (s < 0) return -1;
        int in[3] = {s, -1, -1};
        if (g->opset >= 11) in[1] = rg_scalar(g, t, 0), in[2] = rg_scalar(g, t, 6);
        rg_op *n = rg_add(g, "Clip", g->opset >= 11 ? 3 : 1, in, 1);
        if (g->opset < 11) rg_set_f(n, "min", 0), rg_set_f(n, "max", 6);
        s = rg_done(g, n, 6);
        if (s < 0) return -1;
        if (rg_chance(g, 50)) s = rg_simple(g, "Mul", x, s, 6), y = s < 0 ? -1 : rg_simple(g, "Div", s, rg_scalar(g, t, 6), 2);
        else s = rg_simple(g, "Div", s, rg_scalar(g, t, 6), 1), y = s < 0 ? -1 : rg_simple(g, "Mul", x, s, 2);
        return y;
    }
    }
    return y < 0 ? -1 : rg_chance(g, 50) ? rg_simple(g, "Mul", x, y, 2) : rg_simple(g, "Mul", y, x, 2);
}

/* ---- element by element ---- */

/* A positive operand, away from 0. */
static int positive(rg_graph *g, int x) {
    int y = rg_simple(g, "Abs", x, -1, g->value[x].mag);
    return y < 0 ? -1 : rg_simple(g, "Add", y, rg_scalar(g, g->value[x].type, 0.5), g->value[x].mag + 0.5f);
}

int rg_make_unary(rg_graph *g, int x) {
    static const char *const plain[] = {"Abs", "Neg", "Identity", "Dropout", "Floor", "Ceil", "Erf"};
    static const char *const of_positive[] = {"Log", "Sqrt", "Reciprocal"};
    if (!rg_real(g->value[x].type)) return -1;
    int kind = rg_pick(g, 10);
    if (kind >= 8) {
        int y = positive(g, x);
        return y < 0 ? -1 : rg_simple(g, of_positive[rg_pick(g, 3)], y, -1, 2);
    }
    if (kind == 7) {
        int y = rg_simple(g, "Tanh", x, -1, 1);
        return y < 0 ? -1 : rg_simple(g, "Exp", y, -1, 2.7f);
    }
    if (kind == 6 && g->opset < 9) return -1;
    return rg_simple(g, plain[kind], x, -1, g->value[x].mag);
}

/* A constant that stretches to x: any axis may be 1, leading axes may be missing. */
static int stretched(rg_graph *g, int x, float lo, float hi) {
    const rg_value v = g->value[x];
    int64_t dim[RG_RANK];
    int skip = rg_pick(g, v.rank + 1), rank = v.rank - skip;
    if (v.rank >= 3 && rg_chance(g, 50)) { /* one number a channel */
        dim[0] = v.dim[1];
        for (int i = 1; i < v.rank - 1; i++) dim[i] = 1;
        return rg_const(g, v.type, v.rank - 1, dim, lo, hi);
    }
    for (int i = 0; i < rank; i++) dim[i] = (i + skip == 0 && v.batch) || rg_chance(g, 40) ? 1 : v.dim[i + skip];
    return rg_const(g, v.type, rank, dim, lo, hi);
}

/* Another value with which x broadcasts, x itself if there is none. */
static int partner(rg_graph *g, int x) {
    for (int tries = 0; tries < 12; tries++) {
        int y = rg_pick(g, g->nvalue);
        const rg_value *a = &g->value[x], *b = &g->value[y];
        bool good = b->kind != RG_CONST && b->type == a->type && b->rank > 0 && b->rank <= a->rank && b->mag < 100;
        if (good && (a->batch || b->batch) && (b->rank != a->rank || a->batch != b->batch)) good = false;
        for (int i = 0; good && i < b->rank; i++) good = b->dim[i] == a->dim[i + a->rank - b->rank] || b->dim[i] == 1;
        if (good && b->batch && b->dim[0] != a->dim[0]) good = false;
        if (good) return y;
    }
    return x;
}

int rg_make_binary(rg_graph *g, int x) {
    static const char *const ops[] = {"Add", "Add", "Sub", "Mul", "Div", "Pow", "Min", "Max"};
    int k = rg_pick(g, 8), y;
    float m = g->value[x].mag;
    if (!rg_real(g->value[x].type) || m > 30 || (k > 5 && g->opset < 8)) return -1;
    if (k == 5) {
        if (rg_chance(g, 60)) return rg_simple(g, "Pow", x, rg_scalar(g, g->value[x].type, rg_range(g, 1, 3)), m * m);
        int p = positive(g, x);
        return p < 0 ? -1 : rg_simple(g, "Pow", p, rg_scalar(g, g->value[x].type, rg_chance(g, 50) ? 0.5 : 1.5), m * 2);
    }
    if (k == 4) y = rg_chance(g, 70) ? stretched(g, x, 0.5f, 3.0f) : positive(g, partner(g, x));
    else y = rg_chance(g, 45) ? stretched(g, x, -1.5f, 1.5f) : partner(g, x);
    if (y < 0) return -1;
    float mag = k == 3 ? m * g->value[y].mag : k == 4 ? 2 * m : m + g->value[y].mag;
    if (k != 4 && rg_chance(g, 30)) return rg_simple(g, ops[k], y, x, mag);
    return rg_simple(g, ops[k], x, y, mag);
}

int rg_make_nary(rg_graph *g, int x) {
    static const char *const ops[] = {"Sum", "Min", "Max", "Mean"};
    int in[RG_IN], n = rg_range(g, 1, 4), k = rg_pick(g, rg_chance(g, 8) ? 4 : 3);
    if (!rg_real(g->value[x].type) || g->value[x].mag > 30) return -1;
    for (int i = 0; i < n; i++) in[i] = i ? partner(g, x) : x;
    if (g->opset < 8)
        for (int i = 1; i < n; i++)
            if (g->value[in[i]].rank != g->value[x].rank || memcmp(g->value[in[i]].dim, g->value[x].dim, sizeof(int64_t) * (size_t)g->value[x].rank) != 0) return -1;
    return rg_done(g, rg_add(g, ops[k], n, in, 1), g->value[x].mag * (float)n);
}

int rg_make_cast(rg_graph *g, int x) {
    static const int through[] = {RG_F16, RG_F16, RG_S32, RG_S64, RG_F32};
    int to = through[rg_pick(g, 5)], back = g->value[x].type;
    if (!rg_real(back)) return -1;
    rg_op *n = rg_add(g, "Cast", 1, &x, 1);
    rg_set_i(n, "to", to);
    int y = rg_done(g, n, g->value[x].mag);
    if (y < 0) return -1;
    n = rg_add(g, "Cast", 1, &y, 1);
    rg_set_i(n, "to", back);
    return rg_done(g, n, g->value[x].mag);
}
