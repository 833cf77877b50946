/* Nodes that change nothing go away: Identity, inference Dropout, same-shape reshapes, identity transposes, casts to the
 * same type, Concat or Sum of one. Chains of transposes become one. Graph outputs keep their names. */
#include "passutil.h"
#include <string.h>

typedef struct cleaner {
    w_graph *g;
    w_uses uses;
    w_redirect to;
} cleaner;

static uint8_t perm_at(const w_node *n, uint8_t rank, uint8_t i) {
    const w_ints *p = &((const w_transpose_attr *)n->attr)->perm;
    return p->present && p->n == rank ? (uint8_t)p->v[i] : (uint8_t)(rank - 1 - i);
}

static bool keeps_order(const w_graph *g, const w_node *n) {
    const w_shape *s = &g->value[n->in[0]].shape;
    if (!s->known) return false;
    for (uint8_t i = 0; i < s->rank; i++)
        if (perm_at(n, s->rank, i) != i) return false;
    return true;
}

static bool is_nothing(const w_graph *g, const w_node *n, const w_uses *uses) {
    switch (n->op) {
    case W_OP_Identity: return true;
    case W_OP_Dropout: return n->nout < 2 || n->out[1] == W_NONE || !uses->count[n->out[1]];
    case W_OP_Reshape: case W_OP_Flatten: case W_OP_Squeeze: case W_OP_Unsqueeze: case W_OP_Expand:
        return w_shape_equal(&g->value[n->in[0]].shape, &g->value[n->out[0]].shape);
    case W_OP_Transpose: return keeps_order(g, n);
    case W_OP_Cast: return g->value[n->in[0]].type == g->value[n->out[0]].type;
    case W_OP_Concat: case W_OP_Sum: case W_OP_Min: case W_OP_Max: return n->nin == 1;
    default: return false;
    }
}

/* Takes node k out of the way. Where its output is a graph output, the producer of its input makes it instead, if the
 * input is not needed under its own name by the caller. */
static void bypass(cleaner *c, w_id k) {
    w_graph *g = c->g;
    w_node *n = &g->node[k];
    w_id x = n->in[0], y = n->out[0];
    if (!w_quant_equal(g->value[x].quant, g->value[y].quant) || g->value[x].type != g->value[y].type) return;
    if (!c->uses.output[y]) {
        w_node_kill(g, k);
        w_redirect_set(&c->to, y, x);
        return;
    }
    w_node *p = w_producer(g, x);
    if (!p || c->uses.output[x]) return;
    w_id pk = g->value[x].producer;
    w_node_kill(g, k);
    for (uint32_t i = 0; i < p->nout; i++)
        if (p->out[i] == x) p->out[i] = y;
    g->value[x].producer = W_NONE;
    g->value[y].producer = pk;
    w_redirect_set(&c->to, x, y);
}

/* Transpose of Transpose: the second reads the source of the first. */
static weir_status join_transposes(w_graph *g, w_node *n, weir_error *e) {
    const w_node *p = w_producer(g, n->in[0]);
    const w_shape *s = &g->value[n->in[0]].shape;
    if (n->op != W_OP_Transpose || !p || p->op != W_OP_Transpose || !s->known) return WEIR_OK;
    if (g->value[n->in[0]].quant || !g->value[p->in[0]].shape.known) return WEIR_OK;
    int64_t *perm = w_arena_array(&g->arena, W_MAX(s->rank, 1), sizeof *perm);
    w_transpose_attr *attr = w_op_attr_new(g, W_OP_Transpose);
    if (!perm || !attr) return w_oom(e, sizeof *attr, "a Transpose");
    for (uint8_t i = 0; i < s->rank; i++) perm[i] = perm_at(p, s->rank, perm_at(n, s->rank, i));
    attr->perm = (w_ints){perm, s->rank, true};
    n->attr = attr;
    n->in[0] = p->in[0];
    return WEIR_OK;
}

weir_status w_norm_views(w_graph *g, weir_error *e) {
    w_arena a;
    w_arena_init(&a, g->ctx);
    cleaner c = {.g = g};
    weir_status s = WEIR_OK;
    for (size_t k = 0; s == WEIR_OK && k < g->nnode; k++) s = join_transposes(g, &g->node[k], e);
    if (s == WEIR_OK) s = w_graph_uses(g, &a, &c.uses, e);
    if (s == WEIR_OK) s = w_redirect_init(g, &a, &c.to, e);
    for (size_t k = 0; s == WEIR_OK && k < g->nnode; k++) {
        if (!g->node[k].op || g->node[k].nin == 0 || g->node[k].in[0] == W_NONE) continue;
        /* an input that was redirected already is seen under its new id */
        for (uint32_t i = 0; i < g->node[k].nin; i++) g->node[k].in[i] = w_redirect_of(&c.to, g->node[k].in[i]);
        if (is_nothing(g, &g->node[k], &c.uses)) bypass(&c, (w_id)k);
    }
    if (s == WEIR_OK) w_redirect_apply(&c.to, g);
    w_arena_fini(&a);
    return s;
}
