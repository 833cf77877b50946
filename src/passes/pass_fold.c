/* fold: nodes whose inputs are all constant become constants, through the operators' references.
 *
 * Shapes are inferred on the way, node by node, since a folded Reshape operand decides the shapes behind it.
 * Bounded: a result is at most 64 MiB or no larger than its inputs, all results of one call together at most
 * MAX_GROWTH more than what they replace, and no node costs more than MAX_WORK multiply-adds.
 * Quantised and coded constants stay what they are: DequantizeLinear is pass_qdq's. */
#include "passutil.h"
#include <string.h>

#define MAX_RESULT ((size_t)64 << 20)
#define MAX_GROWTH ((size_t)256 << 20)
#define MAX_WORK ((int64_t)1 << 31)

typedef struct folder {
    w_graph *g;
    w_arena scratch;
    w_uses uses;
    size_t growth;
} folder;

static bool inputs_constant(const w_graph *g, const w_node *n) {
    if (n->op == W_OP_Shape && w_shape_bound(&g->value[n->in[0]].shape)) return true;
    for (uint32_t i = 0; i < n->nin; i++) {
        if (n->in[i] == W_NONE) continue;
        const w_value *v = &g->value[n->in[i]];
        if (v->kind != W_VALUE_CONST || v->quant || v->coding) return false;
    }
    return true;
}

/* Sums the bytes of both ends; false when an output is absent, unknown, quantised or a graph output. */
static bool measure(const folder *f, const w_node *n, size_t *in, size_t *out) {
    const w_graph *g = f->g;
    *in = *out = 0;
    for (uint32_t i = 0; i < n->nin; i++)
        if (n->in[i] != W_NONE && !w_add_size(*in, w_value_bytes(g, n->in[i]), in)) return false;
    for (uint32_t i = 0; i < n->nout; i++) {
        if (n->out[i] == W_NONE || g->value[n->out[i]].quant || f->uses.output[n->out[i]]) return false;
        if (!w_shape_bound(&g->value[n->out[i]].shape) || !w_add_size(*out, w_value_bytes(g, n->out[i]), out)) return false;
    }
    return true;
}

static bool may_fold(folder *f, const w_node *n) {
    size_t in, out;
    if (n->op == W_OP_DequantizeLinear || !inputs_constant(f->g, n) || !measure(f, n, &in, &out)) return false;
    if (out > MAX_RESULT && out > in) return false;
    size_t growth = f->growth + (out > in ? out - in : 0);
    if (growth > MAX_GROWTH || w_node_work(f->g, n) > MAX_WORK) return false;
    f->growth = growth;
    return true;
}

/* The operand as a tensor; data that the mapping left unaligned is copied. Shape alone reads what is not constant, and no
 * data of it. */
static weir_status operand(folder *f, w_id id, w_tensor *t, weir_error *e) {
    const w_value *v = &f->g->value[id];
    static const char no_data[8];
    *t = (w_tensor){v->type, v->shape, NULL};
    if (v->kind != W_VALUE_CONST) return WEIR_OK;
    t->data = (void *)(v->data ? v->data : no_data);
    if ((uintptr_t)v->data % w_type_size(v->type) == 0) return WEIR_OK;
    size_t bytes = w_value_bytes(f->g, id);
    t->data = w_arena_alloc_aligned(&f->scratch, W_MAX(bytes, 1));
    if (!t->data) return w_oom(e, bytes, "a constant");
    memcpy(t->data, v->data, bytes);
    return WEIR_OK;
}

static weir_status results(folder *f, const w_node *n, w_tensor *out, weir_error *e) {
    for (uint32_t i = 0; i < n->nout; i++) {
        const w_value *v = &f->g->value[n->out[i]];
        size_t bytes = w_value_bytes(f->g, n->out[i]);
        void *data = w_arena_alloc_aligned(&f->g->arena, W_MAX(bytes, 1));
        if (!data) return w_oom(e, bytes, "a folded constant");
        out[i] = (w_tensor){v->type, v->shape, data};
    }
    return WEIR_OK;
}

static weir_status fold_node(folder *f, w_id k, weir_error *e) {
    w_node *n = &f->g->node[k];
    w_tensor *in = w_arena_array(&f->scratch, W_MAX(n->nin, 1), sizeof *in);
    w_tensor *out = w_arena_array(&f->scratch, W_MAX(n->nout, 1), sizeof *out);
    if (!in || !out) return w_oom(e, ((size_t)n->nin + n->nout) * sizeof *in, "folding");
    for (uint32_t i = 0; i < n->nin; i++)
        if (n->in[i] != W_NONE) W_TRY(operand(f, n->in[i], &in[i], e));
    W_TRY(results(f, n, out, e));
    weir_status s = w_ref_node(f->g, n, in, out, &f->scratch, e);
    if (s != WEIR_OK) return w_fail_prefix(e, s, "node '%s' (%s)", w_node_label(f->g, n), w_op_get(n->op)->name);
    for (uint32_t i = 0; i < n->nout; i++) {
        w_value *v = &f->g->value[n->out[i]];
        v->kind = W_VALUE_CONST;
        v->producer = W_NONE;
        v->data = out[i].data;
    }
    w_node_kill(f->g, k);
    return WEIR_OK;
}

static weir_status fold_all(folder *f, weir_error *e) {
    w_graph *g = f->g;
    for (size_t k = 0; k < g->nnode; k++) {
        if (!g->node[k].op) continue;
        if (w_cancelled(g->ctx)) return w_fail(e, WEIR_INTERRUPTED, "cancelled");
        W_TRY(w_infer_node(g, (w_id)k, e));
        if (!may_fold(f, &g->node[k])) continue;
        w_arena_init(&f->scratch, g->ctx);
        weir_status s = fold_node(f, (w_id)k, e);
        w_arena_fini(&f->scratch);
        if (s != WEIR_OK) return s;
    }
    return WEIR_OK;
}

weir_status w_pass_fold(w_graph *g, weir_error *e) {
    folder f = {.g = g};
    w_arena a;
    w_arena_init(&a, g->ctx);
    weir_status s = w_graph_uses(g, &a, &f.uses, e);
    if (s == WEIR_OK) s = fold_all(&f, e);
    w_arena_fini(&a);
    return s;
}
