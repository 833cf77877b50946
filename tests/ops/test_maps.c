/* Every operator is held to its access map. For random output boxes of every case (cases.json, map_cases.json), filled with
 * random numbers of our own:
 *  - what lies outside the input box is filled with NaN (integers: two different fills), and the output box of the reference
 *    must not change by one bit;
 *  - samples inside a box tagged exact are set to both extremes of their type, and one of the two must change the output box.
 * The random numbers are positive and of middling size, so that nothing saturates before an extreme comes. */
#include "op_case.h"
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define BOXES 6
#define SAMPLES 4

static const char *const *case_path;
static int ncase_path;

typedef struct counts { size_t boxes, fills, exact, silent; } counts;
typedef struct bench {
    op_case c;
    const char *name;
    const w_node *node;
    w_arena arena;
    w_tensor in[OP_CASE_MOST], out[OP_CASE_MOST], again[OP_CASE_MOST];
    uint64_t seed;
    counts *n;
} bench;

static uint64_t next(bench *b) {
    uint64_t x = b->seed += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static int64_t below(bench *b, int64_t n) { return (int64_t)(next(b) % (uint64_t)n); }

/* ---- single elements ---- */

static bool is_float(w_type t) { return t == WEIR_F32 || t == WEIR_F64 || t == WEIR_F16 || t == WEIR_BF16; }

static void put_float(const w_tensor *t, size_t i, double x) {
    float f = (float)x;
    uint32_t bits;
    memcpy(&bits, &f, 4);
    switch (t->type) {
    case WEIR_F64: ((double *)t->data)[i] = x; break;
    case WEIR_F16: ((uint16_t *)t->data)[i] = w_f32_to_f16(f); break;
    case WEIR_BF16: ((uint16_t *)t->data)[i] = isnan(f) ? 0x7fc0 : (uint16_t)(bits >> 16); break;
    default: ((float *)t->data)[i] = f;
    }
}

static void put_int(const w_tensor *t, size_t i, int64_t x) {
    size_t size = w_type_size(t->type);
    memcpy((uint8_t *)t->data + i * size, &x, size); /* little endian */
}

static void put_extreme(const w_tensor *t, size_t i, bool high) {
    size_t bits = 8 * w_type_size(t->type);
    switch (t->type) {
    case WEIR_F16: put_float(t, i, high ? 65504 : -65504); break;
    case WEIR_F32: case WEIR_F64: case WEIR_BF16: put_float(t, i, high ? (double)FLT_MAX : -(double)FLT_MAX); break;
    case WEIR_U8: case WEIR_U16: put_int(t, i, high ? -1 : 0); break;
    case WEIR_BOOL: put_int(t, i, high); break;
    default: put_int(t, i, high ? (int64_t)(UINT64_MAX >> (65 - bits)) : -(int64_t)(UINT64_MAX >> (65 - bits)) - 1);
    }
}

/* ---- data ---- */

/* An operand whose values say what the operator does, rather than being worked on: it keeps the case's data. */
static bool steers(const bench *b, uint32_t i) {
    if (b->node->op == W_OP_Resize) return i > 0;
    if (b->node->op == W_OP_ConstantOfShape || ((b->node->op == W_OP_Clip || b->node->op == W_OP_Dropout) && i)) return true;
    if (i == 0 || is_float(b->c.in[i].type)) return false;
    switch (b->node->op) {
    case W_OP_Add: case W_OP_Sub: case W_OP_Mul: case W_OP_Div: case W_OP_Pow: case W_OP_Min: case W_OP_Max: case W_OP_Sum:
    case W_OP_Concat: case W_OP_PRelu: case W_OP_MatMul: case W_OP_Gemm: return false;
    case W_OP_MatMulInteger: case W_OP_ConvInteger: return i > 1;
    default: return true;
    }
}

static void randomise(bench *b, const w_tensor *t, int64_t least) {
    for (size_t i = 0; i < w_tensor_count(t); i++)
        if (is_float(t->type)) put_float(t, i, 0.25 + 1.5 * ldexp((double)(next(b) >> 11), -53));
        else put_int(t, i, t->type == WEIR_BOOL ? below(b, 2) : least + below(b, 5));
}

/* Codes that differ from every zero point, so that what they are multiplied with counts. */
static void randomise_codes(bench *b) {
    for (uint32_t i = 1; i < b->c.nin; i += 2)
        for (size_t k = 0; b->in[i].data && k < w_tensor_count(&b->in[i]); k++)
            if (b->in[i].type == WEIR_U8) put_int(&b->in[i], k, i == 1 ? (int64_t)(next(b) & 0x55) : -1);
}

static w_tensor copy_of(bench *b, const w_tensor *t) {
    w_tensor c = *t;
    if (!t->data) return c;
    c.data = w_arena_alloc_aligned(&b->arena, W_MAX(w_tensor_bytes(t), 1));
    assert_non_null(c.data);
    memcpy(c.data, t->data, w_tensor_bytes(t));
    return c;
}

static bool run(bench *b, w_tensor *out) {
    weir_error e = {0};
    w_arena scratch;
    w_arena_init(&scratch, b->c.g->ctx);
    weir_status s = w_ref_node(b->c.g, b->node, b->in, out, &scratch, &e);
    w_arena_fini(&scratch);
    if (s != WEIR_OK) print_error("%s: %s\n", b->name, e.message);
    return s == WEIR_OK;
}

/* ---- boxes ---- */

static w_box random_box(bench *b, const w_shape *s) {
    w_box box = {.rank = s->rank};
    for (int k = 0; k < s->rank; k++) {
        int64_t step = below(b, 5) - 1;
        box.step[k] = W_MAX(step, 1);
        box.lo[k] = below(b, s->dim[k]);
        box.n[k] = 1 + below(b, (s->dim[k] - 1 - box.lo[k]) / box.step[k] + 1);
    }
    return box;
}

static bool inside(const w_box *box, const w_shape *s, size_t i) {
    for (int k = s->rank; k-- > 0;) {
        int64_t at = (int64_t)i % s->dim[k] - box->lo[k];
        i /= (size_t)s->dim[k];
        if (at < 0 || at % box->step[k] || at / box->step[k] >= box->n[k]) return false;
    }
    return true;
}

static bool lies_in(const w_box *box, const w_shape *s) {
    if (box->rank != s->rank) return false;
    for (int k = 0; k < s->rank; k++)
        if (box->step[k] < 1 || box->lo[k] < 0 || box->n[k] < 1 || box->lo[k] + box->step[k] * (box->n[k] - 1) >= s->dim[k]) return false;
    return true;
}

static bool same_box(const bench *b, uint32_t o, const w_box *box) {
    const w_tensor *x = &b->out[o], *y = &b->again[o];
    size_t size = w_type_size(x->type);
    for (size_t i = 0; i < w_tensor_count(x); i++)
        if (inside(box, &x->shape, i) && memcmp((uint8_t *)x->data + i * size, (uint8_t *)y->data + i * size, size) != 0) return false;
    return true;
}

static void box_text(const w_box *b, char *out, size_t n) {
    size_t at = 0;
    out[0] = 0;
    for (int k = 0; k < b->rank && at < n; k++)
        at += (size_t)snprintf(out + at, n - at, " %lld+%lldx%lld", (long long)b->lo[k], (long long)b->n[k], (long long)b->step[k]);
}

static bool complain(const bench *b, uint32_t i, const w_box *out, const w_box *in, const char *what) {
    char from[200], to[200];
    box_text(out, to, sizeof to);
    box_text(in, from, sizeof from);
    print_error("%s: input %u, output box%s, input box%s: %s\n", b->name, i, to, from, what);
    return false;
}

/* ---- the two checks ---- */

/* Where no single element need matter: truth values are outvoted, and a case of ONNX clips everything to one number. */
static bool degenerate(const bench *b, uint32_t i) {
    return b->in[i].type == WEIR_BOOL || strcmp(b->name, "test_clip_min_greater_than_max") == 0;
}

/* Fill 0 or 1 of what lies outside. An index must stay one, whatever it selects. */
static void fill(const bench *b, uint32_t i, size_t at, int which) {
    const w_tensor *t = &b->in[i];
    if (is_float(t->type)) put_float(t, at, NAN);
    else if (b->node->op == W_OP_Gather && i == 1) put_int(t, at, which ? -1 : 0);
    else put_int(t, at, t->type == WEIR_BOOL ? which : which ? 3 : 1);
}

static bool check_outside(bench *b, uint32_t o, const w_box *out, uint32_t i, w_tag tag, const w_box *in) {
    w_tensor kept = b->in[i];
    bool ok = true;
    for (int which = 0; ok && which < (is_float(kept.type) ? 1 : 2); which++) {
        size_t filled = 0;
        b->in[i] = copy_of(b, &kept);
        for (size_t at = 0; at < w_tensor_count(&kept); at++) {
            if (tag != W_UNUSED && inside(in, &kept.shape, at)) continue;
            fill(b, i, at, which);
            filled++;
        }
        if (!filled) break;
        b->n->fills++;
        ok = run(b, b->again) && (same_box(b, o, out) || complain(b, i, out, in, "what lies outside changes the output"));
    }
    b->in[i] = kept;
    return ok;
}

static size_t pick(bench *b, const w_box *in, const w_shape *s) {
    size_t at = 0;
    for (int k = 0; k < s->rank; k++) at = at * (size_t)s->dim[k] + (size_t)(in->lo[k] + in->step[k] * below(b, in->n[k]));
    return at;
}

static bool influences(bench *b, uint32_t o, const w_box *out, uint32_t i, size_t at) {
    w_tensor kept = b->in[i];
    bool changed = false;
    for (int high = 0; high < 2 && !changed; high++) {
        b->in[i] = copy_of(b, &kept);
        put_extreme(&b->in[i], at, high);
        changed = run(b, b->again) && !same_box(b, o, out);
    }
    b->in[i] = kept;
    return changed;
}

static bool check_inside(bench *b, uint32_t o, const w_box *out, uint32_t i, const w_box *in) {
    bool ok = true;
    for (int k = 0; k < SAMPLES && ok; k++) {
        b->n->exact++;
        ok = influences(b, o, out, i, pick(b, in, &b->in[i].shape));
        if (!ok) complain(b, i, out, in, "exact, but neither extreme changes the output"), b->n->silent++;
    }
    return ok;
}

static bool check_box(bench *b, uint32_t o, const w_box *out) {
    bool ok = true;
    b->n->boxes++;
    for (uint32_t i = 0; i < b->c.nin; i++) {
        w_box in = {0};
        if (b->c.in_id[i] == W_NONE || w_tensor_count(&b->in[i]) == 0) continue;
        w_tag tag = w_op_get(b->node->op)->map(b->c.g, b->node, o, out, i, &in);
        if (tag != W_UNUSED && !lies_in(&in, &b->in[i].shape)) ok = complain(b, i, out, &in, "not inside the input");
        else {
            ok &= check_outside(b, o, out, i, tag, &in);
            if (tag == W_EXACT && !steers(b, i) && !degenerate(b, i)) ok &= check_inside(b, o, out, i, &in);
        }
    }
    return ok;
}

/* ---- cases ---- */

static bool prepare(bench *b) {
    weir_error e = {0};
    b->node = &b->c.g->node[0];
    if (w_op_get(b->node->op)->infer(b->c.g, &b->c.g->node[0], &e) != WEIR_OK) {
        print_error("%s: %s\n", b->name, e.message);
        return false;
    }
    for (uint32_t i = 0; i < b->c.nin; i++) {
        if (b->c.in_id[i] == W_NONE) continue;
        b->in[i] = copy_of(b, &b->c.in[i]);
        if (!steers(b, i)) randomise(b, &b->in[i], i ? 2 : 20); /* a dividend exceeds its divisor */
    if (b->node->op == W_OP_MatMulNBits) randomise_codes(b);
    }
    for (uint32_t o = 0; o < b->c.nout; o++) {
        if (b->c.out_id[o] == W_NONE) continue;
        const w_value *v = &b->c.g->value[b->c.out_id[o]];
        w_tensor t = {v->type, v->shape, NULL};
        t.data = w_arena_alloc_aligned(&b->arena, W_MAX(w_tensor_bytes(&t), 1));
        assert_non_null(t.data);
        b->out[o] = t;
        b->again[o] = copy_of(b, &t);
    }
    return run(b, b->out);
}

static bool run_case(weir_context *ctx, const json_t *c, counts *n) {
    bench b = {.name = json_string_value(json_object_get(c, "name")), .n = n};
    for (const char *p = b.name; *p; p++) b.seed = b.seed * 131 + (uint8_t)*p;
    op_case_build(ctx, c, &b.c);
    w_arena_init(&b.arena, ctx);
    bool ok = prepare(&b);
    for (uint32_t o = 0; ok && o < b.c.nout; o++) {
        if (b.c.out_id[o] == W_NONE || w_tensor_count(&b.out[o]) == 0) continue;
        for (int k = 0; ok && k < BOXES; k++) {
            w_box box = random_box(&b, &b.out[o].shape);
            ok = check_box(&b, o, &box);
        }
    }
    w_arena_fini(&b.arena);
    w_graph_destroy(b.c.g);
    return ok;
}

static void run_file(weir_context *ctx, const char *path, bool seen[W_OP_COUNT], size_t *ran, size_t *failed, counts *n) {
    json_error_t je;
    json_t *cases = json_load_file(path, 0, &je), *c;
    size_t i;
    if (!cases) fail_msg("%s: %s", path, je.text);
    json_array_foreach(cases, i, c) {
        seen[w_op_find(json_string_value(json_object_get(c, "op")), NULL)] = true;
        *failed += !run_case(ctx, c, n);
        ++*ran;
    }
    json_decref(cases);
}

static void test_maps(void **state) {
    weir_context ctx;
    weir_context_options o = {.struct_size = sizeof o, .threads = 1};
    bool seen[W_OP_COUNT] = {false};
    size_t ran = 0, failed = 0;
    counts n = {0};
    assert_int_equal(w_context_init(&ctx, &o, NULL), WEIR_OK);
    for (int i = 0; i < ncase_path; i++) run_file(&ctx, case_path[i], seen, &ran, &failed, &n);
    for (uint16_t op = 1; op < W_OP_COUNT; op++) {
        if (seen[op]) continue;
        print_error("%s has no instance\n", w_op_get(op)->name);
        failed++;
    }
    print_message("%zu cases of %d operators: %zu boxes, %zu fills outside, %zu samples inside exact boxes (%zu silent); %zu cases failed\n",
                  ran, W_OP_COUNT - 1, n.boxes, n.fills, n.exact, n.silent, failed);
    assert_int_equal(ctx.live, 0);
    w_context_fini(&ctx);
    assert_int_equal(failed, 0);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_maps)};
    case_path = (const char *const *)argv + 1;
    ncase_path = argc - 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
