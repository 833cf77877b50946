/* Every allocation of building, copying, all passes and printing fails in turn: the call says so and nothing leaks. */
#include "graph_text.h"
#include "passes.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

typedef struct failing { long left; long blocks; } failing;

static void *give(void *user, size_t size, size_t align) {
    failing *f = user;
    void *p = NULL;
    if (f->left-- == 0 || posix_memalign(&p, align, size)) return NULL;
    f->blocks++;
    return p;
}

static void take(void *user, void *block, size_t size) {
    failing *f = user;
    f->blocks--;
    free(block);
}

static weir_status work(weir_context *ctx, const char *text, weir_error *e) {
    w_graph *g, *c;
    W_TRY(text_graph(ctx, text, &g, e));
    weir_status s = w_passes_canonical(g, e);
    if (s == WEIR_OK) s = w_graph_clone(g, &c, e);
    if (s == WEIR_OK) {
        s = w_passes_plan(c, e);
        w_text t;
        w_text_init(&t, ctx);
        if (s == WEIR_OK) w_graph_print(c, &t);
        if (t.bad) s = WEIR_NO_RESOURCE;
        w_text_fini(&t);
        w_graph_destroy(c);
    }
    w_graph_destroy(g);
    return s;
}

static void fail_each(const char *text) {
    weir_status s = WEIR_NO_RESOURCE;
    long n = 0;
    for (; s != WEIR_OK; n++) {
        failing f = {n, 0};
        weir_context ctx = {.allocator = {give, take, &f}};
        weir_error e = {0};
        s = work(&ctx, text, &e);
        if (s != WEIR_OK && s != WEIR_NO_RESOURCE) fail_msg("allocation %ld: %d %s", n, (int)s, e.message);
        assert_int_equal(f.blocks, 0);
        assert_int_equal(ctx.live, 0);
    }
    assert_true(n > 20);
}

static void test_images(void **state) {
    fail_each("input x f32[1,1,6,6]\nconst w f32[2,1,3,3]\nconst v f32[2,2,3,3]\nconst b f32[2,1,1]\nconst s f32[2] +\nconst t f32[2]\n"
              "const k f32[72,3]\nconst to s64[2] = {1, -1}\n"
              "a: a1 = Conv(x, w) auto_pad=SAME_UPPER\nb: a2 = Add(a1, b)\nc: a3 = BatchNormalization(a2, s, t, t, s)\nd: a4 = Relu(a3)\n"
              "e: a5 = Conv(a4, v) auto_pad=SAME_UPPER\nf: a6 = Add(a5, a4)\ng: a7 = Reshape(a6, to)\nh: y = MatMul(a7, k)\noutput y\noutput a4\n");
}

static void test_bytes(void **state) {
    fail_each("input x f32[2,3]\nconst s f32[] = {0.03125}\nconst z s8[] = {0}\nconst w u8[3,2] +\nconst sw f32[] = {0.0625}\nconst zw u8[] = {3}\n"
              "q: xq = QuantizeLinear(x, s, z)\nd: xd = DequantizeLinear(xq, s, z)\ne: wd = DequantizeLinear(w, sw, zw)\nm: t = MatMul(xd, wd)\n"
              "r: tq = QuantizeLinear(t, s, z)\nf: y = DequantizeLinear(tq, s, z)\noutput y\n");
}

static void test_half(void **state) {
    fail_each("input x f16[1,1,4,4]\nconst w f16[1,1,3,3]\nc: t = Conv(x, w)\ni: u = Identity(t)\nr: y = Relu(u)\noutput y\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_images), cmocka_unit_test(test_bytes), cmocka_unit_test(test_half)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
