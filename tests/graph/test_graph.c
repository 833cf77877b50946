/* The graph room: names, order, verifier, copies, constants, half precision. */
#include "graph_text.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static weir_context ctx;

static int setup(void **state) {
    weir_context_options o = {.struct_size = sizeof o, .threads = 1};
    return w_context_init(&ctx, &o, NULL);
}

static int teardown(void **state) {
    w_context_fini(&ctx);
    return ctx.live != 0;
}

static w_graph *graph(const char *text) {
    w_graph *g;
    weir_error e = {0};
    if (text_graph(&ctx, text, &g, &e) != WEIR_OK) fail_msg("%s", e.message);
    return g;
}

static void fails(weir_status s, const weir_error *e, const char *message) {
    assert_int_equal(s, WEIR_BAD_INPUT);
    if (!strstr(e->message, message)) fail_msg("'%s' does not say '%s'", e->message, message);
}

static void test_names(void **state) {
    w_graph *g = graph("input x f32[2]\n");
    weir_error e;
    w_id v, w;
    fails(w_graph_add_value(g, "x", &v, &e), &e, "tensor 'x' is defined twice");
    fails(w_graph_intern(g, "a\0b", 3, &v, &e), &e, "zero byte");
    assert_int_equal(w_graph_add_derived(g, "x", "", &v, &e), WEIR_OK);
    assert_string_equal(w_value_name(g, v), "x.2");
    assert_int_equal(w_graph_add_value(g, "", &w, &e), WEIR_OK);
    assert_true(*w_value_name(g, w) != 0);
    for (int i = 0; i < 1000; i++) assert_int_equal(w_graph_add_value(g, "", &w, &e), WEIR_OK);
    assert_int_equal(w_graph_find(g, "x.2"), v);
    assert_int_equal(w_graph_rename(g, v, "y", &e), WEIR_OK);
    assert_int_equal(w_graph_find(g, "x.2"), W_NONE);
    assert_int_equal(w_graph_find(g, "y"), v);
    fails(w_graph_rename(g, v, "x", &e), &e, "taken");
    w_graph_destroy(g);
}

static void test_one_producer(void **state) {
    w_graph *g;
    weir_error e;
    fails(text_graph(&ctx, "input x f32[2]\na: y = Relu(x)\nb: y = Tanh(x)\n", &g, &e), &e, "node 'b': tensor 'y' is defined twice");
    fails(text_graph(&ctx, "input x f32[2]\na: x = Relu(x)\n", &g, &e), &e, "tensor 'x' is defined twice");
}

static void test_order(void **state) {
    w_graph *g = graph("input x f32[2]\nc: z = Add(y, t)\nb: y = Tanh(t)\na: t = Relu(x)\nd: q = Relu(x)\noutput z\n");
    weir_error e;
    fails(w_graph_verify(g, &e), &e, "node 'c' stands before the producer of its input 'y'");
    assert_int_equal(w_graph_toposort(g, &e), WEIR_OK);
    assert_int_equal(w_graph_verify(g, &e), WEIR_OK);
    const char *order[] = {"a", "b", "c", "d"};
    for (unsigned i = 0; i < 4; i++) assert_string_equal(w_node_label(g, &g->node[i]), order[i]);
    w_graph_destroy(g);
    g = graph("input x f32[2]\na: y = Add(x, z)\nb: t = Relu(y)\nc: z = Tanh(t)\noutput z\n");
    fails(w_graph_toposort(g, &e), &e, "depends on its own output");
    w_graph_destroy(g);
}

/* Deeper than any stack that recursion could use. */
static void test_deep_chain(void **state) {
    enum { DEPTH = 200000 };
    w_graph *g = graph("input x f32[2]\n");
    weir_error e;
    w_id prev = W_NONE;
    w_id *v = w_alloc(&ctx, DEPTH * sizeof *v);
    for (int i = 0; i < DEPTH; i++) assert_int_equal(w_graph_add_value(g, "", &v[i], &e), WEIR_OK);
    for (int i = DEPTH - 1; i >= 0; i--) {
        w_id in = i ? v[i - 1] : w_graph_find(g, "x");
        assert_int_equal(w_graph_add_node(g, W_OP_Relu, "", &in, 1, &v[i], 1, NULL, &prev, &e), WEIR_OK);
    }
    assert_int_equal(w_graph_add_output(g, v[DEPTH - 1], &e), WEIR_OK);
    w_free(&ctx, v, DEPTH * sizeof *v);
    assert_int_equal(w_graph_toposort(g, &e), WEIR_OK);
    assert_int_equal(w_graph_verify(g, &e), WEIR_OK);
    w_graph_destroy(g);
}

static void test_verifier(void **state) {
    weir_error e;
    w_graph *g = graph("input x f32[2]\na: y = Add(x, z)\n");
    fails(w_graph_verify(g, &e), &e, "no output");
    assert_int_equal(w_graph_add_output(g, w_graph_find(g, "y"), &e), WEIR_OK);
    fails(w_graph_verify(g, &e), &e, "node 'a': nothing produces its input 'z'");
    w_graph_destroy(g);
    g = graph("input x f32[2]\na: y = Relu(x)\noutput y\n");
    w_value *x = &g->value[w_graph_find(g, "x")];
    x->layout = W_NHWC;
    fails(w_graph_verify(g, &e), &e, "'x' is channels-last: expected rank 4");
    x->layout = W_ROW;
    x->shape.dim[0] = -3;
    fails(w_graph_verify(g, &e), &e, "'x': dimension 0 is -3");
    x->shape = (w_shape){.rank = 3, .known = true, .dim = {W_MAX_DIM, W_MAX_DIM, W_MAX_DIM}};
    fails(w_graph_verify(g, &e), &e, "'x': the product of its dimensions overflows");
    x->shape = (w_shape){.rank = 1, .known = true, .dim = {2}};
    float scale[2] = {1, 0};
    int32_t zero[2] = {0, 0};
    w_quant q = {2, 0, scale, zero};
    x->quant = &q;
    fails(w_graph_verify(g, &e), &e, "has type f32: expected u8 or s8");
    x->type = WEIR_U8;
    fails(w_graph_verify(g, &e), &e, "scale 1 is 0: expected a positive number");
    q.n = 3;
    fails(w_graph_verify(g, &e), &e, "has 3 scales on axis 0");
    w_graph_destroy(g);
}

static char *print(const w_graph *g, w_text *t) {
    w_text_init(t, &ctx);
    w_graph_print(g, t);
    assert_false(t->bad);
    return t->s;
}

static void test_clone(void **state) {
    weir_error e;
    w_graph *g = graph("input x f32[N,2]\nconst w f32[2,2] = {1, 2, 3, 4}\nconst q s8[2,2] q(0.5,3)\n"
                       "a: t = Gemm(x, w) alpha=0.5\nb: y u8 q(0.25,4) = MatMul(t, q)\noutput y\n");
    w_graph *c;
    w_text before, after;
    assert_int_equal(w_graph_clone(g, &c, &e), WEIR_OK);
    print(g, &before);
    assert_string_equal(before.s, print(c, &after));
    w_text_fini(&after);
    assert_ptr_equal(g->value[w_graph_find(g, "w")].data, c->value[w_graph_find(c, "w")].data);
    assert_int_equal(w_graph_bind(c, "N", 7, &e), WEIR_OK);
    assert_int_equal(w_graph_bind(c, "M", 7, &e), WEIR_USAGE);
    assert_int_equal(w_graph_bind(c, "N", 0, &e), WEIR_USAGE);
    w_node_kill(c, 0);
    c->opset = 3;
    assert_string_equal(before.s, print(g, &after));
    assert_int_equal(c->value[w_graph_find(c, "x")].shape.dim[0], 7);
    w_text_fini(&before);
    w_text_fini(&after);
    w_graph_destroy(c);
    w_graph_destroy(g);
}

static void test_compact(void **state) {
    weir_error e;
    w_graph *g = graph("input x f32[2]\nconst k f32[2]\na: t = Add(x, k)\nb: y = Relu(x)\noutput y\n");
    w_node_kill(g, 0);
    assert_int_equal(w_graph_compact(g, &e), WEIR_OK);
    assert_int_equal(g->nnode, 1);
    assert_int_equal(g->nvalue, 2);
    assert_int_equal(w_graph_find(g, "k"), W_NONE);
    assert_int_equal(w_graph_find(g, "t"), W_NONE);
    assert_int_equal(w_graph_verify(g, &e), WEIR_OK);
    w_arena a;
    w_uses u;
    w_arena_init(&a, &ctx);
    assert_int_equal(w_graph_uses(g, &a, &u, &e), WEIR_OK);
    assert_int_equal(u.count[w_graph_find(g, "x")], 1);
    assert_int_equal(u.only[w_graph_find(g, "x")], 0);
    assert_int_equal(u.only[w_graph_find(g, "y")], W_NONE);
    assert_true(u.output[w_graph_find(g, "y")]);
    w_arena_fini(&a);
    w_graph_destroy(g);
}

static void test_insert(void **state) {
    weir_error e;
    w_graph *g = graph("input x f32[2]\na: t = Relu(x)\nb: y = Tanh(t)\noutput y\n");
    w_id t = w_graph_find(g, "t"), s;
    assert_int_equal(w_graph_add_value(g, "s", &s, &e), WEIR_OK);
    w_graph_replace_uses(g, t, s);
    assert_int_equal(w_graph_insert_node(g, 1, W_OP_Sigmoid, "m", &t, 1, &s, 1, NULL, &e), WEIR_OK);
    assert_int_equal(w_graph_verify(g, &e), WEIR_OK);
    assert_int_equal(g->value[w_graph_find(g, "y")].producer, 2);
    w_graph_destroy(g);
}

/* Every half converts to f32 and back; f32 values between two halves go to the nearer, ties to even. */
static void test_half(void **state) {
    for (uint32_t h = 0; h < 0x10000; h++) {
        float f = w_f16_to_f32((uint16_t)h);
        if (f != f) assert_int_equal(w_f32_to_f16(f) & 0x7e00, 0x7e00);
        else assert_int_equal(w_f32_to_f16(f), h);
        if ((h & 0x7fff) >= 0x7bff) continue;
        float next = w_f16_to_f32((uint16_t)(h + 1)), middle = f + (next - f) / 2;
        assert_int_equal(w_f32_to_f16(middle), h & 1 ? h + 1 : h);
        assert_int_equal(w_f32_to_f16(f + (next - f) / 4), h);
        assert_int_equal(w_f32_to_f16(f + (next - f) / 4 * 3), h + 1);
    }
    assert_int_equal(w_f32_to_f16(65520.0f), 0x7c00);
    assert_int_equal(w_f32_to_f16(65519.0f), 0x7bff);
    assert_int_equal(w_f32_to_f16(-1e30f), 0xfc00);
    assert_int_equal(w_f32_to_f16(1e-30f), 0);
}

static void test_constants(void **state) {
    static const unsigned char bytes[] = {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0x81, 7, 0, 0, 0};
    weir_error e;
    w_graph *g = graph("input x f32[2]\n");
    w_shape two = {.rank = 1, .known = true, .dim = {2}};
    w_id v;
    w_arena a;
    float *f, scale[2] = {0.5f, 2};
    int32_t zero[2] = {1, 3};
    int64_t *k;
    size_t n;
    w_arena_init(&a, &ctx);
    assert_int_equal(w_graph_add_const(g, "unaligned", WEIR_F32, &two, bytes + 0, &v, &e), WEIR_OK);
    g->value[v].is_mapped = true;
    assert_int_equal(w_const_f32(g, v, &a, &f, &n, &e), WEIR_OK);
    assert_true(n == 2 && f[0] == 1 && f[1] == -2);
    fails(w_const_i64(g, v, &a, &k, &n, &e), &e, "constant 'unaligned' has type f32: expected integers");
    assert_int_equal(w_graph_add_const(g, "brain", WEIR_BF16, &two, bytes + 2, &v, &e), WEIR_OK);
    assert_int_equal(w_const_f32(g, v, &a, &f, &n, &e), WEIR_OK);
    assert_true(f[0] == 1 && f[1] == 0);
    assert_int_equal(w_graph_add_const(g, "bytes", WEIR_S8, &two, bytes + 8, &v, &e), WEIR_OK);
    assert_int_equal(w_const_i64(g, v, &a, &k, &n, &e), WEIR_OK);
    assert_true(k[0] == -127 && k[1] == 7);
    g->value[v].quant = &(w_quant){2, 0, scale, zero};
    assert_int_equal(w_const_f32(g, v, &a, &f, &n, &e), WEIR_OK);
    assert_true(f[0] == -64 && f[1] == 8);
    assert_int_equal(w_graph_add_const(g, "odd", WEIR_S32, &two, bytes + 5, &v, &e), WEIR_OK);
    assert_int_equal(w_const_i64(g, v, &a, &k, &n, &e), WEIR_OK);
    assert_int_equal(k[1], 7 * 256 / 256);
    const void *view;
    assert_int_equal(w_const_view_f32(g, w_graph_find(g, "unaligned"), &a, &view, &n, &e), WEIR_OK);
    assert_true(n == 2 && view == bytes);
    assert_int_equal(w_const_view_f32(g, w_graph_find(g, "bytes"), &a, &view, &n, &e), WEIR_OK);
    assert_true(((const float *)view)[0] == -64 && ((const float *)view)[1] == 8);
    fails(w_const_f32(g, w_graph_find(g, "x"), &a, &f, &n, &e), &e, "tensor 'x' is not constant");
    w_arena_fini(&a);
    w_graph_destroy(g);
}

/* Pages of a file may leave at any moment: what is read afterwards is the same, and memory elsewhere keeps its bytes. */
static void test_rest(void **state) {
    enum { COUNT = 1 << 18 };
    weir_error e;
    char path[] = "/tmp/weir-rest-XXXXXX";
    int fd = mkstemp(path);
    uint32_t *data = malloc(COUNT * sizeof *data);
    w_map map;
    assert_true(fd >= 0 && data);
    for (uint32_t i = 0; i < COUNT; i++) data[i] = i * 2654435761u;
    assert_int_equal(write(fd, data, COUNT * sizeof *data), (ssize_t)(COUNT * sizeof *data));
    close(fd);
    assert_int_equal(w_map_open(&ctx, path, &map, &e), WEIR_OK);
    unlink(path);
    w_graph *g = graph("input x f32[2]\noutput x\n");
    w_const_rest(g, data, COUNT * sizeof *data); /* no file */
    g->file = &map;
    assert_memory_equal(map.data, data, map.size);
    w_const_rest(g, map.data + 4, map.size - 4);
    w_const_rest(g, data, COUNT * sizeof *data);
    assert_memory_equal(map.data, data, map.size);
    assert_int_equal(data[COUNT - 1], (COUNT - 1) * 2654435761u);
    w_graph_destroy(g);
    w_map_close(&ctx, &map);
    free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_producer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deep_chain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_verifier, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_compact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_insert, setup, teardown),
        cmocka_unit_test_setup_teardown(test_half, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_constants, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
