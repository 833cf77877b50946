/* One form per meaning: Clip bounds as inputs, Sum of two as Add, ReduceMean over the image as GlobalAveragePool, MatMul
 * of a matrix by a constant one as Gemm, ConvTranspose without overlap as Conv, Pow by 2 and Div by 2^k as Mul, an image and its product
 * by gates as one product, Gemm with alpha = beta = 1 and a vector of biases. */
#include "passutil.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A scalar constant named after the node. */
static weir_status add_scalar(w_graph *g, const w_node *n, const char *suffix, float x, w_id *out, weir_error *e) {
    float *data = w_arena_alloc(&g->arena, sizeof *data);
    if (!data) return w_oom(e, sizeof *data, "a constant");
    *data = x;
    return w_const_new_f32(g, w_node_label(g, n), suffix, &(w_shape){.rank = 0, .known = true}, data, out, e);
}

static weir_status clip_form(w_graph *g, w_node *n, weir_error *e) {
    w_clip_attr *a = n->attr;
    if (!a || n->nin > 1 || (a->min <= -FLT_MAX && a->max >= FLT_MAX)) return WEIR_OK;
    w_clip_attr bounds = *a;
    n->attr = w_op_attr_new(g, W_OP_Clip);
    if (!n->attr) return w_oom(e, sizeof *a, "attributes");
    W_TRY(w_node_widen(g, n, 3, e));
    if (bounds.min > -FLT_MAX) W_TRY(add_scalar(g, n, ".min", bounds.min, &n->in[1], e));
    if (bounds.max < FLT_MAX) W_TRY(add_scalar(g, n, ".max", bounds.max, &n->in[2], e));
    return WEIR_OK;
}

static weir_status sum_form(w_graph *g, w_node *n, weir_error *e) {
    if (n->nin != 2) return WEIR_OK;
    void *attr = w_op_attr_new(g, W_OP_Add);
    if (!attr) return w_oom(e, sizeof(w_eltwise_attr), "attributes");
    n->op = W_OP_Add;
    n->attr = attr;
    return WEIR_OK;
}

/* The axes, from the attribute or the second input, are exactly 2 and 3 of 4. */
static bool over_image(const w_graph *g, const w_node *n) {
    const w_reduce_attr *a = n->attr;
    const w_shape *x = &g->value[n->in[0]].shape;
    w_arena tmp;
    w_arena_init(&tmp, g->ctx);
    int64_t *axes = a->axes.v;
    size_t count = a->axes.present ? a->axes.n : 0;
    bool ok = x->known && x->rank == 4;
    if (ok && w_input_of(n, 1) != W_NONE) ok = w_is_const(g, n->in[1]) && w_const_i64(g, n->in[1], &tmp, &axes, &count, NULL) == WEIR_OK;
    unsigned seen = 0;
    ok &= count == 2;
    for (size_t i = 0; ok && i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + 4 : axes[i];
        ok = axis >= 0 && axis < 4;
        if (ok) seen |= 1u << axis;
    }
    w_arena_fini(&tmp);
    return ok && seen == 0xc;
}

/* Without kept dimensions a Flatten follows. */
static weir_status mean_form(w_graph *g, w_id k, weir_error *e) {
    w_node *n = &g->node[k];
    if (!n->attr || !over_image(g, n) || g->value[n->out[0]].quant) return WEIR_OK;
    bool keep = ((w_reduce_attr *)n->attr)->keepdims != 0;
    w_gpool_attr *attr = w_op_attr_new(g, W_OP_GlobalAveragePool);
    if (!attr) return w_oom(e, sizeof *attr, "attributes");
    n->op = W_OP_GlobalAveragePool;
    n->attr = attr;
    n->nin = 1;
    if (keep) return WEIR_OK;
    w_id pooled, y = n->out[0];
    W_TRY(w_graph_add_derived(g, w_value_name(g, y), ".pooled", &pooled, e));
    w_node_retarget(g, k, pooled);
    w_axis_attr *flat = w_op_attr_new(g, W_OP_Flatten);
    if (!flat) return w_oom(e, sizeof *flat, "attributes");
    flat->axis = 1;
    return w_graph_add_node(g, W_OP_Flatten, "", &pooled, 1, &y, 1, flat, NULL, e);
}

static weir_status matmul_form(w_graph *g, w_node *n, weir_error *e) {
    const w_shape *a = &g->value[n->in[0]].shape, *b = &g->value[n->in[1]].shape;
    if (!a->known || !b->known || a->rank != 2 || b->rank != 2 || !w_is_const(g, n->in[1])) return WEIR_OK;
    w_gemm_attr *attr = w_op_attr_new(g, W_OP_Gemm);
    if (!attr) return w_oom(e, sizeof *attr, "attributes");
    if (n->attr) attr->ep = ((w_matmul_attr *)n->attr)->ep;
    n->op = W_OP_Gemm;
    n->attr = attr;
    return WEIR_OK;
}

/* Scales a constant by alpha or beta, into the graph's arena. */
static weir_status scaled(w_graph *g, w_id v, float by, float **out, size_t *n, weir_error *e) {
    W_TRY(w_const_f32(g, v, &g->arena, out, n, e));
    for (size_t i = 0; i < *n; i++) (*out)[i] *= by;
    return WEIR_OK;
}

/* C as a vector [N] that includes beta; other shapes stay. */
static weir_status gemm_bias(w_graph *g, w_node *n, const w_uses *uses, weir_error *e) {
    w_gemm_attr *a = n->attr;
    w_id c = w_input_of(n, 2);
    const w_shape *y = &g->value[n->out[0]].shape;
    if (c == W_NONE) a->beta = 1; /* of nothing; whoever adds a C later means it as it is */
    if (c == W_NONE || !w_is_plain(g, c) || !y->known || y->rank != 2 || y->dim[1] < 1) return WEIR_OK;
    const w_shape *s = &g->value[c].shape;
    int64_t width = y->dim[1], count = w_shape_count(s);
    bool vector = count == 1 || (count == width && s->rank > 0 && s->dim[s->rank - 1] == width);
    if ((s->rank == 1 && count == width && a->beta == 1) || !vector) return WEIR_OK;
    float *from, *to = w_arena_array(&g->arena, (size_t)width, sizeof *to);
    size_t m;
    if (!to) return w_oom(e, (size_t)width * sizeof *to, "a bias");
    W_TRY(scaled(g, c, a->beta, &from, &m, e));
    for (int64_t i = 0; i < width; i++) to[i] = from[m == 1 ? 0 : i];
    w_shape shape = w_shape_1d(width);
    a->beta = 1;
    return w_const_update(g, c, c < uses->n && uses->count[c] == 1, &shape, to, &n->in[2], e);
}

static weir_status gemm_form(w_graph *g, w_node *n, const w_uses *uses, weir_error *e) {
    w_gemm_attr *a = n->attr;
    if (!a) return WEIR_OK;
    W_TRY(gemm_bias(g, n, uses, e));
    w_id b = n->in[1];
    if (a->alpha == 1 || !w_is_plain(g, b)) return WEIR_OK;
    float *data;
    size_t m;
    W_TRY(scaled(g, b, a->alpha, &data, &m, e));
    a->alpha = 1;
    w_shape shape = g->value[b].shape;
    return w_const_update(g, b, b < uses->n && uses->count[b] == 1, &shape, data, &n->in[1], e);
}

/* The square of a float: a multiplication, which fuses and has kernels. */
static weir_status square_form(w_graph *g, w_node *n, weir_error *e) {
    float exponent;
    if (!w_const_scalar(g, n->in[1], &exponent) || exponent != 2 || g->value[n->in[0]].type != WEIR_F32) return WEIR_OK;
    if (g->value[n->in[1]].shape.rank > g->value[n->in[0]].shape.rank || !g->value[n->in[0]].shape.known) return WEIR_OK;
    w_eltwise_attr *attr = w_op_attr_new(g, W_OP_Mul);
    if (!attr) return w_oom(e, sizeof *attr, "attributes");
    n->op = W_OP_Mul;
    n->attr = attr;
    n->in[1] = n->in[0];
    return WEIR_OK;
}

/* Numbers of a channel, beside an image. */
static bool gates(const w_graph *g, w_id s, w_id x) {
    const w_shape *a = &g->value[s].shape, *b = &g->value[x].shape;
    if (!a->known || !b->known || a->rank != 4 || b->rank != 4 || a->dim[0] != b->dim[0] || a->dim[1] != b->dim[1]) return false;
    return a->dim[2] == 1 && a->dim[3] == 1 && (b->dim[2] != 1 || b->dim[3] != 1);
}

static bool is_real(const w_graph *g, w_id v) { return g->value[v].type == WEIR_F32 && !g->value[v].quant; }

/* x + x s is x (s + 1): a pass over the image less. */
static weir_status gate_form(w_graph *g, w_id k, const w_uses *uses, weir_error *e) {
    for (unsigned side = 0; side < 2 && g->node[k].nin == 2; side++) {
        w_id x = g->node[k].in[side], y = g->node[k].in[1 - side], in[2], t;
        const w_node *m = w_producer(g, y);
        if (!m || m->op != W_OP_Mul || m->nin != 2 || !w_epilogue_free(m) || y >= uses->n || uses->count[y] != 1 || uses->output[y]) continue;
        if (m->in[0] != x && m->in[1] != x) continue;
        in[0] = m->in[m->in[0] == x];
        if (!gates(g, in[0], x) || !is_real(g, in[0]) || !is_real(g, x) || !is_real(g, g->node[k].out[0])) continue;
        w_id product = g->value[y].producer;
        w_eltwise_attr *attr = w_op_attr_new(g, W_OP_Add);
        if (!attr) return w_oom(e, sizeof *attr, "attributes");
        W_TRY(add_scalar(g, &g->node[k], ".one", 1, &in[1], e));
        W_TRY(w_graph_add_derived(g, w_value_name(g, y), ".gate", &t, e));
        g->value[t].type = WEIR_F32;
        g->value[t].shape = g->value[in[0]].shape;
        g->node[k].op = W_OP_Mul;
        g->node[k].in[0] = x;
        g->node[k].in[1] = t;
        w_node_kill(g, product);
        return w_graph_add_node(g, W_OP_Add, "", in, 2, &t, 1, attr, NULL, e);
    }
    return WEIR_OK;
}

/* ConvTranspose whose kernels lie side by side, b x b with stride b: every pixel makes a block of b * b pixels alone. */
static bool tiles_blocks(const w_graph *g, const w_node *n, int64_t *block) {
    const w_convtranspose_attr *a = n->attr;
    const w_shape *w = &g->value[n->in[1]].shape;
    if (w->rank != 4 || !w_is_plain(g, n->in[1]) || (w_input_of(n, 2) != W_NONE && !w_is_plain(g, n->in[2]))) return false;
    if (w->dim[2] != w->dim[3] || w->dim[2] < 2 || a->group != 1 || a->output_shape.n || a->strides.n != 2) return false;
    for (uint32_t i = 0; i < a->pads.n; i++)
        if (a->pads.v[i] && strcmp(a->auto_pad, "NOTSET") == 0) return false;
    for (uint32_t i = 0; i < a->output_padding.n; i++)
        if (a->output_padding.v[i]) return false;
    for (uint32_t i = 0; i < a->dilations.n; i++)
        if (a->dilations.v[i] != 1) return false;
    *block = w->dim[2];
    return a->strides.v[0] == *block && a->strides.v[1] == *block;
}

/* Weights [C, M, b, b] as those of a pointwise Conv [b * b * M, C, 1, 1], the places of the block outermost; biases repeat. */
static weir_status block_weights(w_graph *g, w_node *n, int64_t block, weir_error *e) {
    w_shape s = g->value[n->in[1]].shape;
    size_t c = (size_t)s.dim[0], m = (size_t)s.dim[1], places = (size_t)(block * block), count;
    float *from, *bias = NULL, *to = w_arena_array(&g->arena, c * m * places, sizeof *to), *all = w_arena_array(&g->arena, m * places, sizeof *all);
    if (!to || !all) return w_oom(e, (c + 1) * m * places * sizeof *to, "weights");
    W_TRY(w_const_f32(g, n->in[1], &g->arena, &from, &count, e));
    if (w_input_of(n, 2) != W_NONE) W_TRY(w_const_f32(g, n->in[2], &g->arena, &bias, &count, e));
    for (size_t k = 0; k < places * m; k++) {
        for (size_t i = 0; i < c; i++) to[k * c + i] = from[(i * m + k % m) * places + k / m];
        if (bias) all[k] = bias[k % m];
    }
    s = (w_shape){.rank = 4, .known = true, .dim = {(int64_t)(places * m), (int64_t)c, 1, 1}};
    W_TRY(w_const_update(g, n->in[1], false, &s, to, &n->in[1], e));
    s = w_shape_1d((int64_t)(places * m));
    return bias ? w_const_update(g, n->in[2], false, &s, all, &n->in[2], e) : WEIR_OK;
}

/* Such a ConvTranspose is a pointwise Conv, and DepthToSpace of what it makes. */
static weir_status transposed_form(w_graph *g, w_id k, weir_error *e) {
    int64_t block;
    if (g->value[g->node[k].out[0]].quant || !tiles_blocks(g, &g->node[k], &block)) return WEIR_OK;
    w_conv_attr *conv = w_op_attr_new(g, W_OP_Conv);
    w_depth_attr *depth = w_op_attr_new(g, W_OP_DepthToSpace);
    if (!conv || !depth) return w_oom(e, sizeof *conv, "attributes");
    w_id blocks, y = g->node[k].out[0];
    W_TRY(block_weights(g, &g->node[k], block, e));
    W_TRY(w_graph_add_derived(g, w_value_name(g, y), ".blocks", &blocks, e));
    g->node[k].op = W_OP_Conv;
    g->node[k].attr = conv;
    w_node_retarget(g, k, blocks);
    depth->blocksize = block;
    W_TRY(w_norm_windows(g, &g->node[k], e));
    return w_graph_add_node(g, W_OP_DepthToSpace, "", &blocks, 1, &y, 1, depth, NULL, e);
}

/* x / 2^k is x * 2^-k, to the bit, and a product is the faster. Numbers of one element alone: most such are the root of a size. */
static weir_status quotient_form(w_graph *g, w_node *n, weir_error *e) {
    float c;
    int exponent;
    if (g->value[n->in[0]].type != WEIR_F32 || !w_const_scalar(g, n->in[1], &c) || w_is_const(g, n->in[0])) return WEIR_OK;
    if (fabsf(frexpf(c, &exponent)) != 0.5f || abs(exponent) > 64) return WEIR_OK;
    float *inverse = w_arena_array(&g->arena, 1, sizeof *inverse);
    if (!inverse) return w_oom(e, sizeof *inverse, "a constant");
    *inverse = 1.0f / c;
    w_shape shape = g->value[n->in[1]].shape; /* a copy: a new value moves them all */
    W_TRY(w_const_new_f32(g, w_value_name(g, n->in[1]), ".inverse", &shape, inverse, &n->in[1], e));
    n->op = W_OP_Mul;
    return WEIR_OK;
}

static weir_status one_form(w_graph *g, w_id k, const w_uses *uses, weir_error *e) {
    w_node *n = &g->node[k];
    switch (n->op) {
    case W_OP_Conv: case W_OP_ConvInteger: case W_OP_MaxPool: case W_OP_AveragePool: return w_norm_windows(g, n, e);
    case W_OP_Pow: return square_form(g, n, e);
    case W_OP_Add: return gate_form(g, k, uses, e);
    case W_OP_Div: return quotient_form(g, n, e);
    case W_OP_ConvTranspose: return transposed_form(g, k, e);
    case W_OP_Clip: return clip_form(g, n, e);
    case W_OP_Sum: return sum_form(g, n, e);
    case W_OP_ReduceMean: return mean_form(g, k, e);
    case W_OP_MatMul: W_TRY(matmul_form(g, n, e)); return WEIR_OK;
    case W_OP_Gemm: return gemm_form(g, n, uses, e);
    default: return WEIR_OK;
    }
}

weir_status w_norm_forms(w_graph *g, weir_error *e) {
    w_arena a;
    w_arena_init(&a, g->ctx);
    w_uses uses;
    weir_status s = w_graph_uses(g, &a, &uses, e);
    size_t nnode = g->nnode;
    for (size_t k = 0; s == WEIR_OK && k < nnode; k++)
        if (g->node[k].op) s = one_form(g, (w_id)k, &uses, e);
    if (s == WEIR_OK) s = w_graph_toposort(g, e);
    w_arena_fini(&a);
    return s;
}
