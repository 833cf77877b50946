/* Low rank: the factors' error, the graph before and after, and what is left of trained networks' answers. */
#include "graph_text.h"
#include "lab_fixture.h"
#include "lowrank.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *models[2]; /* lenet5, mobilenet */

static int open_all(void **state) {
    weir_error e = {0};
    if (open_context(state) != 0) return -1;
    if (weir_dataset_open(ctx, "fashion-mnist", &data, &e) == WEIR_OK) return 0;
    print_error("%s\n", e.message);
    return -1;
}

static int close_all(void **state) {
    weir_dataset_destroy(data);
    return close_context(state);
}

/* ---- factors ---- */

enum { ROWS = 24, COLS = 40, SAMPLES = 200 };

static float noise(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) * 0x1p-23f - 1;
}

/* Inputs whose variances differ a hundredfold. */
static void made_up(float *w, float *h) {
    uint32_t seed = 7;
    memset(h, 0, sizeof(float[COLS * COLS]));
    for (int i = 0; i < ROWS * COLS; i++) w[i] = noise(&seed);
    for (int n = 0; n < SAMPLES; n++) {
        float x[COLS], shared = noise(&seed);
        for (int i = 0; i < COLS; i++) x[i] = (noise(&seed) + shared) * (i % 4 ? 0.1f : 1.0f);
        for (int i = 0; i < COLS * COLS; i++) h[i] += x[i / COLS] * x[i % COLS];
    }
}

/* Mean of |(W - AB) x|^2 over the samples, with the damping that the factors were made with. */
static double error_of(const float *w, const float *h, const float *first, const float *second, uint32_t rank) {
    double sum = 0, mean = 0;
    for (int i = 0; i < COLS; i++) mean += h[i * COLS + i] / (double)SAMPLES / COLS;
    for (int r = 0; r < ROWS; r++) {
        double d[COLS];
        for (int c = 0; c < COLS; c++) {
            d[c] = w[r * COLS + c];
            for (uint32_t j = 0; j < rank; j++) d[c] -= (double)second[(size_t)r * rank + j] * first[j * COLS + (size_t)c];
        }
        for (int i = 0; i < COLS; i++)
            for (int j = 0; j < COLS; j++) sum += d[i] * d[j] * (h[i * COLS + j] / (double)SAMPLES + (i == j ? mean * w_spectrum_damping(COLS, SAMPLES) : 0));
    }
    return sum;
}

static void the_error_is_the_tail_of_the_singular_values(void **state) {
    static float w[ROWS * COLS], h[COLS * COLS], first[ROWS * COLS], second[ROWS * ROWS];
    weir_error e = {0};
    w_arena a;
    made_up(w, h);
    w_arena_init(&a, ctx);
    for (uint32_t rank = 1; rank < ROWS; rank += 5) {
        w_spectrum x, plain;
        assert_int_equal(w_spectrum_of(w, ROWS, COLS, h, SAMPLES, &a, &x, &e), WEIR_OK);
        assert_int_equal(w_spectrum_factors(&x, rank, &a, first, second, &e), WEIR_OK);
        double tail = 0, err = error_of(w, h, first, second, rank);
        for (uint32_t i = rank; i < x.n; i++) tail += x.s[i] * x.s[i];
        assert_true(fabs(err - tail) < 1e-4 * tail);
        assert_int_equal(w_spectrum_of(w, ROWS, COLS, NULL, 1, &a, &plain, &e), WEIR_OK);
        assert_int_equal(w_spectrum_factors(&plain, rank, &a, first, second, &e), WEIR_OK);
        assert_true(error_of(w, h, first, second, rank) > 1.05 * err);
    }
    w_arena_fini(&a);
}

static void inner_values_are_even(void **state) {
    static float w[ROWS * COLS], h[COLS * COLS], first[ROWS * COLS], second[ROWS * ROWS];
    weir_error e = {0};
    w_arena a;
    w_spectrum x;
    made_up(w, h);
    w_arena_init(&a, ctx);
    assert_int_equal(w_spectrum_of(w, ROWS, COLS, h, SAMPLES, &a, &x, &e), WEIR_OK);
    assert_int_equal(w_spectrum_factors(&x, 8, &a, first, second, &e), WEIR_OK);
    for (int j = 0; j < 8; j++) {
        double sum = 0, damp = 0;
        for (int i = 0; i < COLS; i++) damp += h[i * COLS + i] / (double)SAMPLES / COLS * w_spectrum_damping(COLS, SAMPLES);
        for (int i = 0; i < COLS * COLS; i++)
            sum += (double)first[j * COLS + i / COLS] * first[j * COLS + i % COLS] * (h[i] / SAMPLES + (i % (COLS + 1) ? 0 : damp));
        assert_true(fabs(sum - 1) < 1e-4);
    }
    w_arena_fini(&a);
}

static void ranks_follow_energy_and_vectors(void **state) {
    static const double s[] = {4, 2, 2, 1, 0};  /* squares 16, 4, 4, 1 */
    assert_int_equal(w_spectrum_rank(s, 5, 0.5), 1);
    assert_int_equal(w_spectrum_rank(s, 5, 0.8), 2);
    assert_int_equal(w_spectrum_rank(s, 5, 0.95), 3);
    assert_int_equal(w_spectrum_rank(s, 5, 1), 4);
    assert_int_equal(w_lowrank_limit(16, 16), 7);
    assert_int_equal(w_lowrank_limit(1, 500), 0);
    assert_int_equal(w_lowrank_round(3, 20), 8);
    assert_int_equal(w_lowrank_round(17, 20), 17);
    assert_int_equal(w_lowrank_round(16, 20), 16);
    assert_int_equal(w_lowrank_round(3, 7), 3);
}

/* ---- graphs ---- */

typedef struct form { const char *text; uint32_t rank; const char *inner; } form;

static const form forms[] = {
    {"opset 17\ninput x f32[N,12,7,7]\ninput r f32[N,16,4,4]\nconst w f32[16,12,1,1]\nconst b f32[16]\n"
     "conv: y0 = Conv(x, w, b) strides=[2,2]\nadd: y1 = Add(y0, r)\nact: y = Relu(y1)\noutput y\n", 4, "[N, 4, 4, 4]"},
    {"opset 17\ninput x f32[2,12,5,5]\nconst w f32[16,12,1,1]\nconst b f32[16]\n"
     "conv: y = Conv(x, w, b) pads=[1,0,1,2]\noutput y\n", 5, "[2, 5, 7, 7]"},
    {"opset 17\ninput x f32[3,20]\nconst w f32[24,20]\nconst b f32[24]\n"
     "conv: y = Gemm(x, w, b) transB=1 alpha=0.5 beta=2\noutput y\n", 8, "[3, 8]"},
    {"opset 17\ninput x f32[20,3]\nconst w f32[20,24]\nconst b f32[24]\n"
     "conv: y = Gemm(x, w, b) transA=1\noutput y\n", 8, "[3, 8]"},
    {"opset 17\ninput x f32[2,3,5,20]\nconst w f32[20,24]\nconv: y = MatMul(x, w)\noutput y\n", 8, "[2, 3, 5, 8]"},
    {"opset 17\ninput x f32[20]\nconst w f32[20,24]\nconv: y = MatMul(x, w)\noutput y\n", 8, "[8]"},
};

static void split(w_graph *g, const char *params) {
    weir_error e = {0};
    w_id node = node_labelled(g, "conv");
    json_t *p = json_loads(params, 0, NULL);
    assert_true(w_technique_lowrank.takes(g, &g->node[node]));
    if (w_technique_lowrank.apply(g, &(w_selection){.node = &node, .n = 1}, p, NULL, &e) != WEIR_OK) fail_msg("%s", e.message);
    if (w_graph_verify(g, &e) != WEIR_OK || w_passes_canonical(g, &e) != WEIR_OK) fail_msg("%s", e.message);
    json_decref(p);
}

/* The one layer with the product of the factors as its weights. */
static void put_product(w_graph *one, w_graph *two) {
    weir_error e = {0};
    w_weights w, a, b;
    assert_int_equal(w_weights_get(one, node_labelled(one, "conv"), &w, &e), WEIR_OK);
    assert_int_equal(w_weights_get(two, node_labelled(two, "conv.lowrank"), &b, &e), WEIR_OK);
    assert_int_equal(w_weights_get(two, node_labelled(two, "conv"), &a, &e), WEIR_OK);
    assert_int_equal(a.cols, b.rows);
    assert_int_equal(a.rows, w.rows);
    assert_int_equal(b.cols, w.cols);
    for (uint32_t r = 0; r < w.rows; r++)
        for (uint32_t c = 0; c < w.cols; c++) {
            double sum = 0;
            for (uint32_t j = 0; j < a.cols; j++) sum += (double)a.w[r * a.cols + j] * b.w[j * b.cols + c];
            w.w[r * w.cols + c] = (float)sum;
        }
    assert_int_equal(w_weights_put(one, &w, &e), WEIR_OK);
}

static void bind(w_graph *g) {
    weir_error e = {0};
    if (g->nsymbol) assert_int_equal(w_graph_bind(g, "N", 2, &e), WEIR_OK);
    assert_int_equal(w_passes_canonical(g, &e), WEIR_OK);
}

static void same_results(const w_graph *one, const w_graph *two) {
    weir_error e = {0};
    w_arena a;
    double *x = NULL, *y = NULL, top = 0;
    size_t n = 0, m = 0;
    w_arena_init(&a, ctx);
    if (text_run(one, &a, &x, &n, &e) != WEIR_OK || text_run(two, &a, &y, &m, &e) != WEIR_OK) fail_msg("%s", e.message);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++) top = fmax(top, fabs(x[i]));
    for (size_t i = 0; i < n; i++) assert_true(fabs(x[i] - y[i]) < 1e-5 * top);
    w_arena_fini(&a);
}

static void two_layers_compute_the_product(void **state) {
    for (size_t i = 0; i < W_COUNT(forms); i++) {
        char params[100], t[200] = "";
        snprintf(params, sizeof params, "{\"rank\": %u, \"weighting\": \"none\"}", forms[i].rank);
        w_graph *one = canonical_graph(forms[i].text), *two = canonical_graph(forms[i].text);
        split(two, params);
        const w_node *first = &two->node[node_labelled(two, "conv.lowrank")], *second = &two->node[node_labelled(two, "conv")];
        assert_int_equal(first->nin, 2);
        assert_int_equal(second->in[0], first->out[0]);
        const w_shape *s = &two->value[first->out[0]].shape;
        for (int d = 0; d < s->rank; d++) {
            size_t at = strlen(t);
            if (s->dim[d] < 0) snprintf(t + at, sizeof t - at, "%s%s", d ? ", " : "[", two->symbol[-s->dim[d] - 1]);
            else snprintf(t + at, sizeof t - at, "%s%lld", d ? ", " : "[", (long long)s->dim[d]);
        }
        strcat(t, "]");
        assert_string_equal(t, forms[i].inner);
        put_product(one, two);
        bind(one);
        bind(two);
        same_results(one, two);
        w_graph_destroy(one);
        w_graph_destroy(two);
    }
}

static void half_weights_stay_half(void **state) {
    w_graph *g = canonical_graph("opset 17\ninput x f32[1,32,4,4]\nconst w f16[24,32,1,1]\nconv: y = Conv(x, w)\noutput y\n");
    w_weights before, a, b;
    weir_error e = {0};
    assert_int_equal(g->value[g->node[node_labelled(g, "conv")].in[1]].type, WEIR_F16);
    assert_int_equal(w_weights_get(g, node_labelled(g, "conv"), &before, &e), WEIR_OK);
    split(g, "{\"energy\": 0.6, \"weighting\": \"none\"}");
    assert_int_equal(g->value[g->node[node_labelled(g, "conv")].in[1]].type, WEIR_F16);
    assert_int_equal(g->value[g->node[node_labelled(g, "conv.lowrank")].in[1]].type, WEIR_F16);
    assert_int_equal(w_weights_get(g, node_labelled(g, "conv.lowrank"), &b, &e), WEIR_OK);
    assert_int_equal(w_weights_get(g, node_labelled(g, "conv"), &a, &e), WEIR_OK);
    assert_int_equal(b.rows % 8, 0);
    double err = 0, all = 0;
    for (uint32_t r = 0; r < 24; r++)
        for (uint32_t c = 0; c < 32; c++) {
            double d = before.w[r * 32 + c];
            all += d * d;
            for (uint32_t j = 0; j < b.rows; j++) d -= (double)a.w[r * b.rows + j] * b.w[j * 32 + c];
            err += d * d;
        }
    assert_true(err < 0.41 * all);
    w_graph_destroy(g);
}

static void refusals_say_why(void **state) {
    static const char *const bad[][2] = {
        {"{\"rank\": 9, \"weighting\": \"none\"}", "rank 9 of 16 saves no multiply-adds over 16 x 20 weights, 8 would be the most"},
        {"{\"energy\": 1, \"weighting\": \"none\"}", "rank 16 of 16 would be needed for 1 of the energy, from 9 on"},
        {"{\"rank\": 2.5, \"weighting\": \"none\"}", "'rank' must be a whole number"},
        {"{\"rank\": 2, \"energy\": 0.5}", "exclude each other"},      {"{\"rank\": 2, \"share\": 0.5}", "exclude each other"},
        {"{\"share\": 0}", "'share' must be more than 0"},
        {"{\"rank\": 2}", "needs calibration data"},
        {"{\"weighting\": \"hope\"}", "activations, none"},
    };
    for (size_t i = 0; i < W_COUNT(bad); i++) {
        weir_error e = {0};
        w_graph *g = canonical_graph("opset 17\ninput x f32[1,20]\nconst w f32[20,16]\nconv: y = MatMul(x, w)\noutput y\n");
        w_id node = node_labelled(g, "conv");
        json_t *p = json_loads(bad[i][0], 0, NULL);
        assert_int_not_equal(w_technique_lowrank.apply(g, &(w_selection){.node = &node, .n = 1}, p, NULL, &e), WEIR_OK);
        if (!strstr(e.message, bad[i][1])) fail_msg("'%s' should hold '%s'", e.message, bad[i][1]);
        json_decref(p);
        w_graph_destroy(g);
    }
}

static void only_dense_and_pointwise_layers(void **state) {
    static const char *const no[] = {
        "opset 17\ninput x f32[1,16,8,8]\nconst w f32[16,16,3,3]\nconv: y = Conv(x, w)\noutput y\n",
        "opset 17\ninput x f32[1,16,8,8]\nconst w f32[16,8,1,1]\nconv: y = Conv(x, w) group=2\noutput y\n",
        "opset 17\ninput x f32[4,16]\ninput w f32[16,16]\nconv: y = MatMul(x, w)\noutput y\n",
    };
    for (size_t i = 0; i < W_COUNT(no); i++) {
        w_graph *g = canonical_graph(no[i]);
        assert_false(w_technique_lowrank.takes(g, &g->node[node_labelled(g, "conv")]));
        w_graph_destroy(g);
    }
}

static void the_ladder_saves_on_every_rung(void **state) {
    weir_error e = {0};
    size_t i;
    json_t *settings = json_array(), *rung;
    w_graph *g = canonical_graph("opset 17\ninput x f32[1,200]\nconst w f32[200,120]\nconv: y = MatMul(x, w)\noutput y\n");
    assert_int_equal(w_technique_lowrank.ladder(g, node_labelled(g, "conv"), settings, &e), WEIR_OK);
    assert_true(json_array_size(settings) >= 3);
    int64_t last = 1000;
    w_graph_destroy(g);
    json_array_foreach(settings, i, rung) {
        g = canonical_graph("opset 17\ninput x f32[1,200]\nconst w f32[200,120]\nconv: y = MatMul(x, w)\noutput y\n");
        w_id node = node_labelled(g, "conv");
        json_object_set_new(rung, "weighting", json_string("none"));
        assert_int_equal(w_technique_lowrank.apply(g, &(w_selection){.node = &node, .n = 1}, rung, NULL, &e), WEIR_OK);
        int64_t rank = g->value[g->node[node_labelled(g, "conv.lowrank")].in[1]].shape.dim[1];
        assert_true(rank > 0 && rank < last && rank * 320 < 24000 && rank % 8 == 0);
        last = rank;
        w_graph_destroy(g);
    }
    json_decref(settings);
}

/* Too small for a vector of the kernels, and see shares_are_of_the_first_layer for what a rule before it made small. */
static void a_share_of_nothing_changes_nothing(void **state) {
    weir_error e = {0};
    json_t *p = json_loads("{\"share\": 0.8, \"weighting\": \"none\"}", 0, NULL);
    w_graph *g = canonical_graph("opset 17\ninput x f32[1,12]\nconst w f32[12,14]\nconv: y = MatMul(x, w)\noutput y\n");
    w_id node = node_labelled(g, "conv");
    assert_int_equal(w_technique_lowrank.apply(g, &(w_selection){.node = &node, .n = 1}, p, NULL, &e), WEIR_OK);
    assert_int_equal(g->nnode, 1);
    json_decref(p);
    w_graph_destroy(g);
}

/* ---- trained networks ---- */

typedef struct outcome { w_paired p; int64_t macs; weir_model *m; } outcome;

static int64_t macs_of(const weir_model *m) {
    int64_t sum = 0;
    w_graph *g;
    weir_error e = {0};
    weir_session_options so = weir_session_options_default();
    assert_int_equal(w_graph_clone(m->graph, &g, &e), WEIR_OK);
    w_plan *p;
    w_plan_options po = {.threads = 1};
    if (w_plan_create(g, &so, &po, &p, &e) != WEIR_OK) fail_msg("%s", e.message);
    sum = w_plan_macs(p);
    w_plan_destroy(p);
    w_graph_destroy(g);
    return sum;
}

static outcome changed(const char *path, const char *recipe) {
    weir_error e = {0};
    weir_model *m = NULL;
    w_calibration *c = NULL;
    w_samples seen = {.data = data, .n = 256}, test = {.data = data, .first = 1000, .n = 500};
    w_outputs a, b;
    json_t *r = NULL;
    outcome o = {0};
    if (weir_model_open(ctx, path, &m, &e) != WEIR_OK || w_calibration_create(m, &seen, &c, &e) != WEIR_OK ||
        w_recipe_parse(recipe, "test", &r, &e) != WEIR_OK || w_recipe_apply(m, r, c, &o.m, &e) != WEIR_OK)
        fail_msg("%s", e.message);
    if (w_outputs_run(m, &test, &a, &e) != WEIR_OK || w_outputs_run(o.m, &test, &b, &e) != WEIR_OK) fail_msg("%s", e.message);
    o.p = w_paired_compare(&a, &b);
    o.macs = macs_of(o.m) * 1000 / macs_of(m);
    w_outputs_fini(ctx, &a);
    w_outputs_fini(ctx, &b);
    json_decref(r);
    w_calibration_destroy(c);
    weir_model_destroy(o.m);
    weir_model_destroy(m);
    return o;
}

static void lenet5_keeps_its_answers(void **state) {
    outcome o = changed(models[0], "{\"rules\": [{\"technique\": \"lowrank\", \"nodes\": \"/5/Gemm\", \"rank\": 64}]}");
    outcome plain = changed(models[0], "{\"rules\": [{\"technique\": \"lowrank\", \"nodes\": \"/5/Gemm\", \"rank\": 16, \"weighting\": \"none\"}]}");
    outcome aware = changed(models[0], "{\"rules\": [{\"technique\": \"lowrank\", \"nodes\": \"/5/Gemm\", \"rank\": 16}]}");
    print_message("lenet5: rank 64: %lld/1000 of the multiply-adds, kl %.5f, %zu lost %zu won; rank 16: kl %.5f, by weights alone %.5f\n",
                  (long long)o.macs, o.p.kl, o.p.lost, o.p.won, aware.p.kl, plain.p.kl);
    assert_true(o.macs < 870); /* 2.29 M to 1.98 M */
    assert_true(o.p.kl < 0.002 && o.p.lost <= 3);
    assert_true(aware.p.kl < plain.p.kl);
}

static void mobilenet_keeps_its_answers(void **state) {
    outcome o = changed(models[1], "{\"rules\": [{\"technique\": \"lowrank\", \"nodes\": \"/(16/16.0|20/20.0)/Conv\", \"rank\": 48}]}");
    print_message("mobilenet: %lld/1000 of the multiply-adds, kl %.5f, %zu lost %zu won\n", (long long)o.macs, o.p.kl, o.p.lost, o.p.won);
    assert_true(o.macs < 950);
    assert_true(o.p.kl < 0.02 && o.p.lost <= 10);
}

/* The inner value has statistics of its own, so that both factors compute in integers. */
static void integers_come_after(void **state) {
    weir_error e = {0};
    weir_model *m = NULL, *out = NULL;
    w_calibration *c = NULL;
    w_samples seen = {.data = data, .n = 128}, test = {.data = data, .first = 1000, .n = 300};
    w_outputs a, b;
    json_t *r = NULL;
    const char *recipe = "{\"rules\": [{\"technique\": \"lowrank\", \"nodes\": \"/5/Gemm\", \"rank\": 64},"
                         "{\"technique\": \"int8\", \"nodes\": \".*\", \"rounding\": \"feedback\"}]}";
    if (weir_model_open(ctx, models[0], &m, &e) != WEIR_OK || w_calibration_create(m, &seen, &c, &e) != WEIR_OK ||
        w_recipe_parse(recipe, "test", &r, &e) != WEIR_OK || w_recipe_apply(m, r, c, &out, &e) != WEIR_OK)
        fail_msg("%s", e.message);
    for (w_id k = 0; k < out->graph->nnode; k++) {
        const w_node *n = &out->graph->node[k];
        if (n->op == W_OP_NONE || !w_node_has_weights(out->graph, n)) continue;
        assert_int_equal(out->graph->value[n->in[1]].type, WEIR_S8);
        assert_int_equal(out->graph->value[n->in[0]].type, WEIR_U8);
    }
    if (w_outputs_run(m, &test, &a, &e) != WEIR_OK || w_outputs_run(out, &test, &b, &e) != WEIR_OK) fail_msg("%s", e.message);
    w_paired p = w_paired_compare(&a, &b);
    assert_true(p.kl < 0.01 && p.lost <= 4);
    w_outputs_fini(ctx, &a);
    w_outputs_fini(ctx, &b);
    json_decref(r);
    w_calibration_destroy(c);
    weir_model_destroy(out);
    weir_model_destroy(m);
}

static double nonzero_share(const weir_model *m, const char *label, double *n) {
    weir_error e = {0};
    w_weights w;
    double nonzero = 0;
    assert_int_equal(w_weights_get(m->graph, node_labelled(m->graph, label), &w, &e), WEIR_OK);
    *n = (double)w.rows * w.cols;
    for (size_t i = 0; i < (size_t)*n; i++) nonzero += w.w[i] != 0;
    return nonzero / *n;
}

/* A rule that names a layer reaches both factors, and a density is of the weights that the layer had. One factor can be named. */
static void rules_reach_the_parts(void **state) {
    static const char *const split = "{\"technique\": \"lowrank\", \"nodes\": \"/5/Gemm\", \"rank\": 64, \"weighting\": \"none\"}";
    static const char *const nodes[] = {"\"/5/Gemm\"", "[\"/5/Gemm\"]", "[\"/5/Gemm.lowrank\"]"};
    weir_error e = {0};
    weir_model *m, *out;
    if (weir_model_open(ctx, models[0], &m, &e) != WEIR_OK) fail_msg("%s", e.message);
    for (size_t i = 0; i < W_COUNT(nodes); i++) {
        char text[400];
        double whole, first, second;
        json_t *r;
        snprintf(text, sizeof text, "{\"rules\": [%s, {\"technique\": \"prune\", \"nodes\": %s, \"density\": 0.05}]}", split, nodes[i]);
        if (w_recipe_parse(text, "test", &r, &e) != WEIR_OK || w_recipe_apply(m, r, NULL, &out, &e) != WEIR_OK) fail_msg("%s", e.message);
        nonzero_share(m, "/5/Gemm", &whole);
        double a = nonzero_share(out, "/5/Gemm.lowrank", &first), b = nonzero_share(out, "/5/Gemm", &second), want = 0.05 * whole / (first + second);
        assert_true(want > 0.1 && fabs(a - want) < 0.01);
        if (i < 2) assert_true(fabs(b - want) < 0.01);
        else assert_true(b == 1);
        json_decref(r);
        weir_model_destroy(out);
    }
    weir_model_destroy(m);
}

/* Channel pruning between takes nothing from a rank, until it saves nothing any more. */
static void shares_are_of_the_first_layer(void **state) {
    static const struct { const char *keep; int64_t rank; } want[] = {{"0.75", 56}, {"0.25", 56}, {"0.03", 0}};
    weir_error e = {0};
    weir_model *m, *out;
    if (weir_model_open(ctx, models[0], &m, &e) != WEIR_OK) fail_msg("%s", e.message);
    for (size_t i = 0; i < W_COUNT(want); i++) {
        char text[400];
        int64_t rank = 0;
        json_t *r;
        snprintf(text, sizeof text, "{\"rules\": [{\"technique\": \"channels\", \"nodes\": [\"/5/Gemm\"], \"keep\": %s, \"method\": \"magnitude\"},"
                 "{\"technique\": \"lowrank\", \"nodes\": [\"/5/Gemm\"], \"share\": 0.2, \"weighting\": \"none\"}]}", want[i].keep);
        if (w_recipe_parse(text, "test", &r, &e) != WEIR_OK || w_recipe_apply(m, r, NULL, &out, &e) != WEIR_OK) fail_msg("%s", e.message);
        for (w_id k = 0; k < out->graph->nnode; k++)
            if (out->graph->node[k].op != W_OP_NONE && !strcmp(w_node_label(out->graph, &out->graph->node[k]), "/5/Gemm.lowrank"))
                rank = out->graph->value[out->graph->node[k].in[1]].shape.dim[0];
        assert_int_equal(rank, want[i].rank);
        json_decref(r);
        weir_model_destroy(out);
    }
    weir_model_destroy(m);
}

static void verdicts_in_words(void **state) {
    weir_error e = {0};
    weir_model *m;
    weir_session_options so = weir_session_options_default();
    weir_document *d;
    if (weir_model_open(ctx, models[0], &m, &e) != WEIR_OK || weir_profile(m, &so, NULL, 0, 1, &d, &e) != WEIR_OK) fail_msg("%s", e.message);
    json_t *doc = json_loads(weir_document_text(d), 0, NULL), *step, *v;
    size_t i, k, pooling = 0, dense = 0;
    json_array_foreach(json_object_get(doc, "steps"), i, step) {
        json_array_foreach(json_object_get(step, "verdict"), k, v) {
            if (strcmp(json_string_value(json_object_get(v, "technique")), "lowrank")) continue;
            const char *why = json_string_value(json_object_get(v, "why_not")), *op = json_string_value(json_object_get(step, "op"));
            if (!strcmp(op, "MaxPool")) pooling += why && strstr(why, "no weights") != NULL;
            if (!strcmp(op, "Gemm"))
                dense += why ? strstr(why, "rank") != NULL : json_number_value(json_object_get(v, "saves_ms")) > 0;
        }
    }
    assert_int_equal(pooling, 2);
    assert_int_equal(dense, 2);
    json_decref(doc);
    weir_document_destroy(d);
    weir_model_destroy(m);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_error_is_the_tail_of_the_singular_values), cmocka_unit_test(inner_values_are_even),
        cmocka_unit_test(ranks_follow_energy_and_vectors),              cmocka_unit_test(two_layers_compute_the_product),
        cmocka_unit_test(half_weights_stay_half),                       cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(only_dense_and_pointwise_layers),              cmocka_unit_test(the_ladder_saves_on_every_rung),
        cmocka_unit_test(lenet5_keeps_its_answers),                     cmocka_unit_test(mobilenet_keeps_its_answers),
        cmocka_unit_test(shares_are_of_the_first_layer), cmocka_unit_test(a_share_of_nothing_changes_nothing), cmocka_unit_test(rules_reach_the_parts), cmocka_unit_test(integers_come_after),                          cmocka_unit_test(verdicts_in_words),
    };
    if (argc != 3) return 2;
    models[0] = argv[1];
    models[1] = argv[2];
    return cmocka_run_group_tests(tests, open_all, close_all);
}
