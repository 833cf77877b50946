/* test_bind.c: the batch takes the place of open first dimensions, and of nothing else. */
#include "planner.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Inputs "x" [N or 2, 3] and "w" [5, 3]. */
static weir_status bind(bool open, int64_t batch, int64_t first[2]) {
    weir_context_options o = weir_context_options_default();
    weir_session_options so = weir_session_options_default();
    w_shape x = {.rank = 2, .known = true, .dim = {2, 3}}, w = {.rank = 2, .known = true, .dim = {5, 3}};
    weir_context *ctx;
    w_graph *g;
    w_id id[2];
    o.threads = 1;
    so.batch = batch;
    assert_int_equal(weir_context_create(&o, &ctx, NULL), WEIR_OK);
    assert_int_equal(w_graph_create(ctx, "test", &g, NULL), WEIR_OK);
    if (open)
        assert_int_equal(w_graph_symbol(g, "N", &x.dim[0], NULL), WEIR_OK);
    assert_int_equal(w_graph_add_input(g, "x", WEIR_F32, &x, &id[0], NULL), WEIR_OK);
    assert_int_equal(w_graph_add_input(g, "w", WEIR_F32, &w, &id[1], NULL), WEIR_OK);
    weir_status s = w_plan_bind(g, &so, NULL);
    for (int i = 0; i < 2; i++)
        first[i] = g->value[id[i]].shape.dim[0];
    w_graph_destroy(g);
    weir_context_destroy(ctx);
    return s;
}

static void test_fixed_input_beside_an_open_one(void **state) {
    int64_t first[2];
    (void)state;
    assert_int_equal(bind(true, 4, first), WEIR_OK);
    assert_int_equal(first[0], 4);
    assert_int_equal(first[1], 5);
}

static void test_no_open_input_takes_another_batch(void **state) {
    int64_t first[2];
    (void)state;
    assert_int_equal(bind(false, 4, first), WEIR_USAGE);
    assert_int_equal(bind(false, 0, first), WEIR_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fixed_input_beside_an_open_one), cmocka_unit_test(test_no_open_input_takes_another_batch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
