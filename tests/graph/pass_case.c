/* Runs the cases of pass_case.h. */
#include "pass_case.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static weir_status run_named(w_graph *g, const char *name, weir_error *e) {
    if (!strcmp(name, "canonical")) return w_passes_canonical(g, e);
    if (!strcmp(name, "plan")) return w_passes_plan(g, e);
    W_TRY(w_graph_toposort(g, e));
    W_TRY(w_pass_infer(g, e));
    if (!strcmp(name, "layout")) W_TRY(w_pass_normalise(g, e));
    for (const w_pass *p = w_passes_list; p->name; p++) {
        if (strcmp(p->name, name)) continue;
        W_TRY(p->run(g, e));
        W_TRY(w_pass_dce(g, e));
        return w_pass_infer(g, e);
    }
    return w_fail(e, WEIR_USAGE, "no pass '%s'", name);
}

static void check(weir_status s, const weir_error *e, const char *what) {
    if (s != WEIR_OK) fail_msg("%s: %s", what, e->message);
}

static void same_text(w_graph *g, const char *expected, const char *what) {
    w_text t;
    w_text_init(&t, g->ctx);
    w_graph_print(g, &t);
    assert_false(t.bad);
    if (strcmp(t.s, expected)) {
        printf("%s\n--- expected\n%s--- got\n%s", what, expected, t.s);
        fail();
    }
    w_text_fini(&t);
}

static void same_meaning(const w_graph *a, const w_graph *b, double tolerance) {
    w_arena mem;
    weir_error e = {0};
    double *x, *y, top = 0, diff = 0;
    size_t n, m;
    w_arena_init(&mem, a->ctx);
    check(text_run(a, &mem, &x, &n, &e), &e, "reference before");
    check(text_run(b, &mem, &y, &m, &e), &e, "reference after");
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++) {
        top = fmax(top, fabs(x[i]));
        if (!(fabs(x[i] - y[i]) <= diff)) diff = fabs(x[i] - y[i]);
    }
    if (!(diff <= (tolerance > 0 ? tolerance : 1e-5) * fmax(top, 1e-3))) fail_msg("outputs differ by %g of %g", diff, top);
    w_arena_fini(&mem);
}

static bool bound(const w_graph *g) {
    for (size_t i = 0; i < g->ninput; i++)
        if (!w_shape_bound(&g->value[g->input[i]].shape)) return false;
    return true;
}

static void run_case(weir_context *ctx, const pass_case *c) {
    weir_error e = {0};
    w_graph *truth, *g, *again;
    check(text_graph(ctx, c->before, &truth, &e), &e, c->name);
    check(w_graph_clone(truth, &g, &e), &e, c->name);
    check(run_named(g, c->pass, &e), &e, c->name);
    check(w_graph_verify(g, &e), &e, c->name);
    same_text(g, c->after, c->name);
    if (bound(g)) {
        check(w_graph_toposort(truth, &e), &e, c->name);
        check(w_pass_fold(truth, &e), &e, c->name);
        same_meaning(truth, g, c->tolerance);
    }
    if (strcmp(c->pass, "layout") && strcmp(c->pass, "plan")) {
        check(w_graph_clone(g, &again, &e), &e, c->name);
        check(run_named(again, c->pass, &e), &e, c->name);
        same_text(again, c->after, "the second time");
        w_graph_destroy(again);
    }
    w_graph_destroy(g);
    w_graph_destroy(truth);
}

static void test_case(void **state) {
    const pass_case *c = *state;
    weir_context_options o = {.struct_size = sizeof o, .threads = 1};
    weir_context ctx = {0};
    weir_error e = {0};
    check(w_context_init(&ctx, &o, &e), &e, "context");
    run_case(&ctx, c);
    assert_int_equal(ctx.live, 0);
    w_context_fini(&ctx);
}

int pass_cases_run(const char *group, const pass_case *cases, size_t n) {
    struct CMUnitTest *tests = calloc(n, sizeof *tests);
    if (!tests) return 1;
    for (size_t i = 0; i < n; i++)
        tests[i] = (struct CMUnitTest){cases[i].name, test_case, NULL, NULL, (void *)(uintptr_t)&cases[i]};
    int failed = _cmocka_run_group_tests(group, tests, n, NULL, NULL);
    free(tests);
    return failed;
}
