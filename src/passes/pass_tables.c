/* tables: what is computed from one 8-bit value, element by element, becomes a table of its 256 results.
 *
 *  - a function of one element behind another one: one table for both;
 *  - an operator with two operands that both come from the same value, as in x * sigmoid(x);
 *  - a QuantizeLinear behind a DequantizeLinear: another scale is a table too.
 *
 * Results are those of the references, rounded where the model rounds. The values between go away when nobody else reads them.
 * Only plans have tables: a model keeps the operators that it was written with. */
#include "passutil.h"
#include <string.h>

enum { ENTRIES = 256, DEPTH = 8 }; /* DEPTH: steps that a table may take together */

typedef struct maker {
    w_graph *g;
    w_arena scratch;
} maker;

static bool is_pair(uint16_t op) {
    return op == W_OP_Add || op == W_OP_Sub || op == W_OP_Mul || op == W_OP_Min || op == W_OP_Max;
}

static bool is_function(uint16_t op) {
    return w_is_function(op) || op == W_OP_QuantizeLinear || op == W_OP_DequantizeLinear || op == W_OP_Table;
}

/* Operands beside the first are constant, and the same for all elements: a scale for each channel makes no table. */
static bool takes_one(const w_graph *g, const w_node *n) {
    if (!is_function(n->op) || n->in[0] == W_NONE || w_is_const(g, n->in[0])) return false;
    for (uint32_t i = 1; i < n->nin; i++) {
        if (n->in[i] == W_NONE) continue;
        if (!w_is_const(g, n->in[i]) || (n->op != W_OP_Table && w_shape_count(&g->value[n->in[i]].shape) != 1)) return false;
    }
    return true;
}

/* The value that v is a function of, `steps` functions back; W_NONE when there are fewer. */
static w_id before(const w_graph *g, w_id v, unsigned steps) {
    for (; steps && v != W_NONE; steps--) {
        const w_node *p = w_producer(g, v);
        v = p && takes_one(g, p) ? p->in[0] : W_NONE;
    }
    return v;
}

/* The furthest 8-bit value that all data operands of n are functions of, or W_NONE. */
static w_id root_of(const w_graph *g, const w_node *n) {
    w_id root = W_NONE;
    if (!takes_one(g, n) && !(is_pair(n->op) && n->nin == 2)) return W_NONE;
    for (unsigned i = 0; i < DEPTH; i++) {
        w_id v = before(g, n->in[0], i);
        if (!w_is_bytes(g, v)) continue;
        if (!is_pair(n->op)) root = v;
        for (unsigned k = 0; is_pair(n->op) && k < DEPTH; k++)
            if (before(g, n->in[1], k) == v) root = v;
    }
    return root;
}

static w_tensor column(const w_value *v, void *data) {
    w_tensor t = {v->type, w_shape_1d(ENTRIES), data};
    return t;
}

static weir_status results(maker *m, const w_node *n, w_id root, void **out, weir_error *e);

/* The 256 numbers of operand v. */
static weir_status operand(maker *m, w_id v, w_id root, w_tensor *t, weir_error *e) {
    const w_value *x = &m->g->value[v];
    void *data = (void *)x->data;
    if (x->kind == W_VALUE_CONST) {
        *t = (w_tensor){x->type, x->shape, data};
        return WEIR_OK;
    }
    if (v == root) {
        uint8_t *all = data = w_arena_alloc(&m->scratch, ENTRIES);
        if (!all) return w_oom(e, ENTRIES, "a table");
        for (unsigned i = 0; i < ENTRIES; i++) all[i] = (uint8_t)i;
    } else {
        W_TRY(results(m, w_producer(m->g, v), root, &data, e));
    }
    *t = column(x, data);
    return WEIR_OK;
}

static weir_status results(maker *m, const w_node *n, w_id root, void **out, weir_error *e) {
    w_tensor *in = w_arena_array(&m->scratch, n->nin, sizeof *in), y;
    *out = w_arena_alloc_aligned(&m->scratch, ENTRIES * sizeof(float));
    if (!in || !*out) return w_oom(e, ENTRIES * sizeof(float), "a table");
    for (uint32_t i = 0; i < n->nin; i++)
        if (n->in[i] != W_NONE) W_TRY(operand(m, n->in[i], root, &in[i], e));
    y = column(&m->g->value[n->out[0]], *out);
    return w_ref_node(m->g, n, in, &y, &m->scratch, e);
}

/* QuantizeLinear takes back what one DequantizeLinear did. */
static weir_status changes_nothing(w_graph *g, const w_node *n, w_id root, bool *nothing, weir_error *e) {
    const w_node *d;
    W_TRY(w_behind_bytes(g, n->in[0], &d, e));
    *nothing = n->op == W_OP_QuantizeLinear && d && d->in[0] == root && w_quant_equal(g->value[root].quant, g->value[n->out[0]].quant);
    return WEIR_OK;
}

static weir_status become_table(maker *m, w_id k, w_id root, weir_error *e) {
    w_graph *g = m->g;
    void *entries;
    bool nothing;
    W_TRY(changes_nothing(g, &g->node[k], root, &nothing, e));
    if (nothing) {
        g->node[k].op = W_OP_Identity;
        g->node[k].attr = NULL;
        g->node[k].in[0] = root;
        g->node[k].nin = 1;
        return WEIR_OK;
    }
    uint8_t *data = w_arena_alloc(&g->arena, ENTRIES);
    w_id *in = w_arena_array(&g->arena, 2, sizeof *in);
    if (!data || !in) return w_oom(e, ENTRIES, "a table");
    W_TRY(results(m, &g->node[k], root, &entries, e));
    memcpy(data, entries, ENTRIES);
    in[0] = root;
    W_TRY(w_graph_add_derived(g, w_value_name(g, g->node[k].out[0]), ".table", &in[1], e));
    w_value *t = &g->value[in[1]];
    t->kind = W_VALUE_CONST;
    t->type = WEIR_U8;
    t->shape = w_shape_1d(ENTRIES);
    t->data = data;
    w_node *n = &g->node[k];
    n->op = W_OP_Table;
    n->attr = NULL;
    n->in = in;
    n->nin = 2;
    return WEIR_OK;
}

/* A function that reads its root directly is a step like a table already. */
static bool gains(const w_graph *g, const w_node *n, w_id root) {
    return root != W_NONE && w_is_bytes(g, n->out[0]) && n->nout == 1 && (is_pair(n->op) || n->in[0] != root) &&
           w_shape_equal(&g->value[root].shape, &g->value[n->out[0]].shape);
}

weir_status w_pass_tables(w_graph *g, weir_error *e) {
    weir_status s = w_tables_carry(g, e);
    for (size_t k = 0; s == WEIR_OK && k < g->nnode; k++) {
        w_id root = g->node[k].op ? root_of(g, &g->node[k]) : W_NONE;
        if (!g->node[k].op || !gains(g, &g->node[k], root)) continue;
        maker m = {.g = g};
        w_arena_init(&m.scratch, g->ctx);
        s = become_table(&m, (w_id)k, root, e);
        w_arena_fini(&m.scratch);
    }
    return s;
}
