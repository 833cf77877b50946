/* layout: the parts of a graph that convolutions and pooling connect run channels-last.
 *
 *  - Anchors (Conv, pooling) read and write channels-last; followers (element-wise, Concat, Softmax, Pad, ...) do when
 *    one of their inputs is; everything else is row-major. Logical coordinates, axes and attributes never change.
 *  - Graph inputs and outputs stay row-major; a Layout node stands where a value changes sides, none where both layouts
 *    are the same bytes (one channel, or one pixel).
 *  - Flatten in front of Gemm with constant weights: Transpose to N,H,W,C (the same bytes as the channels-last value, so
 *    a view) and the rows of the weights follow. The model's own transposes between the two orders become views too.
 *
 * Constants stay row-major: kernels and references take them so. The graph is bound; shapes are inferred. */
#include "passlayout.h"

typedef enum mode { MODE_ROW, MODE_NHWC, MODE_TO_ROW, MODE_TO_NHWC } mode; /* TO_*: input on the other side */

bool w_layout_free(const w_shape *s) {
    return s->known && s->rank == 4 && (s->dim[1] == 1 || (s->dim[2] == 1 && s->dim[3] == 1));
}

static bool is_image(const w_graph *g, w_id v) { return v != W_NONE && g->value[v].shape.known && g->value[v].shape.rank == 4; }

static bool follows(uint16_t op) {
    switch (op) {
    case W_OP_Relu: case W_OP_LeakyRelu: case W_OP_PRelu: case W_OP_Elu: case W_OP_Clip: case W_OP_Sigmoid:
    case W_OP_HardSigmoid: case W_OP_HardSwish: case W_OP_Tanh: case W_OP_Softplus: case W_OP_Gelu: case W_OP_Add:
    case W_OP_Sub: case W_OP_Mul: case W_OP_Div: case W_OP_Pow: case W_OP_Min: case W_OP_Max: case W_OP_Sum: case W_OP_Abs:
    case W_OP_Neg: case W_OP_Exp: case W_OP_Log: case W_OP_Sqrt: case W_OP_Reciprocal: case W_OP_Erf: case W_OP_Floor:
    case W_OP_Ceil: case W_OP_Identity: case W_OP_Dropout: case W_OP_Cast: case W_OP_BatchNormalization: case W_OP_Softmax:
    case W_OP_LogSoftmax: case W_OP_LRN: case W_OP_Resize: case W_OP_DepthToSpace: case W_OP_SpaceToDepth: case W_OP_Concat:
    case W_OP_Split: case W_OP_Slice: case W_OP_Pad: case W_OP_QuantizeLinear: case W_OP_DequantizeLinear:
    case W_OP_DynamicQuantizeLinear: case W_OP_Table: return true;
    default: return false;
    }
}

static bool is_anchor(uint16_t op) {
    return op == W_OP_Conv || op == W_OP_MaxPool || op == W_OP_AveragePool || op == W_OP_GlobalAveragePool ||
           op == W_OP_GlobalMaxPool;
}

static bool has_perm(const w_node *n, const int64_t perm[4]) {
    const w_ints *p = n->attr ? &((w_transpose_attr *)n->attr)->perm : NULL;
    if (n->op != W_OP_Transpose || !p || !p->present || p->n != 4) return false;
    for (unsigned i = 0; i < 4; i++)
        if (p->v[i] != perm[i]) return false;
    return true;
}

static const int64_t to_last[4] = {0, 2, 3, 1}, to_first[4] = {0, 3, 1, 2};

bool w_transpose_is_view(const w_graph *g, const w_node *n) {
    if (n->op != W_OP_Transpose) return false;
    const w_value *x = &g->value[n->in[0]], *y = &g->value[n->out[0]];
    bool first_last = x->layout == W_NHWC && y->layout == W_ROW && has_perm(n, to_last);
    return (first_last || (x->layout == W_ROW && y->layout == W_NHWC && has_perm(n, to_first))) && x->kind != W_VALUE_CONST;
}

/* A follower changes sides when a variable input is channels-last and all variable inputs and outputs are images; single
 * numbers (a scale that was found) have no side. */
static bool can_follow(const w_graph *g, const w_node *n) {
    bool last = false;
    for (uint32_t i = 0; i < n->nin; i++) {
        if (n->in[i] == W_NONE || w_is_const(g, n->in[i])) continue;
        if (!is_image(g, n->in[i])) return false;
        last |= g->value[n->in[i]].layout == W_NHWC;
    }
    for (uint32_t i = 0; i < n->nout; i++)
        if (n->out[i] != W_NONE && !is_image(g, n->out[i]) && w_shape_count(&g->value[n->out[i]].shape) != 1) return false;
    return last;
}

static mode mode_of(const w_graph *g, const w_node *n) {
    if (!n->nin || !is_image(g, n->in[0])) return follows(n->op) && can_follow(g, n) ? MODE_NHWC : MODE_ROW;
    if (is_anchor(n->op)) return MODE_NHWC;
    if (has_perm(n, to_first)) return MODE_TO_NHWC;
    if (has_perm(n, to_last) && g->value[n->in[0]].layout == W_NHWC) return MODE_TO_ROW;
    return follows(n->op) && can_follow(g, n) ? MODE_NHWC : MODE_ROW;
}

static w_layout side_in(mode m) { return m == MODE_NHWC || m == MODE_TO_ROW ? W_NHWC : W_ROW; }
static w_layout side_out(mode m) { return m == MODE_NHWC || m == MODE_TO_NHWC ? W_NHWC : W_ROW; }

/* Settles the side of every node and marks outputs, and graph inputs that are channels-last as they are. */
static void choose_sides(w_layouter *l) {
    w_graph *g = l->g;
    for (size_t k = 0; k < l->nnode; k++) {
        const w_node *n = &g->node[k];
        if (!n->op) continue;
        mode m = mode_of(g, n);
        l->side[k] = side_in(m);
        for (uint32_t i = 0; i < n->nout; i++)
            if (is_image(g, n->out[i])) g->value[n->out[i]].layout = side_out(m);
        w_value *x = n->nin && n->in[0] != W_NONE ? &g->value[n->in[0]] : NULL;
        if (m == MODE_NHWC && x && x->kind == W_VALUE_INPUT && w_layout_free(&x->shape)) x->layout = W_NHWC;
    }
}

weir_status w_layout_twin(w_layouter *l, w_id v, const char *suffix, w_id *out, weir_error *e) {
    w_graph *g = l->g;
    W_TRY(w_graph_add_derived(g, w_value_name(g, v), suffix, out, e));
    w_value *t = &g->value[*out];
    t->type = g->value[v].type;
    t->shape = g->value[v].shape;
    t->quant = g->value[v].quant;
    return WEIR_OK;
}

/* A graph output that is made channels-last gets a Layout node behind it; everyone else reads the new value. */
static weir_status own_output(w_layouter *l, w_id v, w_redirect *inner, weir_error *e) {
    w_graph *g = l->g;
    if (g->value[v].kind != W_VALUE_NODE || g->value[v].layout != W_NHWC) return WEIR_OK;
    if (w_layout_free(&g->value[v].shape)) return g->value[v].layout = W_ROW, WEIR_OK;
    w_id last, k = g->value[v].producer;
    W_TRY(w_layout_twin(l, v, ".nhwc", &last, e));
    g->value[last].layout = W_NHWC;
    g->value[v].layout = W_ROW;
    for (uint32_t i = 0; i < g->node[k].nout; i++)
        if (g->node[k].out[i] == v) g->node[k].out[i] = last;
    g->value[last].producer = k;
    g->value[v].producer = W_NONE;
    w_redirect_set(inner, v, last);
    l->other[v] = last;
    return w_graph_add_node(g, W_OP_Layout, "", &last, 1, &v, 1, NULL, NULL, e);
}

static weir_status own_outputs(w_layouter *l, weir_error *e) {
    w_graph *g = l->g;
    w_redirect inner;
    W_TRY(w_redirect_init(g, &l->tmp, &inner, e));
    for (size_t i = 0; i < g->noutput; i++) W_TRY(own_output(l, g->output[i], &inner, e));
    for (size_t k = 0; k < l->nnode; k++)
        for (uint32_t i = 0; i < g->node[k].nin; i++) {
            w_id v = g->node[k].in[i];
            if (v == W_NONE || v >= inner.n || inner.to[v] == v) continue;
            if (l->side[k] == W_NHWC) g->node[k].in[i] = inner.to[v]; /* row-major readers take the output itself */
        }
    return WEIR_OK;
}

/* v on the side that its reader wants. */
static weir_status converted(w_layouter *l, w_id *v, w_layout side, weir_error *e) {
    w_graph *g = l->g;
    if (g->value[*v].layout == side || w_layout_free(&g->value[*v].shape) || *v >= l->nvalue) return WEIR_OK;
    w_id from = *v, to = l->other[from];
    if (to == W_NONE) {
        W_TRY(w_layout_twin(l, from, side == W_NHWC ? ".nhwc" : ".row", &to, e));
        g->value[to].layout = side;
        l->other[from] = to;
        W_TRY(w_graph_add_node(g, W_OP_Layout, "", &from, 1, &to, 1, NULL, NULL, e));
    }
    *v = to;
    return WEIR_OK;
}

static weir_status convert_inputs(w_layouter *l, size_t k, weir_error *e) {
    w_graph *g = l->g;
    for (uint32_t i = 0; i < g->node[k].nin; i++) {
        w_id v = g->node[k].in[i];
        if (v == W_NONE) continue;
        if (is_image(g, v) && !w_is_const(g, v)) W_TRY(converted(l, &v, l->side[k], e));
        g->node[k].in[i] = v;
    }
    return WEIR_OK;
}

static weir_status lay_out(w_layouter *l, weir_error *e) {
    w_graph *g = l->g;
    choose_sides(l);
    W_TRY(own_outputs(l, e));
    for (size_t k = 0; k < l->nnode; k++) {
        if (!g->node[k].op) continue;
        bool done = false;
        if (g->node[k].op == W_OP_Flatten || g->node[k].op == W_OP_Reshape) W_TRY(w_layout_flatten(l, (w_id)k, &done, e));
        if (!done) W_TRY(convert_inputs(l, k, e));
    }
    return w_graph_toposort(g, e);
}

weir_status w_pass_layout(w_graph *g, weir_error *e) {
    w_layouter l = {.g = g, .nnode = g->nnode, .nvalue = g->nvalue};
    w_arena_init(&l.tmp, g->ctx);
    l.side = w_arena_array(&l.tmp, W_MAX(l.nnode, 1), sizeof *l.side);
    l.other = w_arena_array(&l.tmp, W_MAX(l.nvalue, 1), sizeof *l.other);
    weir_status s = l.side && l.other ? w_layout_readers(&l, e) : w_oom(e, l.nvalue * sizeof *l.other, "layouts");
    for (size_t v = 0; s == WEIR_OK && v < l.nvalue; v++) l.other[v] = W_NONE;
    if (s == WEIR_OK) s = lay_out(&l, e);
    w_arena_fini(&l.tmp);
    return s;
}
