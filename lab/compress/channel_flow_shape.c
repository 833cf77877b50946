/* How channels pass through operators that move, join and take apart values. */
#include "channels.h"
#include <string.h>

/* ---- Flatten, Reshape, Squeeze, Unsqueeze: runs of axes merge into one ---- */

/* Elements before axis i: the product of the numbers, and the symbols, which are told apart by their sum. */
typedef struct prefix { int64_t number, symbols; bool good; } prefix;

static prefix prefix_of(const w_shape *s, int i) {
    prefix p = {.number = 1, .good = true};
    for (int d = 0; d < i; d++) {
        if (s->dim[d] < 0) p.symbols += s->dim[d];
        else if (s->dim[d] == 0 || __builtin_mul_overflow(p.number, s->dim[d], &p.number)) p.good = false;
    }
    return p;
}

static bool same_prefix(prefix a, prefix b) { return a.good && b.good && a.number == b.number && a.symbols == b.symbols; }

/* The axes lo to hi of x, which hold axis a, become axis b of y. */
static bool merged_run(const w_shape *x, int a, const w_shape *y, int b, int *lo, int *hi) {
    for (*lo = a; *lo >= 0 && !same_prefix(prefix_of(x, *lo), prefix_of(y, b)); --*lo) {}
    for (*hi = a; *hi < x->rank && !same_prefix(prefix_of(x, *hi + 1), prefix_of(y, b + 1)); ++*hi) {}
    if (*lo < 0 || *hi == x->rank || y->dim[b] <= 0 || y->dim[b] > W_MAX_CHANNELS) return false;
    for (int d = *lo; d <= *hi; d++)
        if (x->dim[d] <= 0) return false;
    return true;
}

/* Row-major over the run: entry ((before * n) + channel) * after. */
static weir_status set_merged(w_channels *c, w_id node, int b, int hi, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const w_channel_axis *x = &c->of[n->in[0]];
    const w_shape *s = &c->g->value[n->in[0]].shape;
    uint32_t total = (uint32_t)c->g->value[n->out[0]].shape.dim[b], after = 1;
    for (int d = x->axis + 1; d <= hi; d++) after *= (uint32_t)s->dim[d];
    if (total == x->n) return w_channels_set(c, n->out[0], b, x->slot, x->n, e);
    uint32_t *slot = w_arena_array(c->a, total, sizeof *slot);
    if (!slot) return w_oom(e, total * sizeof *slot, "channels");
    for (uint32_t i = 0; i < total; i++) slot[i] = x->slot[i / after % x->n];
    return w_channels_set(c, n->out[0], b, slot, total, e);
}

weir_status w_flow_merge(w_channels *c, w_id node, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const w_shape *x = &c->g->value[n->in[0]].shape, *y = &c->g->value[n->out[0]].shape;
    int a = c->of[n->in[0]].axis, lo, hi;
    if (a < 0) return WEIR_OK;
    if (n->op == W_OP_Reshape && c->g->value[n->in[1]].kind != W_VALUE_CONST) return w_channels_barrier(c, node, "takes a shape that is computed", e);
    for (int b = 0; y->known && b < y->rank; b++)
        if (merged_run(x, a, y, b, &lo, &hi)) return set_merged(c, node, b, hi, e);
    return w_channels_barrier(c, node, "takes channels apart", e);
}

/* ---- Transpose ---- */

weir_status w_flow_transpose(w_channels *c, w_id node, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const w_transpose_attr *t = n->attr;
    const w_channel_axis *x = &c->of[n->in[0]];
    int rank = c->g->value[n->in[0]].shape.rank;
    for (int i = 0; x->axis >= 0 && i < rank; i++)
        if ((t->perm.n ? t->perm.v[i] : rank - 1 - i) == x->axis) return w_channels_set(c, n->out[0], i, x->slot, x->n, e);
    return WEIR_OK;
}

/* ---- Concat, Split ---- */

static int positive(int64_t axis, int rank) { return (int)(axis < 0 ? axis + rank : axis); }

static int common_axis(const w_channels *c, const w_node *n) {
    int axis = -1;
    for (uint32_t i = 0; i < n->nin; i++) {
        int a = c->of[n->in[i]].axis;
        if (a >= 0 && axis >= 0 && a != axis) return -1;
        if (a >= 0) axis = a;
    }
    return axis;
}

/* Constants are channels that stay. */
static weir_status constant_channels(w_channels *c, w_id v, int axis, weir_error *e) {
    uint32_t *slot;
    int64_t n = c->g->value[v].shape.dim[axis];
    if (n <= 0 || n > W_MAX_CHANNELS) return WEIR_OK;
    W_TRY(w_channels_new(c, (uint32_t)n, &slot, e));
    W_TRY(w_channels_set(c, v, axis, slot, (uint32_t)n, e));
    w_channels_fix(c, v, "a constant");
    return WEIR_OK;
}

static weir_status concat_channels(w_channels *c, w_id node, int axis, weir_error *e) {
    const w_node *n = &c->g->node[node];
    int64_t total = c->g->value[n->out[0]].shape.dim[axis], at = 0;
    uint32_t *slot = total > 0 && total <= W_MAX_CHANNELS ? w_arena_array(c->a, (size_t)total, sizeof *slot) : NULL;
    if (total <= 0 || total > W_MAX_CHANNELS) return w_channels_barrier(c, node, "joins an unknown number of channels", e);
    if (!slot) return w_oom(e, (size_t)total * sizeof *slot, "channels");
    for (uint32_t i = 0; i < n->nin; i++) {
        if (c->g->value[n->in[i]].kind == W_VALUE_CONST) W_TRY(constant_channels(c, n->in[i], axis, e));
        const w_channel_axis *x = &c->of[n->in[i]];
        if (x->axis != axis || at + x->n > total) return w_channels_barrier(c, node, "joins values whose channels are not known", e);
        memcpy(slot + at, x->slot, x->n * sizeof *slot);
        at += x->n;
    }
    return w_channels_set(c, n->out[0], axis, slot, (uint32_t)at, e);
}

static weir_status concat_across(w_channels *c, w_id node, int axis, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const w_channel_axis *lead = NULL;
    for (uint32_t i = 0; i < n->nin && !lead; i++)
        if (c->of[n->in[i]].axis == axis) lead = &c->of[n->in[i]];
    for (uint32_t i = 0; i < n->nin; i++) {
        const w_value *v = &c->g->value[n->in[i]];
        const w_channel_axis *x = &c->of[n->in[i]];
        bool constant = v->kind == W_VALUE_CONST && v->data && !v->quant && v->shape.dim[axis] == lead->n;
        if (constant) W_TRY(w_channels_cut(c, node, i, (uint32_t)axis, lead->slot, lead->n, e));
        else if (x->axis != axis || x->n != lead->n) return w_channels_barrier(c, node, "joins values whose channels are not known", e);
        else
            for (uint32_t k = 0; k < x->n; k++) w_channels_tie(c, x->slot[k], lead->slot[k]);
    }
    return w_channels_set(c, n->out[0], axis, lead->slot, lead->n, e);
}

weir_status w_flow_concat(w_channels *c, w_id node, weir_error *e) {
    const w_node *n = &c->g->node[node];
    int channel = common_axis(c, n), axis = positive(((const w_axis_attr *)n->attr)->axis, c->g->value[n->out[0]].shape.rank);
    if (channel < 0) return w_channels_barrier(c, node, "joins values without common channels", e);
    return channel == axis ? concat_channels(c, node, axis, e) : concat_across(c, node, channel, e);
}

weir_status w_flow_split(w_channels *c, w_id node, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const w_channel_axis x = c->of[n->in[0]];
    int axis = positive(((const w_split_attr *)n->attr)->axis, c->g->value[n->in[0]].shape.rank);
    uint32_t at = 0;
    if (x.axis < 0) return WEIR_OK;
    if (n->nin > 1 && n->in[1] != W_NONE && c->g->value[n->in[1]].kind != W_VALUE_CONST)
        return w_channels_barrier(c, node, "splits at places that are computed", e);
    for (uint32_t o = 0; o < n->nout; o++) {
        int64_t len = axis == x.axis ? c->g->value[n->out[o]].shape.dim[axis] : x.n;
        if (len <= 0 || at + len > x.n) return w_channels_barrier(c, node, "splits channels in an unknown way", e);
        W_TRY(w_channels_set(c, n->out[o], x.axis, x.slot + at, (uint32_t)len, e));
        if (axis == x.axis) at += (uint32_t)len;
    }
    return WEIR_OK;
}

/* ---- Slice, Pad ---- */

static bool has_negative(const int64_t *v, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (v[i] < 0) return true;
    return false;
}

/* The access map knows where the window lies; only its direction has to be looked up. */
weir_status w_flow_slice(w_channels *c, w_id node, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const w_channel_axis *x = &c->of[n->in[0]];
    const w_shape *out = &c->g->value[n->out[0]].shape;
    w_box ob = {.rank = out->rank}, ib;
    int64_t *steps = NULL;
    size_t nsteps = 0;
    if (x->axis < 0) return WEIR_OK;
    for (uint32_t i = 1; i < n->nin; i++)
        if (n->in[i] != W_NONE && c->g->value[n->in[i]].kind != W_VALUE_CONST) return w_channels_barrier(c, node, "cuts at places that are computed", e);
    if (n->nin > 4 && n->in[4] != W_NONE) W_TRY(w_const_i64(c->g, n->in[4], c->a, &steps, &nsteps, e));
    for (int d = 0; d < out->rank; d++) ob.n[d] = out->dim[d] < 0 ? 1 : out->dim[d], ob.step[d] = 1;
    bool exact = out->known && out->dim[x->axis] > 0 && w_op_get(n->op)->map(c->g, n, 0, &ob, 0, &ib) == W_EXACT;
    if (!exact || has_negative(steps, nsteps) || (ib.n[x->axis] > 1 && ib.step[x->axis] != 1))
        return w_channels_barrier(c, node, "takes channels in steps or by computed bounds", e);
    return w_channels_set(c, n->out[0], x->axis, x->slot + ib.lo[x->axis], (uint32_t)out->dim[x->axis], e);
}

static weir_status pad_of(w_channels *c, const w_node *n, int axis, bool *none, weir_error *e) {
    const w_pad_attr *a = n->attr;
    int64_t *pads = a->pads.v, *axes = NULL;
    size_t npads = a->pads.n, naxes = 0;
    if (n->nin > 1 && n->in[1] != W_NONE) W_TRY(w_const_i64(c->g, n->in[1], c->a, &pads, &npads, e));
    if (n->nin > 3 && n->in[3] != W_NONE) W_TRY(w_const_i64(c->g, n->in[3], c->a, &axes, &naxes, e));
    int rank = c->g->value[n->in[0]].shape.rank;
    *none = true;
    for (size_t i = 0; i < npads / 2; i++)
        if ((axes ? positive(axes[i], rank) : (int)i) == axis) *none = pads[i] == 0 && pads[i + npads / 2] == 0;
    return WEIR_OK;
}

weir_status w_flow_pad(w_channels *c, w_id node, weir_error *e) {
    const w_node *n = &c->g->node[node];
    int axis = c->of[n->in[0]].axis;
    bool none;
    if (axis < 0) return WEIR_OK;
    for (uint32_t i = 1; i < n->nin; i++)
        if (n->in[i] != W_NONE && c->g->value[n->in[i]].kind != W_VALUE_CONST) return w_channels_barrier(c, node, "pads by what is computed", e);
    W_TRY(pad_of(c, n, axis, &none, e));
    return none ? w_flow_same(c, node, e) : w_channels_barrier(c, node, "adds channels around others", e);
}

/* ---- ReduceMean and its kin ---- */

weir_status w_flow_reduce(w_channels *c, w_id node, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const w_reduce_attr *r = n->attr;
    const w_channel_axis *x = &c->of[n->in[0]];
    int rank = c->g->value[n->in[0]].shape.rank, before = 0;
    int64_t *axes = r->axes.v;
    size_t naxes = r->axes.n;
    if (x->axis < 0) return WEIR_OK;
    if (n->nin > 1 && n->in[1] != W_NONE) {
        if (c->g->value[n->in[1]].kind != W_VALUE_CONST) return w_channels_barrier(c, node, "reduces axes that are computed", e);
        W_TRY(w_const_i64(c->g, n->in[1], c->a, &axes, &naxes, e));
    }
    if (naxes == 0 && r->noop_with_empty_axes) return w_flow_same(c, node, e);
    bool over = naxes == 0;
    for (size_t i = 0; i < naxes; i++) {
        int a = positive(axes[i], rank);
        over = over || a == x->axis;
        before += a < x->axis;
    }
    if (over) return w_channels_barrier(c, node, "reduces over channels", e);
    return w_channels_set(c, n->out[0], r->keepdims ? x->axis : x->axis - before, x->slot, x->n, e);
}
