/* w_ref_node on values as they are stored: channels last, quantised, halves, unaligned constants. Each stored form is compared
 * with the same node on plain f32 operands. */
#include "ops.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { C = 3, H = 4, W = 5, M = 2, IMAGE = H * W };
static const w_shape x_shape = {.rank = 4, .known = true, .dim = {1, C, H, W}}, w_shape_ = {.rank = 4, .known = true, .dim = {M, C, 1, 1}};

typedef struct net { weir_context ctx; w_graph *g; w_id x, w, y, node; w_arena a; } net;

static void make(net *t, w_type xt, w_type wt, const void *w) {
    weir_context_options o = {.struct_size = sizeof o, .threads = 1};
    assert_int_equal(w_context_init(&t->ctx, &o, NULL), WEIR_OK);
    assert_int_equal(w_graph_create(&t->ctx, "net", &t->g, NULL), WEIR_OK);
    t->g->opset = 13;
    assert_int_equal(w_graph_add_input(t->g, "x", xt, &x_shape, &t->x, NULL), WEIR_OK);
    assert_int_equal(w_graph_add_const(t->g, "w", wt, &w_shape_, w, &t->w, NULL), WEIR_OK);
    assert_int_equal(w_graph_add_value(t->g, "y", &t->y, NULL), WEIR_OK);
    w_id in[2] = {t->x, t->w};
    assert_int_equal(w_graph_add_node(t->g, W_OP_Conv, "conv", in, 2, &t->y, 1, w_op_attr_new(t->g, W_OP_Conv), &t->node, NULL), WEIR_OK);
    w_arena_init(&t->a, &t->ctx);
}

static void drop(net *t) {
    w_arena_fini(&t->a);
    w_graph_destroy(t->g);
    assert_int_equal(t->ctx.live, 0);
    w_context_fini(&t->ctx);
}

static void run(net *t, const void *x, void *y) {
    const w_op_def *def = w_op_get(W_OP_Conv);
    w_node *n = &t->g->node[t->node];
    weir_error e = {0};
    assert_int_equal(def->infer(t->g, n, &e), WEIR_OK);
    const w_value *v = t->g->value;
    w_tensor in[2] = {{v[t->x].type, x_shape, (void *)x}, {v[t->w].type, w_shape_, (void *)v[t->w].data}};
    w_tensor out = {v[t->y].type, v[t->y].shape, y};
    assert_int_equal(w_ref_node(t->g, n, in, &out, &t->a, &e), WEIR_OK);
}

static float x_at(int c, int i) { return (float)((c * 7 + i * 3) % 11 - 5) * 0.25f; }
static const float w_data[M * C] = {0.5f, -1.0f, 0.25f, 2.0f, 0.75f, -0.5f};
static float y_at(int m, int i) {
    float s = 0.0f;
    for (int c = 0; c < C; c++) s += w_data[m * C + c] * x_at(c, i);
    return s;
}

static void test_channels_last(void **state) {
    net t;
    float x[C * IMAGE], y[M * IMAGE];
    make(&t, WEIR_F32, WEIR_F32, w_data);
    t.g->value[t.x].layout = t.g->value[t.y].layout = W_NHWC;
    for (int c = 0; c < C; c++)
        for (int i = 0; i < IMAGE; i++) x[i * C + c] = x_at(c, i);
    run(&t, x, y);
    for (int m = 0; m < M; m++)
        for (int i = 0; i < IMAGE; i++) assert_true(fabsf(y[i * M + m] - y_at(m, i)) < 1e-6f);
    drop(&t);
}

/* All numbers of the net are multiples of 1/16, so 8 bits hold operands exactly and the result is known to half a step. */
static void test_quantised(void **state) {
    net t;
    uint8_t x[C * IMAGE], y[M * IMAGE];
    int8_t w[M * C];
    static const float x_scale = 0.25f, w_scale[M] = {0.25f, 0.25f}, y_scale = 0.125f;
    static const int32_t x_zero = 100, w_zero[M] = {0, 0}, y_zero = 128;
    static const w_quant xq = {1, 0, &x_scale, &x_zero}, wq = {M, 0, w_scale, w_zero}, yq = {1, 0, &y_scale, &y_zero};
    for (int k = 0; k < M * C; k++) w[k] = (int8_t)(w_data[k] * 4);
    make(&t, WEIR_U8, WEIR_S8, w);
    t.g->value[t.x].quant = &xq;
    t.g->value[t.w].quant = &wq;
    t.g->value[t.y].quant = &yq;
    t.g->value[t.y].type = WEIR_U8;
    t.g->value[t.y].layout = W_NHWC;
    for (int k = 0; k < C * IMAGE; k++) x[k] = (uint8_t)(100 + 4 * x_at(k / IMAGE, k % IMAGE));
    run(&t, x, y);
    assert_int_equal(t.g->value[t.y].type, WEIR_U8);
    for (int k = 0; k < M * IMAGE; k++) {
        float want = rintf(y_at(k % M, k / M) / y_scale) + 128;
        assert_int_equal(y[k], (int)fminf(fmaxf(want, 0), 255));
    }
    drop(&t);
}

/* Halves of 0.5, -1, 0.25, 2, 0.75, -0.5, one byte off alignment as in a file mapping. */
static void test_unaligned_halves(void **state) {
    static const uint16_t halves[M * C] = {0x3800, 0xbc00, 0x3400, 0x4000, 0x3a00, 0xb800};
    uint8_t bytes[sizeof halves + 1];
    net t;
    float x[C * IMAGE], y[M * IMAGE];
    memcpy(bytes + 1, halves, sizeof halves);
    make(&t, WEIR_F32, WEIR_F16, bytes + 1);
    t.g->value[t.w].is_mapped = true;
    for (int k = 0; k < C * IMAGE; k++) x[k] = x_at(k / IMAGE, k % IMAGE);
    run(&t, x, y);
    for (int k = 0; k < M * IMAGE; k++) assert_true(fabsf(y[k] - y_at(k / IMAGE, k % IMAGE)) < 1e-6f);
    drop(&t);
}

static void test_attributes(void **state) {
    net t;
    make(&t, WEIR_F32, WEIR_F32, w_data);
    w_conv_attr *a = t.g->node[t.node].attr;
    int64_t strides[2] = {2, 1};
    a->strides = (w_ints){strides, 2, true};
    a->ep.act = W_ACT_RELU;
    w_conv_attr *b = w_op_attr_clone(t.g, W_OP_Conv, a);
    assert_non_null(b);
    assert_ptr_not_equal(a->strides.v, b->strides.v);
    assert_true(w_op_attr_equal(W_OP_Conv, a, b));
    b->strides.v[1] = 3;
    assert_false(w_op_attr_equal(W_OP_Conv, a, b));
    w_text text;
    w_text_init(&text, &t.ctx);
    w_op_attr_print(t.g, &t.g->node[t.node], &text);
    assert_string_equal(text.s, " strides=[2,1] weir_act=1");
    w_text_fini(&text);
    drop(&t);
}

static void test_names(void **state) {
    assert_int_equal(w_op_find("Conv", ""), W_OP_Conv);
    assert_int_equal(w_op_find("Conv", "ai.onnx"), W_OP_Conv);
    assert_int_equal(w_op_find("Conv", "com.example"), W_OP_NONE);
    assert_int_equal(w_op_find("weir.Layout", ""), W_OP_NONE);
    assert_int_equal(w_op_find("Layout", "weir"), W_OP_Layout);
    assert_int_equal(w_op_find("weir.Layout", NULL), W_OP_Layout);
    assert_null(w_op_get(W_OP_NONE));
    assert_null(w_op_get(W_OP_COUNT));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_channels_last), cmocka_unit_test(test_quantised), cmocka_unit_test(test_unaligned_halves),
        cmocka_unit_test(test_attributes), cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
