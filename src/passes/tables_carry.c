/* Operators that only move elements move bytes: the QuantizeLinear behind a Concat goes in front of it, the DequantizeLinear in
 * front of a Split behind it. What then stands next to its counterpart is another scale, which is a table, or nothing. */
#include "passqdq.h"

weir_status w_behind_bytes(w_graph *g, w_id v, const w_node **out, weir_error *e) {
    const w_node *p = w_producer(g, v);
    const w_quant *quant;
    w_type type;
    *out = NULL;
    if (!p || p->op != W_OP_DequantizeLinear || !w_is_bytes(g, p->in[0])) return WEIR_OK;
    W_TRY(w_qdq_params(g, p, &quant, &type, e));
    if (quant && type == WEIR_U8 && w_quant_equal(quant, g->value[p->in[0]].quant)) *out = p;
    return WEIR_OK;
}

/* A value of v's shape that holds bytes of the quantisation of `like`. */
static weir_status add_bytes(w_graph *g, w_id v, w_id like, w_id *out, weir_error *e) {
    W_TRY(w_graph_add_derived(g, w_value_name(g, v), ".bytes", out, e));
    w_value *b = &g->value[*out];
    b->type = WEIR_U8;
    b->quant = g->value[like].quant;
    b->shape = g->value[v].shape;
    return WEIR_OK;
}

/* ---- Concat ---- */

/* *concat: W_NONE where the QuantizeLinear stays. */
static weir_status joins_bytes(w_graph *g, const w_uses *uses, const w_node *quantize, w_id *concat, weir_error *e) {
    w_id v = quantize->in[0];
    const w_node *c = w_producer(g, v), *d;
    *concat = W_NONE;
    if (!w_is_bytes(g, quantize->out[0]) || !c || c->op != W_OP_Concat) return WEIR_OK;
    if (v >= uses->n || uses->count[v] != 1 || uses->output[v]) return WEIR_OK;
    for (uint32_t i = 0; i < c->nin; i++) {
        W_TRY(w_behind_bytes(g, c->in[i], &d, e));
        if (!d) return WEIR_OK;
    }
    *concat = g->value[v].producer;
    return WEIR_OK;
}

static weir_status join_bytes(w_graph *g, w_id quantize, w_id concat, weir_error *e) {
    w_node q = g->node[quantize];
    for (uint32_t i = 0; i < g->node[concat].nin; i++) {
        w_id real = g->node[concat].in[i], bytes = w_producer(g, real)->in[0];
        if (!w_quant_equal(g->value[bytes].quant, g->value[q.out[0]].quant)) {
            w_id in[3] = {real, w_input_of(&q, 1), w_input_of(&q, 2)};
            W_TRY(add_bytes(g, real, q.out[0], &bytes, e));
            W_TRY(w_graph_add_node(g, W_OP_QuantizeLinear, "", in, W_MIN(q.nin, 3u), &bytes, 1, q.attr, NULL, e));
        }
        g->node[concat].in[i] = bytes;
    }
    w_node_kill(g, quantize);
    w_node_retarget(g, concat, q.out[0]);
    return WEIR_OK;
}

/* ---- Split ---- */

static weir_status split_bytes(w_graph *g, w_id split, weir_error *e) {
    w_node d = *w_producer(g, g->node[split].in[0]);
    g->node[split].in[0] = d.in[0];
    for (uint32_t o = 0; o < g->node[split].nout; o++) {
        w_id real = g->node[split].out[o], bytes;
        if (real == W_NONE) continue;
        W_TRY(add_bytes(g, real, d.in[0], &bytes, e));
        g->node[split].out[o] = bytes;
        g->value[bytes].producer = split;
        g->value[real].producer = W_NONE;
        w_id in[3] = {bytes, w_input_of(&d, 1), w_input_of(&d, 2)};
        W_TRY(w_graph_add_node(g, W_OP_DequantizeLinear, "", in, W_MIN(d.nin, 3u), &real, 1, d.attr, NULL, e));
    }
    return WEIR_OK;
}

static weir_status carry_all(w_graph *g, const w_uses *uses, weir_error *e) {
    size_t n = g->nnode;
    for (size_t k = 0; k < n; k++) {
        const w_node *d = NULL;
        w_id concat = W_NONE;
        if (g->node[k].op == W_OP_Split) W_TRY(w_behind_bytes(g, g->node[k].in[0], &d, e));
        if (g->node[k].op == W_OP_QuantizeLinear) W_TRY(joins_bytes(g, uses, &g->node[k], &concat, e));
        if (d) W_TRY(split_bytes(g, (w_id)k, e));
        if (concat != W_NONE) W_TRY(join_bytes(g, (w_id)k, concat, e));
    }
    return w_graph_toposort(g, e);
}

weir_status w_tables_carry(w_graph *g, weir_error *e) {
    w_arena tmp;
    w_uses uses;
    w_arena_init(&tmp, g->ctx);
    weir_status s = w_graph_uses(g, &tmp, &uses, e);
    if (s == WEIR_OK) s = carry_all(g, &uses, e);
    w_arena_fini(&tmp);
    return s;
}
