/* Attributes and constants that count channels: groups of a convolution, lengths of Split, bounds of Slice, the shape that
 * Reshape makes. */
#include "channels.h"
#include <string.h>

static uint32_t kept(const w_channels *c, const uint32_t *slot, uint32_t n, const bool *drop) {
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++) k += !drop[c->unit[slot[i]]];
    return k;
}

static bool shrinks(const w_channels *c, w_id v, const bool *drop) {
    const w_channel_axis *x = &c->of[v];
    return x->axis >= 0 && kept(c, x->slot, x->n, drop) < x->n;
}

/* Whole groups leave where each has one input or one output channel; otherwise their number stays. */
static void conv(const w_channels *c, w_node *n, const bool *drop) {
    w_conv_attr *a = n->attr;
    const w_channel_axis *y = &c->of[n->out[0]];
    const w_channel_axis *x = &c->of[n->in[0]];
    if (a->group <= 1 || y->axis < 0 || x->axis < 0) return;
    bool whole = y->n == a->group || x->n == a->group;
    if (whole) a->group = (int64_t)kept(c, y->slot, y->n, drop) / (y->n / a->group);
}

/* A list of integers as the constant input i of the node, in place of the old one. */
static weir_status put_ints(const w_channels *c, w_graph *g, w_node *n, uint32_t i, const int64_t *v, size_t count, weir_error *e) {
    w_id old = n->in[i];
    w_shape s = {.rank = 1, .known = true, .dim = {(int64_t)count}};
    int64_t *d = w_arena_array(&g->arena, count, sizeof *d);
    if (!d) return w_oom(e, count * sizeof *d, "a list of integers");
    memcpy(d, v, count * sizeof *d);
    return w_channels_fresh_const(g, old, old < c->uses.n && c->uses.count[old] > 1, WEIR_S64, &s, d, &n->in[i], e);
}

static weir_status reshape(const w_channels *c, w_graph *g, w_node *n, const bool *drop, weir_error *e) {
    const w_channel_axis *y = &c->of[n->out[0]];
    int64_t *shape;
    size_t count;
    if (!shrinks(c, n->out[0], drop)) return WEIR_OK;
    W_TRY(w_const_i64(g, n->in[1], &g->arena, &shape, &count, e));
    if ((size_t)y->axis >= count || shape[y->axis] <= 0) return WEIR_OK; /* copied or inferred */
    shape[y->axis] = kept(c, y->slot, y->n, drop);
    return put_ints(c, g, n, 1, shape, count, e);
}

/* Equal parts become given ones: an input from opset 13 on, an attribute before. */
static weir_status give_lengths(w_graph *g, w_node *n, int64_t *len, weir_error *e) {
    w_split_attr *a = n->attr;
    w_shape s = {.rank = 1, .known = true, .dim = {n->nout}};
    w_id *in = w_arena_array(&g->arena, 2, sizeof *in);
    a->num_outputs = 0;
    if (a->split.n || g->opset < 13) {
        a->split = (w_ints){.v = len, .n = n->nout, .present = true};
        return WEIR_OK;
    }
    if (!in) return w_oom(e, 2 * sizeof *in, "node inputs");
    in[0] = n->in[0];
    W_TRY(w_graph_add_derived(g, w_node_label(g, n), ".split", &in[1], e));
    W_TRY(w_channels_fresh_const(g, in[1], false, WEIR_S64, &s, len, &in[1], e));
    g->value[in[1]].kind = W_VALUE_CONST;
    g->value[in[1]].producer = W_NONE;
    n->in = in;
    n->nin = 2;
    return WEIR_OK;
}

static weir_status split(const w_channels *c, w_graph *g, w_node *n, const bool *drop, weir_error *e) {
    w_split_attr *a = n->attr;
    const w_channel_axis *x = &c->of[n->in[0]];
    int64_t axis = a->axis < 0 ? a->axis + c->g->value[n->in[0]].shape.rank : a->axis;
    if (axis != x->axis || !shrinks(c, n->in[0], drop)) return WEIR_OK;
    int64_t *len = w_arena_array(&g->arena, n->nout, sizeof *len);
    if (!len) return w_oom(e, n->nout * sizeof *len, "a list of integers");
    for (uint32_t o = 0; o < n->nout; o++) len[o] = kept(c, c->of[n->out[o]].slot, c->of[n->out[o]].n, drop);
    if (n->nin > 1 && n->in[1] != W_NONE) return put_ints(c, g, n, 1, len, n->nout, e);
    return give_lengths(g, n, len, e);
}

static weir_status slice_lists(w_graph *g, const w_node *n, int64_t **start, int64_t **end, int64_t **axes, size_t *count, weir_error *e) {
    const w_slice_attr *a = n->attr;
    size_t k;
    *axes = NULL;
    if (n->nin == 1) {
        *start = a->starts.v, *end = a->ends.v, *count = a->starts.n;
        if (a->axes.n) *axes = a->axes.v;
        return WEIR_OK;
    }
    W_TRY(w_const_i64(g, n->in[1], &g->arena, start, count, e));
    W_TRY(w_const_i64(g, n->in[2], &g->arena, end, &k, e));
    return n->nin > 3 && n->in[3] != W_NONE ? w_const_i64(g, n->in[3], &g->arena, axes, &k, e) : WEIR_OK;
}

/* The window keeps the channels that stay of those that it held. */
static weir_status slice(const w_channels *c, w_graph *g, w_node *n, const bool *drop, weir_error *e) {
    const w_channel_axis *x = &c->of[n->in[0]], *y = &c->of[n->out[0]];
    int64_t *start, *end, *axes;
    size_t count;
    if (x->axis < 0 || y->axis < 0 || !shrinks(c, n->in[0], drop)) return WEIR_OK;
    int rank = c->g->value[n->in[0]].shape.rank;
    uint32_t first = (uint32_t)(y->slot - x->slot); /* w_flow_slice: a part of the same list */
    W_TRY(slice_lists(g, n, &start, &end, &axes, &count, e));
    for (size_t i = 0; i < count; i++) {
        int64_t a = axes ? axes[i] : (int64_t)i;
        if ((a < 0 ? a + rank : a) != x->axis) continue;
        start[i] = kept(c, x->slot, first, drop);
        end[i] = start[i] + kept(c, y->slot, y->n, drop);
    }
    if (n->nin == 1) return WEIR_OK;
    W_TRY(put_ints(c, g, n, 1, start, count, e));
    return put_ints(c, g, n, 2, end, count, e);
}

weir_status w_channels_renumber(const w_channels *c, w_graph *g, w_id node, const bool *drop, weir_error *e) {
    w_node *n = &g->node[node];
    switch (n->op) {
    case W_OP_Conv: conv(c, n, drop); return WEIR_OK;
    case W_OP_Reshape: return reshape(c, g, n, drop, e);
    case W_OP_Split: return split(c, g, n, drop, e);
    case W_OP_Slice: return slice(c, g, n, drop, e);
    default: return WEIR_OK;
    }
}
