/* What only moves elements moves bytes: a QuantizeLinear behind a Transpose or a view is done in front of it, too. The pair that
 * this makes around the node is what lets it work on 8 bits; quantising a second time by the same scale changes nothing. */
#include "passqdq.h"

static bool only_moves(uint16_t op) {
    switch (op) {
    case W_OP_Transpose: case W_OP_Reshape: case W_OP_Flatten: case W_OP_Squeeze: case W_OP_Unsqueeze: return true;
    default: return false;
    }
}

/* Made by this pass, or a pair of the file's own: there is nothing to gain in front of it. */
static bool behind_pair(const w_graph *g, w_id v) {
    const w_node *d = w_producer(g, v), *p = d && d->op == W_OP_DequantizeLinear ? w_producer(g, d->in[0]) : NULL;
    return p && p->op == W_OP_QuantizeLinear;
}

static bool worth_it(const w_qdq *q, const w_node *n) {
    const w_graph *g = q->g;
    w_id y = n->in[0];
    const w_node *p = w_producer(g, y);
    if (!p || w_input_of(n, 2) == W_NONE || !only_moves(p->op) || y >= q->uses.n || q->uses.count[y] != 1 || q->uses.output[y]) return false;
    w_id x = p->in[0];
    return !w_is_const(g, x) && g->value[x].type == WEIR_F32 && !g->value[x].quant && !behind_pair(g, x);
}

/* A node like `like` that reads `data`: *out is its new output. */
static weir_status copy_of(w_graph *g, const w_node *like, uint16_t op, w_id data, w_id *out, weir_error *e) {
    w_id in[3] = {data, like->in[1], like->in[2]};
    void *attr = w_op_attr_new(g, op);
    if (!attr) return w_oom(e, 64, "a node");
    const char *name = w_value_name(g, like->out[0]);
    W_TRY(w_graph_add_derived(g, name, op == W_OP_QuantizeLinear ? ".early" : ".real", out, e));
    g->value[*out].shape = g->value[data].shape;
    g->value[*out].type = op == W_OP_QuantizeLinear ? g->value[like->out[0]].type : WEIR_F32;
    return w_graph_add_node(g, op, w_value_name(g, *out), in, 3, out, 1, attr, NULL, e);
}

weir_status w_qdq_early(w_qdq *q, weir_error *e) {
    w_graph *g = q->g;
    bool any = false;
    W_TRY(w_graph_uses(g, &q->tmp, &q->uses, e));
    for (size_t k = 0; k < g->nnode; k++) { /* new nodes come last, and are looked at as well */
        if (g->node[k].op != W_OP_QuantizeLinear || !worth_it(q, &g->node[k])) continue;
        const w_quant *quant;
        w_type type;
        w_id bytes, real, mover = g->value[g->node[k].in[0]].producer;
        W_TRY(w_qdq_params(g, &g->node[k], &quant, &type, e));
        if (!quant || quant->n != 1) continue;
        W_TRY(copy_of(g, &g->node[k], W_OP_QuantizeLinear, g->node[mover].in[0], &bytes, e));
        W_TRY(copy_of(g, &g->node[k], W_OP_DequantizeLinear, bytes, &real, e));
        g->node[mover].in[0] = real;
        any = true;
    }
    return any ? w_graph_toposort(g, e) : WEIR_OK;
}
