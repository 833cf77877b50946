/* Every way to run every operator, against its reference. Usage: test-steps SET CASES.json ...
 *
 * Each case (op_case.h) becomes a small graph in several variants: as it is, channels-last, quantised, with quantised weights only, with
 * operands that are known only at run time. A backend that hides the first ways makes the planner take each way in turn. Floats must agree
 * within the rounding of the reduction, 8-bit results within one step; inputs must keep their bytes, and no step may announce
 * less traffic than it needs. At the end every way must have run. */
#include "op_case.h"
#include "planner.h"
#include "run.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { V_LAST = 1, V_QUANT = 2, V_DYNAMIC = 4, V_NARROW = 8, V_ALL = 16 };
#define MOST_IMPLS 256

static const char *const *case_path;
static int ncase_path;
static const char *cpu_set;

/* ---- the backend under test ---- */

static uint16_t test_op;
static size_t test_skip;
static const w_impl *const *some_impls(uint16_t op) {
    const w_impl *const *all = w_backend_cpu.impls(op);
    return op == test_op ? all + test_skip : all;
}
static weir_status share(w_plan *p, weir_error *e) { return w_backend_cpu.share(p, e); }
static bool rows_apart(const w_impl *impl) { return w_backend_cpu.rows_apart(impl); }
static const w_backend some_backend = {"some", some_impls, share, rows_apart};

static const w_impl *ran[MOST_IMPLS];
static size_t nran, nruns;

static void note(const w_impl *impl) {
    nruns++;
    for (size_t i = 0; i < nran; i++)
        if (ran[i] == impl) return;
    assert_true(nran < MOST_IMPLS);
    ran[nran++] = impl;
}

static size_t failures;
#define COMPLAIN(v, impl, ...) \
    (failures++, print_error("%s (variant %u) by %s: ", (v)->name, (v)->flags, (impl)->name), print_error(__VA_ARGS__), print_error("\n"))

/* ---- building a variant ---- */

typedef struct variant {
    const char *name;
    unsigned flags;
    op_case c;                 /* the case as it is */
    w_graph *g;                /* the variant */
    w_tensor feed[OP_CASE_MOST]; /* by graph input */
    weir_error e;
} variant;

#define OK(call) do { if ((call) != WEIR_OK) fail_msg("%s (variant %u): %s", v->name, v->flags, v->e.message); } while (0)

static bool is_one_of(uint16_t op, const uint16_t *list) {
    for (; *list; list++)
        if (*list == op) return true;
    return false;
}

/* Operators of which all inputs may be data. */
static bool takes_data(uint16_t op) {
    static const uint16_t list[] = {W_OP_Add, W_OP_Sub, W_OP_Mul, W_OP_Div, W_OP_Pow, W_OP_Min, W_OP_Max, W_OP_Sum, W_OP_PRelu,
                                    W_OP_MatMul, W_OP_Gemm, W_OP_Concat, W_OP_Attention, 0};
    return is_one_of(op, list);
}

static bool may_quantise(uint16_t op) {
    static const uint16_t list[] = {
        W_OP_Conv, W_OP_Gemm, W_OP_MatMul, W_OP_MaxPool, W_OP_AveragePool, W_OP_GlobalAveragePool, W_OP_GlobalMaxPool, W_OP_Relu,
        W_OP_LeakyRelu, W_OP_Elu, W_OP_Clip, W_OP_Sigmoid, W_OP_HardSigmoid, W_OP_HardSwish, W_OP_Tanh, W_OP_Gelu, W_OP_Abs,
        W_OP_Neg, W_OP_Add, W_OP_Sub, W_OP_Mul, W_OP_Min, W_OP_Max, W_OP_Sum, W_OP_Reshape, W_OP_Flatten, W_OP_Transpose,
        W_OP_Concat, W_OP_Slice, W_OP_Split, W_OP_Pad, W_OP_Expand, W_OP_Gather, W_OP_Identity, W_OP_Squeeze, W_OP_Unsqueeze,
        W_OP_Softmax, W_OP_ReduceMean, W_OP_Resize, W_OP_DepthToSpace, W_OP_SpaceToDepth, 0};
    return is_one_of(op, list);
}

/* Operators that keep stored elements, so that result and operands share one quantisation. */
static bool keeps_elements(uint16_t op) {
    static const uint16_t list[] = {W_OP_MaxPool, W_OP_Reshape, W_OP_Flatten, W_OP_Transpose, W_OP_Concat, W_OP_Slice, W_OP_Split,
                                    W_OP_Pad, W_OP_Expand, W_OP_Gather, W_OP_Identity, W_OP_Squeeze, W_OP_Unsqueeze, 0};
    return is_one_of(op, list);
}

static bool has_weights(uint16_t op, uint32_t i) { return i == 1 && (op == W_OP_Conv || op == W_OP_Gemm || op == W_OP_MatMul); }

static w_quant *new_quant(variant *v, uint32_t n, int32_t axis) {
    w_quant *q = w_arena_alloc(&v->g->arena, sizeof *q);
    float *scale = w_arena_array(&v->g->arena, n, sizeof *scale);
    int32_t *zero = w_arena_array(&v->g->arena, n, sizeof *zero);
    assert_true(q && scale && zero);
    *q = (w_quant){n, axis, scale, zero};
    return q;
}

/* u8 over the range of the numbers. */
static w_quant *range_quant(variant *v, const w_tensor *t, size_t n) {
    float lo = 0, hi = 1e-3f;
    const float *x = t->data;
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i])) lo = fminf(lo, x[i]), hi = fmaxf(hi, x[i]);
    w_quant *q = new_quant(v, 1, 0);
    *(float *)q->scale = (hi - lo) / 255.0f;
    *(int32_t *)q->zero = (int32_t)rintf(-lo / q->scale[0]);
    return q;
}

static w_id fresh(variant *v) {
    w_id id;
    OK(w_graph_add_value(v->g, "", &id, &v->e));
    return id;
}

static void add_node(variant *v, uint16_t op, const w_id *in, uint32_t nin, const w_id *out, uint32_t nout, void *attr) {
    w_id node;
    OK(w_graph_add_node(v->g, op, "", in, nin, out, nout, attr, &node, &v->e));
}

static w_id add_const(variant *v, w_type type, const w_shape *s, const void *data, size_t bytes) {
    void *copy = w_arena_alloc_aligned(&v->g->arena, W_MAX(bytes, (size_t)1));
    w_id id;
    assert_non_null(copy);
    memcpy(copy, data, bytes);
    OK(w_graph_add_const(v->g, "", type, s, copy, &id, &v->e));
    return id;
}

/* One node from value to value; the result has this type, quantisation and layout. */
static w_id convert(variant *v, uint16_t op, w_id from, const w_quant *q, w_type type, const w_quant *now, w_layout layout) {
    static const w_shape scalar = {.known = true};
    w_id in[3] = {from, W_NONE, W_NONE}, out = fresh(v);
    uint8_t zero = q ? (uint8_t)q->zero[0] : 0;
    if (q) {
        in[1] = add_const(v, WEIR_F32, &scalar, q->scale, sizeof(float));
        in[2] = add_const(v, WEIR_U8, &scalar, &zero, 1);
    }
    add_node(v, op, in, q ? 3 : 1, &out, 1, w_op_attr_new(v->g, (w_op)op));
    v->g->value[out].type = type;
    v->g->value[out].quant = now;
    v->g->value[out].layout = layout;
    return out;
}

/* Weights as s8 with a scale per output channel. */
static w_id quantised_weights(variant *v, const w_node *n, const w_tensor *t) {
    uint8_t rank = t->shape.rank;
    int32_t axis = n->op == W_OP_Conv ? 0 : rank - 1;
    if (n->op == W_OP_Gemm && ((const w_gemm_attr *)n->attr)->transB) axis = 0;
    uint32_t channels = (uint32_t)t->shape.dim[axis];
    size_t count = w_tensor_count(t), inner = 1;
    for (int d = axis + 1; d < rank; d++) inner *= (size_t)t->shape.dim[d];
    w_quant *q = new_quant(v, channels, axis);
    int8_t *data = w_arena_alloc_aligned(&v->g->arena, count + 1);
    assert_non_null(data);
    for (size_t i = 0; i < count; i++) {
        float *s = (float *)&q->scale[i / inner % channels];
        *s = fmaxf(*s, fabsf(((const float *)t->data)[i]) / 127.0f + 1e-6f);
    }
    for (size_t i = 0; i < count; i++) data[i] = (int8_t)rintf(((const float *)t->data)[i] / q->scale[i / inner % channels]);
    w_id id = add_const(v, WEIR_S8, &t->shape, data, count);
    v->g->value[id].quant = q;
    return id;
}

static w_id add_input(variant *v, const w_tensor *t) {
    char name[32];
    w_id id;
    snprintf(name, sizeof name, "x%zu", v->g->ninput);
    v->feed[v->g->ninput] = *t;
    OK(w_graph_add_input(v->g, name, t->type, &t->shape, &id, &v->e));
    return id;
}

static w_layout layout_for(const variant *v, const w_shape *s) { return v->flags & V_LAST && s->rank == 4 ? W_NHWC : W_ROW; }

static w_id operand(variant *v, const w_node *n, uint32_t i, const w_quant *shared) {
    const w_tensor *t = &v->c.in[i];
    bool late = w_has_late_scale(n) && i >= W_IN_SCALE;
    bool residual = i == 3 && (n->op == W_OP_Conv || n->op == W_OP_Gemm), most = (i < 2 || n->op != W_OP_Gemm) && !late;
    bool data = late || (t->type == WEIR_F32 && (i == 0 || residual || (takes_data(n->op) && most && v->flags & V_DYNAMIC)));
    bool quant = v->flags & V_QUANT && t->type == WEIR_F32 && (i == 0 || residual || (takes_data(n->op) && most && i != 2));
    if (n->in[i] == W_NONE) return W_NONE;
    bool bytes = v->flags & V_QUANT && v->flags & V_DYNAMIC && takes_data(n->op); /* two matrices of bytes */
    if (v->flags & (V_QUANT | V_NARROW) && has_weights(n->op, i) && !bytes) return quantised_weights(v, n, t);
    if (i && !data && !quant) return add_const(v, t->type, &t->shape, t->data, w_tensor_bytes(t));
    if (n->op == W_OP_ConstantOfShape) return add_const(v, t->type, &t->shape, t->data, w_tensor_bytes(t));
    w_id id = add_input(v, t);
    const w_quant *q = quant ? (shared ? shared : range_quant(v, t, w_tensor_count(t))) : NULL;
    if (q) id = convert(v, W_OP_QuantizeLinear, id, q, WEIR_U8, q, W_ROW);
    if (layout_for(v, &t->shape) == W_NHWC) id = convert(v, W_OP_Layout, id, NULL, v->g->value[id].type, q, W_NHWC);
    return id;
}

/* The value that the node writes, then what brings it back to row-major real numbers; want: what the case expects. */
static w_id result(variant *v, const w_value *want, const w_quant *q, w_id *last) {
    w_id own = fresh(v);
    w_value *o = &v->g->value[own];
    o->layout = layout_for(v, &want->shape);
    bool quant = q && want->type == WEIR_F32;
    if (quant) o->type = WEIR_U8, o->quant = q;
    *last = own;
    return own;
}

static void finish_result(variant *v, w_id own, w_id last) {
    w_value o = v->g->value[own];
    if (o.layout == W_NHWC) last = convert(v, W_OP_Layout, last, NULL, o.type, o.quant, W_ROW);
    if (o.quant) last = convert(v, W_OP_DequantizeLinear, last, o.quant, WEIR_F32, NULL, W_ROW);
    OK(w_graph_add_output(v->g, last, &v->e));
}

static void build_variant(weir_context *ctx, variant *v, const w_tensor *expected) {
    const w_node *n = &v->c.g->node[0];
    w_id in[OP_CASE_MOST], out[OP_CASE_MOST], last[OP_CASE_MOST];
    OK(w_graph_create(ctx, "variant", &v->g, &v->e));
    v->g->opset = v->c.g->opset;
    const w_quant *shared = NULL;
    if (v->flags & V_QUANT && keeps_elements(n->op)) shared = range_quant(v, &v->c.in[0], w_tensor_count(&v->c.in[0]));
    for (uint32_t i = 0; i < n->nin; i++) in[i] = operand(v, n, i, shared);
    for (uint32_t o = 0; o < n->nout; o++) {
        out[o] = W_NONE;
        if (n->out[o] == W_NONE) continue;
        const w_value *want = &v->c.g->value[n->out[o]];
        const w_quant *q = !(v->flags & V_QUANT) ? NULL : shared ? shared : range_quant(v, &expected[o], w_tensor_count(&expected[o]));
        out[o] = result(v, want, q, &last[o]);
    }
    add_node(v, n->op, in, n->nin, out, n->nout, w_op_attr_clone(v->g, (w_op)n->op, n->attr));
    for (uint32_t o = 0; o < n->nout; o++)
        if (out[o] != W_NONE) finish_result(v, out[o], last[o]);
    OK(w_pass_infer(v->g, &v->e));
}

/* ---- running ---- */

static w_plan *make_plan(weir_context *ctx, variant *v) {
    w_plan *p = w_calloc(ctx, 1, sizeof *p);
    w_graph *g;
    assert_non_null(p);
    p->ctx = ctx;
    p->options.threads = 1;
    w_arena_init(&p->arena_mem, ctx);
    OK(w_graph_clone(v->g, &g, &v->e));
    p->graph = g;
    OK(w_plan_own_outputs(g, &v->e));
    bool *is_step = calloc(g->nnode + 1, sizeof *is_step);
    assert_non_null(is_step);
    OK(w_plan_place(p, is_step, &v->e));
    OK(w_plan_choose(p, is_step, &v->e));
    free(is_step);
    OK(w_plan_memory(p, &v->e));
    OK(w_plan_ledger(p, &v->e));
    return p;
}

static double real_at(const w_tensor *t, size_t i) {
    switch (t->type) {
    case WEIR_F32: return ((const float *)t->data)[i];
    case WEIR_F16: return w_f16_to_f32(((const uint16_t *)t->data)[i]);
    default: return 0;
    }
}

/* Largest accepted difference of a float result. */
static double slack(const variant *v, const w_tensor *want, const w_value *own) {
    double most = 0;
    for (size_t i = 0; i < w_tensor_count(want); i++)
        if (isfinite(real_at(want, i))) most = fmax(most, fabs(real_at(want, i)));
    if (own->quant) return 1.01 * (double)own->quant->scale[0];
    return want->type == WEIR_F16 ? 2e-3 * most : 2e-6 + 1e-5 * most;
}

static void compare(const variant *v, const w_impl *impl, const w_tensor *want, const void *data, double allowed) {
    w_tensor got = *want;
    got.data = (void *)data;
    bool floats = want->type == WEIR_F32 || want->type == WEIR_F16;
    if (!floats) {
        if (memcmp(want->data, data, w_tensor_bytes(want)) != 0) COMPLAIN(v, impl, "other bytes");
        return;
    }
    for (size_t i = 0; i < w_tensor_count(want); i++) {
        double a = real_at(want, i), b = real_at(&got, i);
        bool same = isnan(a) ? isnan(b) : isinf(a) ? a == b : fabs(a - b) <= allowed;
        if (same) continue;
        COMPLAIN(v, impl, "element %zu is %.9g, expected %.9g within %.3g", i, b, a, allowed);
        return;
    }
}

/* The step of the operator under test, or NULL when the planner needs none. */
static const w_step *step_of(const w_plan *p) {
    for (size_t i = 0; i < p->nstep; i++)
        if (p->graph->node[p->step[i].node].op == test_op) return &p->step[i];
    return NULL;
}

/* What the access maps say that a step reads, constants left out, and what it writes. */
static double least_bytes(const w_plan *p, const w_node *n) {
    double bytes = 0;
    w_box all, in;
    for (uint32_t o = 0; o < n->nout; o++) {
        if (n->out[o] == W_NONE) continue;
        const w_value *y = &p->graph->value[n->out[o]];
        bytes += (double)w_value_bytes(p->graph, n->out[o]);
        all = (w_box){.rank = y->shape.rank};
        for (int d = 0; d < y->shape.rank; d++) all.n[d] = y->shape.dim[d], all.step[d] = 1;
        for (uint32_t i = 0; i < n->nin; i++) {
            if (n->in[i] == W_NONE || p->graph->value[n->in[i]].kind == W_VALUE_CONST || w_op_get(n->op)->map(p->graph, n, o, &all, i, &in) == W_UNUSED) continue;
            double box = (double)w_type_size(p->graph->value[n->in[i]].type);
            for (int d = 0; d < in.rank; d++) box *= (double)in.n[d];
            bytes += box;
        }
    }
    return bytes;
}

/* Instructions load what is needed at least once, and store the results. */
static void check_traffic(const variant *v, const w_plan *p, const w_step *s) {
    double least = fmin(s->bytes.compulsory, least_bytes(p, &p->graph->node[s->node]));
    if (s->bytes.level[W_L1] < least)
        COMPLAIN(v, s->impl, "announces %.0f bytes, at least %.0f move", s->bytes.level[W_L1], least);
}

static void run_plan(variant *v, w_plan *p, const w_impl *impl, const w_tensor *values) {
    w_exec *x;
    OK(w_exec_create(p, false, &x, &v->e));
    for (size_t i = 0; i < v->g->ninput; i++) memcpy(x->input[i], v->feed[i].data, w_tensor_bytes(&v->feed[i]));
    for (int round = 0; round < 2; round++) OK(w_exec_run(x, &v->e)); /* the second finds a used arena */
    for (size_t i = 0; i < v->g->ninput; i++)
        if (memcmp(x->input[i], v->feed[i].data, w_tensor_bytes(&v->feed[i])) != 0)
            COMPLAIN(v, impl, "input %zu was overwritten", i);
    const w_node *n = NULL;
    for (size_t i = 0; i < v->g->nnode; i++)
        if (v->g->node[i].op == test_op) n = &v->g->node[i];
    uint32_t at = 0;
    for (uint32_t o = 0; o < n->nout; o++) {
        if (n->out[o] == W_NONE) continue;
        const w_tensor *want = &values[v->g->output[at]];
        compare(v, impl, want, x->output[at], slack(v, want, &v->g->value[n->out[o]]));
        at++;
    }
    w_exec_destroy(x);
}

/* Every way that does not refuse, from the first on. */
static void run_ways(weir_context *ctx, variant *v) {
    w_arena a;
    w_arena_init(&a, ctx);
    w_tensor *values = w_arena_array(&a, v->g->nvalue, sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < v->g->ninput; i++) values[v->g->input[i]] = v->feed[i];
    OK(w_ref_graph(v->g, values, &a, &v->e));
    const w_impl *const *all = w_backend_cpu.impls(test_op);
    for (test_skip = 0; all[test_skip]; test_skip++) {
        w_plan *p = make_plan(ctx, v);
        const w_step *s = step_of(p);
        if (s) {
            while (all[test_skip] != s->impl) test_skip++;
            note(s->impl);
            check_traffic(v, p, s);
            run_plan(v, p, s->impl, values);
        }
        w_plan_destroy(p);
        if (!s) break;
    }
    w_arena_fini(&a);
}

/* ---- cases ---- */

static bool wanted(const op_case *c, unsigned flags, bool has_image) {
    const w_node *n = &c->g->node[0];
    bool real = c->nin > 0 && (c->in[0].type == WEIR_F32 || w_has_late_scale(n));
    if (n->op == W_OP_QuantizeLinear || n->op == W_OP_DequantizeLinear || n->op == W_OP_Layout) return flags == 0;
    if (flags & V_NARROW && (flags != V_NARROW || (n->op != W_OP_MatMul && n->op != W_OP_Gemm) || !real || c->in[1].type != WEIR_F32)) return false;
    if (flags & V_QUANT && c->nin > 1 && has_weights(n->op, 1) && c->in[1].type != WEIR_F32) return false;
    if (flags & V_LAST && !has_image) return false;
    if (flags & V_QUANT && !(real && may_quantise(n->op))) return false;
    return !(flags & V_DYNAMIC) || (real && takes_data(n->op));
}

/* Steps see explicit pads only; false when the node becomes another. */
static bool explicit_pads(op_case *c) {
    const w_op_def *def = w_op_get(c->g->node[0].op);
    uint16_t op = c->g->node[0].op;
    weir_error e;
    for (uint32_t i = 0; i < def->nattrs; i++)
        if (strcmp(def->attrs[i].name, "auto_pad") == 0) {
            assert_int_equal(w_pass_normalise(c->g, &e), WEIR_OK);
            return c->g->nnode == 1 && c->g->node[0].op == op;
        }
    return true;
}

/* Numbers of our own for a case that has none. */
static void fill(const w_tensor *t) {
    uint32_t x = 12345;
    for (size_t i = 0; i < w_tensor_count(t); i++) {
        x = x * 1664525u + 1013904223u;
        if (t->type == WEIR_F32) ((float *)t->data)[i] = (float)(x >> 8) * 0x1p-23f - 1.0f;
        else if (t->type == WEIR_BF16) ((uint16_t *)t->data)[i] = (uint16_t)(0x3f00 | x >> 25 | (x & 1) << 15);
        else ((uint8_t *)t->data)[i] = (uint8_t)(x >> 24);
    }
}

/* The results of the case as it is. */
static void reference(op_case *c, w_tensor *out) {
    weir_error e = {0};
    w_tensor *values = w_arena_array(&c->g->arena, c->g->nvalue, sizeof *values);
    assert_non_null(values);
    for (uint32_t k = 0; k < c->nin; k++)
        if (c->in_id[k] != W_NONE) values[c->in_id[k]] = c->in[k];
    if (w_ref_graph(c->g, values, &c->g->arena, &e) != WEIR_OK) fail_msg("%s", e.message);
    for (uint32_t o = 0; o < c->nout; o++)
        if (c->out_id[o] != W_NONE) out[o] = values[c->out_id[o]];
}

static void run_case(weir_context *ctx, const json_t *j) {
    op_case c;
    weir_error e = {0};
    w_tensor expected[OP_CASE_MOST];
    op_case_build(ctx, j, &c);
    if (w_pass_infer(c.g, &e) != WEIR_OK) fail_msg("%s: %s", json_string_value(json_object_get(j, "name")), e.message);
    bool has_image = false;
    bool kept = explicit_pads(&c);
    for (uint32_t k = 0; k < c.nin; k++) {
        has_image |= c.in[k].data && c.in[k].shape.rank == 4;
        if ((c.in[k].type == WEIR_F32 || c.in[k].type == WEIR_BF16 || c.in[k].type == WEIR_U8) && !json_object_get(json_array_get(json_object_get(j, "in"), k), "x")) fill(&c.in[k]);
    }
    if (kept) reference(&c, expected);
    test_op = c.g->node[0].op;
    for (unsigned flags = 0; kept && flags < V_ALL; flags++) {
        if (!wanted(&c, flags, has_image)) continue;
        variant v = {.name = json_string_value(json_object_get(j, "name")), .flags = flags, .c = c};
        build_variant(ctx, &v, expected);
        run_ways(ctx, &v);
        w_graph_destroy(v.g);
    }
    w_graph_destroy(c.g);
}

static weir_context *make_context(void) {
    weir_context_options o = weir_context_options_default();
    weir_context *ctx;
    weir_error e;
    o.cpu = cpu_set;
    o.threads = 1;
    if (weir_context_create(&o, &ctx, &e) != WEIR_OK) fail_msg("%s", e.message);
    ctx->backend = &some_backend;
    return ctx;
}

static void test_all_ways(void **state) {
    (void)state;
    weir_context *ctx = make_context();
    const w_machine *m;
    assert_int_equal(w_machine_get(ctx, false, &m, NULL), WEIR_OK);
    size_t live = ctx->live;
    for (int f = 0; f < ncase_path; f++) {
        json_error_t je;
        json_t *cases = json_load_file(case_path[f], 0, &je), *j;
        size_t i;
        if (!cases) fail_msg("%s: %s", case_path[f], je.text);
        json_array_foreach(cases, i, j) run_case(ctx, j);
        json_decref(cases);
    }
    assert_int_equal(ctx->live, live);
    weir_context_destroy(ctx);
    assert_int_equal(failures, 0);
}

static bool was_run(const w_impl *impl) {
    for (size_t i = 0; i < nran; i++)
        if (ran[i] == impl) return true;
    return false;
}

/* Winograd wants larger images than the cases have (weir-check and the models hold it); 0 / 0 has no 8-bit meaning. */
static bool is_excused(const w_impl *impl) {
    return !strcmp(impl->name, "conv_f32_winograd") || !strcmp(impl->name, "conv_u8_winograd") || !strcmp(impl->name, "div_u8");
}

static void test_no_way_is_left_out(void **state) {
    (void)state;
    size_t all = 0, missing = 0;
    for (uint16_t op = 1; op < W_OP_COUNT; op++)
        for (const w_impl *const *p = w_backend_cpu.impls(op); *p; p++, all++) {
            if (was_run(*p) || is_excused(*p)) continue;
            missing++;
            print_error("not run on %s: %s of %s\n", cpu_set, (*p)->name, w_op_get(op)->name);
        }
    print_message("%zu of %zu ways, %zu runs\n", all - missing, all, nruns);
    assert_int_equal(missing, 0);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_ways), cmocka_unit_test(test_no_way_is_left_out)};
    uint32_t flags;
    if (argc < 3) return WEIR_USAGE;
    cpu_set = argv[1];
    if (w_cpu_cap(w_cpu_detect(), cpu_set, &flags, NULL) != WEIR_OK || strcmp(w_cpu_name(flags), cpu_set) != 0) {
        printf("the machine lacks the instruction set %s\n", cpu_set);
        return 77;
    }
    case_path = (const char *const *)argv + 2;
    ncase_path = argc - 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
