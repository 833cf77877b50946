/* Added constants become biases: Conv, Gemm or MatMul whose only user adds (or subtracts) a constant that varies along
 * the output channels at most. */
#include "passutil.h"
#include <string.h>

/* The axis of an output of rank `rank` along which the bias of this operator runs. */
static unsigned bias_axis(uint16_t op, unsigned rank) { return op == W_OP_Conv ? 1 : rank - 1; }

/* Whether a constant of this shape, added to y, depends on the channel only: all other dimensions are 1. */
static bool per_channel(const w_shape *c, const w_shape *y, unsigned axis, int64_t channels) {
    if (c->rank > y->rank) return false;
    for (unsigned i = 0; i < c->rank; i++) {
        unsigned at = y->rank - c->rank + i;
        if (c->dim[i] != 1 && (at != axis || c->dim[i] != channels)) return false;
    }
    return true;
}

/* Number of output channels by the weights; 0 when they are not known. */
static int64_t channels_of(const w_graph *g, const w_node *p) {
    const w_shape *w = &g->value[p->in[1]].shape;
    if (p->op == W_OP_MatMulNBits) return w_nbits_of(p).n;
    if (!w_shape_bound(w) || w->rank < 2) return 0;
    if (p->op == W_OP_Conv) return w->dim[0];
    if (p->op == W_OP_Gemm && ((w_gemm_attr *)p->attr)->transB) return w->dim[0];
    return w->dim[w->rank - 1];
}

static uint32_t bias_slot(const w_node *p) { return p->op == W_OP_MatMulNBits ? 5 : 2; }

/* The producer of v, if it can take one more addend. */
static w_node *taker(const w_graph *g, const w_uses *uses, w_id v) {
    w_node *p = v == W_NONE || v >= uses->n || uses->count[v] != 1 ? NULL : w_producer(g, v);
    if (!p || (p->op != W_OP_Conv && p->op != W_OP_Gemm && p->op != W_OP_MatMul && p->op != W_OP_MatMulNBits)) return NULL;
    if (!w_epilogue_free(p) || g->value[v].quant || w_input_of(p, bias_slot(p) + 1) != W_NONE) return NULL;
    if (p->op == W_OP_Gemm && ((w_gemm_attr *)p->attr)->beta != 1) return NULL;
    return p;
}

/* bias[i] = old[i] + sign * added, into the arena. */
static weir_status sum_bias(w_graph *g, w_id old, w_id added, float sign, size_t channels, float **out, weir_error *e) {
    float *c, *b = NULL;
    size_t nc, nb = 0;
    W_TRY(w_const_f32(g, added, &g->arena, &c, &nc, e));
    if (old != W_NONE) W_TRY(w_const_f32(g, old, &g->arena, &b, &nb, e));
    *out = w_arena_array(&g->arena, channels, sizeof **out);
    if (!*out) return w_oom(e, channels * sizeof **out, "a bias");
    for (size_t i = 0; i < channels; i++) (*out)[i] = (b ? b[nb == 1 ? 0 : i] : 0) + sign * c[nc == 1 ? 0 : i];
    return WEIR_OK;
}

static bool old_bias_fits(const w_graph *g, w_id old, int64_t channels) {
    if (old == W_NONE) return true;
    return w_is_plain(g, old) && g->value[old].shape.rank == 1 && g->value[old].shape.dim[0] == channels;
}

/* Moves constant c, added to in[side], into the producer p of that input. */
static weir_status absorb(w_graph *g, const w_uses *uses, w_id k, w_node *p, w_id c, float sign, weir_error *e) {
    size_t channels = (size_t)channels_of(g, p);
    w_id old = w_input_of(p, bias_slot(p));
    bool sole = c < uses->n && uses->count[c] == 1;
    w_shape shape = w_shape_1d((int64_t)channels);
    W_TRY(w_node_widen(g, p, bias_slot(p) + 1, e));
    if (old == W_NONE && sign > 0 && sole && w_shape_count(&g->value[c].shape) == (int64_t)channels) {
        g->value[c].shape = shape; /* the same bytes, still in the mapping */
        p->in[bias_slot(p)] = c;
    } else {
        float *data;
        W_TRY(sum_bias(g, old, c, sign, channels, &data, e));
        w_id like = old == W_NONE ? c : old;
        W_TRY(w_const_update(g, like, like < uses->n && uses->count[like] == 1, &shape, data, &p->in[bias_slot(p)], e));
    }
    w_node *n = &g->node[k];
    w_id y = n->out[0], pk = g->value[p->out[0]].producer;
    *w_epilogue_of(p) = *w_epilogue_of(n);
    w_node_kill(g, k);
    w_node_retarget(g, pk, y);
    return WEIR_OK;
}

static weir_status try_side(w_graph *g, const w_uses *uses, w_id k, unsigned side, weir_error *e) {
    const w_node *n = &g->node[k];
    w_id x = n->in[side], c = n->in[1 - side];
    w_node *p = taker(g, uses, x);
    if (!p || !w_is_plain(g, c) || !n->attr || !w_fuse_may_take(g, p, w_epilogue_of(n)->act)) return WEIR_OK;
    const w_shape *y = &g->value[n->out[0]].shape;
    int64_t channels = channels_of(g, p);
    if (channels < 1 || !w_shape_equal(y, &g->value[x].shape) || y->rank < 2) return WEIR_OK;
    if (!per_channel(&g->value[c].shape, y, bias_axis(p->op, y->rank), channels)) return WEIR_OK;
    if (!old_bias_fits(g, w_input_of(p, bias_slot(p)), channels)) return WEIR_OK;
    return absorb(g, uses, k, p, c, n->op == W_OP_Sub ? -1.0f : 1.0f, e);
}

weir_status w_norm_bias(w_graph *g, weir_error *e) {
    w_arena a;
    w_arena_init(&a, g->ctx);
    w_uses uses;
    weir_status s = w_graph_uses(g, &a, &uses, e);
    for (size_t k = 0; s == WEIR_OK && k < g->nnode; k++) {
        if (g->node[k].op == W_OP_Add || g->node[k].op == W_OP_Sub) s = try_side(g, &uses, (w_id)k, 0, e);
        if (s == WEIR_OK && g->node[k].op == W_OP_Add) s = try_side(g, &uses, (w_id)k, 1, e);
    }
    w_arena_fini(&a);
    return s;
}
