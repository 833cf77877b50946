/* Operators that only move elements move bytes: the QuantizeLinear behind a Concat goes in front of it, the DequantizeLinear in
 * front of a Split behind it. What then stands next to its counterpart is another scale, which is a table, or nothing. */
#include "passutil.h"

static w_node *behind_bytes(const w_graph *g, w_id v) {
    w_node *p = w_producer(g, v);
    return p && p->op == W_OP_DequantizeLinear && w_is_bytes(g, p->in[0]) ? p : NULL;
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

static bool joins_bytes(const w_graph *g, const w_uses *uses, const w_node *quantize, w_id *concat) {
    w_id v = quantize->in[0];
    const w_node *c = w_producer(g, v);
    if (quantize->op != W_OP_QuantizeLinear || !w_is_bytes(g, quantize->out[0]) || !c || c->op != W_OP_Concat) return false;
    if (v >= uses->n || uses->count[v] != 1 || uses->output[v]) return false;
    for (uint32_t i = 0; i < c->nin; i++)
        if (!behind_bytes(g, c->in[i])) return false;
    *concat = g->value[v].producer;
    return true;
}

static weir_status join_bytes(w_graph *g, w_id quantize, w_id concat, weir_error *e) {
    w_node q = g->node[quantize];
    for (uint32_t i = 0; i < g->node[concat].nin; i++) {
        w_id real = g->node[concat].in[i], bytes = behind_bytes(g, real)->in[0];
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
    w_node d = *behind_bytes(g, g->node[split].in[0]);
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
        w_id concat;
        if (!g->node[k].op) continue;
        if (g->node[k].op == W_OP_Split && behind_bytes(g, g->node[k].in[0])) W_TRY(split_bytes(g, (w_id)k, e));
        else if (joins_bytes(g, uses, &g->node[k], &concat)) W_TRY(join_bytes(g, (w_id)k, concat, e));
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
