/* Takes channels out of a graph: constants lose entries along the recorded cuts, attributes that count channels are
 * renumbered, shapes are inferred again. Names stay: a constant keeps its own unless others read it too. */
#include "channels.h"
#include <string.h>

static uint32_t kept(const w_channels *c, const uint32_t *slot, uint32_t n, const bool *drop) {
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++) k += !drop[c->unit[slot[i]]];
    return k;
}

weir_status w_channels_fresh_const(w_graph *g, w_id old, bool shared, w_type t, const w_shape *s, const void *data, w_id *out, weir_error *e) {
    *out = old;
    if (shared) {
        w_coding *coding = NULL;
        W_TRY(w_graph_add_derived(g, w_value_name(g, old), ".kept", out, e));
        if (g->value[old].coding) W_TRY(w_coding_edit(g, old, &coding, e));
        g->value[*out].coding = coding;
        g->value[*out].kind = W_VALUE_CONST;
        g->value[*out].producer = W_NONE;
    }
    w_value *v = &g->value[*out];
    v->type = t;
    v->shape = *s;
    v->data = data;
    v->is_mapped = false;
    return WEIR_OK;
}

/* Copies the entries along the axis that stay. */
static weir_status cut_const(const w_channels *c, w_graph *g, const w_channel_cut *cut, const bool *drop, weir_error *e) {
    w_node *n = &g->node[cut->node];
    w_id id = n->in[cut->input];
    w_shape s = g->value[id].shape;
    w_type t = g->value[id].type;
    size_t inner = w_type_size(t), outer = 1, at = 0;
    uint32_t stay = kept(c, cut->slot, cut->n, drop);
    if (stay == cut->n) return WEIR_OK;
    for (uint32_t d = cut->axis + 1; d < s.rank; d++) inner *= (size_t)s.dim[d];
    for (uint32_t d = 0; d < cut->axis; d++) outer *= (size_t)s.dim[d];
    uint8_t *to = w_arena_alloc_aligned(&g->arena, W_MAX((size_t)1, outer * stay * inner));
    const uint8_t *from = g->value[id].data;
    if (!to) return w_oom(e, outer * stay * inner, "smaller weights");
    for (size_t o = 0; o < outer; o++)
        for (uint32_t i = 0; i < cut->n; i++) {
            if (drop[c->unit[cut->slot[i]]]) continue;
            memcpy(to + at, from + (o * cut->n + i) * inner, inner);
            at += inner;
        }
    s.dim[cut->axis] = stay;
    return w_channels_fresh_const(g, id, c->uses.count[id] > 1 && id < c->uses.n, t, &s, to, &n->in[cut->input], e);
}

static weir_status check_left(const w_channels *c, const bool *drop, weir_error *e) {
    for (w_id v = 0; v < c->g->nvalue; v++) {
        const w_channel_axis *x = &c->of[v];
        if (x->axis >= 0 && kept(c, x->slot, x->n, drop) == 0)
            return w_fail(e, WEIR_INTERNAL, "value '%s' would lose all of its %u channels", w_value_name(c->g, v), x->n);
    }
    return WEIR_OK;
}

weir_status w_channels_remove(const w_channels *c, w_graph *g, const bool *drop, weir_error *e) {
    W_TRY(check_left(c, drop, e));
    for (size_t i = 0; i < c->ncut; i++) W_TRY(cut_const(c, g, &c->cut[i], drop, e));
    for (w_id k = 0; k < g->nnode; k++)
        if (g->node[k].op != W_OP_NONE) W_TRY(w_channels_renumber(c, g, k, drop, e));
    return w_pass_infer(g, e);
}
