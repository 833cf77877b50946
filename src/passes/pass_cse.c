/* cse: equal constants become one, then equal nodes (same operator, inputs, attributes, output storage). The first one
 * stays. A value that is a graph output keeps its own node, so that it keeps its name. */
#include "passutil.h"
#include "hash.h"
#include <string.h>

enum { PEEK = 256 }; /* bytes of a constant that its hash looks at; equality looks at all */

/* Open addressing over ids; `slot` holds id + 1. */
typedef struct table { uint32_t *slot; size_t mask; uint64_t *hash; } table;

static weir_status table_init(table *t, size_t n, w_arena *a, weir_error *e) {
    size_t cap = 16;
    while (cap < 2 * n) cap *= 2;
    t->mask = cap - 1;
    t->slot = w_arena_array(a, cap, sizeof *t->slot);
    t->hash = w_arena_array(a, W_MAX(n, 1), sizeof *t->hash);
    return t->slot && t->hash ? WEIR_OK : w_oom(e, cap * 16, "common subexpressions");
}

typedef bool (*same_fn)(const w_graph *g, w_id a, w_id b);

/* An earlier id that is the same as this one, or the id itself, which then stands in the table. Only so many entries with
 * equal hash are compared: crafted collisions cost lost merges and no time. */
static w_id find_or_add(table *t, const w_graph *g, w_id id, uint64_t hash, same_fn same) {
    enum { MAX_COMPARED = 64 };
    t->hash[id] = hash;
    unsigned compared = 0;
    size_t i = hash & t->mask;
    for (; t->slot[i]; i = (i + 1) & t->mask) {
        w_id other = t->slot[i] - 1;
        if (t->hash[other] != hash) continue;
        if (compared++ == MAX_COMPARED) return id;
        if (same(g, other, id)) return other;
    }
    t->slot[i] = id + 1;
    return id;
}

static bool same_const(const w_graph *g, w_id a, w_id b) {
    const w_value *x = &g->value[a], *y = &g->value[b];
    if (x->type != y->type || x->layout != y->layout || !w_shape_equal(&x->shape, &y->shape)) return false;
    if (!w_quant_equal(x->quant, y->quant) || !w_coding_equal(x->coding, y->coding)) return false;
    size_t bytes = w_value_bytes(g, a);
    return x->data == y->data || !bytes || !memcmp(x->data, y->data, bytes);
}

static uint64_t hash_const(const w_graph *g, w_id id) {
    const w_value *v = &g->value[id];
    size_t bytes = w_value_bytes(g, id);
    uint64_t h = w_hash64(v->shape.dim, v->shape.rank * sizeof *v->shape.dim, (uint64_t)v->type);
    return bytes ? w_hash64(v->data, W_MIN(bytes, (size_t)PEEK), h) : h;
}

static weir_status merge_constants(w_graph *g, const w_uses *uses, w_arena *a, weir_error *e) {
    table t;
    w_redirect to;
    W_TRY(table_init(&t, g->nvalue, a, e));
    W_TRY(w_redirect_init(g, a, &to, e));
    for (w_id v = 0; v < g->nvalue; v++) {
        if (g->value[v].kind != W_VALUE_CONST || uses->output[v] || !uses->count[v]) continue;
        w_redirect_set(&to, v, find_or_add(&t, g, v, hash_const(g, v), same_const));
    }
    w_redirect_apply(&to, g);
    return WEIR_OK;
}

static bool same_node(const w_graph *g, w_id a, w_id b) {
    const w_node *x = &g->node[a], *y = &g->node[b];
    if (x->op != y->op || x->nin != y->nin || x->nout != y->nout || memcmp(x->in, y->in, x->nin * sizeof *x->in)) return false;
    if (!x->attr != !y->attr || (x->attr && !w_op_attr_equal(x->op, x->attr, y->attr))) return false;
    for (uint32_t i = 0; i < x->nout; i++) {
        if (x->out[i] == W_NONE || y->out[i] == W_NONE) {
            if (x->out[i] != y->out[i]) return false;
            continue;
        }
        const w_value *p = &g->value[x->out[i]], *q = &g->value[y->out[i]];
        if (p->type != q->type || p->layout != q->layout || !w_quant_equal(p->quant, q->quant)) return false;
    }
    return true;
}

static bool makes_output(const w_uses *uses, const w_node *n) {
    for (uint32_t i = 0; i < n->nout; i++)
        if (n->out[i] != W_NONE && uses->output[n->out[i]]) return true;
    return false;
}

static weir_status merge_nodes(w_graph *g, const w_uses *uses, w_arena *a, weir_error *e) {
    table t;
    w_redirect to;
    W_TRY(table_init(&t, g->nnode, a, e));
    W_TRY(w_redirect_init(g, a, &to, e));
    for (w_id k = 0; k < g->nnode; k++) {
        w_node *n = &g->node[k];
        if (!n->op) continue;
        for (uint32_t i = 0; i < n->nin; i++) n->in[i] = w_redirect_of(&to, n->in[i]);
        if (makes_output(uses, n)) continue;
        w_id first = find_or_add(&t, g, k, w_hash64(n->in, n->nin * sizeof *n->in, n->op), same_node);
        if (first == k) continue;
        for (uint32_t i = 0; i < n->nout; i++)
            if (n->out[i] != W_NONE) w_redirect_set(&to, n->out[i], g->node[first].out[i]);
        w_node_kill(g, k);
    }
    w_redirect_apply(&to, g);
    return WEIR_OK;
}

weir_status w_pass_cse(w_graph *g, weir_error *e) {
    w_arena a;
    w_arena_init(&a, g->ctx);
    w_uses uses;
    weir_status s = w_graph_uses(g, &a, &uses, e);
    if (s == WEIR_OK) s = merge_constants(g, &uses, &a, e);
    if (s == WEIR_OK) s = merge_nodes(g, &uses, &a, e);
    w_arena_fini(&a);
    return s;
}
