/* Statistics that follow a graph whose shapes rules have changed. */
#include "lab_fixture.h"
#include <string.h>

static w_id layer(const w_graph *g, size_t which) {
    for (w_id i = 0; i < g->nnode; i++)
        if (g->node[i].op != W_OP_NONE && w_node_has_weights(g, &g->node[i]) && which-- == 0) return i;
    fail_msg("no such layer");
    return W_NONE;
}

/* A layer with doubled weights: its output doubles, what it reads stays. */
static w_graph *doubled(void) {
    weir_error e = {0};
    w_graph *g;
    w_weights w;
    assert_int_equal(w_graph_clone(model->graph, &g, &e), WEIR_OK);
    assert_int_equal(w_weights_get(g, layer(g, 0), &w, &e), WEIR_OK);
    for (size_t i = 0; i < (size_t)w.rows * w.cols; i++) w.w[i] *= 2;
    assert_int_equal(w_weights_put(g, &w, &e), WEIR_OK);
    return g;
}

static void ranges_are_those_of_the_changed_network(void **state) {
    weir_error e = {0};
    w_calibration *c;
    w_graph *g = doubled();
    assert_int_equal(w_calibration_follow(cal, g, 1, &c, &e), WEIR_OK);
    const char *out = w_value_name(g, g->node[layer(g, 0)].out[0]);
    assert_null(w_calibration_range(c, out)); /* not measured yet */
    w_graph_destroy(g);                       /* the follower has its own copy */
    if (w_calibration_ranges(c, &e) != WEIR_OK) fail_msg("%s", e.message);
    const w_range *now = w_calibration_range(c, w_value_name(c->model->graph, c->model->graph->node[layer(c->model->graph, 0)].out[0]));
    const w_range *was = w_calibration_range(cal, w_value_name(c->model->graph, c->model->graph->node[layer(c->model->graph, 0)].out[0]));
    assert_true(now->max > was->max);
}

static void one_key_is_measured_once(void **state) {
    weir_error e = {0};
    w_calibration *first, *again, *other;
    assert_int_equal(w_calibration_follow(cal, model->graph, 7, &first, &e), WEIR_OK);
    assert_int_equal(w_calibration_follow(first, model->graph, 8, &other, &e), WEIR_OK); /* from a follower, too */
    assert_int_equal(w_calibration_follow(cal, model->graph, 7, &again, &e), WEIR_OK);
    assert_ptr_equal(first, again);
    assert_ptr_not_equal(first, other);
    for (uint64_t key = 20; key < 20 + 2 * W_CAL_FOLLOWED; key++) assert_int_equal(w_calibration_follow(cal, model->graph, key, &other, &e), WEIR_OK);
}

static void moments_of_unchanged_layers_are_shared(void **state) {
    weir_error e = {0};
    w_calibration *c;
    w_hessian *a, *b;
    const w_graph *g = model->graph;
    const char *label = w_node_label(g, &g->node[layer(g, 1)]);
    assert_int_equal(w_calibration_follow(cal, g, 9, &c, &e), WEIR_OK);
    assert_int_equal(w_calibration_hessian(cal, label, &a, &e), WEIR_OK);
    assert_int_equal(w_calibration_hessian(c, label, &b, &e), WEIR_OK);
    assert_ptr_equal(a, b);
    assert_true(a->rows > 0);
    for (uint32_t i = 0; i < a->k; i++) /* Cauchy-Schwarz: the mean's square is below the mean square */
        assert_true(a->sum[0][i] * a->sum[0][i] / a->rows <= (double)a->h[0][(size_t)i * a->k + i] * 1.001 + 1e-9);
    assert_int_equal(w_calibration_hessian(cal, "nobody", &a, &e), WEIR_INTERNAL);
}

/* A follower may be the first to use its root's moments, and dies before it: what it made of them stays. */
static void factors_outlive_followers(void **state) {
    weir_error e = {0};
    w_calibration *c;
    w_hessian *h;
    const w_graph *g = model->graph;
    assert_int_equal(w_calibration_follow(cal, g, 50, &c, &e), WEIR_OK);
    assert_int_equal(w_calibration_hessian(c, w_node_label(g, &g->node[layer(g, 2)]), &h, &e), WEIR_OK);
    assert_null(h->u[0]);
    assert_int_equal(w_hessian_factor(h, 0, &e), WEIR_OK);
    assert_ptr_equal(h->arena, &cal->arena);
    float first = h->u[0][0], last = h->u[0][(size_t)h->k * h->k - 1];
    for (uint64_t key = 60; key < 60 + 2 * W_CAL_FOLLOWED; key++) {
        assert_int_equal(w_calibration_follow(cal, g, key, &c, &e), WEIR_OK);
        assert_int_equal(w_calibration_ranges(c, &e), WEIR_OK);
    }
    assert_true(h->u[0][0] == first && h->u[0][(size_t)h->k * h->k - 1] == last);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    model_path = argv[1];
    calibration_samples = 64;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_those_of_the_changed_network),
        cmocka_unit_test(one_key_is_measured_once),
        cmocka_unit_test(moments_of_unchanged_layers_are_shared),
        cmocka_unit_test(factors_outlive_followers),
    };
    return cmocka_run_group_tests(tests, open_network, close_network);
}
