/* ONNX conformance: every case of cases.json (made by script/gen-op-cases) as a graph of one node. The inferred types and shapes
 * must be the expected ones, and the reference's results equal them: integers exactly, floats within a few units of rounding. */
#include "op_case.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *cases_path;

static double half(uint16_t h) {
    int exp = h >> 10 & 31, mant = h & 1023;
    double a = exp == 31 ? (mant ? NAN : INFINITY) : exp ? ldexp(1024 + mant, exp - 25) : ldexp(mant, -24);
    return h >> 15 ? -a : a;
}

static double number(const w_tensor *t, size_t i) {
    const uint8_t *p = (const uint8_t *)t->data + i * w_type_size(t->type);
    float f;
    double d;
    uint16_t h;
    uint32_t u;
    switch (t->type) {
    case WEIR_F32: memcpy(&f, p, 4); return f;
    case WEIR_F64: memcpy(&d, p, 8); return d;
    case WEIR_F16: memcpy(&h, p, 2); return half(h);
    case WEIR_BF16:
        memcpy(&h, p, 2);
        u = (uint32_t)h << 16;
        memcpy(&f, &u, 4);
        return f;
    default: return 0;
    }
}

/* Units of rounding are those of the stored type; f64 is computed in f32. */
static double tolerance(w_type t) { return t == WEIR_BF16 ? 1.0 / 128 : t == WEIR_F16 ? 1.0 / 1024 : 1e-5; }

static bool same_number(const w_tensor *want, const w_tensor *got, size_t i, double rtol) {
    w_type t = want->type;
    size_t size = w_type_size(t);
    if (t != WEIR_F32 && t != WEIR_F64 && t != WEIR_F16 && t != WEIR_BF16)
        return memcmp((uint8_t *)want->data + i * size, (uint8_t *)got->data + i * size, size) == 0;
    double a = number(want, i), b = number(got, i);
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    return a == b || fabs(a - b) <= fmax(tolerance(t), rtol) * fmax(fabs(a), 0.1);
}

static bool compare(const char *name, uint32_t o, const w_tensor *want, const w_tensor *got, double rtol) {
    if (want->type != got->type || !w_shape_equal(&want->shape, &got->shape)) {
        print_error("%s: output %u: type or shape is not the expected one\n", name, o);
        return false;
    }
    for (size_t i = 0; i < w_tensor_count(want); i++) {
        if (same_number(want, got, i, rtol)) continue;
        print_error("%s: output %u: element %zu is %.9g, expected %.9g\n", name, o, i, number(got, i), number(want, i));
        return false;
    }
    return true;
}

static bool run_case(weir_context *ctx, const json_t *c) {
    const char *name = json_string_value(json_object_get(c, "name"));
    weir_error e = {0};
    op_case b;
    w_arena a;
    w_tensor values[2 * OP_CASE_MOST] = {{0}};
    bool ok = true;
    op_case_build(ctx, c, &b);
    w_arena_init(&a, ctx);
    const w_op_def *def = w_op_get(b.g->node[0].op);
    for (uint32_t i = 0; i < b.nin; i++)
        if (b.in_id[i] != W_NONE) values[b.in_id[i]] = b.in[i];
    if (def->infer(b.g, &b.g->node[0], &e) != WEIR_OK || w_ref_graph(b.g, values, &a, &e) != WEIR_OK) {
        print_error("%s: %s\n", name, e.message);
        ok = false;
    }
    for (uint32_t o = 0; ok && o < b.nout; o++) {
        if (b.out_id[o] == W_NONE) continue;
        w_tensor want = op_case_tensor(&a, json_array_get(json_object_get(c, "out"), o));
        ok = compare(name, o, &want, &values[b.out_id[o]], json_number_value(json_object_get(c, "rtol")));
    }
    w_arena_fini(&a);
    w_graph_destroy(b.g);
    return ok;
}

static void test_cases(void **state) {
    json_error_t je;
    json_t *cases = json_load_file(cases_path, 0, &je), *c;
    weir_context ctx;
    weir_context_options o = {.struct_size = sizeof o, .threads = 1};
    size_t i, failed = 0;
    assert_non_null(cases);
    assert_int_equal(w_context_init(&ctx, &o, NULL), WEIR_OK);
    json_array_foreach(cases, i, c) failed += !run_case(&ctx, c);
    print_message("%zu cases, %zu failed\n", json_array_size(cases), failed);
    assert_int_equal(ctx.live, 0);
    w_context_fini(&ctx);
    json_decref(cases);
    assert_int_equal(failed, 0);
}

/* Every operator of ONNX in the table has a case. */
static void test_coverage(void **state) {
    json_error_t je;
    json_t *cases = json_load_file(cases_path, 0, &je), *c;
    bool seen[W_OP_COUNT] = {false};
    size_t i;
    assert_non_null(cases);
    json_array_foreach(cases, i, c) seen[w_op_find(json_string_value(json_object_get(c, "op")), NULL)] = true;
    json_decref(cases);
    for (uint16_t op = 1; op < W_OP_COUNT; op++) {
        if (seen[op] || op == W_OP_Layout || op == W_OP_Table) continue;
        print_error("%s has no case\n", w_op_get(op)->name);
        fail();
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_coverage)};
    cases_path = argc > 1 ? argv[1] : "cases.json";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
