/* What half as many channels would save on one step, from the ledger and the machine model: its output, weights and
 * arithmetic halve, its input stays. Or why its channels must stay. */
#include "channels.h"
#include <stdio.h>
#include <string.h>

/* "; tied with conv1, conv5": the layers whose channels leave together with this one's. */
static const char *with_ties(const w_graph *g, const w_channel_group *gr, w_id node, const char *why, w_arena *a) {
    char list[160] = "";
    size_t shown = 0;
    for (size_t i = 0; i < gr->nnode; i++) {
        size_t n = strlen(list);
        if (gr->node[i] == node || n > 100) continue;
        snprintf(list + n, sizeof list - n, "%s%.50s", shown++ ? ", " : "", w_node_label(g, &g->node[gr->node[i]]));
    }
    const char *text = shown ? w_arena_printf(a, "%s; tied with %s%s", why, list, shown + 1 < gr->nnode ? " and others" : "") : why;
    return text ? text : why;
}

/* Share of the step's bytes that stays: all of the input, half of the rest. */
static double bytes_left(const w_graph *g, const w_node *n) {
    double in = (double)w_value_bytes(g, n->in[0]), rest = (double)w_value_bytes(g, n->in[1]) + (double)w_value_bytes(g, n->out[0]);
    return in + rest > 0 ? (in + rest / 2) / (in + rest) : 1;
}

static const char *too_little(const w_plan *p, const w_step *s, const w_node *n, w_arena *a, double bound) {
    double in = (double)w_value_bytes(p->graph, n->in[0]);
    const char *why = w_arena_printf(a, "bound by its input of %.0f bytes: with half the channels %.2f us, today %.2f us", in, 1e6 * bound, 1e6 * s->bound_s);
    return why ? why : "bound by its input, which stays";
}

static const char *judge(const w_plan *p, const w_step *s, const w_machine *m, w_arena *a, double *saves_s, double *saves_bytes) {
    const w_graph *g = p->graph;
    const w_node *n = &g->node[s->node];
    w_channels c;
    if (w_channels_find(g, a, &c, NULL) != WEIR_OK) return "not known: memory ran out";
    const w_channel_group *gr = w_channels_group(&c, s->node);
    if (!gr) return "makes no channels of its own: follows the layers around it";
    if (!gr->nunit) return with_ties(g, gr, s->node, gr->fixed, a);
    double left = bytes_left(g, n), bound = (double)s->macs / 2 / w_machine_peak(m, W_PEAK_F32, p->options.threads);
    for (int l = 0; l < W_LEVELS; l++) bound = W_MAX(bound, left * s->bytes.warm[l] / w_machine_bw(m, l, p->options.threads, false));
    *saves_bytes = (1 - left) * s->bytes.level[W_DRAM];
    *saves_s = W_MAX(0.0, s->bound_s - bound);
    return *saves_s > 0.05 * s->bound_s ? NULL : too_little(p, s, n, a, bound);
}

const char *w_verdict_channels(const w_plan *p, const w_step *s, const w_machine *m, w_arena *a, double *saves_s, double *saves_bytes) {
    const w_node *n = &p->graph->node[s->node];
    *saves_s = *saves_bytes = 0;
    if (!w_node_has_weights(p->graph, n)) return "no weights: follows the layers around it";
    return judge(p, s, m, a, saves_s, saves_bytes);
}
