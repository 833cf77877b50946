/* A layer's weights as a matrix of output channels by reduction, and back. */
#include "lab.h"
#include <stdio.h>
#include <string.h>

bool w_node_has_weights(const w_graph *g, const w_node *n) {
    if (n->op != W_OP_Conv && n->op != W_OP_Gemm && n->op != W_OP_MatMul) return false;
    const w_value *w = &g->value[n->in[1]];
    return w->kind == W_VALUE_CONST && w->data && w->shape.rank >= 2 && w_shape_count(&w->shape) > 0 &&
           (n->op == W_OP_Conv || w->shape.rank == 2);
}

static bool is_transposed(const w_node *n) {
    return n->op == W_OP_MatMul || (n->op == W_OP_Gemm && !((const w_gemm_attr *)n->attr)->transB);
}

static void transpose(const float *src, float *dst, uint32_t rows, uint32_t cols) {
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t c = 0; c < cols; c++) dst[(size_t)r * cols + c] = src[(size_t)c * rows + r];
}

weir_status w_weights_get(w_graph *g, w_id node, w_weights *out, weir_error *e) {
    const w_node *n = &g->node[node];
    const w_value *v = &g->value[n->in[1]];
    size_t count;
    float *w;
    W_TRY(w_const_f32(g, n->in[1], &g->arena, &w, &count, e));
    *out = (w_weights){.node = node, .value = n->in[1], .groups = 1, .transposed = is_transposed(n)};
    if (n->op == W_OP_Conv) out->groups = (uint32_t)((const w_conv_attr *)n->attr)->group;
    out->rows = (uint32_t)v->shape.dim[out->transposed ? 1 : 0];
    out->cols = (uint32_t)(count / out->rows);
    out->w = w_arena_alloc_aligned(&g->arena, count * sizeof *w);
    if (!out->w) return w_oom(e, count * sizeof *w, "weights");
    if (out->transposed) transpose(w, out->w, out->rows, out->cols);
    else memcpy(out->w, w, count * sizeof *w);
    return WEIR_OK;
}

/* New data no longer lies on an old codebook; that it is to be entropy-coded stays true. */
static weir_status set_data(w_graph *g, w_value *v, w_type type, const void *data, const w_quant *quant, weir_error *e) {
    if (v->coding && v->coding->ncodebook) {
        w_coding *c = w_arena_alloc(&g->arena, sizeof *c);
        if (!c) return w_oom(e, sizeof *c, "a coding");
        *c = (w_coding){.ans = v->coding->ans, .density = v->coding->density};
        v->coding = c;
    }
    v->type = type;
    v->data = data;
    v->is_mapped = false;
    v->quant = quant;
    return WEIR_OK;
}

weir_status w_weights_put(w_graph *g, const w_weights *w, weir_error *e) {
    size_t n = (size_t)w->rows * w->cols;
    float *d = w->w;
    if (w->transposed) {
        d = w_arena_alloc_aligned(&g->arena, n * sizeof *d);
        if (!d) return w_oom(e, n * sizeof *d, "weights");
        transpose(w->w, d, w->cols, w->rows);
    }
    return set_data(g, &g->value[w->value], WEIR_F32, d, NULL, e);
}

weir_status w_weights_put_s8(w_graph *g, const w_weights *w, const int8_t *q, const float *scale, weir_error *e) {
    size_t n = (size_t)w->rows * w->cols;
    int8_t *d = w_arena_alloc_aligned(&g->arena, n);
    float *s = w_arena_array(&g->arena, w->rows, sizeof *s);
    int32_t *zero = w_arena_array(&g->arena, w->rows, sizeof *zero);
    w_quant *quant = w_arena_alloc(&g->arena, sizeof *quant);
    if (!d || !s || !zero || !quant) return w_oom(e, n, "quantised weights");
    for (uint32_t r = 0; r < w->rows; r++)
        for (uint32_t c = 0; c < w->cols; c++)
            d[w->transposed ? (size_t)c * w->rows + r : (size_t)r * w->cols + c] = q[(size_t)r * w->cols + c];
    memcpy(s, scale, w->rows * sizeof *s);
    *quant = (w_quant){.n = w->rows, .axis = w->transposed ? 1 : 0, .scale = s, .zero = zero};
    return set_data(g, &g->value[w->value], WEIR_S8, d, quant, e);
}

static weir_status set_input(w_graph *g, w_node *n, uint32_t i, w_id v, weir_error *e) {
    if (n->nin <= i) {
        w_id *in = w_arena_array(&g->arena, i + 1, sizeof *in);
        if (!in) return w_oom(e, (i + 1) * sizeof *in, "node inputs");
        memcpy(in, n->in, n->nin * sizeof *in);
        for (uint32_t k = n->nin; k <= i; k++) in[k] = W_NONE;
        n->in = in;
        n->nin = i + 1;
    }
    n->in[i] = v;
    return WEIR_OK;
}

weir_status w_bias_add(w_graph *g, w_id node, const float *delta, uint32_t rows, weir_error *e) {
    const w_node *n = &g->node[node];
    uint32_t slot = 2;
    bool has = n->nin > slot && n->in[slot] != W_NONE;
    float *b = w_arena_array(&g->arena, rows, sizeof *b), *old = NULL;
    size_t count = 0;
    if (!b) return w_oom(e, rows * sizeof *b, "a bias");
    if (has) W_TRY(w_const_f32(g, n->in[slot], &g->arena, &old, &count, e));
    if (has && count != rows && count != 1) return WEIR_OK; /* a matrix C of a Gemm: leave it */
    float beta = n->op == W_OP_Gemm && has ? ((const w_gemm_attr *)n->attr)->beta : 1;
    if (beta == 0) return WEIR_OK;
    for (uint32_t r = 0; r < rows; r++) b[r] = (has ? old[count == 1 ? 0 : r] : 0) + delta[r] / beta;
    w_shape s = {.rank = 1, .known = true, .dim = {rows}};
    char name[300];
    snprintf(name, sizeof name, "%.250s.corrected", w_node_label(g, n));
    w_id v = w_graph_find(g, name);
    if (v != W_NONE) { /* corrected before: the constant is ours */
        g->value[v].data = b;
        return WEIR_OK;
    }
    W_TRY(w_graph_add_const(g, name, WEIR_F32, &s, b, &v, e));
    return set_input(g, &g->node[node], slot, v, e);
}

weir_status w_coding_edit(w_graph *g, w_id value, w_coding **out, weir_error *e) {
    w_coding *c = w_arena_alloc(&g->arena, sizeof *c);
    if (!c) return w_oom(e, sizeof *c, "a coding");
    *c = g->value[value].coding ? *g->value[value].coding : (w_coding){.density = 1};
    g->value[value].coding = c;
    *out = c;
    return WEIR_OK;
}

/* Mean of input x_c of a reduction column. */
static double column_mean(const w_range *r, const w_weights *w, uint32_t row, uint32_t col, size_t taps) {
    uint32_t per = (uint32_t)(w->cols / taps), group = row / (w->rows / w->groups);
    uint32_t channel = group * per + (uint32_t)(col / taps);
    return channel < r->channels ? r->mean[channel] : 0;
}

weir_status w_bias_correct(w_graph *g, const w_weights *after, const float *before, w_calibration *c, weir_error *e) {
    W_TRY(w_calibration_ranges(c, e));
    const w_node *n = &g->node[after->node];
    const w_range *r = w_calibration_range(c, w_value_name(g, n->in[0]));
    if (!r) return WEIR_OK;
    const w_shape *ws = &g->value[after->value].shape;
    size_t taps = n->op == W_OP_Conv ? (size_t)(ws->dim[2] * ws->dim[3]) : 1;
    if (n->op != W_OP_Conv && r->channels != after->cols) return WEIR_OK;
    float *delta = w_arena_array(&g->arena, after->rows, sizeof *delta);
    if (!delta) return w_oom(e, after->rows * sizeof *delta, "bias correction");
    for (uint32_t i = 0; i < after->rows; i++) {
        double sum = 0;
        for (uint32_t k = 0; k < after->cols; k++) {
            size_t at = (size_t)i * after->cols + k;
            sum += ((double)before[at] - after->w[at]) * column_mean(r, after, i, k, taps);
        }
        delta[i] = (float)sum;
    }
    return w_bias_add(g, after->node, delta, after->rows, e);
}

float *w_weights_copy(w_graph *g, const w_weights *w) {
    size_t bytes = (size_t)w->rows * w->cols * sizeof(float);
    float *f = w_arena_alloc_aligned(&g->arena, bytes);
    if (f) memcpy(f, w->w, bytes);
    return f;
}
