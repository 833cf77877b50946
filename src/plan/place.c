/* place.c: where every value lies: graph input, graph output, constant, or arena; views share the bytes of their source.
 *
 * Invariants: a storage root is its own storage; a group of views holds at most one graph output, and then the whole group
 * lies in that output's buffer; nothing that is written lies in a graph input. */
#include "planner.h"
#include <inttypes.h>
#include <string.h>

#define BYTES_MAX (INT64_C(1) << 40)

static weir_status copy_to_own(w_graph *g, size_t output, weir_error *e) {
    w_id from = g->output[output], to, node;
    W_TRY(w_graph_add_value(g, "", &to, e));
    w_value *v = &g->value[to];
    const w_value *src = &g->value[from];
    v->type = src->type;
    v->shape = src->shape;
    v->layout = src->layout;
    v->quant = src->quant;
    W_TRY(w_graph_add_node(g, W_OP_Identity, "", &from, 1, &to, 1, NULL, &node, e));
    g->output[output] = to;
    return WEIR_OK;
}

weir_status w_plan_own_outputs(w_graph *g, weir_error *e) {
    for (size_t i = 0; i < g->noutput; i++) {
        bool own = g->value[g->output[i]].kind == W_VALUE_NODE;
        for (size_t j = 0; j < i && own; j++)
            own = g->output[j] != g->output[i];
        if (!own)
            W_TRY(copy_to_own(g, i, e));
    }
    return WEIR_OK;
}

static bool quant_equal(const w_quant *a, const w_quant *b) {
    if (a == b)
        return true;
    if (!a || !b || a->n != b->n || (a->n > 1 && a->axis != b->axis))
        return false;
    return memcmp(a->scale, b->scale, a->n * sizeof *a->scale) == 0 && memcmp(a->zero, b->zero, a->n * sizeof *a->zero) == 0;
}

/* Channels-last and row-major are the same bytes when one channel, or one pixel, is all there is. */
static bool layouts_agree(const w_value *a, const w_value *b) {
    if (a->layout == b->layout)
        return true;
    return a->shape.rank == 4 && (a->shape.dim[1] == 1 || a->shape.dim[2] * a->shape.dim[3] == 1);
}

/* Whether output 0 of n is nothing but its first input seen differently. */
static bool is_view(const w_graph *g, const w_node *n, const w_uses *uses) {
    switch (n->op) {
    case W_OP_Reshape: case W_OP_Flatten: case W_OP_Squeeze: case W_OP_Unsqueeze: case W_OP_Identity: break;
    case W_OP_Dropout:
        if (n->nout > 1 && n->out[1] != W_NONE && uses->count[n->out[1]] > 0)
            return false;
        break;
    case W_OP_Layout:
        if (!layouts_agree(&g->value[n->in[0]], &g->value[n->out[0]]))
            return false;
        break;
    case W_OP_Transpose:
        if (!w_transpose_is_view(g, n))
            return false;
        break;
    default: return false;
    }
    const w_value *a = &g->value[n->in[0]], *b = &g->value[n->out[0]];
    return a->type == b->type && w_value_bytes(g, n->in[0]) == w_value_bytes(g, n->out[0]) && quant_equal(a->quant, b->quant);
}

typedef struct placing {
    w_plan *p;
    uint32_t *output_of; /* per value: graph output number, or W_NONE; for a root: of its whole group */
} placing;

/* Takes the group of x as the storage of y unless y must lie in a buffer that the group cannot have. */
static bool join(placing *s, w_id x, w_id y) {
    w_id root = s->p->storage[x];
    bool fixed = s->p->graph->value[root].kind != W_VALUE_NODE;
    if (s->output_of[y] != W_NONE) {
        if (fixed || s->output_of[root] != W_NONE)
            return false;
        s->output_of[root] = s->output_of[y];
    }
    s->p->storage[y] = root;
    return true;
}

static void locate(placing *s, w_id v) {
    const w_graph *g = s->p->graph;
    w_id root = s->p->storage[v];
    w_loc *l = &s->p->value_loc[v];
    l->value = v;
    l->bytes = w_value_bytes(g, v);
    if (g->value[root].kind == W_VALUE_CONST) {
        l->place = W_PLACE_CONST;
        l->data = g->value[root].data;
    } else if (g->value[root].kind == W_VALUE_INPUT) {
        l->place = W_PLACE_INPUT;
        for (uint32_t i = 0; i < g->ninput; i++)
            if (g->input[i] == root)
                l->index = i;
    } else if (s->output_of[root] != W_NONE) {
        l->place = W_PLACE_OUTPUT;
        l->index = s->output_of[root];
    } else {
        l->place = W_PLACE_ARENA;
    }
}

static weir_status check_borders(const w_graph *g, weir_error *e) {
    for (size_t i = 0; i < g->ninput + g->noutput; i++) {
        w_id v = i < g->ninput ? g->input[i] : g->output[i - g->ninput];
        w_value row = g->value[v];
        row.layout = W_ROW;
        if (!layouts_agree(&row, &g->value[v]))
            return w_fail(e, WEIR_INTERNAL, "%s: '%s' reaches the border of the model channels-last", g->source, w_value_name(g, v));
    }
    return WEIR_OK;
}

/* Every value that the plan touches needs a size, and one with which sums over all values cannot overflow. */
static weir_status check_size(const w_graph *g, w_id v, weir_error *e) {
    int64_t count = w_shape_count(&g->value[v].shape);
    if (g->value[v].type == 0 || count < 0)
        return w_fail(e, WEIR_BAD_INPUT, "%s: the shape of '%s' is not known before the run", g->source, w_value_name(g, v));
    if (count > BYTES_MAX / 8)
        return w_fail(e, WEIR_NO_RESOURCE, "%s: '%s' has %" PRId64 " elements", g->source, w_value_name(g, v), count);
    return WEIR_OK;
}

static weir_status check_sizes(const w_graph *g, weir_error *e) {
    for (size_t k = 0; k < g->nnode; k++) {
        const w_node *n = &g->node[k];
        for (uint32_t i = 0; n->op != W_OP_NONE && i < n->nin + n->nout; i++) {
            w_id v = i < n->nin ? n->in[i] : n->out[i - n->nin];
            if (v != W_NONE)
                W_TRY(check_size(g, v, e));
        }
    }
    for (size_t i = 0; i < g->ninput; i++)
        W_TRY(check_size(g, g->input[i], e));
    return WEIR_OK;
}

weir_status w_plan_place(w_plan *p, bool *is_step, weir_error *e) {
    const w_graph *g = p->graph;
    w_uses uses;
    W_TRY(check_sizes(g, e));
    W_TRY(check_borders(g, e));
    W_TRY(w_graph_uses(g, &p->arena_mem, &uses, e));
    p->value_loc = w_arena_array(&p->arena_mem, g->nvalue + 1, sizeof *p->value_loc);
    p->storage = w_arena_array(&p->arena_mem, g->nvalue + 1, sizeof *p->storage);
    placing s = {p, w_arena_array(&p->arena_mem, g->nvalue + 1, sizeof(uint32_t))};
    if (!p->value_loc || !p->storage || !s.output_of)
        return w_oom(e, g->nvalue * sizeof *p->value_loc, "the places of values");
    for (w_id v = 0; v < g->nvalue; v++) {
        p->storage[v] = v;
        s.output_of[v] = W_NONE;
    }
    for (uint32_t i = 0; i < g->noutput; i++)
        s.output_of[g->output[i]] = i;
    for (size_t i = 0; i < g->nnode; i++) {
        const w_node *n = &g->node[i];
        if (n->op == W_OP_NONE)
            continue;
        is_step[i] = !(is_view(g, n, &uses) && join(&s, n->in[0], n->out[0]));
    }
    for (w_id v = 0; v < g->nvalue; v++)
        locate(&s, v);
    return WEIR_OK;
}
