/* Techniques, recipes and the search on a real trained network and a few hundred real images. */
#include "lab_fixture.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static weir_model *apply(const char *recipe) {
    weir_error e = {0};
    json_t *r;
    weir_model *m = NULL;
    if (w_recipe_parse(recipe, "test", &r, &e) != WEIR_OK) fail_msg("%s", e.message);
    if (w_recipe_apply(model, r, cal, &m, &e) != WEIR_OK) fail_msg("%s", e.message);
    json_decref(r);
    return m;
}

/* The first node with weights, and its weights value. */
static const w_value *weights_of(const weir_model *m, size_t which) {
    for (size_t i = 0; i < m->graph->nnode; i++) {
        const w_node *n = &m->graph->node[i];
        if (n->op != W_OP_NONE && w_node_has_weights(m->graph, n) && which-- == 0) return &m->graph->value[n->in[1]];
    }
    fail_msg("no such layer");
    return NULL;
}

/* {"rules": [rung with its technique on this node, entropy coding]} */
static weir_model *apply_rung(const w_technique *t, w_id node, json_t *rung) {
    json_t *r = json_pack("{s:[O{s:s,s:s}]}", "rules", rung, "technique", "ans", "nodes", ".*");
    json_object_set_new(rung, "technique", json_string(t->name));
    json_object_set_new(rung, "nodes", json_pack("[s]", w_node_label(model->graph, &model->graph->node[node])));
    char *text = json_dumps(r, 0);
    weir_model *m = apply(text);
    free(text);
    json_decref(r);
    return m;
}

/* The rungs of every ladder apply where the technique says that it takes the node, and the last is the harshest. */
static void ladders_lead_down(void **state) {
    weir_error e = {0};
    size_t ladders = 0;
    for (size_t k = 0; w_techniques[k]; k++) {
        const w_technique *t = w_techniques[k];
        double before = 0;
        for (w_id i = 0; t->ladder && i < model->graph->nnode && before == 0; i++) {
            if (model->graph->node[i].op == W_OP_NONE || !t->takes(model->graph, &model->graph->node[i])) continue;
            json_t *l = json_array();
            assert_int_equal(t->ladder(model->graph, i, l, &e), WEIR_OK);
            for (size_t r = 0; r < json_array_size(l); r += W_MAX((size_t)1, json_array_size(l) - 1)) {
                weir_model *m = apply_rung(t, i, json_array_get(l, r));
                double bits = w_graph_stock(m->graph).bits;
                if (r > 0) assert_true(bits < before);
                before = bits;
                weir_model_destroy(m);
            }
            ladders += json_array_size(l) > 0;
            json_decref(l);
        }
    }
    assert_true(ladders >= 4);
}

static void bad_recipes_are_named(void **state) {
    static const char *const bad[][2] = {
        {"[]", "'rules'"},
        {"{\"rules\": [{}]}", "'technique'"},
        {"{\"rules\": [{\"technique\": \"magic\", \"nodes\": \".*\"}]}", "'magic' is not one of"},
        {"{\"rules\": [{\"technique\": \"int8\", \"nodes\": \".*\", \"wings\": 2}]}", "'wings' is no parameter of int8"},
        {"{\"rules\": [{\"technique\": \"int8\", \"nodes\": \"(\"}]}", "no regular expression"},
        {"{\"rules\": [{\"technique\": \"int8\", \"nodes\": 3}]}", "a list of names"},
        {"{\"rules\": [{\"technique\": \"int8\", \"nodes\": [3]}]}", "names only"},
        {"{\"rules\": [], \"version\": 2}", "recipe version 2"},
        {"{\"rules\": [", "the recipe"},
    };
    for (size_t i = 0; i < W_COUNT(bad); i++) {
        weir_error e = {0};
        json_t *r;
        assert_int_equal(w_recipe_parse(bad[i][0], "the recipe", &r, &e), WEIR_BAD_INPUT);
        if (!strstr(e.message, bad[i][1])) fail_msg("'%s' should hold '%s'", e.message, bad[i][1]);
    }
}

static void bad_rules_are_named(void **state) {
    static const char *const bad[][2] = {
        {"{\"rules\": [{\"technique\": \"ans\", \"nodes\": \"nobody\"}]}", "no node"},
        {"{\"rules\": [{\"technique\": \"int8\", \"nodes\": \".*\", \"bits\": 9}]}", "'bits' must be a number from 2 to 8"},
        {"{\"rules\": [{\"technique\": \"prune\", \"nodes\": \".*\", \"density\": -1}]}", "'density'"},
        {"{\"rules\": [{\"technique\": \"int8\", \"nodes\": \"/0.*\"}, {\"technique\": \"int8\", \"nodes\": \"/2.*\", \"calibration\": \"minmax\"}]}", "differ from an earlier"},
        {"{\"rules\": [{\"technique\": \"prune\", \"nodes\": \".*\", \"method\": \"luck\"}]}", "magnitude, obs"},
        {"{\"rules\": [{\"technique\": \"int8\", \"nodes\": \".*\", \"activations\": \"lazy\"}]}", "'activations' must be one of: static, dynamic"},
        {"{\"rules\": [{\"technique\": \"int8\", \"nodes\": \".*\", \"activations\": \"dynamic\", \"percentile\": 99}]}",
         "'percentile' is for static activations"},
    };
    for (size_t i = 0; i < W_COUNT(bad); i++) {
        weir_error e = {0};
        json_t *r;
        weir_model *m;
        assert_int_equal(w_recipe_parse(bad[i][0], "test", &r, &e), WEIR_OK);
        assert_int_equal(w_recipe_apply(model, r, cal, &m, &e), WEIR_BAD_INPUT);
        if (!strstr(e.message, bad[i][1])) fail_msg("'%s' should hold '%s'", e.message, bad[i][1]);
        json_decref(r);
    }
}

static void int8_computes_in_integers(void **state) {
    weir_model *m = apply("{\"rules\": [{\"technique\": \"int8\", \"nodes\": \".*\"}]}");
    const w_graph *g = m->graph;
    for (size_t i = 0; i < g->nnode; i++) {
        const w_node *n = &g->node[i];
        if (n->op == W_OP_NONE || !w_node_has_weights(g, n)) continue;
        assert_int_equal(g->value[n->in[1]].type, WEIR_S8);
        assert_int_equal(g->value[n->in[0]].type, WEIR_U8);
    }
    assert_int_equal(g->value[g->output[0]].type, WEIR_F32);
    w_paired p = compare_with_network(m, 500);
    assert_true(p.kl < 0.01);
    assert_true(p.lost <= 5);
    weir_model_destroy(m);
}

static void dynamic_scales_need_no_data(void **state) {
    static const char *const text[] = {
        "{\"rules\": [{\"technique\": \"int8\", \"nodes\": \".*\", \"activations\": \"dynamic\"}]}",
        "{\"rules\": [{\"technique\": \"int8\", \"nodes\": \".*\", \"activations\": \"dynamic\", \"rounding\": \"feedback\"}]}",
        "{\"rules\": [{\"technique\": \"prune\", \"nodes\": \".*\", \"method\": \"obs\"}]}",
        "{\"rules\": [{\"technique\": \"lowrank\", \"nodes\": \"/3/short.*\", \"rank\": 8, \"weighting\": \"none\"}]}"};
    static const bool needs[] = {false, true, true, false};
    weir_model *m;
    for (size_t i = 0; i < W_COUNT(text); i++) {
        weir_error e = {0};
        json_t *r;
        assert_int_equal(w_recipe_parse(text[i], "test", &r, &e), WEIR_OK);
        assert_int_equal(w_recipe_needs_data(r), needs[i]);
        weir_status s = w_recipe_apply(model, r, NULL, &m, &e);
        if (s == WEIR_OK) weir_model_destroy(m);
        if (s != (needs[i] ? WEIR_USAGE : WEIR_OK)) fail_msg("%s", e.message);
        json_decref(r);
    }
    m = apply(text[0]);
    for (size_t i = 0; i < m->graph->nnode; i++) {
        const w_node *n = &m->graph->node[i];
        if (n->op != W_OP_NONE && w_node_has_weights(m->graph, n)) assert_true(w_has_late_scale(n));
    }
    w_paired p = compare_with_network(m, 500);
    assert_true(p.kl < 0.01);
    assert_true(p.lost <= 5);
    weir_model_destroy(m);
}

/* Static neighbours decide about the values between; a dynamic layer among them reads real numbers as before. */
static void static_and_dynamic_rules_mix(void **state) {
    weir_model *m = apply("{\"rules\": [{\"technique\": \"int8\", \"nodes\": \"/2.*\", \"activations\": \"dynamic\"}, "
                          "{\"technique\": \"int8\", \"nodes\": \".*\", \"calibration\": \"minmax\"}]}");
    size_t late = 0, integers = 0;
    for (size_t i = 0; i < m->graph->nnode; i++) {
        const w_node *n = &m->graph->node[i];
        if (n->op == W_OP_NONE || !w_node_has_weights(m->graph, n)) continue;
        late += w_has_late_scale(n);
        integers += m->graph->value[n->in[0]].quant != NULL;
    }
    assert_int_equal(late, 2);
    assert_true(integers >= 3);
    assert_true(compare_with_network(m, 200).kl < 0.01);
    weir_model_destroy(m);
}

static void one_integer_layer_has_borders(void **state) {
    char recipe[400];
    const w_graph *g = model->graph;
    const char *label = NULL;
    for (size_t i = 0; i < g->nnode; i++)
        if (g->node[i].op == W_OP_Conv) label = w_node_label(g, &g->node[i]);
    snprintf(recipe, sizeof recipe, "{\"rules\": [{\"technique\": \"int8\", \"nodes\": [\"%s\"]}]}", label);
    weir_model *m = apply(recipe);
    assert_true(compare_with_network(m, 200).kl < 0.01);
    weir_model_destroy(m);
}

static void pruning_keeps_its_density(void **state) {
    static const char *const method[] = {"magnitude", "obs"};
    double kl[2];
    for (int k = 0; k < 2; k++) {
        char recipe[200];
        snprintf(recipe, sizeof recipe, "{\"rules\": [{\"technique\": \"prune\", \"nodes\": \".*\", \"density\": 0.4, \"method\": \"%s\"}]}", method[k]);
        weir_model *m = apply(recipe);
        const w_value *w = weights_of(m, 1);
        assert_true(fabs(w->coding->density - 0.4) < 0.08);
        kl[k] = compare_with_network(m, 500).kl;
        weir_model_destroy(m);
    }
    assert_true(kl[1] < kl[0]); /* taking up the error beats not doing so */
}

static void feedback_beats_nearest(void **state) {
    weir_model *a = apply("{\"rules\": [{\"technique\": \"int8\", \"nodes\": \".*\", \"bits\": 3, \"rounding\": \"nearest\"}]}");
    weir_model *b = apply("{\"rules\": [{\"technique\": \"int8\", \"nodes\": \".*\", \"bits\": 3, \"rounding\": \"feedback\"}]}");
    assert_true(compare_with_network(b, 500).kl < compare_with_network(a, 500).kl);
    weir_model_destroy(a);
    weir_model_destroy(b);
}

static void clusters_share_values(void **state) {
    weir_model *m = apply("{\"rules\": [{\"technique\": \"cluster\", \"nodes\": \".*\", \"codebook\": 16}]}");
    const w_value *w = weights_of(m, 0);
    const float *x = w->data;
    assert_in_range(w->coding->ncodebook, 2, 17);
    for (int64_t i = 0; i < w_shape_count(&w->shape); i++) {
        uint32_t k = 0;
        while (k < w->coding->ncodebook && w->coding->codebook[k] != x[i]) k++;
        assert_true(k < w->coding->ncodebook);
    }
    assert_true(compare_with_network(m, 300).kl < 0.2);
    weir_model_destroy(m);
}

static weir_model *saved_and_opened(const weir_model *m, const char *ending) {
    char path[64];
    weir_error e = {0};
    weir_model *back = NULL;
    snprintf(path, sizeof path, "/tmp/weir-lab-XXXXXX.%s", ending);
    int fd = mkstemps(path, (int)strlen(ending) + 1);
    assert_true(fd >= 0);
    close(fd);
    if (weir_model_save(m, path, &e) != WEIR_OK) fail_msg("%s", e.message);
    if (weir_model_open(ctx, path, &back, &e) != WEIR_OK) fail_msg("%s", e.message);
    unlink(path);
    return back;
}

/* The largest difference of the two models' logits on n images, over the largest logit. */
static double apart(const weir_model *one, const weir_model *two, size_t n) {
    weir_error e = {0};
    w_outputs a, b;
    w_samples s = {.data = data, .n = n};
    double most = 0, top = 0;
    assert_int_equal(w_outputs_run(one, &s, &a, &e), WEIR_OK);
    assert_int_equal(w_outputs_run(two, &s, &b, &e), WEIR_OK);
    for (size_t i = 0; i < a.n * a.classes; i++) {
        most = fmax(most, fabs((double)a.logit[i] - b.logit[i]));
        top = fmax(top, fabs(a.logit[i]));
    }
    w_outputs_fini(ctx, &a);
    w_outputs_fini(ctx, &b);
    return most / top;
}

/* What is saved and opened again answers the same, bit for bit, and carries its recipe. */
static void saved_models_answer_the_same(void **state) {
    weir_model *m = apply("{\"rules\": [{\"technique\": \"prune\", \"nodes\": \".*\", \"density\": 0.3}, {\"technique\": \"int8\", "
                          "\"nodes\": \".*\", \"bits\": 5}, {\"technique\": \"ans\", \"nodes\": \".*\"}]}");
    weir_model *back = saved_and_opened(m, "weir");
    assert_true(apart(m, back, 130) == 0);
    assert_string_equal(weir_model_recipe(back), weir_model_recipe(m));
    assert_true(weir_model_file_bytes(back) * 8 < weir_model_file_bytes(model));
    weir_model_destroy(back);
    weir_model_destroy(m);
}

/* Nothing is rounded on the way to ONNX that was not rounded before: a step of one activation moves logits a thousand times as far. */
static void exported_integers_answer_the_same(void **state) {
    weir_model *m = apply("{\"rules\": [{\"technique\": \"lowrank\", \"nodes\": \"/3/short.*\", \"rank\": 8}, {\"technique\": \"int8\", "
                          "\"nodes\": \".*\", \"rounding\": \"feedback\"}]}");
    weir_model *back = saved_and_opened(m, "onnx");
    assert_true(apart(m, back, 130) < 1e-5);
    weir_model_destroy(back);
    weir_model_destroy(m);
}

/* 40 lost and 20 won of 10,000: 0.2 points, and a half-width of 1.645 * sqrt(62)/10002 by hand. */
static void the_interval_is_right(void **state) {
    w_paired p = {.n = 10000, .lost = 40, .won = 20};
    assert_true(fabs(w_paired_drop(&p) - 0.2) < 1e-9);
    double d = 20.0 / 10002, hand = 100 * (d + 1.6448536 * sqrt(61.0 - 400.0 / 10002) / 10002);
    assert_true(fabs(w_paired_upper(&p, 0.95) - hand) < 1e-4);
    p.lost = p.won = 0;
    assert_true(w_paired_upper(&p, 0.95) > 0); /* no flip seen is not no flip possible */
}

static void the_store_remembers(void **state) {
    char path[] = "/tmp/weir-store-XXXXXX";
    weir_error e = {0};
    w_store *s;
    json_t *j;
    int fd = mkstemp(path);
    close(fd);
    assert_int_equal(w_store_open(ctx, path, false, &s, &e), WEIR_OK);
    assert_int_equal(w_store_get(s, "trial-a", &j, &e), WEIR_OK);
    assert_null(j);
    j = json_pack("{s:i}", "n", 5);
    assert_int_equal(w_store_begin(s, "trial-a", &e), WEIR_OK);
    assert_int_equal(w_store_put(s, "trial-a", j, &e), WEIR_OK);
    json_decref(j);
    w_store_close(s);
    size_t n;
    assert_int_equal(w_store_open(ctx, path, true, &s, &e), WEIR_OK);
    assert_int_equal(w_store_count(s, "trial-", &n, &e), WEIR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(w_store_get(s, "trial-a", &j, &e), WEIR_OK);
    assert_int_equal(json_integer_value(json_object_get(j, "n")), 5);
    json_decref(j);
    w_store_close(s);
    FILE *f = fopen(path, "w");
    fputs("this is no data base, however long one looks at it; it is text, and a lot of it, to be sure", f);
    fclose(f);
    assert_int_equal(w_store_open(ctx, path, true, &s, &e), WEIR_BAD_INPUT);
    unlink(path);
}

static void options_are_checked(void **state) {
    weir_optimize_options o = weir_optimize_options_default();
    weir_document *d;
    weir_error e = {0};
    const char *set[] = {"conv=int9"};
    assert_int_equal(weir_optimize(model, &o, &d, &e), WEIR_USAGE);
    o.data = data;
    o.objective = "fame";
    assert_int_equal(weir_optimize(model, &o, &d, &e), WEIR_USAGE);
    o.objective = NULL;
    o.set = set;
    o.nset = 1;
    assert_int_equal(weir_optimize(model, &o, &d, &e), WEIR_USAGE);
    assert_non_null(strstr(e.message, "int2 to int8"));
    o.nset = 0;
    static const char *const lists[] = {"int9", "int8,", "", "int8 ,ans", ",int8"};
    for (size_t i = 0; i < W_COUNT(lists); i++) {
        o.techniques = lists[i];
        assert_int_equal(weir_optimize(model, &o, &d, &e), WEIR_USAGE);
        assert_non_null(strstr(e.message, "expected some of equalise, channels"));
    }
    o.techniques = NULL;
    o.only = "nobody";
    assert_int_equal(weir_optimize(model, &o, &d, &e), WEIR_USAGE);
}

static int64_t sum_of(const json_t *counts) {
    int64_t sum = 0;
    for (size_t i = 0; i < json_array_size(counts); i++) sum += json_integer_value(json_array_get(counts, i));
    return sum;
}

/* A failed look lowers what the next recipe may be predicted to lose, and never raises it again. */
static void failed_looks_teach(void **state) {
    w_search s = {.o = &(weir_optimize_options){.train = data, .accept_point = true}, .limit = 0.5, .ceiling = INFINITY, .verify = {.n = 10000}, .worth = {1}};
    w_paired p = {.n = 6000, .rate = {0.3}}, milder = {.n = 6000, .rate = {0.19}}, mild = {.n = 6000, .rate = {0.05}};
    assert_true(w_predicted_upper(&s, &p) <= s.limit);
    w_look_failed(&s, &p, 0.1);
    assert_true(w_predicted_upper(&s, &p) > s.limit && w_predicted_upper(&s, &milder) <= s.limit);
    w_look_failed(&s, &milder, 0.1);
    assert_true(w_predicted_upper(&s, &milder) > s.limit && w_predicted_upper(&s, &mild) <= s.limit);
    w_look_failed(&s, &mild, -1);
    assert_true(w_predicted_upper(&s, &milder) > s.limit);
}

/* Every weight is in a bin or counted as a zero, before and after; the error of a pruned layer spans its largest lost weight. */
static void histograms_hold_every_weight(void **state) {
    weir_model *m = apply("{\"rules\": [{\"technique\": \"prune\", \"nodes\": \".*\", \"density\": 0.4, \"method\": \"magnitude\"}]}");
    static const char *const side[] = {"before", "after"};
    weir_error e = {0};
    w_doc d;
    size_t i;
    json_t *l;
    w_doc_begin(&d);
    assert_int_equal(w_histograms(&d, model->graph, m->graph, &e), WEIR_OK);
    assert_false(d.bad);
    json_t *list = json_object_get(d.root, "weights");
    assert_true(json_array_size(list) >= 3);
    json_array_foreach(list, i, l) {
        int64_t n = w_shape_count(&weights_of(model, i)->shape), zeros[2];
        for (int k = 0; k < 2; k++) {
            zeros[k] = json_integer_value(json_object_get(json_object_get(l, "zeros"), side[k]));
            assert_int_equal(json_integer_value(json_object_get(json_object_get(l, "count"), side[k])), n);
            assert_int_equal(sum_of(json_object_get(l, side[k])) + zeros[k], n);
        }
        assert_true(zeros[1] >= n / 2);
        const json_t *error = json_object_get(l, "error");
        assert_int_equal(sum_of(json_object_get(error, "counts")), n);
        assert_true(json_real_value(json_object_get(error, "rms")) > 0);
        assert_true(json_real_value(json_object_get(error, "lo")) < 0 && json_real_value(json_object_get(error, "hi")) > 0);
    }
    w_doc_drop(&d);
    weir_model_destroy(m);
}

/* A search with layers and ladders, but nothing measured. */
static weir_status open_search(w_search *s, weir_optimize_options *o, weir_error *e) {
    *s = (w_search){.ctx = ctx, .model = model, .o = o};
    w_arena_init(&s->arena, ctx);
    return w_search_layers(s, e);
}

static void close_search(w_search *s) {
    json_decref(s->settings);
    w_arena_fini(&s->arena);
}

static size_t place_of(const w_technique *t) {
    size_t k = 0;
    while (w_techniques[k] != t) k++;
    return k;
}

/* --set fixes one technique or several, f32 clears, and what loses nothing stays. */
static void set_takes_choices_away(void **state) {
    const char *set[] = {"Gemm=prune:density=0.25,method=magnitude", "Gemm=int4", "/0.*=int8", "/0.*=f32"};
    weir_optimize_options o = weir_optimize_options_default();
    weir_error e = {0};
    w_search s;
    o.set = set;
    o.nset = W_COUNT(set);
    if (open_search(&s, &o, &e) != WEIR_OK) fail_msg("%s", e.message);
    size_t prune = place_of(&w_technique_prune), int8 = place_of(&w_technique_int8), ans = place_of(&w_technique_ans), seen = 0;
    const w_choice *c = w_choice_new(&s);
    assert_non_null(c);
    for (size_t i = 0; i < s.nlayer; i++) {
        const w_layer *l = &s.layer[i];
        if (strstr(l->label, "Gemm")) {
            assert_true(l->ladder[prune].fixed && l->ladder[int8].fixed && l->ladder[int8].n == 1);
            assert_true(json_real_value(json_object_get(l->ladder[prune].rung[0].params, "density")) == 0.25);
            assert_int_equal(json_integer_value(json_object_get(l->ladder[int8].rung[0].params, "bits")), 4);
            assert_true(c[i * W_LADDERS + int8] == 0 && c[i * W_LADDERS + prune] == 0);
            seen++;
        } else if (strncmp(l->label, "/0", 2) == 0) {
            assert_null(l->ladder[int8].technique);
            assert_non_null(l->ladder[ans].technique);
            seen++;
        }
    }
    assert_true(seen >= 2);
    close_search(&s);
}

static void bad_sets_are_named(void **state) {
    static const char *const bad[][2] = {
        {"Gemm=int9", "int2 to int8"}, {"Gemm", "int2 to int8"}, {"=int8", "int2 to int8"}, {"Gemm=prune:wings=2", "'wings' is no parameter of prune"},
        {"Gemm=prune:density", "KEY=VALUE"}, {"(=int8", "no regular expression"}};
    for (size_t i = 0; i < W_COUNT(bad); i++) {
        weir_optimize_options o = weir_optimize_options_default();
        weir_error e = {0};
        w_search s;
        o.set = &bad[i][0];
        o.nset = 1;
        assert_int_equal(open_search(&s, &o, &e), WEIR_USAGE);
        if (!strstr(e.message, bad[i][1])) fail_msg("'%s' should hold '%s'", e.message, bad[i][1]);
        close_search(&s);
    }
}

/* A rung at random, or none, of each ladder. */
static void draw(const w_search *s, w_choice *c, unsigned *seed) {
    for (size_t i = 0; i < s->nlayer; i++)
        for (size_t k = 0; k < W_LADDERS; k++) {
            size_t n = s->layer[i].ladder[k].n;
            if (n && !w_techniques[k]->lossless) c[i * W_LADDERS + k] = (w_choice)((int)((size_t)rand_r(seed) % (2 * n + 1)) - (int)n - 1);
            if (c[i * W_LADDERS + k] < 0 && !(n && w_techniques[k]->lossless)) c[i * W_LADDERS + k] = W_OFF;
        }
}

/* What one technique leaves behind, the next can take: the search mixes all of them and stops at an error. */
static void any_mixture_applies(void **state) {
    weir_optimize_options o = weir_optimize_options_default();
    weir_error e = {0};
    w_search s;
    unsigned seed = 7;
    if (open_search(&s, &o, &e) != WEIR_OK) fail_msg("%s", e.message);
    for (int round = 0; round < 15; round++) {
        weir_model *m;
        double seconds, dram;
        w_choice *c = w_choice_new(&s);
        draw(&s, c, &seed);
        json_t *r = w_choice_recipe(&s, c, W_RECIPE_DRAFT);
        char *text = json_dumps(r, JSON_COMPACT);
        if (w_recipe_apply(model, r, cal, &m, &e) != WEIR_OK) fail_msg("round %d: %s\n%s", round, e.message, text);
        if (w_predict(m, &seconds, &dram, &e) != WEIR_OK) fail_msg("round %d: %s", round, e.message);
        assert_true(seconds > 0 && dram > 0);
        free(text);
        json_decref(r);
        weir_model_destroy(m);
    }
    close_search(&s);
}

/* Every rung costs more divergence and saves more time than the one before; harsher for later layers. */
static void make_up_figures(w_search *s) {
    s->base_s = s->base_dram = s->base.bits = 1;
    for (size_t i = 0; i < s->nlayer; i++)
        for (size_t k = 0; k < W_LADDERS; k++)
            for (size_t r = 0; r < s->layer[i].ladder[k].n && !w_techniques[k]->lossless; r++) {
                w_rung *g = &s->layer[i].ladder[k].rung[r];
                *g = (w_rung){.params = g->params, .measured = true, .kl = 0.001 * (double)((i + 1) * (r + 1)), .seconds = -0.01 * (double)(r + 1)};
            }
}

/* Seconds of a choice by the made-up figures; no layer may have two recoding techniques. */
static double seconds_of(const w_search *s, const w_choice *c) {
    double seconds = 0;
    for (size_t i = 0; i < s->nlayer; i++) {
        int recoders = 0;
        for (size_t k = 0; k < W_LADDERS; k++) {
            int at = c[i * W_LADDERS + k];
            if (at < 0 || s->layer[i].ladder[k].technique->lossless) continue;
            seconds += s->layer[i].ladder[k].rung[at].seconds;
            recoders += s->layer[i].ladder[k].technique->recodes;
        }
        assert_true(recoders <= 1);
    }
    return seconds;
}

static void the_walk_keeps_to_its_budget(void **state) {
    weir_optimize_options o = weir_optimize_options_default();
    weir_error e = {0};
    w_search s;
    assert_int_equal(open_search(&s, &o, &e), WEIR_OK);
    make_up_figures(&s);
    w_choice *c = w_choice_new(&s);
    w_aim a = {.time = 1, .allowed = 0xffffffffu};
    double before = 0;
    assert_non_null(c);
    for (double budget = 0; budget < 0.5; budget = 2 * budget + 0.001) {
        assert_int_equal(w_choose(&s, &a, budget, c, &e), WEIR_OK);
        assert_true(w_choice_kl(&s, c) <= budget + 1e-12);
        double seconds = seconds_of(&s, c);
        assert_true(seconds <= before);
        before = seconds;
    }
    assert_true(before < 0);
    close_search(&s);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_takes_choices_away),       cmocka_unit_test(bad_sets_are_named),
        cmocka_unit_test(the_walk_keeps_to_its_budget),     cmocka_unit_test(any_mixture_applies),
        cmocka_unit_test(bad_recipes_are_named),        cmocka_unit_test(bad_rules_are_named),
        cmocka_unit_test(int8_computes_in_integers),    cmocka_unit_test(one_integer_layer_has_borders),
        cmocka_unit_test(failed_looks_teach),           cmocka_unit_test(dynamic_scales_need_no_data),
        cmocka_unit_test(static_and_dynamic_rules_mix), cmocka_unit_test(pruning_keeps_its_density),    cmocka_unit_test(feedback_beats_nearest),
        cmocka_unit_test(clusters_share_values),        cmocka_unit_test(saved_models_answer_the_same),
        cmocka_unit_test(exported_integers_answer_the_same),
        cmocka_unit_test(the_interval_is_right),        cmocka_unit_test(the_store_remembers),
        cmocka_unit_test(options_are_checked),          cmocka_unit_test(ladders_lead_down),
        cmocka_unit_test(histograms_hold_every_weight),
    };
    if (argc != 2) return 2;
    model_path = argv[1];
    return cmocka_run_group_tests(tests, open_network, close_network);
}
