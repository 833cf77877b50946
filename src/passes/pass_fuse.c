/* fuse: activations and residual additions move into the epilogue of their producer, when the value between has no other
 * user and is not a graph output. The fused node makes the last value under its name and keeps its own label.
 *
 * A residual goes into the later of the two producers, since the other operand must exist before it runs; failing that
 * into the earlier one, and what the other operand needs moves up in front of it. Quantised
 * values between two nodes are storage that somebody asked for: they stay. */
#include "passfuse.h"
#include <math.h>
#include <string.h>

bool w_fuse_single(const w_fuser *f, w_id v) { return v < f->uses.n && f->uses.count[v] == 1 && !f->uses.output[v]; }

/* A node whose last output loses its last use takes its own producers with it; the chain is walked, not recursed. */
void w_fuse_kill(w_fuser *f, w_id node) {
    w_graph *g = f->g;
    while (node != W_NONE) {
        w_node *n = &g->node[node];
        w_id next = W_NONE;
        for (uint32_t i = 0; i < n->nin; i++) {
            w_id v = n->in[i];
            if (v == W_NONE || v >= f->uses.n || --f->uses.count[v] || g->value[v].producer == W_NONE) continue;
            if (next == W_NONE && g->node[g->value[v].producer].nout == 1) next = g->value[v].producer;
        }
        w_node_kill(g, node);
        node = next;
    }
}

bool w_clip_bounds(const w_graph *g, const w_node *n, float *lo, float *hi) {
    const w_clip_attr *a = n->attr;
    *lo = a ? a->min : -INFINITY;
    *hi = a ? a->max : INFINITY;
    if (w_input_of(n, 1) != W_NONE && !w_const_scalar(g, n->in[1], lo)) return false;
    return w_input_of(n, 2) == W_NONE || w_const_scalar(g, n->in[2], hi);
}

/* The epilogue that means the same as node n. */
static bool epilogue_from(const w_graph *g, const w_node *n, w_epilogue *ep) {
    *ep = (w_epilogue){0};
    switch (n->op) {
    case W_OP_Relu: ep->act = W_ACT_RELU; return true;
    case W_OP_Sigmoid: ep->act = W_ACT_SIGMOID; return true;
    case W_OP_Tanh: ep->act = W_ACT_TANH; return true;
    case W_OP_HardSwish: ep->act = W_ACT_HARDSWISH; return true;
    case W_OP_LeakyRelu: case W_OP_Elu:
        *ep = (w_epilogue){n->op == W_OP_Elu ? W_ACT_ELU : W_ACT_LEAKY, ((w_alpha_attr *)n->attr)->alpha, 0};
        return true;
    case W_OP_HardSigmoid:
        *ep = (w_epilogue){W_ACT_HARDSIGMOID, ((w_hardsigmoid_attr *)n->attr)->alpha, ((w_hardsigmoid_attr *)n->attr)->beta};
        return true;
    case W_OP_Gelu:
        ep->act = W_ACT_GELU;
        return !((w_gelu_attr *)n->attr)->approximate || !strcmp(((w_gelu_attr *)n->attr)->approximate, "none");
    case W_OP_Clip:
        ep->act = W_ACT_CLIP;
        if (!w_clip_bounds(g, n, &ep->a, &ep->b) || !(ep->a <= ep->b)) return false;
        if (ep->a == 0 && ep->b >= 3.4e38f) *ep = (w_epilogue){W_ACT_RELU, 0, 0};
        return true;
    default: return false;
    }
}

static void fuse_activation(w_fuser *f, w_id k) {
    w_graph *g = f->g;
    w_node *n = &g->node[k];
    w_epilogue ep;
    w_node *p = n->nin && n->in[0] != W_NONE ? w_producer(g, n->in[0]) : NULL;
    if (!p || !w_epilogue_free(p) || p->nout > 1 || !w_fuse_single(f, n->in[0]) || g->value[n->in[0]].quant) return;
    if (!epilogue_from(g, n, &ep) || !w_fuse_may_take(g, p, ep.act)) return;
    w_id y = n->out[0], pk = g->value[n->in[0]].producer;
    *w_epilogue_of(p) = ep;
    f->uses.count[n->in[0]] = 0;
    w_node_kill(g, k);
    w_node_retarget(g, pk, y);
}

/* Nodes of (at, last] that `last` needs, as bits from `at` on; 0 when it needs `at` itself or the range is too wide. */
static uint64_t needed_between(const w_graph *g, w_id at, w_id last) {
    if (last <= at || last - at > 63) return 0;
    uint64_t need = UINT64_C(1) << (last - at);
    for (w_id k = last; k > at; k--) {
        if (!(need >> (k - at) & 1)) continue;
        for (uint32_t i = 0; i < g->node[k].nin; i++) {
            w_id p = g->node[k].in[i] == W_NONE ? W_NONE : g->value[g->node[k].in[i]].producer;
            if (p != W_NONE && p >= at) need |= UINT64_C(1) << (p - at);
        }
    }
    return need & 1 ? 0 : need;
}

/* Puts the marked nodes in front of the others, both in their order. */
static void move_up(w_graph *g, w_id at, w_id last, uint64_t marked) {
    w_node rest[64];
    size_t nrest = 0;
    w_id to = at;
    for (w_id k = at; k <= last; k++) {
        if (marked >> (k - at) & 1) g->node[to++] = g->node[k];
        else rest[nrest++] = g->node[k];
    }
    memcpy(&g->node[to], rest, nrest * sizeof *rest);
    for (w_id k = at; k <= last; k++)
        for (uint32_t i = 0; i < g->node[k].nout; i++)
            if (g->node[k].out[i] != W_NONE) g->value[g->node[k].out[i]].producer = k;
}

/* Makes `other` exist before the producer of x runs, if it does not depend on x. */
static bool bring_before(w_graph *g, w_id other, w_id x) {
    w_id at = g->value[x].producer, last = g->value[other].producer;
    if (g->value[other].kind == W_VALUE_INPUT) return true;
    if (last == W_NONE || last < at) return last != W_NONE;
    uint64_t need = needed_between(g, at, last);
    if (!need) return false;
    move_up(g, at, last, need);
    return true;
}

static bool takes_residual(const w_fuser *f, w_id x, w_id other) {
    const w_graph *g = f->g;
    const w_node *p = w_producer(g, x);
    if (!p || (p->op != W_OP_Conv && p->op != W_OP_Gemm) || !w_epilogue_free(p) || w_input_of(p, 3) != W_NONE) return false;
    if (w_is_const(g, other) || !w_fuse_single(f, x) || g->value[x].quant || g->value[x].type != WEIR_F32) return false;
    if (g->value[other].type != WEIR_F32 && !g->value[other].quant) return false;
    if (g->value[other].quant && !g->value[p->in[0]].quant && !w_has_late_scale(p)) return false; /* a real product adds real numbers */
    return w_shape_equal(&g->value[x].shape, &g->value[other].shape);
}

/* The operand that is made later comes first: nothing has to move for it. */
static unsigned later_side(const w_graph *g, const w_node *n) {
    w_id a = g->value[n->in[0]].producer, b = g->value[n->in[1]].producer;
    return a == W_NONE || (b != W_NONE && b > a) ? 1 : 0;
}

static weir_status fuse_residual(w_fuser *f, w_id k, weir_error *e) {
    w_graph *g = f->g;
    w_node *n = &g->node[k];
    if (n->op != W_OP_Add || !n->attr) return WEIR_OK;
    unsigned first = later_side(g, n);
    for (unsigned i = 0; i < 2; i++) {
        w_id x = n->in[first ^ i], other = n->in[first ^ i ^ 1];
        if (x == other || !takes_residual(f, x, other) || !bring_before(g, other, x)) continue;
        w_id pk = g->value[x].producer, y = n->out[0];
        w_node *p = &g->node[pk];
        W_TRY(w_node_widen(g, p, 4, e));
        p->in[3] = other;
        *w_epilogue_of(p) = *w_epilogue_of(n);
        f->uses.count[x] = 0;
        w_node_kill(g, k);
        w_node_retarget(g, pk, y);
        return WEIR_OK;
    }
    return WEIR_OK;
}

weir_status w_pass_fuse(w_graph *g, weir_error *e) {
    w_arena a;
    w_arena_init(&a, g->ctx);
    w_fuser f = {.g = g};
    weir_status s = w_graph_uses(g, &a, &f.uses, e);
    for (size_t k = 0; s == WEIR_OK && k < g->nnode; k++)
        if (g->node[k].op) s = w_fuse_gate(&f, (w_id)k, e);
    for (size_t k = 0; s == WEIR_OK && k < g->nnode; k++) {
        if (g->node[k].op) s = fuse_residual(&f, (w_id)k, e);
        if (s == WEIR_OK && g->node[k].op) fuse_activation(&f, (w_id)k);
    }
    w_arena_fini(&a);
    return s;
}
