/* Channel pruning as a technique: rules, ladders, verdicts and what it costs, on a trained network and real images. */
#include "channels.h"
#include "lab_fixture.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static weir_status try_recipe(const char *rules, w_calibration *c, weir_model **m, weir_error *e) {
    char text[2000];
    json_t *r;
    snprintf(text, sizeof text, "{\"rules\": [%s]}", rules);
    if (w_recipe_parse(text, "test", &r, e) != WEIR_OK) fail_msg("%s", e->message);
    weir_status s = w_recipe_apply(model, r, c, m, e);
    json_decref(r);
    return s;
}

static weir_model *apply(const char *rules) {
    weir_error e = {0};
    weir_model *m = NULL;
    if (try_recipe(rules, cal, &m, &e) != WEIR_OK) fail_msg("%s", e.message);
    return m;
}

static int64_t work(const weir_model *m) {
    weir_error e = {0};
    weir_session_options so = weir_session_options_default();
    w_plan_options po = {.threads = 1};
    w_plan *p;
    if (w_plan_create(m->graph, &so, &po, &p, &e) != WEIR_OK) fail_msg("%s", e.message);
    int64_t n = w_plan_macs(p);
    w_plan_destroy(p);
    return n;
}

#define INNER "\"technique\": \"channels\", \"nodes\": \".*body\\\\.0\\\\..*\""

static void reconstruction_beats_magnitude(void **state) {
    weir_model *a = apply("{" INNER ", \"keep\": 0.75}"), *b = apply("{" INNER ", \"keep\": 0.75, \"method\": \"magnitude\"}");
    assert_true(work(a) < work(model) * 4 / 5);
    assert_int_equal(work(a), work(b));
    assert_true(compare_with_network(a, 600).kl < compare_with_network(b, 600).kl / 4);
    weir_model_destroy(a);
    weir_model_destroy(b);
}

/* The order of elimination is remembered: a milder rule after a harsher one gives what it gives alone, harsher ones too. */
static void orders_are_shared(void **state) {
    static const char *const keep[] = {"0.25", "0.75", "0.15", "0.75"};
    for (size_t i = 0; i < W_COUNT(keep); i++) {
        char rule[200];
        weir_error e = {0};
        w_calibration *fresh;
        w_samples seen = cal->samples;
        weir_model *alone = NULL;
        snprintf(rule, sizeof rule, "{" INNER ", \"keep\": %s}", keep[i]);
        if (w_calibration_create(model, &seen, &fresh, &e) != WEIR_OK || try_recipe(rule, fresh, &alone, &e) != WEIR_OK) fail_msg("%s", e.message);
        weir_model *shared = apply(rule);
        assert_true(compare_with_network(alone, 300).kl == compare_with_network(shared, 300).kl);
        w_calibration_destroy(fresh);
        weir_model_destroy(alone);
        weir_model_destroy(shared);
    }
}

static void everything_can_shrink_at_once(void **state) {
    weir_model *m = apply("{\"technique\": \"channels\", \"nodes\": \".*\", \"keep\": 0.75}");
    assert_true(work(m) < work(model) * 7 / 10);
    assert_int_equal(m->graph->value[m->graph->output[0]].shape.dim[1], 10);
    assert_true(compare_with_network(m, 600).top1 > 40);
    weir_model_destroy(m);
}

static void integers_follow(void **state) {
    weir_model *f = apply("{" INNER ", \"keep\": 0.75}");
    weir_model *q = apply("{" INNER ", \"keep\": 0.75}, {\"technique\": \"int8\", \"nodes\": \".*\", \"rounding\": \"feedback\"}");
    w_paired a = compare_with_network(f, 600), b = compare_with_network(q, 600);
    assert_true(b.kl < a.kl + 0.02);
    weir_model_destroy(f);
    weir_model_destroy(q);
}

static void a_saved_network_answers_the_same(void **state) {
    static const char *const ending[] = {"onnx", "weir"};
    weir_model *m = apply("{\"technique\": \"channels\", \"nodes\": \".*\", \"keep\": 0.5}");
    for (size_t i = 0; i < 2; i++) {
        char path[64];
        weir_error e = {0};
        weir_model *again;
        snprintf(path, sizeof path, "channels-%d.%s", (int)getpid(), ending[i]);
        assert_int_equal(weir_model_save(m, path, &e), WEIR_OK);
        if (weir_model_open(ctx, path, &again, &e) != WEIR_OK) fail_msg("%s", e.message);
        assert_true(compare_with_network(again, 600).kl == compare_with_network(m, 600).kl);
        weir_model_destroy(again);
        unlink(path);
    }
    weir_model_destroy(m);
}

static w_id node_of(const w_graph *g, const char *part) {
    for (w_id i = 0; i < g->nnode; i++)
        if (strstr(w_node_label(g, &g->node[i]), part)) return i;
    fail_msg("no node %s", part);
    return W_NONE;
}

static size_t rungs(const char *part) {
    weir_error e = {0};
    json_t *list = json_array();
    assert_int_equal(w_technique_channels.ladder(model->graph, node_of(model->graph, part), list, &e), WEIR_OK);
    size_t n = json_array_size(list);
    json_decref(list);
    return n;
}

/* The layers of a residual sum share one ladder; the classes have none. */
static void one_ladder_a_group(void **state) {
    assert_true(rungs("/0/0.0/Conv") >= 2);
    assert_int_equal(rungs("/2/body/body.2/"), 0);
    assert_true(rungs("/2/body/body.0/") >= 2);
    assert_int_equal(rungs("/7/Gemm"), 0);
}

static void bad_rules_say_why(void **state) {
    weir_error e = {0};
    weir_model *m;
    assert_int_equal(try_recipe("{\"technique\": \"channels\", \"nodes\": [\"/7/Gemm\"]}", cal, &m, &e), WEIR_BAD_INPUT);
    assert_non_null(strstr(e.message, "its channels are the network's output"));
    assert_int_equal(try_recipe("{\"technique\": \"channels\", \"nodes\": \".*\"}", NULL, &m, &e), WEIR_USAGE);
    assert_int_equal(try_recipe("{\"technique\": \"channels\", \"nodes\": \".*\", \"keep\": 0}", cal, &m, &e), WEIR_BAD_INPUT);
    assert_int_equal(try_recipe("{\"technique\": \"channels\", \"nodes\": \".*\", \"method\": \"luck\"}", cal, &m, &e), WEIR_BAD_INPUT);
    assert_int_equal(try_recipe("{\"technique\": \"channels\", \"nodes\": \".*\", \"method\": \"magnitude\"}", NULL, &m, &e), WEIR_OK);
    weir_model_destroy(m);
}

static void verdicts_are_in_words(void **state) {
    weir_error e = {0};
    weir_session_options so = weir_session_options_default();
    w_plan_options po = {.threads = 1};
    w_plan *p;
    const w_machine *m;
    w_arena a;
    size_t saving = 0;
    assert_int_equal(w_machine_get(ctx, false, &m, &e), WEIR_OK);
    assert_int_equal(w_plan_create(model->graph, &so, &po, &p, &e), WEIR_OK);
    assert_int_equal(w_plan_ledger(p, &e), WEIR_OK);
    w_arena_init(&a, ctx);
    for (size_t i = 0; i < p->nstep; i++) {
        double s, b;
        const w_node *n = &p->graph->node[p->step[i].node];
        const char *why = w_verdict_channels(p, &p->step[i], m, &a, &s, &b);
        if (n->op == W_OP_Gemm) assert_non_null(strstr(why, "its channels are the network's output"));
        if (n->op == W_OP_GlobalAveragePool) assert_non_null(strstr(why, "follows the layers around it"));
        if (!why) {
            assert_true(s > 0 && s < p->step[i].bound_s && b >= 0 && b < p->step[i].bytes.level[W_DRAM] + 1);
            saving++;
        }
    }
    assert_true(saving >= 5);
    w_arena_fini(&a);
    w_plan_destroy(p);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reconstruction_beats_magnitude), cmocka_unit_test(orders_are_shared), cmocka_unit_test(everything_can_shrink_at_once),
        cmocka_unit_test(integers_follow),                cmocka_unit_test(a_saved_network_answers_the_same),
        cmocka_unit_test(one_ladder_a_group),             cmocka_unit_test(bad_rules_say_why),
        cmocka_unit_test(verdicts_are_in_words),
    };
    if (argc != 2) return 2;
    model_path = argv[1];
    return cmocka_run_group_tests(tests, open_network, close_network);
}
