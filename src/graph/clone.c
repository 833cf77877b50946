/* A deep copy that shares only constant data. Ids, and name ids, stay the same. */
#include "names.h"
#include <string.h>

static void *copy_array(w_arena *a, const void *p, size_t n, size_t elem) {
    void *c = w_arena_array(a, W_MAX(n, 1), elem);
    if (c && n) memcpy(c, p, n * elem);
    return c;
}

static bool copy_names(const w_graph *g, w_graph *c) {
    for (size_t i = 0; i < w_names_count(g->names); i++) {
        const char *s = w_names_text(g->names, (w_id)i);
        if (w_names_intern(c->names, &c->arena, s, strlen(s)) != (w_id)i) return false;
        w_names_set_value(c->names, (w_id)i, w_names_value(g->names, (w_id)i));
    }
    return true;
}

static const w_quant *copy_quant(w_arena *a, const w_quant *q) {
    w_quant *c = w_arena_alloc(a, sizeof *c);
    if (!c) return NULL;
    *c = *q;
    c->scale = copy_array(a, q->scale, q->n, sizeof *q->scale);
    c->zero = copy_array(a, q->zero, q->n, sizeof *q->zero);
    return c->scale && c->zero ? c : NULL;
}

static const w_coding *copy_coding(w_arena *a, const w_coding *q) {
    w_coding *c = w_arena_alloc(a, sizeof *c);
    if (!c) return NULL;
    *c = *q;
    if (q->ncodebook && !(c->codebook = copy_array(a, q->codebook, q->ncodebook, sizeof *q->codebook))) return NULL;
    return c;
}

static bool copy_values(const w_graph *g, w_graph *c) {
    if (!w_grow(c->ctx, (void **)&c->value, sizeof *c->value, &c->cap_value, W_MAX(g->nvalue, 1))) return false;
    for (size_t v = 0; v < g->nvalue; v++) {
        w_value *x = &c->value[v];
        *x = g->value[v];
        if (x->quant && !(x->quant = copy_quant(&c->arena, x->quant))) return false;
        if (x->coding && !(x->coding = copy_coding(&c->arena, x->coding))) return false;
        c->nvalue++;
    }
    return true;
}

static bool copy_nodes(const w_graph *g, w_graph *c) {
    if (!w_grow(c->ctx, (void **)&c->node, sizeof *c->node, &c->cap_node, W_MAX(g->nnode, 1))) return false;
    for (size_t k = 0; k < g->nnode; k++) {
        w_node *n = &c->node[k];
        *n = g->node[k];
        n->in = copy_array(&c->arena, n->in, n->nin, sizeof *n->in);
        n->out = copy_array(&c->arena, n->out, n->nout, sizeof *n->out);
        if (!n->in || !n->out) return false;
        if (n->attr && !(n->attr = w_ops_vt.attr_clone(c, n->op, n->attr))) return false;
        c->nnode++;
    }
    return true;
}

static bool copy_ids(weir_context *ctx, w_id **to, size_t *n, size_t *cap, const w_id *from, size_t count) {
    if (!count) return true;
    if (!w_grow(ctx, (void **)to, sizeof **to, cap, count)) return false;
    memcpy(*to, from, count * sizeof *from);
    *n = count;
    return true;
}

static bool copy_symbols(const w_graph *g, w_graph *c) {
    if (!g->nsymbol) return true;
    if (!w_grow(c->ctx, (void **)&c->symbol, sizeof *c->symbol, &c->cap_symbol, g->nsymbol)) return false;
    for (; c->nsymbol < g->nsymbol; c->nsymbol++)
        if (!(c->symbol[c->nsymbol] = w_arena_strdup(&c->arena, g->symbol[c->nsymbol]))) return false;
    return true;
}

weir_status w_graph_clone(const w_graph *g, w_graph **out, weir_error *e) {
    w_graph *c;
    W_TRY(w_graph_create(g->ctx, g->source, &c, e));
    c->opset = g->opset;
    c->file = g->file;
    if (copy_names(g, c) && copy_symbols(g, c) && copy_values(g, c) && copy_nodes(g, c) &&
        copy_ids(c->ctx, &c->input, &c->ninput, &c->cap_input, g->input, g->ninput) &&
        copy_ids(c->ctx, &c->output, &c->noutput, &c->cap_output, g->output, g->noutput)) {
        *out = c;
        return WEIR_OK;
    }
    w_graph_destroy(c);
    *out = NULL;
    return w_oom(e, g->nvalue * sizeof *g->value + g->nnode * sizeof *g->node, "a copy of the graph");
}
