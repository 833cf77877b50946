/* Whole graphs: inputs, a walk that adds blocks behind values, outputs; and what quantised networks wrap around both. */
#include "rg.h"
#include <math.h>
#include <string.h>

static const rg_choice image_choice[] = {
    {rg_make_conv, 30}, {rg_make_block, 8}, {rg_make_pool, 12}, {rg_make_batchnorm, 4}, {rg_make_lrn, 1}, {rg_make_gate, 4},
    {rg_make_inception, 4}, {rg_make_shuffle, 3}, {rg_make_global, 4}, {rg_make_head, 4}, {rg_make_activation, 8}, {rg_make_gated, 3},
    {rg_make_binary, 8}, {rg_make_concat, 4}, {rg_make_split, 2}, {rg_make_slice, 3}, {rg_make_pad, 4}, {rg_make_reduce, 2},
    {rg_make_flatten, 2}, {rg_make_transpose, 3}, {rg_make_reshape, 2}, {rg_make_shaped, 2}, {rg_make_nary, 2}, {rg_make_gather, 1},
    {rg_make_softmax, 1}, {rg_make_unary, 2}, {rg_make_cast, 1}, {rg_make_quantised, 3}, {rg_make_unsqueeze, 1}, {rg_make_expand, 1}, {rg_make_foreign, 1}, {NULL, 0}};

static const rg_choice dense_choice[] = {
    {rg_make_gemm, 14}, {rg_make_matmul, 12}, {rg_make_softmax, 5}, {rg_make_activation, 8}, {rg_make_gated, 4}, {rg_make_binary, 10},
    {rg_make_nary, 3}, {rg_make_unary, 4}, {rg_make_concat, 4}, {rg_make_split, 3}, {rg_make_slice, 4}, {rg_make_pad, 2}, {rg_make_reduce, 5},
    {rg_make_flatten, 3}, {rg_make_transpose, 4}, {rg_make_reshape, 8}, {rg_make_squeeze, 4}, {rg_make_unsqueeze, 4}, {rg_make_expand, 3},
    {rg_make_gather, 3}, {rg_make_argmax, 2}, {rg_make_shaped, 2}, {rg_make_cast, 2}, {rg_make_quantised, 4}, {rg_make_batchnorm, 2}, {NULL, 0}};

static int draw(rg_graph *g, const rg_choice *list, int x) {
    int total = 0, at = 0;
    while (list[at].make) total += list[at++].weight;
    int k = rg_pick(g, total);
    for (at = 0; k >= list[at].weight; at++) k -= list[at].weight;
    return list[at].make(g, x);
}

/* ---- quantisation ---- */

/* Scale and zero point of one kind for a tensor, or per channel along `axis`. */
static void scale_operands(rg_graph *g, int type, int64_t n, float most, bool vector, bool symmetric, int in[2]) {
    int64_t dim = n;
    float step = most / (type == RG_S8 ? 127.0f : 255.0f);
    in[0] = vector ? rg_const(g, RG_F32, 1, &dim, 0.6f * step, 1.4f * step) : rg_scalar(g, RG_F32, step);
    if (symmetric && type == RG_U8 && rg_chance(g, 30)) {
        in[1] = -1;
        return;
    }
    int zero = symmetric ? 0 : type == RG_S8 ? rg_range(g, -20, 20) : rg_range(g, 90, 160);
    if (vector) in[1] = rg_const(g, type, 1, &dim, (float)zero, (float)zero);
    else in[1] = rg_scalar(g, type, zero);
}

int rg_make_quantised(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    int sz[2], type = rg_chance(g, 75) ? RG_U8 : RG_S8;
    if (v.type != RG_F32 || g->opset < 10) return -1;
    scale_operands(g, type, 1, 3 * v.mag, false, type == RG_S8 && rg_chance(g, 60), sz);
    int in[3] = {x, sz[0], sz[1]}, n = sz[1] < 0 ? 2 : 3;
    int q = rg_done(g, rg_add(g, "QuantizeLinear", n, in, 1), 127);
    if (q < 0) return -1;
    in[0] = q;
    return rg_done(g, rg_add(g, "DequantizeLinear", n, in, 1), v.mag);
}

static const rg_op *dequantises(const rg_graph *g, int v) {
    for (int k = 0; k < g->nnode; k++)
        if (g->node[k].out[0] == v && strcmp(g->node[k].op, "DequantizeLinear") == 0) return &g->node[k];
    return NULL;
}

int rg_quant_bias(rg_graph *g, int x, int w, int64_t n) {
    const rg_op *qx = dequantises(g, x), *qw = dequantises(g, w);
    if (!qx || !qw || g->value[qx->in[1]].rank) return -1;
    const rg_value *sw = &g->value[qw->in[1]];
    float sx = rg_number(&g->value[qx->in[1]], 0), *scale = rg_alloc(g, sizeof *scale * (size_t)(sw->rank ? n : 1));
    for (int64_t i = 0; scale && i < (sw->rank ? n : 1); i++) scale[i] = sx * rg_number(sw, i);
    int rank = sw->rank, in[3] = {rg_const(g, RG_S32, 1, &n, -2000, 2000), rg_const(g, RG_F32, rank, &n, 0, 0), rg_const(g, RG_S32, rank, &n, 0, 0)};
    g->value[in[1]].data = scale;
    rg_op *b = rg_add(g, "DequantizeLinear", rg_chance(g, 50) ? 2 : 3, in, 1);
    if (rank) rg_set_i(b, "axis", 0);
    return rg_done(g, b, 0.5f);
}

int rg_quant_weights(rg_graph *g, int rank, const int64_t *dim, float most, int axis) {
    int sz[2];
    int64_t count = 1;
    for (int i = 0; i < rank; i++) count *= dim[i];
    if (count > 10000) return rg_const(g, RG_F32, rank, dim, -most, most);
    bool vector = g->opset >= 13 && rg_chance(g, 60);
    scale_operands(g, RG_S8, dim[axis], most, vector, true, sz);
    int in[3] = {rg_const(g, RG_S8, rank, dim, -127, 127.99f), sz[0], sz[1]};
    rg_op *n = rg_add(g, "DequantizeLinear", rg_chance(g, 20) ? 2 : 3, in, 1);
    if (vector && (axis != 1 || rg_chance(g, 50))) rg_set_i(n, "axis", axis);
    return rg_done(g, n, most);
}

/* ---- what weir may lack ---- */

int rg_make_foreign(rg_graph *g, int x) {
    static const struct { const char *op; int since; } plain[] = {{"Softsign", 1}, {"Selu", 6}, {"ThresholdedRelu", 10}, {"Mish", 18}, {"Round", 11},
                                                                  {"Sign", 9}, {"ReduceL2", 1}, {"LayerNormalization", 17}, {"SpaceToDepth", 1}};
    const rg_value v = g->value[x];
    int k = rg_pick(g, 9), in[2] = {x, -1};
    if (v.type != RG_F32 || g->opset < plain[k].since || v.rank < 2) return -1;
    rg_op *n = NULL;
    if (k == 7) in[1] = rg_const(g, RG_F32, 1, &v.dim[v.rank - 1], 0.5f, 1.5f), n = rg_add(g, plain[k].op, 2, in, 1);
    else if (k == 6 && g->opset >= 18) return -1;
    else n = rg_add(g, plain[k].op, 1, &x, 1);
    if (k == 6) rg_set_ints(n, "axes", 1, (int64_t[]){v.rank - 1});
    if (k == 8) rg_set_i(n, "blocksize", 2);
    return rg_done(g, n, v.mag);
}

/* ---- heads ---- */

int rg_make_head(rg_graph *g, int x) {
    int y = rg_make_global(g, x);
    if (y < 0) return -1;
    int z = g->value[y].rank > 2 ? rg_make_flatten(g, y) : y;
    if (z >= 0 && g->value[z].rank == 2) y = rg_make_gemm(g, z);
    else y = z;
    if (y < 0) return z;
    int s = rg_chance(g, 60) ? rg_make_softmax(g, y) : -1;
    return s >= 0 ? s : y;
}

/* ---- inputs and outputs ---- */

static int add_input(rg_graph *g) {
    int64_t n = g->batch ? g->batch : rg_chance(g, 65) ? 1 : rg_range(g, 2, 3), dim[RG_RANK] = {n};
    int rank = rg_chance(g, 72) ? 4 : rg_chance(g, 50) ? 2 : rg_chance(g, 70) ? 3 : 5;
    dim[1] = rg_chance(g, 40) ? 3 : rg_chance(g, 30) ? 8 * rg_range(g, 1, 5) : rg_range(g, 1, 20);
    for (int i = 2; i < rank; i++) dim[i] = g->large && rank == 4 ? rg_range(g, 20, 40) : i > 2 && rg_chance(g, 60) ? dim[2] : rank == 5 ? rg_range(g, 1, 6) : rg_range(g, 1, 16);
    return rg_input(g, g->real, rank, dim, true);
}

/* An image of bytes, made real as pipelines do it. */
static int byte_input(rg_graph *g) {
    int64_t dim[4] = {g->batch ? g->batch : 1, rg_chance(g, 70) ? 3 : 1, rg_range(g, 2, 14), rg_range(g, 2, 14)};
    int x = rg_input(g, RG_U8, 4, dim, true);
    if (g->quant) {
        int in[3] = {x, rg_scalar(g, RG_F32, 1.0 / 64), rg_scalar(g, RG_U8, 128)};
        return rg_done(g, rg_add(g, "DequantizeLinear", 3, in, 1), 2);
    }
    rg_op *n = rg_add(g, "Cast", 1, &x, 1);
    rg_set_i(n, "to", g->real);
    int y = rg_done(g, n, 255);
    return y < 0 ? -1 : rg_simple(g, "Mul", y, rg_scalar(g, g->real, 1.0 / 128), 2);
}

static int newest(const rg_graph *g) {
    for (int i = g->nvalue - 1; i >= 0; i--)
        if (g->value[i].kind != RG_CONST && g->value[i].type == g->real) return i;
    return 0;
}

/* Where the next block goes: mostly behind the newest value. */
static int place(rg_graph *g, int last) {
    if (last >= 0 && rg_chance(g, 75)) return last;
    for (int tries = 0; tries < 10; tries++) {
        int x = rg_pick(g, g->nvalue);
        if (g->value[x].kind != RG_CONST && (!rg_real(g->value[x].type) || g->value[x].type == g->real)) return x;
    }
    return newest(g);
}

static void add_output(rg_graph *g, int id) {
    for (int i = 0; i < g->noutput; i++)
        if (g->output[i] == id) return;
    if (g->noutput < RG_OUTPUTS) g->output[g->noutput++] = id;
}

static void choose_outputs(rg_graph *g, int last) {
    bool read[RG_VALUES] = {false};
    for (int k = 0; k < g->nnode; k++)
        for (int i = 0; i < g->node[k].nin; i++)
            if (g->node[k].in[i] >= 0) read[g->node[k].in[i]] = true;
    if (last >= 0 && g->value[last].kind == RG_NODE) add_output(g, last);
    for (int i = g->nvalue - 1; i >= 0; i--) {
        bool node = g->value[i].kind == RG_NODE;
        if (node && (read[i] ? rg_chance(g, 4) : rg_chance(g, 50)) && g->value[i].data == NULL) add_output(g, i);
    }
    for (int i = g->nvalue - 1; i >= 0 && g->noutput == 0; i--)
        if (g->value[i].kind == RG_NODE) add_output(g, i);
}

static const int opsets[] = {7, 8, 9, 10, 11, 11, 12, 12, 13, 13, 13, 14, 15, 16, 17, 17, 18, 18, 19, 20};

void rg_generate(rg_graph *g, uint64_t seed) {
    memset(g, 0, sizeof *g);
    g->seed = seed;
    g->state = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    g->opset = opsets[rg_pick(g, 20)];
    g->real = rg_chance(g, 8) ? RG_F16 : RG_F32;
    g->batch = rg_chance(g, 40) ? rg_range(g, 2, 4) : 0;
    g->quant = g->real == RG_F32 && g->opset >= 10 && rg_chance(g, 22);
    g->large = rg_chance(g, 5);
    int inputs = rg_chance(g, 80) ? 1 : rg_range(g, 2, 3), blocks = rg_range(g, 1, g->large ? 5 : 12), last = -1;
    for (int i = 0; i < inputs; i++) last = add_input(g);
    if (rg_chance(g, 6)) last = byte_input(g);
    else if (g->quant) last = rg_make_quantised(g, last);
    for (int i = 0; i < blocks && !g->failed; i++)
        for (int tries = 0; tries < 6 && !g->failed; tries++) {
            int x = place(g, last), before = g->nnode;
            int y = draw(g, g->value[x].rank > 2 ? image_choice : dense_choice, x);
            if (y < 0) continue;
            last = y;
            if (g->quant && g->value[y].type == RG_F32 && g->nnode > before && rg_chance(g, 85)) {
                int q = rg_make_quantised(g, y);
                last = q >= 0 ? q : y;
            }
            break;
        }
    choose_outputs(g, last);
}
