/* Changing a graph: replaced uses, killed nodes, compaction, order, use counts. */
#include "names.h"
#include <string.h>

void w_graph_replace_uses(w_graph *g, w_id from, w_id to) {
    for (size_t k = 0; k < g->nnode; k++)
        for (uint32_t i = 0; i < g->node[k].nin; i++)
            if (g->node[k].in[i] == from) g->node[k].in[i] = to;
    for (size_t i = 0; i < g->noutput; i++)
        if (g->output[i] == from) g->output[i] = to;
}

void w_node_kill(w_graph *g, w_id node) {
    w_node *n = &g->node[node];
    for (uint32_t i = 0; i < n->nout; i++)
        if (n->out[i] != W_NONE && g->value[n->out[i]].producer == node) g->value[n->out[i]].producer = W_NONE;
    n->op = 0;
    n->nin = n->nout = 0;
    n->attr = NULL;
}

/* Moves the live nodes to the front. */
static void compact_nodes(w_graph *g) {
    size_t n = 0;
    for (size_t k = 0; k < g->nnode; k++) {
        if (!g->node[k].op) continue;
        g->node[n] = g->node[k];
        for (uint32_t i = 0; i < g->node[n].nout; i++)
            if (g->node[n].out[i] != W_NONE) g->value[g->node[n].out[i]].producer = (w_id)n;
        n++;
    }
    g->nnode = n;
}

/* map[v] = 1 for values that a node, an input or an output mentions. */
static void mark_mentioned(const w_graph *g, w_id *map) {
    for (size_t k = 0; k < g->nnode; k++) {
        const w_node *n = &g->node[k];
        for (uint32_t i = 0; i < n->nin; i++)
            if (n->in[i] != W_NONE) map[n->in[i]] = 1;
        for (uint32_t i = 0; i < n->nout; i++)
            if (n->out[i] != W_NONE) map[n->out[i]] = 1;
    }
    for (size_t i = 0; i < g->ninput; i++) map[g->input[i]] = 1;
    for (size_t i = 0; i < g->noutput; i++) map[g->output[i]] = 1;
}

static void remap_list(w_id *list, size_t n, const w_id *map) {
    for (size_t i = 0; i < n; i++)
        if (list[i] != W_NONE) list[i] = map[list[i]];
}

weir_status w_graph_compact(w_graph *g, weir_error *e) {
    size_t nold = g->nvalue, n = 0;
    w_id *map = w_calloc(g->ctx, W_MAX(nold, 1), sizeof *map);
    if (!map) return w_oom(e, nold * sizeof *map, "compacting the graph");
    compact_nodes(g);
    mark_mentioned(g, map);
    for (size_t v = 0; v < nold; v++) {
        w_names_set_value(g->names, g->value[v].name, W_NONE);
        if (!map[v]) continue;
        map[v] = (w_id)n;
        g->value[n++] = g->value[v];
    }
    g->nvalue = n;
    for (size_t v = 0; v < n; v++) w_names_set_value(g->names, g->value[v].name, (w_id)v);
    for (size_t k = 0; k < g->nnode; k++) {
        remap_list(g->node[k].in, g->node[k].nin, map);
        remap_list(g->node[k].out, g->node[k].nout, map);
    }
    remap_list(g->input, g->ninput, map);
    remap_list(g->output, g->noutput, map);
    w_free(g->ctx, map, W_MAX(nold, 1) * sizeof *map);
    return WEIR_OK;
}

/* Depth-first state of the sort: a stack of nodes, and per node the next input to look at. */
typedef struct sorter {
    w_id *stack, *next, *order;
    uint8_t *state; /* 0 new, 1 on the stack, 2 placed */
    size_t depth, placed;
} sorter;

/* Places everything below the node on top of the stack; false: the node in *cycle depends on itself. */
static bool descend(const w_graph *g, sorter *s, w_id *cycle) {
    while (s->depth) {
        w_id k = s->stack[s->depth - 1];
        const w_node *n = &g->node[k];
        w_id below = W_NONE;
        while (below == W_NONE && s->next[k] < n->nin) {
            w_id v = n->in[s->next[k]++];
            w_id p = v == W_NONE ? W_NONE : g->value[v].producer;
            if (p == W_NONE || s->state[p] == 2) continue;
            if (s->state[p] == 1) return *cycle = p, false;
            below = p;
        }
        if (below != W_NONE) {
            s->state[below] = 1;
            s->stack[s->depth++] = below;
        } else {
            s->state[k] = 2;
            s->order[s->placed++] = k;
            s->depth--;
        }
    }
    return true;
}

static weir_status apply_order(w_graph *g, const w_id *order, weir_error *e) {
    size_t cap = g->nnode;
    w_node *sorted = w_calloc(g->ctx, cap, sizeof *sorted);
    if (!sorted) return w_oom(e, cap * sizeof *sorted, "sorting the graph");
    for (size_t k = 0; k < g->nnode; k++) {
        sorted[k] = g->node[order[k]];
        for (uint32_t i = 0; i < sorted[k].nout; i++)
            if (sorted[k].out[i] != W_NONE) g->value[sorted[k].out[i]].producer = (w_id)k;
    }
    memcpy(g->node, sorted, g->nnode * sizeof *sorted);
    w_free(g->ctx, sorted, cap * sizeof *sorted);
    return WEIR_OK;
}

weir_status w_graph_toposort(w_graph *g, weir_error *e) {
    if (!g->nnode) return WEIR_OK;
    w_arena a;
    w_arena_init(&a, g->ctx);
    sorter s = {.stack = w_arena_array(&a, g->nnode, sizeof(w_id)),
                .next = w_arena_array(&a, g->nnode, sizeof(w_id)),
                .order = w_arena_array(&a, g->nnode, sizeof(w_id)),
                .state = w_arena_array(&a, g->nnode, 1)};
    weir_status st = WEIR_OK;
    if (!s.stack || !s.next || !s.order || !s.state) st = w_oom(e, g->nnode * 3 * sizeof(w_id), "sorting the graph");
    for (size_t k = 0; st == WEIR_OK && k < g->nnode; k++) {
        if (s.state[k]) continue;
        w_id cycle;
        s.state[k] = 1;
        s.stack[s.depth++] = (w_id)k;
        if (!descend(g, &s, &cycle))
            st = w_fail(e, WEIR_BAD_INPUT, "node '%s' (%s) depends on its own output: expected a graph without cycles",
                        w_node_label(g, &g->node[cycle]), w_ops_vt.op_name(g->node[cycle].op));
    }
    if (st == WEIR_OK) st = apply_order(g, s.order, e);
    w_arena_fini(&a);
    return st;
}

weir_status w_graph_uses(const w_graph *g, w_arena *a, w_uses *out, weir_error *e) {
    out->count = w_arena_array(a, W_MAX(g->nvalue, 1), sizeof *out->count);
    out->only = w_arena_array(a, W_MAX(g->nvalue, 1), sizeof *out->only);
    out->output = w_arena_array(a, W_MAX(g->nvalue, 1), sizeof *out->output);
    if (!out->count || !out->only || !out->output) return w_oom(e, g->nvalue * 8, "use counts");
    out->n = g->nvalue;
    for (size_t v = 0; v < g->nvalue; v++) out->only[v] = W_NONE;
    for (size_t k = 0; k < g->nnode; k++)
        for (uint32_t i = 0; i < g->node[k].nin; i++) {
            w_id v = g->node[k].in[i];
            if (v != W_NONE) out->only[v] = out->count[v]++ ? W_NONE : (w_id)k;
        }
    for (size_t i = 0; i < g->noutput; i++) {
        out->count[g->output[i]]++;
        out->only[g->output[i]] = W_NONE;
        out->output[g->output[i]] = true;
    }
    return WEIR_OK;
}
