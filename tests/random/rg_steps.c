/* The steps of one run, each against the reference on its own operands, so that nothing adds up: float results within the
 * bound of a single operator, 8-bit results within one step, other integers exactly. Between CPU sets integer results are
 * the same bits wherever their operands are (docs/decisions/0003). */
#include "rg_run.h"
#include "hash.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct walk {
    const w_plan *plan;
    const w_exec *exec;
    w_tensor *value;    /* by value id, what the run left */
    rg_known *known;
    const char *set;
    rg_report *report;
} walk;

static void collect(walk *w) {
    const w_bindings b = {.ctx = w->plan->ctx, .arena = w->exec->arena, .input = w->exec->input, .output = w->exec->output};
    const w_graph *g = w->plan->graph;
    for (w_id v = 0; v < g->nvalue; v++) {
        const w_loc *l = &w->plan->value_loc[v];
        const void *data = g->value[v].kind == W_VALUE_CONST ? g->value[v].data : l->place == W_PLACE_NONE ? NULL : w_loc_ptr(l, &b);
        if (w_shape_count(&g->value[v].shape) < 0) continue;
        w->value[v] = (w_tensor){g->value[v].type, g->value[v].shape, (void *)data};
        if (data) rg_measure(&g->value[v], &w->value[v], &w->known[v]);
        w->known[v].err = 0;
    }
}

static bool whole(w_type t) { return t != WEIR_F32 && t != WEIR_F16 && t != WEIR_BF16 && t != WEIR_F64; }

static double allowed(const walk *w, const w_node *n, w_id v) {
    const w_value *value = &w->plan->graph->value[v];
    if (value->quant) return 1.01 * (double)value->quant->scale[0];
    if (whole(value->type)) return n->op == W_OP_QuantizeLinear ? 1 : 0;
    return w->known[v].err;
}

static bool compare(const walk *w, const w_step *s, const w_node *n, w_id v, const w_tensor *want) {
    const w_value *value = &w->plan->graph->value[v];
    double most = allowed(w, n, v);
    for (size_t i = 0, count = w_tensor_count(want); i < count; i++) {
        double a = rg_real_at(value, &w->value[v], i), b = rg_real_at(value, want, i);
        bool same = isnan(b) ? isnan(a) : isinf(b) ? a == b : fabs(a - b) <= most;
        if (same || isinf(most)) continue;
        return rg_complain(w->report, "step", "%s: %s '%s' by %s %s: element %zu in storage order is %.9g, its reference gives %.9g, allowed %.3g", w->set,
                           w_op_get(n->op)->name, w_node_label(w->plan->graph, n), s->impl->name, s->kernel ? s->kernel : "", i, a, b, most);
    }
    return true;
}

static bool check_step(walk *w, const w_step *s) {
    const w_graph *g = w->plan->graph;
    const w_node *n = &g->node[s->node];
    w_arena a;
    weir_error e = {0};
    bool good = true, readable = true;
    w_arena_init(&a, w->plan->ctx);
    w_tensor *in = w_arena_array(&a, (size_t)n->nin + n->nout + 1, sizeof *in), *out = in + n->nin;
    for (uint32_t i = 0; in && i < n->nin; i++) {
        in[i] = n->in[i] == W_NONE ? (w_tensor){0} : w->value[n->in[i]];
        readable &= n->in[i] == W_NONE || in[i].data;
    }
    for (uint32_t o = 0; in && o < n->nout; o++) {
        if (n->out[o] == W_NONE) continue;
        out[o] = w->value[n->out[o]];
        readable &= out[o].data != NULL;
        out[o].data = w_arena_alloc_aligned(&a, w_tensor_bytes(&out[o]) + 1);
    }
    if (in && readable) {
        if (w_ref_node(g, n, in, out, &a, &e) != WEIR_OK) good = rg_complain(w->report, "step", "%s: reference: %s", w->set, e.message);
        else rg_bound(g, n, w->known, w->value);
        for (uint32_t o = 0; good && o < n->nout; o++)
            if (n->out[o] != W_NONE) good = compare(w, s, n, n->out[o], &out[o]);
        for (uint32_t o = 0; o < n->nout; o++)
            if (n->out[o] != W_NONE) w->known[n->out[o]].err = 0;
    }
    w_arena_fini(&a);
    return good;
}

/* ---- between CPU sets ---- */

static uint64_t hash_of(const walk *w, w_id v) { return w_hash64(w->value[v].data, w_tensor_bytes(&w->value[v]), 0); }

static bool mark_all(const walk *w, rg_marks *own) {
    const w_graph *g = w->plan->graph;
    own->v = calloc(g->nvalue + 1, sizeof *own->v);
    own->n = 0;
    for (w_id v = 0; own->v && v < g->nvalue; v++) {
        if (!w->value[v].data || g->value[v].kind == W_VALUE_CONST) continue;
        snprintf(own->v[own->n].name, sizeof own->v[0].name, "%s", w_value_name(g, v));
        own->v[own->n++].hash = hash_of(w, v);
    }
    return own->v != NULL;
}

/* 1: same bits, 0: other bits, -1: not there. */
static int same_there(const walk *w, const rg_marks *other, w_id v) {
    const char *name = w_value_name(w->plan->graph, v);
    if (w->plan->graph->value[v].kind == W_VALUE_CONST) return 1;
    for (size_t i = 0; w->value[v].data && i < other->n; i++)
        if (strcmp(other->v[i].name, name) == 0) return other->v[i].hash == hash_of(w, v);
    return -1;
}

static bool compare_set(const walk *w, const w_step *s, const rg_marks *other) {
    const w_node *n = &w->plan->graph->node[s->node];
    for (uint32_t i = 0; i < n->nin; i++)
        if (n->in[i] != W_NONE && same_there(w, other, n->in[i]) != 1) return true;
    for (uint32_t o = 0; o < n->nout; o++) {
        if (n->out[o] == W_NONE || !whole(w->plan->graph->value[n->out[o]].type) || same_there(w, other, n->out[o]) != 0) continue;
        return rg_complain(w->report, "integer bits", "%s: %s '%s' by %s %s: other bits than on the first set from the same operands", w->set,
                           w_op_get(n->op)->name, w_node_label(w->plan->graph, n), s->impl->name, s->kernel ? s->kernel : "");
    }
    return true;
}

bool rg_steps(weir_session *session, const rg_marks *other, rg_marks *own, const char *set, rg_report *report) {
    walk w = {.plan = session->plan, .exec = session->exec, .set = set, .report = report};
    size_t n = w.plan->graph->nvalue + 1;
    bool good = false;
    w.value = calloc(n, sizeof *w.value);
    w.known = calloc(n, sizeof *w.known);
    *own = (rg_marks){0};
    if (w.value && w.known) {
        collect(&w);
        good = mark_all(&w, own);
        for (size_t i = 0; good && i < w.plan->nstep; i++) {
            good = check_step(&w, &w.plan->step[i]);
            if (good && other) good = compare_set(&w, &w.plan->step[i], other);
        }
    }
    free(w.value);
    free(w.known);
    return good;
}
