/* The graph's life: creation, building, names of things. Arrays grow in the context's allocator; everything they
 * point to lies in the graph's arena. */
#include "names.h"
#include <stdio.h>
#include <string.h>

weir_status w_graph_create(weir_context *ctx, const char *source, w_graph **out, weir_error *e) {
    *out = NULL;
    w_graph *g = w_calloc(ctx, 1, sizeof *g);
    if (!g) return w_oom(e, sizeof *g, "a graph");
    g->ctx = ctx;
    w_arena_init(&g->arena, ctx);
    g->names = w_names_create(ctx);
    g->source = w_arena_strdup(&g->arena, source ? source : "");
    if (!g->names || !g->source) {
        w_graph_destroy(g);
        return w_oom(e, sizeof *g, "a graph");
    }
    *out = g;
    return WEIR_OK;
}

void w_graph_destroy(w_graph *g) {
    if (!g) return;
    weir_context *ctx = g->ctx;
    w_free(ctx, g->value, g->cap_value * sizeof *g->value);
    w_free(ctx, g->node, g->cap_node * sizeof *g->node);
    w_free(ctx, g->input, g->cap_input * sizeof *g->input);
    w_free(ctx, g->output, g->cap_output * sizeof *g->output);
    w_free(ctx, g->symbol, g->cap_symbol * sizeof *g->symbol);
    w_names_destroy(g->names);
    w_arena_fini(&g->arena);
    w_free(ctx, g, sizeof *g);
}

weir_status w_graph_intern(w_graph *g, const char *s, size_t n, w_id *out, weir_error *e) {
    if (n && memchr(s, 0, n)) return w_fail(e, WEIR_BAD_INPUT, "name '%.*s...' contains a zero byte", (int)W_MIN(n, 80), s);
    *out = w_names_intern(g->names, &g->arena, s, n);
    return *out == W_NONE ? w_oom(e, n, "names") : WEIR_OK;
}

const char *w_graph_name(const w_graph *g, w_id name) { return w_names_text(g->names, name); }

const char *w_value_name(const w_graph *g, w_id value) {
    return value < g->nvalue ? w_graph_name(g, g->value[value].name) : "";
}

const char *w_node_label(const w_graph *g, const w_node *n) {
    const char *s = w_graph_name(g, n->name);
    for (uint32_t i = 0; !*s && i < n->nout; i++) s = w_value_name(g, n->out[i]);
    return s;
}

w_id w_graph_find(const w_graph *g, const char *name) {
    return w_names_value(g->names, w_names_lookup(g->names, name, strlen(name)));
}

/* Appends a value that carries an interned name. */
static weir_status push_value(w_graph *g, w_id name, w_id *out, weir_error *e) {
    if (g->nvalue >= W_NONE - 1 ||
        !w_grow(g->ctx, (void **)&g->value, sizeof *g->value, &g->cap_value, g->nvalue + 1))
        return w_oom(e, sizeof *g->value, "graph values");
    *out = (w_id)g->nvalue++;
    g->value[*out] = (w_value){.name = name, .kind = W_VALUE_NODE, .producer = W_NONE};
    w_names_set_value(g->names, name, *out);
    return WEIR_OK;
}

/* An interned name that no value carries: BASE, else BASE.2, BASE.3 ... Numbers that were tried are not tried again. */
static weir_status unused_name(w_graph *g, const char *base, w_id *name, weir_error *e) {
    w_id first;
    W_TRY(w_graph_intern(g, base, strlen(base), &first, e));
    *name = first;
    if (first != 0 && w_names_value(g->names, first) == W_NONE) return WEIR_OK;
    size_t size = strlen(base) + 16;
    char *s = w_alloc(g->ctx, size);
    if (!s) return w_oom(e, size, "names");
    weir_status st = WEIR_OK;
    do {
        snprintf(s, size, "%s.%u", base, w_names_serial(g->names, first));
        st = w_graph_intern(g, s, strlen(s), name, e);
    } while (st == WEIR_OK && w_names_value(g->names, *name) != W_NONE);
    w_free(g->ctx, s, size);
    return st;
}

weir_status w_graph_add_derived(w_graph *g, const char *base, const char *suffix, w_id *out, weir_error *e) {
    char *s = w_arena_printf(&g->arena, "%s%s", base, suffix);
    if (!s) return w_oom(e, strlen(base), "names");
    w_id name;
    W_TRY(unused_name(g, s, &name, e));
    return push_value(g, name, out, e);
}

weir_status w_graph_add_value(w_graph *g, const char *name, w_id *out, weir_error *e) {
    if (!name || !*name) {
        char fresh[32];
        snprintf(fresh, sizeof fresh, "weir.%zu", g->nvalue);
        return w_graph_add_derived(g, fresh, "", out, e);
    }
    w_id id;
    W_TRY(w_graph_intern(g, name, strlen(name), &id, e));
    if (w_names_value(g->names, id) != W_NONE)
        return w_fail(e, WEIR_BAD_INPUT, "tensor '%s' is defined twice: expected each name once", name);
    return push_value(g, id, out, e);
}

weir_status w_graph_rename(w_graph *g, w_id value, const char *name, weir_error *e) {
    w_id id;
    W_TRY(w_graph_intern(g, name, strlen(name), &id, e));
    if (id == 0 || w_names_value(g->names, id) != W_NONE)
        return w_fail(e, WEIR_BAD_INPUT, "cannot rename tensor '%s' to '%s': the name is taken", w_value_name(g, value), name);
    w_names_set_value(g->names, g->value[value].name, W_NONE);
    w_names_set_value(g->names, id, value);
    g->value[value].name = id;
    return WEIR_OK;
}

static weir_status push_id(w_graph *g, w_id **list, size_t *n, size_t *cap, w_id id, weir_error *e) {
    if (!w_grow(g->ctx, (void **)list, sizeof **list, cap, *n + 1)) return w_oom(e, sizeof **list, "graph inputs and outputs");
    (*list)[(*n)++] = id;
    return WEIR_OK;
}

weir_status w_graph_add_input(w_graph *g, const char *name, w_type t, const w_shape *s, w_id *out, weir_error *e) {
    W_TRY(w_graph_add_value(g, name, out, e));
    w_value *v = &g->value[*out];
    v->kind = W_VALUE_INPUT;
    v->type = t;
    v->shape = *s;
    return push_id(g, &g->input, &g->ninput, &g->cap_input, *out, e);
}

weir_status w_graph_add_const(w_graph *g, const char *name, w_type t, const w_shape *s, const void *data, w_id *out,
                              weir_error *e) {
    W_TRY(w_graph_add_value(g, name, out, e));
    w_value *v = &g->value[*out];
    v->kind = W_VALUE_CONST;
    v->type = t;
    v->shape = *s;
    v->data = data;
    return WEIR_OK;
}

weir_status w_graph_add_output(w_graph *g, w_id value, weir_error *e) {
    return push_id(g, &g->output, &g->noutput, &g->cap_output, value, e);
}

bool w_graph_is_output(const w_graph *g, w_id v) {
    for (size_t i = 0; i < g->noutput; i++)
        if (g->output[i] == v) return true;
    return false;
}

/* Checks the ids of a new node and that nothing else produces its outputs. */
static weir_status check_ends(const w_graph *g, const char *name, const w_id *in, uint32_t nin, const w_id *out,
                              uint32_t nout, weir_error *e) {
    for (uint32_t i = 0; i < nin; i++)
        if (in[i] != W_NONE && in[i] >= g->nvalue)
            return w_fail(e, WEIR_INTERNAL, "node '%s': input %u is no value of the graph", name, i);
    for (uint32_t i = 0; i < nout; i++) {
        if (out[i] == W_NONE) continue;
        if (out[i] >= g->nvalue) return w_fail(e, WEIR_INTERNAL, "node '%s': output %u is no value of the graph", name, i);
        const w_value *v = &g->value[out[i]];
        bool again = v->kind != W_VALUE_NODE || v->producer != W_NONE;
        for (uint32_t k = 0; k < i; k++) again |= out[k] == out[i];
        if (again)
            return w_fail(e, WEIR_BAD_INPUT, "node '%s': tensor '%s' is defined twice: expected one producer", name,
                          w_value_name(g, out[i]));
    }
    return WEIR_OK;
}

static weir_status fill_node(w_graph *g, w_node *n, uint16_t op, const char *name, const w_id *in, uint32_t nin,
                             const w_id *out, uint32_t nout, void *attr, weir_error *e) {
    *n = (w_node){.op = op, .part_of = W_NONE, .nin = nin, .nout = nout, .attr = attr};
    W_TRY(w_graph_intern(g, name ? name : "", name ? strlen(name) : 0, &n->name, e));
    n->in = w_arena_array(&g->arena, W_MAX(nin, 1), sizeof *n->in);
    n->out = w_arena_array(&g->arena, W_MAX(nout, 1), sizeof *n->out);
    if (!n->in || !n->out) return w_oom(e, ((size_t)nin + nout) * sizeof *n->in, "a node");
    if (nin) memcpy(n->in, in, nin * sizeof *in);
    if (nout) memcpy(n->out, out, nout * sizeof *out);
    return WEIR_OK;
}

weir_status w_graph_insert_node(w_graph *g, size_t at, uint16_t op, const char *name, const w_id *in, uint32_t nin,
                                const w_id *out, uint32_t nout, void *attr, weir_error *e) {
    W_TRY(check_ends(g, name ? name : "", in, nin, out, nout, e));
    w_node n;
    W_TRY(fill_node(g, &n, op, name, in, nin, out, nout, attr, e));
    if (g->nnode >= W_NONE - 1 || !w_grow(g->ctx, (void **)&g->node, sizeof *g->node, &g->cap_node, g->nnode + 1))
        return w_oom(e, sizeof *g->node, "graph nodes");
    if (at < g->nnode) {
        memmove(&g->node[at + 1], &g->node[at], (g->nnode - at) * sizeof *g->node);
        for (size_t v = 0; v < g->nvalue; v++)
            if (g->value[v].producer != W_NONE && g->value[v].producer >= at) g->value[v].producer++;
    }
    g->node[at] = n;
    g->nnode++;
    for (uint32_t i = 0; i < nout; i++)
        if (out[i] != W_NONE) g->value[out[i]].producer = (w_id)at;
    return WEIR_OK;
}

weir_status w_graph_add_node(w_graph *g, uint16_t op, const char *name, const w_id *in, uint32_t nin, const w_id *out,
                             uint32_t nout, void *attr, w_id *node, weir_error *e) {
    if (node) *node = (w_id)g->nnode;
    return w_graph_insert_node(g, g->nnode, op, name, in, nin, out, nout, attr, e);
}
