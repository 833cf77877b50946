/* What int8 would save on one step, from the ledger and the machine model: bytes shrink to a quarter, arithmetic moves to
 * the integer peak, and the larger of the two bounds decides, in steady state as the step's own bound does. */
#include "lab.h"

static double arithmetic_s(const w_step *s, const w_machine *m, int what, int threads) {
    return (double)s->macs / w_machine_peak(m, what, threads);
}

const char *w_verdict_int8(const w_plan *p, const w_step *s, const w_machine *m, w_arena *a, double *saves_s, double *saves_bytes) {
    const w_graph *g = p->graph;
    const w_node *n = &g->node[s->node];
    *saves_s = *saves_bytes = 0;
    if (!w_node_has_weights(g, n)) return "no weights: follows the layers around it";
    if (g->value[n->in[1]].type == WEIR_S8) return "already in 8-bit integers";
    if (!w_technique_int8.takes(g, n)) return "its activation or form has no integer kernel";
    double traffic = 0;
    for (int l = 0; l < W_LEVELS; l++) {
        double t = s->bytes.warm[l] / 4 / w_machine_bw(m, l, p->options.threads, false);
        traffic = W_MAX(traffic, t);
    }
    double bound = W_MAX(traffic, arithmetic_s(s, m, W_PEAK_INT8, p->options.threads));
    *saves_bytes = s->bytes.level[W_DRAM] * 3 / 4;
    *saves_s = s->bound_s - bound;
    if (*saves_s > 0) return NULL;
    *saves_s = 0;
    const char *why = w_arena_printf(a, "saves bytes, not time: its bound in integers, %.2f us, is not below today's %.2f us", 1e6 * bound, 1e6 * s->bound_s);
    return why ? why : "saves bytes, not time: its bound in integers is not below today's";
}
