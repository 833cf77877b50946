/* How channels pass through layers, normalisation and element-wise operators. */
#include "channels.h"

/* Real weights that only this node reads; else what is wrong with them. */
static const char *weights_trouble(const w_channels *c, const w_node *n) {
    const w_value *w = w_channels_input(c, n, 1), *b = w_channels_input(c, n, 2);
    if (!w || w->kind != W_VALUE_CONST || !w->data) return "has weights that are computed";
    if (w->quant || (w->type != WEIR_F32 && w->type != WEIR_F16)) return "computes in 8-bit integers already";
    if (b && (b->kind != W_VALUE_CONST || !b->data || b->quant)) return "has a bias that is computed or quantised";
    if (c->uses.count[n->in[1]] > 1) return "shares its weights with another layer";
    return NULL;
}

static bool reads_axis(const w_channels *c, const w_node *n, int axis, uint32_t count) {
    const w_channel_axis *x = &c->of[n->in[0]];
    return x->axis == axis && x->n == count;
}

static weir_status bias_cut(w_channels *c, w_id node, const uint32_t *out, uint32_t nout, weir_error *e) {
    const w_value *b = w_channels_input(c, &c->g->node[node], 2);
    if (!b || b->shape.rank == 0 || b->shape.dim[b->shape.rank - 1] != nout || nout == 1) return WEIR_OK;
    return w_channels_cut(c, node, 2, b->shape.rank - 1u, out, nout, e);
}

/* The fused residual has the shape of the output. */
static void tie_residual(w_channels *c, const w_node *n, int axis, const uint32_t *out, uint32_t nout, const char *why) {
    if (!w_channels_input(c, n, 3)) return;
    const w_channel_axis *r = &c->of[n->in[3]];
    bool same = r->axis == axis && r->n == nout;
    for (uint32_t i = 0; same && i < nout; i++) w_channels_tie(c, r->slot[i], out[i]);
    if (same) return;
    w_channels_fix(c, n->in[3], why);
    w_channels_fix(c, n->out[0], why);
}

/* Each group of channels leaves as a whole: depthwise, with or without a multiplier. */
static weir_status conv_whole_groups(w_channels *c, w_id node, uint32_t groups, uint32_t *out, uint32_t nout, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const w_channel_axis *x = &c->of[n->in[0]];
    uint32_t og = nout / groups, ig = x->n / groups;
    for (uint32_t i = 0; i < nout; i++) w_channels_tie(c, out[i], x->slot[i / og * ig]);
    for (uint32_t i = 0; i < x->n; i++) w_channels_tie(c, x->slot[i], x->slot[i / ig * ig]);
    W_TRY(w_channels_cut(c, node, 1, 0, out, nout, e));
    return bias_cut(c, node, out, nout, e);
}

/* Groups stay and lose the same number of channels each: the i-th channels of all groups are tied. */
static weir_status conv_equal_groups(w_channels *c, w_id node, uint32_t groups, uint32_t *out, uint32_t nout, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const w_channel_axis *x = &c->of[n->in[0]];
    const w_shape *ws = &c->g->value[n->in[1]].shape;
    uint32_t ig = (uint32_t)ws->dim[1], og = nout / groups;
    w_channel_layer l = {.node = node, .taps = 1, .out = out, .nout = nout};
    for (int d = 2; d < ws->rank; d++) l.taps *= (uint32_t)ws->dim[d];
    for (uint32_t i = 0; i < nout; i++) w_channels_tie(c, out[i], out[i % og]);
    if (reads_axis(c, n, 1, ig * groups)) {
        for (uint32_t i = 0; i < x->n; i++) w_channels_tie(c, x->slot[i], x->slot[i % ig]);
        l.in = x->slot;
        l.nin = ig;
        W_TRY(w_channels_cut(c, node, 1, 1, x->slot, ig, e));
    }
    W_TRY(w_channels_cut(c, node, 1, 0, out, nout, e));
    W_TRY(bias_cut(c, node, out, nout, e));
    return w_channels_add_layer(c, &l, e);
}

weir_status w_flow_conv(w_channels *c, w_id node, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const char *trouble = weights_trouble(c, n);
    if (trouble) return w_channels_barrier(c, node, trouble, e);
    const w_shape *ws = &c->g->value[n->in[1]].shape;
    uint32_t groups = (uint32_t)((const w_conv_attr *)n->attr)->group, nout = (uint32_t)ws->dim[0], *out;
    uint32_t ig = (uint32_t)ws->dim[1];
    bool whole = groups > 1 && (ig == 1 || nout == groups);
    bool reads = reads_axis(c, n, 1, ig * groups);
    if (nout == 0 || nout > W_MAX_CHANNELS || (whole && !reads) || (!reads && c->of[n->in[0]].axis >= 0))
        return w_channels_barrier(c, node, "reads channels along another axis", e);
    W_TRY(w_channels_new(c, nout, &out, e));
    W_TRY(w_channels_set(c, n->out[0], 1, out, nout, e));
    if (whole) W_TRY(conv_whole_groups(c, node, groups, out, nout, e));
    else W_TRY(conv_equal_groups(c, node, groups, out, nout, e));
    tie_residual(c, n, 1, out, nout, "summed with values whose channels lie apart");
    return WEIR_OK;
}

/* Gemm and MatMul: the reduction runs along the last axis of the data. */
weir_status w_flow_dense(w_channels *c, w_id node, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const char *trouble = weights_trouble(c, n);
    const w_gemm_attr *a = n->op == W_OP_Gemm ? n->attr : NULL;
    if (trouble) return w_channels_barrier(c, node, trouble, e);
    const w_shape *ws = &c->g->value[n->in[1]].shape;
    if (ws->rank != 2 || (a && a->transA)) return w_channels_barrier(c, node, "multiplies more than rows by a matrix", e);
    uint32_t row_axis = a && a->transB ? 0 : 1, nout = (uint32_t)ws->dim[row_axis], nin = (uint32_t)ws->dim[1 - row_axis], *out;
    int last = c->g->value[n->in[0]].shape.rank - 1;
    w_channel_layer l = {.node = node, .taps = 1};
    bool reads = reads_axis(c, n, last, nin);
    if (nout == 0 || nout > W_MAX_CHANNELS || last < 1 || (!reads && c->of[n->in[0]].axis >= 0))
        return w_channels_barrier(c, node, "reads channels along another axis", e);
    W_TRY(w_channels_new(c, nout, &out, e));
    W_TRY(w_channels_set(c, n->out[0], last, out, nout, e));
    if (reads) {
        l.in = c->of[n->in[0]].slot;
        l.nin = nin;
        W_TRY(w_channels_cut(c, node, 1, 1 - row_axis, l.in, nin, e));
    }
    l.out = out;
    l.nout = nout;
    W_TRY(w_channels_cut(c, node, 1, row_axis, out, nout, e));
    W_TRY(bias_cut(c, node, out, nout, e));
    W_TRY(w_channels_add_layer(c, &l, e));
    tie_residual(c, n, last, out, nout, "summed with values whose channels lie apart");
    return WEIR_OK;
}

weir_status w_flow_same(w_channels *c, w_id node, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const w_channel_axis *x = &c->of[n->in[0]];
    for (uint32_t o = 1; o < n->nout; o++)
        if (n->out[o] != W_NONE && (c->uses.count[n->out[o]] > 0))
            return w_channels_barrier(c, node, "gives positions that count channels", e);
    return x->axis < 0 ? WEIR_OK : w_channels_set(c, n->out[0], x->axis, x->slot, x->n, e);
}

weir_status w_flow_batchnorm(w_channels *c, w_id node, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const w_channel_axis *x = &c->of[n->in[0]];
    if (x->axis < 0) return WEIR_OK;
    for (uint32_t i = 1; i < 5; i++) {
        const w_value *v = w_channels_input(c, n, i);
        if (x->axis != 1 || !v || v->kind != W_VALUE_CONST || v->quant || v->shape.rank != 1 || v->shape.dim[0] != x->n)
            return w_channels_barrier(c, node, "normalises by values that are computed", e);
        W_TRY(w_channels_cut(c, node, i, 0, x->slot, x->n, e));
    }
    return w_flow_same(c, node, e);
}

/* Where the axis of an operand lies in the result; negative: outside. */
static int aligned(const w_channels *c, w_id v, int axis, int rank) { return axis + rank - c->g->value[v].shape.rank; }

/* The operand whose channels are those of the result. */
static const w_channel_axis *leading(const w_channels *c, const w_node *n, const w_shape *out, int *axis) {
    for (uint32_t i = 0; i < n->nin; i++) {
        if (n->in[i] == W_NONE || c->of[n->in[i]].axis < 0) continue;
        const w_channel_axis *x = &c->of[n->in[i]];
        *axis = aligned(c, n->in[i], x->axis, out->rank);
        if (out->dim[*axis] == x->n && x->n > 1) return x;
    }
    return NULL;
}

/* One operand of an element-wise operator: false if its channels do not lie where the leading ones do. */
static bool tie_operand(w_channels *c, w_id node, uint32_t i, const w_channel_axis *lead, int axis, int rank, weir_status *st, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const w_value *v = &c->g->value[n->in[i]];
    int at = axis - (rank - v->shape.rank);
    if (!v->shape.known) return false;
    bool spread = at < 0 || v->shape.dim[at] == 1;
    if (v->kind == W_VALUE_CONST) {
        if (spread) return true;
        if (!v->data || v->quant || v->shape.dim[at] != lead->n) return false;
        *st = w_channels_cut(c, node, i, (uint32_t)at, lead->slot, lead->n, e);
        return true;
    }
    const w_channel_axis *x = &c->of[n->in[i]];
    if (spread) return x->axis < 0 || x->n == 1; /* else it has channels along another axis of the result */
    if (x->axis != at || x->n != lead->n) return false;
    for (uint32_t k = 0; k < x->n; k++) w_channels_tie(c, x->slot[k], lead->slot[k]);
    return true;
}

weir_status w_flow_broadcast(w_channels *c, w_id node, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const w_shape *out = &c->g->value[n->out[0]].shape;
    int axis = -1;
    const w_channel_axis *lead = out->known ? leading(c, n, out, &axis) : NULL;
    if (!lead) return w_channels_barrier(c, node, "joins values without common channels", e);
    for (uint32_t i = 0; i < n->nin; i++) {
        weir_status st = WEIR_OK;
        if (n->in[i] == W_NONE) continue;
        if (!tie_operand(c, node, i, lead, axis, out->rank, &st, e)) return w_channels_barrier(c, node, "joins values whose channels lie apart", e);
        W_TRY(st);
    }
    return w_channels_set(c, n->out[0], axis, lead->slot, lead->n, e);
}

weir_status w_flow_softmax(w_channels *c, w_id node, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const w_softmax_attr *a = n->attr;
    const w_channel_axis *x = &c->of[n->in[0]];
    int rank = c->g->value[n->in[0]].shape.rank;
    int64_t axis = a->axis < 0 ? a->axis + rank : a->axis;
    if (x->axis >= 0 && (axis == x->axis || a->coerce)) return w_channels_barrier(c, node, "sets channels in proportion to each other", e);
    return w_flow_same(c, node, e);
}
