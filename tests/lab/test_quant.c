/* Integers in depth: calibration by entropy, equalisation, learned rounding, and what stays in 8 bits between integer layers. */
#include "graph_text.h"
#include "lab_fixture.h"
#include "quant.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- calibration by entropy ---- */

static w_range range_of(float *hist, float min, float max) { return (w_range){.min = min, .max = max, .hist = hist, .channels = 1}; }

static void entropy_cuts_tails_only(void **state) {
    static float hist[W_CAL_BINS];
    double lo, hi;
    for (int b = 0; b < W_CAL_BINS; b++) hist[b] = 1000;
    w_range even = range_of(hist, 0, 8);
    w_range_entropy(&even, &lo, &hi);
    assert_true(lo == 0 && hi > 7.5); /* nothing to gain */
    for (int b = 0; b < W_CAL_BINS; b++) hist[b] = b < 512 ? 1000.0f * expf(-(float)b / 100) : 0;
    hist[W_CAL_BINS - 1] = 2;         /* an outlier four times as far as all the rest */
    w_range tail = range_of(hist, 0, 8);
    w_range_entropy(&tail, &lo, &hi);
    assert_true(lo == 0 && hi > 1 && hi < 4);
    w_affine a = w_affine_choose(&tail, W_CAL_KL, 0), b = w_affine_choose(&tail, W_CAL_MINMAX, 0);
    assert_true(a.scale < b.scale / 2 && a.zero == 0);
}

static void entropy_keeps_zero_exact(void **state) {
    static float hist[W_CAL_BINS];
    double lo, hi;
    for (int b = 0; b < W_CAL_BINS; b++) {
        float x = ((float)b - 512) / 60;
        hist[b] = 1e6f * expf(-x * x / 2);
    }
    w_range r = range_of(hist, -2, 6);
    w_range_entropy(&r, &lo, &hi);
    assert_true(lo < 0 && hi > 0 && hi < 5);
    w_affine a = w_affine_choose(&r, W_CAL_KL, 0);
    assert_in_range(a.zero, 1, 254);
    memset(hist, 0, sizeof hist);
    w_range none = range_of(hist, 0, 0); /* a value that is always 0 */
    assert_true(w_affine_choose(&none, W_CAL_KL, 0).scale == 1);
}

/* ---- equalisation ---- */

static float top_of(const w_weights *w, uint32_t r0, uint32_t r1, uint32_t c0, uint32_t c1) {
    float top = 0;
    for (uint32_t r = r0; r < r1; r++)
        for (uint32_t c = c0; c < c1; c++) top = fmaxf(top, fabsf(w->w[(size_t)r * w->cols + c]));
    return top;
}

static weir_status equalise(w_graph *g, weir_error *e) {
    w_id nodes[8];
    size_t n = 0;
    for (w_id k = 0; k < g->nnode; k++)
        if (g->node[k].op != W_OP_NONE && w_technique_equalise.takes(g, &g->node[k])) nodes[n++] = k;
    return w_technique_equalise.apply(g, &(w_selection){.node = nodes, .n = n}, NULL, NULL, e);
}

static void no_answer_changes(void **state) {
    static const char text[] =
        "opset 17\ninput x f32[2,3,9,9]\nconst a f32[8,3,3,3]\nconst ab f32[8]\nconst d f32[8,1,3,3]\nconst db f32[8]\n"
        "const p f32[6,8,1,1]\nconst f f32[54,10]\nconst fb f32[10]\n"
        "c1: v1 = Conv(x, a, ab)\nr1: v2 = Relu(v1)\nc2: v3 = Conv(v2, d, db) group=8\nr2: v4 = LeakyRelu(v3) alpha=0.1\n"
        "c3: v5 = Conv(v4, p)\nm: v6 = MaxPool(v5) kernel_shape=[2,2] strides=[2,2] ceil_mode=1\nfl: v7 = Flatten(v6)\n"
        "c4: y = Gemm(v7, f, fb)\noutput y\n";
    weir_error e = {0};
    w_graph *one = canonical_graph(text), *two = canonical_graph(text);
    w_weights c1, c2, c3, c4;
    w_arena a;
    double *x, *y, top = 0;
    size_t n, m;
    if (equalise(two, &e) != WEIR_OK || w_graph_verify(two, &e) != WEIR_OK) fail_msg("%s", e.message);
    assert_int_equal(w_weights_get(two, node_labelled(two, "c1"), &c1, &e), WEIR_OK);
    assert_int_equal(w_weights_get(two, node_labelled(two, "c2"), &c2, &e), WEIR_OK);
    assert_int_equal(w_weights_get(two, node_labelled(two, "c3"), &c3, &e), WEIR_OK);
    assert_int_equal(w_weights_get(two, node_labelled(two, "c4"), &c4, &e), WEIR_OK);
    for (uint32_t c = 0; c < 8; c++) {
        float own = top_of(&c2, c, c + 1, 0, 9);
        assert_true(fabsf(top_of(&c1, c, c + 1, 0, 27) / own - 1) < 0.01f);
        assert_true(fabsf(top_of(&c3, 0, 6, c, c + 1) / own - 1) < 0.01f);
    }
    for (uint32_t c = 0; c < 6; c++) assert_true(fabsf(top_of(&c3, c, c + 1, 0, 8) / top_of(&c4, 0, 10, c * 9, c * 9 + 9) - 1) < 0.01f);
    w_arena_init(&a, ctx);
    if (text_run(one, &a, &x, &n, &e) != WEIR_OK || text_run(two, &a, &y, &m, &e) != WEIR_OK) fail_msg("%s", e.message);
    for (size_t i = 0; i < n; i++) top = fmax(top, fabs(x[i]));
    for (size_t i = 0; i < n; i++) assert_true(fabs(x[i] - y[i]) < 2e-5 * top);
    w_arena_fini(&a);
    assert_int_equal(w_graph_find(two, w_value_name(one, one->node[node_labelled(one, "c1")].out[0])), W_NONE); /* another value now */
    w_graph_destroy(one);
    w_graph_destroy(two);
}

static void what_cannot_be_equalised_says_why(void **state) {
    static const char *const bad[][2] = {
        {"opset 17\ninput x f32[1,3,5,5]\nconst a f32[4,3,1,1]\nconst b f32[4,4,1,1]\nconst lo f32[] = {0}\nconst hi f32[] = {6}\n"
         "c1: v = Conv(x, a)\nk: w = Clip(v, lo, hi)\nc2: y = Conv(w, b)\noutput y\n", "no other layer alone reads"},
        {"opset 17\ninput x f32[1,3,5,5]\nconst a f32[4,3,1,1]\nconst b f32[4,4,1,1]\n"
         "c1: v = Conv(x, a)\nc2: y = Conv(v, b)\noutput y\noutput v\n", "no other layer alone reads"},
    };
    for (size_t i = 0; i < W_COUNT(bad); i++) {
        weir_error e = {0};
        w_graph *g = canonical_graph(bad[i][0]);
        assert_int_equal(equalise(g, &e), WEIR_BAD_INPUT);
        if (!strstr(e.message, bad[i][1])) fail_msg("'%s' should hold '%s'", e.message, bad[i][1]);
        w_graph_destroy(g);
    }
    weir_error e = {0};
    w_graph *g = canonical_graph(bad[0][0]);
    w_id first = node_labelled(g, "c1");
    assert_int_equal(w_technique_equalise.apply(g, &(w_selection){.node = &first, .n = 1}, NULL, NULL, &e), WEIR_BAD_INPUT);
    if (!strstr(e.message, "fixed bounds")) fail_msg("'%s'", e.message);
    w_graph_destroy(g);
}

/* ---- learned rounding ---- */

enum { K = 48, ROWS = 10 };

static float noise(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) * 0x1p-23f - 1;
}

static double cost(const float *w, const float *rounded, const float *h) {
    double sum = 0;
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < K * K; i++)
            sum += (double)(w[r * K + i / K] - rounded[r * K + i / K]) * h[i] * (w[r * K + i % K] - rounded[r * K + i % K]);
    return sum;
}

static void learned_rounding_beats_nearest(void **state) {
    static float w[ROWS * K], h[K * K], scale[ROWS], learned[ROWS * K], nearest[ROWS * K], again[ROWS * K];
    static int8_t q[ROWS * K], q2[ROWS * K];
    float *hs = h;
    weir_error e = {0};
    uint32_t seed = 3;
    w_hessian hess = {.k = K, .groups = 1, .rows = 400, .h = &hs};
    for (int i = 0; i < ROWS * K; i++) w[i] = i % 17 ? noise(&seed) : 0;
    for (int n = 0; n < 400; n++) {
        float x[K], shared = 2 * noise(&seed);
        for (int i = 0; i < K; i++) x[i] = noise(&seed) + shared;
        for (int i = 0; i < K * K; i++) h[i] += x[i / K] * x[i % K];
    }
    for (int r = 0; r < ROWS; r++) scale[r] = 1.0f / 7;
    memcpy(learned, w, sizeof w);
    memcpy(again, w, sizeof w);
    for (int i = 0; i < ROWS * K; i++) nearest[i] = fminf(fmaxf(rintf(w[i] * 7), -7), 7) / 7;
    w_weights a = {.rows = ROWS, .cols = K, .groups = 1, .w = learned}, b = {.rows = ROWS, .cols = K, .groups = 1, .w = again};
    assert_int_equal(w_adaround(&a, &hess, 7, scale, q, ctx, &e), WEIR_OK);
    assert_int_equal(w_adaround(&b, &hess, 7, scale, q2, ctx, &e), WEIR_OK);
    assert_memory_equal(q, q2, sizeof q);
    for (int i = 0; i < ROWS * K; i++) {
        assert_in_range(q[i] + 7, 0, 14);
        assert_true(fabsf(learned[i] - w[i]) <= 1.0f / 7 + 1e-6f); /* one of the two neighbours */
        if (w[i] == 0) assert_int_equal(q[i], 0);
    }
    assert_true(cost(w, learned, h) < 0.25 * cost(w, nearest, h));
}

static void a_layer_too_large_to_learn_is_refused(void **state) {
    weir_error e = {0};
    w_weights w = {.rows = 1u << 16, .cols = 1u << 14, .groups = 1};
    assert_int_equal(w_adaround(&w, NULL, 7, NULL, NULL, ctx, &e), WEIR_BAD_INPUT);
    assert_non_null(strstr(e.message, "'feedback'"));
}

/* ---- what stays in 8 bits ---- */

/* Statistics in which every value lies in [-1, 3]. */
typedef struct made_up { w_calibration c; weir_model m; } made_up;

static float even[W_CAL_BINS];

static void statistics(made_up *s, w_graph *g) {
    for (int b = 0; b < W_CAL_BINS; b++) even[b] = 10;
    *s = (made_up){.c = {.ctx = ctx, .measured = true}, .m = {.ctx = ctx, .graph = g}};
    s->c.model = &s->m;
    s->c.range = calloc(g->nvalue + 1, sizeof *s->c.range);
    for (size_t v = 0; v < g->nvalue; v++) {
        if (g->value[v].kind == W_VALUE_CONST) continue;
        w_range *r = s->c.range[v] = calloc(1, sizeof *r);
        *r = range_of(even, -1, 3 + (float)v / 16); /* no two scales by chance the same */
    }
}

static void forget(made_up *s, size_t nvalue) {
    for (size_t v = 0; v < nvalue; v++) free(s->c.range[v]);
    free(s->c.range);
}

static w_graph *quantised(const char *text, const char *left_real) {
    weir_error e = {0};
    made_up s;
    w_graph *g = canonical_graph(text), *floats = canonical_graph(text);
    bool chosen[64] = {false};
    size_t nvalue = floats->nvalue;
    statistics(&s, floats);
    for (w_id k = 0; k < g->nnode; k++)
        chosen[k] = w_node_has_weights(g, &g->node[k]) && strcmp(w_node_label(g, &g->node[k]), left_real) != 0;
    if (w_quantise_activations(g, chosen, &s.c, W_CAL_MINMAX, 100, &e) != WEIR_OK || w_graph_verify(g, &e) != WEIR_OK) fail_msg("%s", e.message);
    forget(&s, nvalue);
    w_graph_destroy(floats);
    return g;
}

static size_t count_op(const w_graph *g, uint16_t op) {
    size_t n = 0;
    for (w_id k = 0; k < g->nnode; k++) n += g->node[k].op == op;
    return n;
}

static const w_value *result(const w_graph *g, const char *label) { return &g->value[g->node[node_labelled(g, label)].out[0]]; }

static void a_fire_module_stays_in_8_bits(void **state) {
    w_graph *g = quantised(
        "opset 17\ninput x f32[1,8,8,8]\nconst s f32[4,8,1,1]\nconst a f32[8,4,1,1]\nconst b f32[8,4,3,3]\nconst f f32[5,16,1,1]\n"
        "c0: v0 = Conv(x, s)\nc1: v1 = Conv(v0, a)\nc2: v2 = Conv(v0, b) pads=[1,1,1,1]\ncat: v3 = Concat(v1, v2) axis=1\n"
        "m: v4 = MaxPool(v3) kernel_shape=[2,2] strides=[2,2]\nc3: v5 = Conv(v4, f)\ngap: y = GlobalAveragePool(v5)\noutput y\n", "");
    assert_int_equal(count_op(g, W_OP_QuantizeLinear), 1);   /* the image */
    assert_int_equal(count_op(g, W_OP_DequantizeLinear), 0); /* c3 writes real numbers for the output's sake */
    assert_int_equal(result(g, "cat")->type, WEIR_U8);
    assert_true(w_quant_equal(result(g, "c1")->quant, result(g, "cat")->quant));
    assert_true(w_quant_equal(result(g, "c2")->quant, result(g, "cat")->quant));
    assert_true(w_quant_equal(result(g, "m")->quant, result(g, "cat")->quant));
    assert_false(w_quant_equal(result(g, "c0")->quant, result(g, "cat")->quant));
    w_graph_destroy(g);
}

static void functions_and_products_stay_in_8_bits(void **state) {
    w_graph *g = quantised(
        "opset 17\ninput x f32[1,8,8,8]\nconst a f32[8,8,1,1]\nconst b f32[8,8,1,1]\nconst c f32[8,8,1,1]\n"
        "c0: v0 = Conv(x, a)\ngap: v1 = GlobalAveragePool(v0)\nc1: v2 = Conv(v1, b)\nsig: v3 = Tanh(v2)\nt2: v3b = Neg(v2)\nmul: v4 = Mul(v0, v2)\n"
        "c2: y = Conv(v4, c)\noutput y\noutput v3\noutput v3b\n", "");
    assert_int_equal(result(g, "gap")->type, WEIR_U8);
    assert_int_equal(result(g, "mul")->type, WEIR_U8);
    assert_int_equal(count_op(g, W_OP_QuantizeLinear), 1);
    assert_int_equal(count_op(g, W_OP_DequantizeLinear), 1); /* once for both readers that need real numbers */
    w_graph_destroy(g);
}

static void option_a_shortcuts_stay_in_8_bits(void **state) {
    w_graph *g = quantised(
        "opset 17\ninput x f32[1,4,8,8]\nconst a f32[4,4,3,3]\nconst b f32[8,4,3,3]\nconst c f32[8,8,1,1]\n"
        "const st s64[2] = {0, 0}\nconst en s64[2] = {8, 8}\nconst ax s64[2] = {2, 3}\nconst sp s64[2] = {2, 2}\nconst pd s64[8] = {0, 2, 0, 0, 0, 2, 0, 0}\n"
        "c0: v0 = Conv(x, a) pads=[1,1,1,1]\nc1: v1 = Conv(v0, b) pads=[1,1,1,1] strides=[2,2]\nsl: v2 = Slice(v0, st, en, ax, sp)\npad: v3 = Pad(v2, pd)\n"
        "add: v4 = Add(v1, v3)\nr: v5 = Relu(v4)\nc2: y = Conv(v5, c)\noutput y\n", "");
    assert_int_equal(count_op(g, W_OP_QuantizeLinear), 1);
    assert_int_equal(count_op(g, W_OP_DequantizeLinear), 0);
    assert_true(w_quant_equal(result(g, "pad")->quant, result(g, "c0")->quant));
    w_graph_destroy(g);
}

/* A real layer in the middle: one copy down, one up, whoever reads; and nothing goes to 8 bits for a real layer's sake. */
static void borders_stand_once(void **state) {
    w_graph *g = quantised(
        "opset 17\ninput x f32[1,8,8,8]\nconst a f32[8,8,1,1]\nconst b f32[8,8,1,1]\nconst c f32[8,8,1,1]\nconst d f32[8,8,1,1]\nconst w f32[8,8,1,1]\n"
        "const z f32[8,8,1,1]\nc0: v0 = Conv(x, a)\ncz: v6 = Conv(v0, z)\nreal: v1 = Conv(v0, b)\nt: v2 = Tanh(v1)\nc1: v3 = Conv(v2, c)\nc2: v4 = Conv(v2, d)\nadd: v5 = Add(v3, v4)\nc3: y = Conv(v5, w)\noutput y\noutput v6\n",
        "real");
    assert_int_equal(count_op(g, W_OP_QuantizeLinear), 2);   /* the image, and what c1 and c2 read */
    assert_int_equal(count_op(g, W_OP_DequantizeLinear), 1); /* what the real layer reads */
    assert_int_equal(result(g, "real")->type, WEIR_F32);     /* its activation is computed from real numbers, not from a copy */
    w_graph_destroy(g);
}

/* Integer layers in front of functions that they do not compute: integers still, and no step left to the reference. */
static void functions_leave_the_epilogue(void **state) {
    static const char *const act[] = {"Sigmoid(v0)", "Tanh(v0)", "Elu(v0) alpha=0.5", "Gelu(v0)", "Mul(v0, g)"};
    for (size_t i = 0; i < W_COUNT(act); i++) {
        char text[600];
        weir_error e = {0};
        made_up s;
        w_plan *p;
        w_arena a;
        double *x, *y, top = 0;
        size_t n, m;
        snprintf(text, sizeof text, "opset 20\ninput x f32[1,8,8,8]\nconst a f32[8,8,1,1]\nconst ab f32[8]\nc0: v0 = Conv(x, a, ab)\n%sc1: y = %s\noutput y\n",
                 act[i][0] == 'M' ? "sg: g = Sigmoid(v0)\n" : "", act[i]);
        w_graph *g = canonical_graph(text), *floats = canonical_graph(text);
        w_id node = node_labelled(g, "c0");
        size_t nvalue = floats->nvalue;
        assert_true(((const w_conv_attr *)g->node[node].attr)->ep.act > W_ACT_HARDSIGMOID); /* fused before */
        assert_true(w_technique_int8.takes(g, &g->node[node]));
        statistics(&s, floats);
        json_t *params = json_pack("{s:b}", "bias_correction", 0);
        if (w_technique_int8.apply(g, &(w_selection){.node = &node, .n = 1}, params, &s.c, &e) != WEIR_OK ||
            w_int8_finish(g, params, &s.c, &e) != WEIR_OK || w_graph_verify(g, &e) != WEIR_OK || w_passes_canonical(g, &e) != WEIR_OK)
            fail_msg("%s", e.message);
        const w_node *conv = &g->node[node_labelled(g, "c0")];
        assert_int_equal(((const w_conv_attr *)conv->attr)->ep.act, W_ACT_NONE); /* and not again */
        assert_int_equal(g->value[conv->in[0]].type, WEIR_U8);
        weir_session_options so = weir_session_options_default();
        w_plan_options po = {.threads = 1};
        if (w_plan_create(g, &so, &po, &p, &e) != WEIR_OK) fail_msg("%s", e.message);
        for (size_t k = 0; k < p->nstep; k++) assert_string_not_equal(p->step[k].kernel, "reference");
        w_plan_destroy(p);
        w_arena_init(&a, ctx);
        if (text_run(floats, &a, &x, &n, &e) != WEIR_OK || text_run(g, &a, &y, &m, &e) != WEIR_OK) fail_msg("%s", e.message);
        for (size_t k = 0; k < n; k++) top = fmax(top, fabs(x[k]));
        for (size_t k = 0; k < n; k++) assert_true(fabs(x[k] - y[k]) < 0.05 * top + 0.05);
        w_arena_fini(&a);
        json_decref(params);
        forget(&s, nvalue);
        w_graph_destroy(g);
        w_graph_destroy(floats);
    }
}

/* Layers that read one value share its bytes, whatever they are; a function that integers do not compute follows. */
static void dynamic_layers_share_their_bytes(void **state) {
    static const char text[] =
        "opset 20\ninput x f32[2,6,8,8]\nconst a f32[8,6,3,3]\nconst ab f32[8]\nconst b f32[8,6,1,1]\nconst d f32[8,1,3,3]\nconst m f32[8,5]\nconst mb f32[5]\n"
        "c0: v0 = Conv(x, a, ab) pads=[1,1,1,1]\nc1: v1 = Conv(x, b)\nadd: v2 = Add(v0, v1)\ns: v3 = Sigmoid(v2)\nc2: v4 = Conv(v3, d) group=8 pads=[1,1,1,1]\n"
        "t: v5 = Transpose(v4) perm=[0,2,3,1]\nmm: y = MatMul(v5, m, mb)\noutput y\n";
    weir_error e = {0};
    w_plan *p;
    w_arena a;
    double *x, *y, top = 0;
    size_t n, m, nodes = 0;
    w_id node[8];
    w_graph *g = canonical_graph(text), *floats = canonical_graph(text);
    for (w_id k = 0; k < g->nnode; k++)
        if (w_node_has_weights(g, &g->node[k])) node[nodes++] = k;
    assert_int_equal(nodes, 4);
    json_t *params = json_pack("{s:s}", "activations", "dynamic");
    if (w_technique_int8.apply(g, &(w_selection){.node = node, .n = nodes}, params, NULL, &e) != WEIR_OK || w_graph_verify(g, &e) != WEIR_OK ||
        w_passes_canonical(g, &e) != WEIR_OK)
        fail_msg("%s", e.message);
    json_decref(params);
    assert_int_equal(count_op(g, W_OP_DynamicQuantizeLinear), 3); /* x once */
    weir_session_options so = weir_session_options_default();
    w_plan_options po = {.threads = 1};
    if (w_plan_create(g, &so, &po, &p, &e) != WEIR_OK) fail_msg("%s", e.message);
    for (size_t k = 0; k < p->nstep; k++)
        if (w_has_late_scale(&p->graph->node[p->step[k].node])) assert_int_equal(strncmp(p->step[k].kernel, "u8_", 3), 0);
    w_plan_destroy(p);
    w_arena_init(&a, ctx);
    if (text_run(floats, &a, &x, &n, &e) != WEIR_OK || text_run(g, &a, &y, &m, &e) != WEIR_OK) fail_msg("%s", e.message);
    for (size_t k = 0; k < n; k++) top = fmax(top, fabs(x[k]));
    for (size_t k = 0; k < n; k++) assert_true(fabs(x[k] - y[k]) < 0.03 * top);
    w_arena_fini(&a);
    w_graph_destroy(g);
    w_graph_destroy(floats);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entropy_cuts_tails_only),          cmocka_unit_test(entropy_keeps_zero_exact),
        cmocka_unit_test(no_answer_changes),                cmocka_unit_test(what_cannot_be_equalised_says_why),
        cmocka_unit_test(learned_rounding_beats_nearest),   cmocka_unit_test(a_layer_too_large_to_learn_is_refused),
        cmocka_unit_test(a_fire_module_stays_in_8_bits),    cmocka_unit_test(functions_and_products_stay_in_8_bits),
        cmocka_unit_test(option_a_shortcuts_stay_in_8_bits), cmocka_unit_test(borders_stand_once),
        cmocka_unit_test(functions_leave_the_epilogue),     cmocka_unit_test(dynamic_layers_share_their_bytes),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
