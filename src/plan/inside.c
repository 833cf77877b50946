/* inside.c: results that are made where a Concat would copy them.
 *
 * A Concat of channels puts the pixels of its operands side by side. An operand that nobody else reads is written there
 * at once, when the step that makes it can leave gaps between its pixels: it then lies inside the result, which is its storage, and
 * the Concat copies the others. A step still stands for the Concat, so that whoever reads the result waits for all of it. */
#include "planner.h"

/* Channels of images that lie channels-last. */
static bool along_rows(const w_graph *g, const w_node *n) {
    const w_value *y = &g->value[n->out[0]];
    int64_t axis = ((const w_axis_attr *)n->attr)->axis;
    return y->shape.rank == 4 && y->layout == W_NHWC && (axis == 1 || axis == -3);
}

static bool takes(const w_plan *p, const w_node *n, w_arena *a) { return p->ctx->backend->rows_apart(w_plan_impl(p, n, a, NULL)); }

/* A result of its own, which nobody but the Concat sees. */
static bool may_move(const w_plan *p, const w_uses *uses, const bool *is_step, w_id v, w_id whole) {
    const w_graph *g = p->graph;
    const w_value *x = &g->value[v];
    if (v == W_NONE || uses->count[v] != 1 || p->storage[v] != v || p->value_loc[v].place != W_PLACE_ARENA) return false;
    if (x->producer == W_NONE || !is_step[x->producer] || x->layout != g->value[whole].layout || p->value_loc[v].bytes == 0) return false;
    const w_node *maker = &g->node[x->producer];
    return maker->op != W_OP_Concat && maker->out[0] == v;
}

static void move(w_plan *p, w_id v, w_id whole, size_t within, size_t pitch) {
    w_loc *l = &p->value_loc[v], to = p->value_loc[whole];
    p->storage[v] = whole;
    l->place = to.place;
    l->index = to.index;
    l->offset = l->within = within;
    l->pitch = pitch;
}

static void operands(w_plan *p, const w_uses *uses, const bool *is_step, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_value *y = &g->value[n->out[0]];
    size_t elem = w_type_size(y->type), pitch = (size_t)y->shape.dim[1] * elem, at = 0;
    for (uint32_t i = 0; i < n->nin; i++) {
        const w_value *x = &g->value[n->in[i]];
        if (may_move(p, uses, is_step, n->in[i], n->out[0]) && takes(p, &g->node[x->producer], a)) move(p, n->in[i], n->out[0], at, pitch);
        at += (size_t)x->shape.dim[1] * elem;
    }
}

weir_status w_plan_inside(w_plan *p, const bool *is_step, weir_error *e) {
    const w_graph *g = p->graph;
    w_uses uses;
    w_arena a;
    if (p->options.keep_all) return WEIR_OK;
    w_arena_init(&a, p->ctx);
    weir_status st = w_graph_uses(g, &a, &uses, e);
    for (size_t i = 0; st == WEIR_OK && i < g->nnode; i++) {
        const w_node *n = &g->node[i];
        bool own = n->op == W_OP_Concat && is_step[i] && n->nin > 1 && p->storage[n->out[0]] == n->out[0];
        if (own && along_rows(g, n) && takes(p, n, &a)) operands(p, &uses, is_step, n, &a);
    }
    w_arena_fini(&a);
    return st;
}
