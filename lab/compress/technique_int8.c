/* Post-training quantisation to 8-bit integers (D2): unsigned 8-bit activations with a scale and a zero point for the
 * tensor, signed weights of 2 to 8 bits with a scale for each output channel, 32-bit sums (arXiv 1712.05877, 1806.08342).
 * Static activations get their scale from calibration data and stay 8-bit between layers; dynamic ones get that of the tensor at
 * run time, layer by layer, and need no data. Fewer weight bits cost nothing in the kernel and shrink the entropy-coded file. */
#include "quant.h"
#include <math.h>
#include <string.h>

static const char *const keys[] = {"bits", "calibration", "percentile", "rounding", "bias_correction", "activations", NULL};
static const char *const calibrations[] = {"minmax", "percentile", "mse", "kl", NULL};
static const char *const activations[] = {"static", "dynamic", NULL};
static const char *const roundings[] = {"nearest", "feedback", "adaround", NULL};

typedef enum rounding { ROUND_NEAREST, ROUND_FEEDBACK, ROUND_ADAROUND } rounding;
typedef struct int8_params { int levels; w_calibrate how; double percentile; rounding rounding; bool correct, dynamic; } int8_params;

static w_epilogue *epilogue_of(const w_node *n) {
    switch (n->op) {
    case W_OP_Conv: return &((w_conv_attr *)n->attr)->ep;
    case W_OP_Gemm: return &((w_gemm_attr *)n->attr)->ep;
    default: return &((w_matmul_attr *)n->attr)->ep;
    }
}

static bool plain_gemm(const w_node *n) {
    const w_gemm_attr *a = n->attr;
    return n->op != W_OP_Gemm || (a->alpha == 1 && a->beta == 1 && !a->transA);
}

static bool takes(const w_graph *g, const w_node *n) {
    return w_node_has_weights(g, n) && g->value[n->in[1]].type != WEIR_S8 && g->value[n->in[0]].kind != W_VALUE_CONST &&
           plain_gemm(n) && (n->op != W_OP_Conv || g->value[n->out[0]].shape.rank == 4);
}

/* Step of one row's grid: the multiple of max/levels with the least squared error. */
static float row_scale(const float *w, uint32_t cols, int levels) {
    float top = 0, best = 0;
    double least = INFINITY;
    for (uint32_t c = 0; c < cols; c++) top = fmaxf(top, fabsf(w[c]));
    if (top == 0) return 1;
    for (int i = 100; i >= 40; i -= 3) {
        float s = top * (float)i / (100.0f * (float)levels);
        double err = 0;
        for (uint32_t c = 0; c < cols; c++) {
            float q = fminf(fmaxf(rintf(w[c] / s), -(float)levels), (float)levels) * s;
            err += (double)(w[c] - q) * (w[c] - q);
        }
        if (err < least) least = err, best = s;
    }
    return best;
}

static weir_status quantise_weights(w_graph *g, w_id node, const int8_params *p, w_calibration *c, weir_error *e) {
    w_weights w;
    W_TRY(w_weights_get(g, node, &w, e));
    float *before = w_weights_copy(g, &w), *scale = w_arena_array(&g->arena, w.rows, sizeof *scale);
    int8_t *q = w_arena_array(&g->arena, (size_t)w.rows * w.cols, 1);
    if (!before || !scale || !q) return w_oom(e, (size_t)w.rows * w.cols * 5, "quantised weights");
    for (uint32_t r = 0; r < w.rows; r++) scale[r] = row_scale(w.w + (size_t)r * w.cols, w.cols, p->levels);
    w_hessian *h = NULL;
    const char *label = w_node_label(g, &g->node[node]);
    if (p->rounding != ROUND_NEAREST) W_TRY(w_calibration_hessian(c, label, &h, e));
    w_feedback f = {.density = 1, .levels = p->levels, .scale = scale, .keep_zeros = true};
    weir_status s = p->rounding == ROUND_ADAROUND ? w_adaround(&w, h, p->levels, scale, q, g->ctx, e)
                                                  : w_feedback_round(g->ctx, &w, h, &f, q, e);
    if (s != WEIR_OK) return w_fail_prefix(e, s, "node '%s'", label);
    W_TRY(w_weights_put_s8(g, &w, q, scale, e));
    return p->correct && c ? w_bias_correct(g, &w, before, c, e) : WEIR_OK;
}

static const char *const measured[] = {"calibration", "percentile"}; /* parameters of static activations only */

static weir_status read_params(const json_t *params, int8_params *p, weir_error *e) {
    double bits;
    const char *how, *round, *scales;
    W_TRY(w_param_num(params, "bits", 8, 2, 8, &bits, e));
    W_TRY(w_param_num(params, "percentile", 99.99, 90, 100, &p->percentile, e));
    W_TRY(w_param_str(params, "calibration", "mse", calibrations, &how, e));
    W_TRY(w_param_str(params, "rounding", "nearest", roundings, &round, e));
    W_TRY(w_param_bool(params, "bias_correction", true, &p->correct, e));
    W_TRY(w_param_str(params, "activations", "static", activations, &scales, e));
    p->dynamic = scales == activations[1];
    for (size_t i = 0; p->dynamic && i < W_COUNT(measured); i++)
        if (json_object_get(params, measured[i]))
            return w_fail(e, WEIR_BAD_INPUT, "'%s' is for static activations: dynamic ones are measured at run time", measured[i]);
    p->levels = (1 << ((int)bits - 1)) - 1;
    p->how = (w_calibrate)w_param_index(calibrations, how);
    p->rounding = (rounding)w_param_index(roundings, round);
    return WEIR_OK;
}

bool w_int8_is_static(const json_t *params) {
    const char *scales = json_string_value(json_object_get(params, "activations"));
    return !scales || strcmp(scales, "dynamic") != 0;
}

static bool needs_data(const json_t *params) {
    const char *round = json_string_value(json_object_get(params, "rounding"));
    return w_int8_is_static(params) || (round && strcmp(round, "nearest") != 0);
}

/* Rules quantise weights one after the other, so the choice of integer nodes is read off the weights: all of them together
 * decide which activations become 8-bit, in the last step of a recipe (w_int8_finish). Dynamic ones are settled at once. */
static weir_status apply(w_graph *g, const w_selection *s, const json_t *params, w_calibration *c, weir_error *e) {
    int8_params p;
    W_TRY(read_params(params, &p, e));
    if (!c && needs_data(params)) return w_fail(e, WEIR_USAGE, "int8 needs calibration data (--train or --data)");
    for (size_t i = 0; i < s->n; i++) {
        W_TRY(quantise_weights(g, s->node[i], &p, c, e));
        W_TRY(w_quant_unfuse(g, s->node[i], epilogue_of(&g->node[s->node[i]]), e));
        if (p.dynamic) W_TRY(w_quantise_dynamically(g, s->node[i], e));
    }
    return w_graph_toposort(g, e); /* functions that left an epilogue were appended at the end */
}

/* Every bias in whole steps of its layer's sums: files of other formats can say no other, and what was verified is then what
 * they compute. */
static weir_status round_biases(w_graph *g, weir_error *e) {
    for (w_id k = 0; k < g->nnode; k++) {
        w_bias_steps b;
        float *real;
        size_t n;
        W_TRY(w_bias_steps_of(g, &g->node[k], &g->arena, &b, e));
        if (!b.n) continue;
        W_TRY(w_const_f32(g, g->node[k].in[2], &g->arena, &real, &n, e));
        float *delta = w_arena_array(&g->arena, n, sizeof *delta);
        if (!delta) return w_oom(e, n * sizeof *delta, "a bias");
        for (size_t i = 0; i < n; i++) delta[i] = (float)b.step[i] * b.scale[i] - real[i];
        W_TRY(w_bias_add(g, k, delta, (uint32_t)n, e));
    }
    return WEIR_OK;
}

weir_status w_int8_finish(w_graph *g, const json_t *params, w_calibration *c, weir_error *e) {
    int8_params p;
    W_TRY(read_params(params, &p, e));
    bool *chosen = w_arena_array(&g->arena, g->nnode, sizeof *chosen);
    if (!chosen) return w_oom(e, g->nnode, "the quantised graph");
    for (size_t k = 0; k < g->nnode; k++) {
        const w_node *n = &g->node[k];
        chosen[k] = n->op != W_OP_NONE && w_node_has_weights(g, n) && g->value[n->in[1]].type == WEIR_S8 && !w_has_late_scale(n);
    }
    W_TRY(w_quantise_activations(g, chosen, c, p.how, p.percentile, e));
    return round_biases(g, e);
}

static weir_status ladder(const w_graph *g, w_id node, json_t *settings, weir_error *e) {
    (void)g;
    (void)node;
    for (int bits = 8; bits >= 3; bits--)
        W_TRY(w_ladder_add(settings, json_pack("{s:i,s:s,s:s}", "bits", bits, "rounding", "feedback", "calibration", "mse"), e));
    return WEIR_OK;
}

const w_technique w_technique_int8 = {
    .name = "int8", .row = "D2", .summary = "compute in 8-bit integers", .keys = keys, .needs_data = needs_data, .recodes = true,
    .draft = "{\"rounding\": \"nearest\", \"bias_correction\": false}", .takes = takes,
    .ladder = ladder, .apply = apply, .verdict = w_verdict_int8};
