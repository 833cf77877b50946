/* Which channels of a network can only be removed together: slots, their ties, and the groups that come of them. */
#include "channels.h"
#include <string.h>

static const w_channel_flow flow[W_OP_COUNT] = {
    [W_OP_Conv] = w_flow_conv,
    [W_OP_Gemm] = w_flow_dense, [W_OP_MatMul] = w_flow_dense,
    [W_OP_BatchNormalization] = w_flow_batchnorm,
    [W_OP_Add] = w_flow_broadcast, [W_OP_Sub] = w_flow_broadcast, [W_OP_Mul] = w_flow_broadcast, [W_OP_Div] = w_flow_broadcast,
    [W_OP_Pow] = w_flow_broadcast, [W_OP_Min] = w_flow_broadcast, [W_OP_Max] = w_flow_broadcast, [W_OP_Sum] = w_flow_broadcast,
    [W_OP_PRelu] = w_flow_broadcast, [W_OP_Clip] = w_flow_broadcast,
    [W_OP_Relu] = w_flow_same, [W_OP_LeakyRelu] = w_flow_same, [W_OP_Elu] = w_flow_same, [W_OP_Sigmoid] = w_flow_same,
    [W_OP_HardSigmoid] = w_flow_same, [W_OP_HardSwish] = w_flow_same, [W_OP_Tanh] = w_flow_same, [W_OP_Softplus] = w_flow_same,
    [W_OP_Gelu] = w_flow_same, [W_OP_Abs] = w_flow_same, [W_OP_Neg] = w_flow_same, [W_OP_Exp] = w_flow_same, [W_OP_Log] = w_flow_same,
    [W_OP_Sqrt] = w_flow_same, [W_OP_Reciprocal] = w_flow_same, [W_OP_Erf] = w_flow_same, [W_OP_Floor] = w_flow_same,
    [W_OP_Ceil] = w_flow_same, [W_OP_Identity] = w_flow_same, [W_OP_Dropout] = w_flow_same, [W_OP_Cast] = w_flow_same,
    [W_OP_Layout] = w_flow_same,
    [W_OP_MaxPool] = w_flow_same, [W_OP_AveragePool] = w_flow_same, [W_OP_GlobalAveragePool] = w_flow_same,
    [W_OP_GlobalMaxPool] = w_flow_same,
    [W_OP_Softmax] = w_flow_softmax, [W_OP_LogSoftmax] = w_flow_softmax,
    [W_OP_Flatten] = w_flow_merge, [W_OP_Reshape] = w_flow_merge, [W_OP_Squeeze] = w_flow_merge, [W_OP_Unsqueeze] = w_flow_merge,
    [W_OP_Transpose] = w_flow_transpose,
    [W_OP_Concat] = w_flow_concat, [W_OP_Split] = w_flow_split, [W_OP_Slice] = w_flow_slice, [W_OP_Pad] = w_flow_pad,
    [W_OP_ReduceMean] = w_flow_reduce, [W_OP_ReduceSum] = w_flow_reduce, [W_OP_ReduceMax] = w_flow_reduce, [W_OP_ReduceMin] = w_flow_reduce,
};

/* ---- slots ---- */

static bool grow(w_arena *a, void **p, size_t elem, size_t *cap, size_t need) {
    if (need <= *cap) return true;
    size_t want = W_MAX(need, 2 * *cap + 16);
    void *q = w_arena_array(a, want, elem);
    if (!q) return false;
    if (*cap) memcpy(q, *p, *cap * elem);
    *p = q;
    *cap = want;
    return true;
}

static uint32_t root(uint32_t *parent, uint32_t s) {
    while (parent[s] != s) s = parent[s] = parent[parent[s]];
    return s;
}

weir_status w_channels_new(w_channels *c, uint32_t n, uint32_t **slot, weir_error *e) {
    size_t cap = c->cap_slot, both = cap;
    uint32_t *s = w_arena_array(c->a, W_MAX(n, 1u), sizeof *s);
    if (!s || c->nslot + n > W_NONE / 2 || !grow(c->a, (void **)&c->parent, sizeof *c->parent, &cap, c->nslot + n) ||
        !grow(c->a, (void **)&c->fixed, sizeof *c->fixed, &both, c->nslot + n))
        return w_oom(e, (c->nslot + n) * sizeof *c->fixed, "channels");
    c->cap_slot = cap;
    for (uint32_t i = 0; i < n; i++) {
        s[i] = (uint32_t)c->nslot++;
        c->parent[s[i]] = s[i];
    }
    *slot = s;
    return WEIR_OK;
}

weir_status w_channels_set(w_channels *c, w_id value, int axis, const uint32_t *slot, uint32_t n, weir_error *e) {
    const w_shape *s = &c->g->value[value].shape;
    if (axis >= s->rank || s->dim[axis] != n)
        return w_fail(e, WEIR_INTERNAL, "value '%s': %u channels were expected along axis %d", w_value_name(c->g, value), n, axis);
    c->of[value] = (w_channel_axis){.axis = axis, .n = n, .slot = slot};
    return WEIR_OK;
}

void w_channels_tie(w_channels *c, uint32_t a, uint32_t b) {
    a = root(c->parent, a);
    b = root(c->parent, b);
    if (a == b) return;
    uint32_t to = W_MIN(a, b), from = W_MAX(a, b);
    c->parent[from] = to;
    if (!c->fixed[to]) c->fixed[to] = c->fixed[from];
}

void w_channels_fix(w_channels *c, w_id value, const char *why) {
    const w_channel_axis *x = &c->of[value];
    for (uint32_t i = 0; x->axis >= 0 && i < x->n; i++) {
        uint32_t s = root(c->parent, x->slot[i]);
        if (!c->fixed[s]) c->fixed[s] = why;
    }
}

weir_status w_channels_cut(w_channels *c, w_id node, uint32_t input, uint32_t axis, const uint32_t *slot, uint32_t n, weir_error *e) {
    if (!grow(c->a, (void **)&c->cut, sizeof *c->cut, &c->cap_cut, c->ncut + 1)) return w_oom(e, c->ncut * sizeof *c->cut, "channels");
    c->cut[c->ncut++] = (w_channel_cut){.node = node, .input = input, .axis = axis, .n = n, .slot = slot};
    return WEIR_OK;
}

weir_status w_channels_add_layer(w_channels *c, const w_channel_layer *l, weir_error *e) {
    if (!grow(c->a, (void **)&c->layer, sizeof *c->layer, &c->cap_layer, c->nlayer + 1)) return w_oom(e, c->nlayer * sizeof *c->layer, "channels");
    c->layer[c->nlayer++] = *l;
    return WEIR_OK;
}

const w_value *w_channels_input(const w_channels *c, const w_node *n, uint32_t i) {
    return i < n->nin && n->in[i] != W_NONE ? &c->g->value[n->in[i]] : NULL;
}

/* A value whose channels must stay: axis 1 where there is one. */
static weir_status fixed_value(w_channels *c, w_id v, const char *why, weir_error *e) {
    const w_shape *s = &c->g->value[v].shape;
    uint32_t *slot;
    if (!s->known || s->rank < 2 || s->dim[1] <= 0 || s->dim[1] > W_MAX_CHANNELS) return WEIR_OK;
    W_TRY(w_channels_new(c, (uint32_t)s->dim[1], &slot, e));
    W_TRY(w_channels_set(c, v, 1, slot, (uint32_t)s->dim[1], e));
    w_channels_fix(c, v, why);
    return WEIR_OK;
}

weir_status w_channels_barrier(w_channels *c, w_id node, const char *why, weir_error *e) {
    const w_node *n = &c->g->node[node];
    const char *text = w_arena_printf(c->a, "%s '%s' %s", w_op_get(n->op)->name, w_node_label(c->g, n), why);
    if (!text) return w_oom(e, 100, "a reason");
    for (uint32_t i = 0; i < n->nin; i++)
        if (n->in[i] != W_NONE) w_channels_fix(c, n->in[i], text);
    for (uint32_t o = 0; o < n->nout; o++)
        if (n->out[o] != W_NONE && c->of[n->out[o]].axis < 0) W_TRY(fixed_value(c, n->out[o], text, e));
    return WEIR_OK;
}

/* ---- groups ---- */

static weir_status flow_all(w_channels *c, weir_error *e) {
    const w_graph *g = c->g;
    for (size_t i = 0; i < g->ninput; i++) {
        const char *why = w_arena_printf(c->a, "its channels are the network's input '%s'", w_value_name(g, g->input[i]));
        if (!why) return w_oom(e, 100, "a reason");
        W_TRY(fixed_value(c, g->input[i], why, e));
    }
    for (w_id k = 0; k < g->nnode; k++) {
        uint16_t op = g->node[k].op;
        if (op == W_OP_NONE) continue;
        if (flow[op]) W_TRY(flow[op](c, k, e));
        else W_TRY(w_channels_barrier(c, k, "is not understood to keep channels apart", e));
    }
    for (size_t i = 0; i < g->noutput; i++) {
        const char *why = w_arena_printf(c->a, "its channels are the network's output '%s'", w_value_name(g, g->output[i]));
        if (!why) return w_oom(e, 100, "a reason");
        w_channels_fix(c, g->output[i], why);
    }
    return WEIR_OK;
}

/* Numbers the sets of tied slots in the order of their first slot. */
static weir_status number_units(w_channels *c, weir_error *e) {
    c->unit = w_arena_array(c->a, c->nslot + 1, sizeof *c->unit);
    c->why = w_arena_array(c->a, c->nslot + 1, sizeof *c->why);
    if (!c->unit || !c->why) return w_oom(e, c->nslot * sizeof *c->why, "channels");
    for (uint32_t s = 0; s < c->nslot; s++) {
        uint32_t r = root(c->parent, s);
        if (r == s) {
            c->why[c->nunit] = c->fixed[s];
            c->unit[s] = c->nunit++;
        } else {
            c->unit[s] = c->unit[r]; /* roots come first: ties go to the lower slot */
        }
    }
    return WEIR_OK;
}

/* Joins the units that one layer makes; parent is over units. */
static uint32_t *join_units(const w_channels *c) {
    uint32_t *parent = w_arena_array(c->a, c->nunit + 1, sizeof *parent);
    for (uint32_t u = 0; parent && u < c->nunit; u++) parent[u] = u;
    for (size_t l = 0; parent && l < c->nlayer; l++)
        for (uint32_t i = 1; i < c->layer[l].nout; i++) {
            uint32_t a = root(parent, c->unit[c->layer[l].out[0]]), b = root(parent, c->unit[c->layer[l].out[i]]);
            parent[W_MAX(a, b)] = W_MIN(a, b);
        }
    return parent;
}

static weir_status fill_group(w_channels *c, w_channel_group *gr, uint32_t *parent, uint32_t lead, weir_error *e) {
    gr->node = w_arena_array(c->a, c->nlayer, sizeof *gr->node);
    gr->unit = w_arena_array(c->a, c->nunit, sizeof *gr->unit);
    if (!gr->node || !gr->unit) return w_oom(e, c->nunit * sizeof *gr->unit, "channels");
    for (size_t l = 0; l < c->nlayer; l++)
        if (c->layer[l].nout && root(parent, c->unit[c->layer[l].out[0]]) == lead) gr->node[gr->nnode++] = c->layer[l].node;
    for (uint32_t u = 0; u < c->nunit; u++) {
        if (root(parent, u) != lead) continue;
        if (!c->why[u]) gr->unit[gr->nunit++] = u;
        else if (gr->nfixed++ == 0) gr->fixed = c->why[u];
    }
    if (gr->nunit) gr->fixed = NULL;
    return WEIR_OK;
}

static weir_status make_groups(w_channels *c, weir_error *e) {
    uint32_t *parent = join_units(c);
    bool *seen = w_arena_array(c->a, c->nunit + 1, sizeof *seen);
    c->group = w_arena_array(c->a, c->nlayer + 1, sizeof *c->group);
    if (!parent || !seen || !c->group) return w_oom(e, c->nunit * sizeof *parent, "channels");
    for (size_t l = 0; l < c->nlayer; l++) {
        if (!c->layer[l].nout) continue;
        uint32_t lead = root(parent, c->unit[c->layer[l].out[0]]);
        if (seen[lead]) continue;
        seen[lead] = true;
        W_TRY(fill_group(c, &c->group[c->ngroup++], parent, lead, e));
    }
    return WEIR_OK;
}

weir_status w_channels_find(const w_graph *g, w_arena *a, w_channels *out, weir_error *e) {
    *out = (w_channels){.g = g, .a = a};
    out->of = w_arena_array(a, g->nvalue + 1, sizeof *out->of);
    if (!out->of) return w_oom(e, g->nvalue * sizeof *out->of, "channels");
    for (size_t v = 0; v < g->nvalue; v++) out->of[v].axis = -1;
    W_TRY(w_graph_uses(g, a, &out->uses, e));
    W_TRY(flow_all(out, e));
    W_TRY(number_units(out, e));
    return make_groups(out, e);
}

const w_channel_layer *w_channels_layer(const w_channels *c, w_id node) {
    for (size_t l = 0; l < c->nlayer; l++)
        if (c->layer[l].node == node) return &c->layer[l];
    return NULL;
}

const w_channel_group *w_channels_group(const w_channels *c, w_id node) {
    for (size_t i = 0; i < c->ngroup; i++)
        for (size_t k = 0; k < c->group[i].nnode; k++)
            if (c->group[i].node[k] == node) return &c->group[i];
    return NULL;
}

bool w_channels_read(const w_channels *c, const w_channel_layer *l, const w_channel_group *g) {
    for (uint32_t i = 0; i < l->nin; i++)
        for (uint32_t k = 0; k < g->nunit; k++)
            if (c->unit[l->in[i]] == g->unit[k]) return true;
    return false;
}
