/* dce: nodes that no graph output depends on, and values that nobody mentions, disappear. Ids change. */
#include "passutil.h"

/* Nodes stand in order, so that one walk from the end sees every user before the producer. */
weir_status w_pass_dce(w_graph *g, weir_error *e) {
    bool *live = w_calloc(g->ctx, W_MAX(g->nvalue, 1), sizeof *live);
    size_t nvalue = g->nvalue;
    if (!live) return w_oom(e, g->nvalue, "dead code elimination");
    for (size_t i = 0; i < g->noutput; i++) live[g->output[i]] = true;
    for (size_t k = g->nnode; k-- > 0;) {
        w_node *n = &g->node[k];
        bool used = false;
        for (uint32_t i = 0; i < n->nout; i++) used |= n->out[i] != W_NONE && live[n->out[i]];
        for (uint32_t i = 0; used && i < n->nin; i++)
            if (n->in[i] != W_NONE) live[n->in[i]] = true;
        if (!used) w_node_kill(g, (w_id)k);
    }
    w_free(g->ctx, live, W_MAX(nvalue, 1) * sizeof *live);
    return w_graph_compact(g, e);
}
