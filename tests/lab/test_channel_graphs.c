/* Removing channels from small graphs: what the graph is afterwards, and that it means the same when what left had no
 * influence. Each case takes every second unit out of every group that may lose some. */
#include "channels.h"
#include "graph_text.h"
#include "harness.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char head[] = "opset 17\ninput x f32[N,3,8,8]\n";

typedef struct graph_case { const char *name, *text, *after; } graph_case;

static const graph_case cases[] = {
#include "channel_cases.inc"
};

static void check(weir_status s, const weir_error *e, const char *what) {
    if (s != WEIR_OK) fail_msg("%s: %s", what, e->message);
}

static w_graph *graph_of(weir_context *ctx, const char *text, const char *name) {
    char all[4000];
    weir_error e = {0};
    w_graph *g;
    snprintf(all, sizeof all, "%s%s", head, text);
    check(text_graph(ctx, all, &g, &e), &e, name);
    check(w_passes_canonical(g, &e), &e, name);
    return g;
}

/* Every second unit of a group, but never the last one. */
static void pick(const w_channels *c, bool *drop) {
    for (size_t i = 0; i < c->ngroup; i++)
        for (uint32_t u = 1; u < c->group[i].nunit; u += 2) drop[c->group[i].unit[u]] = true;
}

/* Columns that read what is to go become zero. */
static void blind(const w_channels *c, w_graph *g, const bool *drop) {
    weir_error e = {0};
    for (size_t i = 0; i < c->nlayer; i++) {
        const w_channel_layer *l = &c->layer[i];
        w_weights w;
        if (!l->nin) continue;
        check(w_weights_get(g, l->node, &w, &e), &e, "weights");
        for (uint32_t r = 0; r < w.rows; r++)
            for (uint32_t k = 0; k < w.cols; k++)
                if (drop[c->unit[l->in[k / l->taps]]]) w.w[(size_t)r * w.cols + k] = 0;
        check(w_weights_put(g, &w, &e), &e, "weights");
    }
}

/* The nodes of the canonical graph: inputs and constants are left out. */
static void same_nodes(const w_graph *g, const graph_case *k) {
    w_graph *shown;
    w_text t;
    weir_error e = {0};
    check(w_graph_clone(g, &shown, &e), &e, k->name);
    check(w_passes_canonical(shown, &e), &e, k->name);
    w_text_init(&t, g->ctx);
    w_graph_print(shown, &t);
    assert_false(t.bad);
    const char *nodes = strstr(t.s, "\n") + 1;
    while (strncmp(nodes, "const", 5) == 0) nodes = strstr(nodes, "\n") + 1;
    if (strcmp(nodes, k->after)) fail_msg("%s\n--- expected\n%s--- got\n%s", k->name, k->after, nodes);
    w_text_fini(&t);
    w_graph_destroy(shown);
}

static void bind_all(w_graph *g) {
    weir_error e = {0};
    check(w_graph_bind(g, "N", 2, &e), &e, "bind");
    check(w_pass_infer(g, &e), &e, "infer");
}

static void same_outputs(w_graph *a, w_graph *b, const char *name) {
    w_arena m;
    weir_error e = {0};
    double *x, *y, top = 0;
    size_t n, k;
    w_arena_init(&m, a->ctx);
    bind_all(a);
    bind_all(b);
    check(text_run(a, &m, &x, &n, &e), &e, name);
    check(text_run(b, &m, &y, &k, &e), &e, name);
    assert_int_equal(n, k);
    for (size_t i = 0; i < n; i++) top = fmax(top, fabs(x[i]));
    assert_true(top > 0);
    /* sums of at most 8 * 64 products whose zeros are left out: the partial sums are those of before */
    for (size_t i = 0; i < n; i++)
        if (!(fabs(x[i] - y[i]) <= 512 * 6e-8 * top)) fail_msg("%s: output %zu is %g, was %g", name, i, y[i], x[i]);
    w_arena_fini(&m);
}

static void run_case(weir_context *ctx, const graph_case *k) {
    w_arena a;
    weir_error e = {0};
    w_channels c;
    w_graph *g = graph_of(ctx, k->text, k->name), *was;
    w_arena_init(&a, ctx);
    check(w_channels_find(g, &a, &c, &e), &e, k->name);
    bool *drop = w_arena_array(&a, c.nunit + 1, sizeof *drop);
    pick(&c, drop);
    blind(&c, g, drop);
    check(w_graph_clone(g, &was, &e), &e, k->name);
    check(w_channels_remove(&c, g, drop, &e), &e, k->name);
    check(w_graph_verify(g, &e), &e, k->name);
    same_nodes(g, k);
    same_outputs(was, g, k->name);
    w_graph_destroy(was);
    w_graph_destroy(g);
    w_arena_fini(&a);
}

static void channels_leave_and_nothing_else(void **state) {
    weir_error e = {0};
    weir_context *ctx;
    weir_context_options o = weir_context_options_default();
    o.threads = 1;
    check(weir_context_create(&o, &ctx, &e), &e, "context");
    for (size_t i = 0; i < W_COUNT(cases); i++) run_case(ctx, &cases[i]);
    weir_context_destroy(ctx);
}

/* What fixes channels says so. */
static void reasons_are_given(void **state) {
    static const char *const fixed[][3] = {
        {"a", "const w f32[8,3,3,3]\na: y = Conv(x, w) pads=[1,1,1,1]\noutput y\n", "its channels are the network's output 'y'"},
        {"a", "const w f32[8,3,3,3]\nconst v f32[4,8,1,1]\na: p = Conv(x, w) pads=[1,1,1,1]\ns: q = Softmax(p) axis=1\nb: y = Conv(q, v)\noutput y\n",
         "Softmax 's' sets channels in proportion to each other"},
        {"a", "const w f32[8,3,3,3]\nconst v f32[4,8,1,1]\na: p = Conv(x, w) pads=[1,1,1,1]\ns: q = LRN(p) size=3\nb: y = Conv(q, v)\noutput y\n",
         "LRN 's' is not understood to keep channels apart"},
        {"a", "const w f32[3,3,3,3]\nconst v f32[4,3,1,1]\na: p = Conv(x, w) pads=[1,1,1,1]\ns: q = Add(p, x)\nb: y = Conv(q, v)\noutput y\n",
         "its channels are the network's input 'x'"},
        {"a", "const w f32[3,3,1,1]\na: p = Conv(x, w)\nb: y = Conv(p, w)\noutput y\n", "Conv 'a' shares its weights with another layer"},
    };
    weir_error e = {0};
    weir_context *ctx;
    weir_context_options o = weir_context_options_default();
    o.threads = 1;
    check(weir_context_create(&o, &ctx, &e), &e, "context");
    for (size_t i = 0; i < W_COUNT(fixed); i++) {
        w_arena a;
        w_channels c;
        const char *why = NULL;
        w_graph *g = graph_of(ctx, fixed[i][1], fixed[i][2]);
        w_arena_init(&a, ctx);
        check(w_channels_find(g, &a, &c, &e), &e, fixed[i][2]);
        for (w_id k = 0; k < g->nnode; k++) {
            if (strcmp(w_node_label(g, &g->node[k]), fixed[i][0])) continue;
            const w_channel_group *gr = w_channels_group(&c, k);
            if (gr) {
                assert_int_equal(gr->nunit, 0);
                why = gr->fixed;
            } else {
                why = c.why[c.unit[c.of[g->node[k].out[0]].slot[0]]];
            }
        }
        if (!why || strcmp(why, fixed[i][2])) fail_msg("'%s' instead of '%s'", why ? why : "nothing", fixed[i][2]);
        w_graph_destroy(g);
        w_arena_fini(&a);
    }
    weir_context_destroy(ctx);
}

static void the_machine_rounds(void **state) {
    weir_error e = {0};
    weir_context *ctx;
    weir_context_options o = weir_context_options_default();
    o.cpu = "ref";
    check(weir_context_create(&o, &ctx, &e), &e, "context");
    uint32_t small = w_channels_keep(ctx, 3, 0.5), none = w_channels_keep(ctx, 64, 0.01);
    assert_true(small >= 1 && small <= 3);
    assert_true(none >= 4 && none % 4 == 0);
    assert_int_equal(w_channels_keep(ctx, 64, 1), 64);
    assert_int_equal(w_channels_keep(ctx, 64, 0.5), 32);
    for (uint32_t total = 1; total < 200; total++)
        for (double share = 0.1; share < 1; share += 0.1) {
            uint32_t k = w_channels_keep(ctx, total, share);
            assert_true(k >= 1 && k <= total);
        }
    weir_context_destroy(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_leave_and_nothing_else),
        cmocka_unit_test(reasons_are_given),
        cmocka_unit_test(the_machine_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
