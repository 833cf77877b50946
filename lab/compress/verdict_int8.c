/* What int8 would save on one step, from the ledger and the machine model: bytes shrink to a quarter, arithmetic moves to
 * the integer peak, and the larger of the two bounds decides, in steady state as the step's own bound does. */
#include "lab.h"
#include "kernels.h"

/* Multiply-adds in integers. What Winograd computes in f32 it computes in integers too, where the CPU set has the transforms and
 * their vectors are whole: 16 products for 36. */
static double integer_macs(const w_plan *p, const w_step *s) {
    const w_shape *w = &p->graph->value[p->graph->node[s->node].in[1]].shape;
    bool winograd = s->macs_done > 0 && s->macs_done < (double)s->macs && w->rank == 4 && w->dim[1] % 16 == 0 && w->dim[0] % 8 == 0;
    return (double)s->macs * (winograd && p->ctx->kernels->wino_u8.in ? 16.0 / 36.0 : 1.0);
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
    double bound = W_MAX(traffic, integer_macs(p, s) / w_machine_peak(m, W_PEAK_INT8, p->options.threads));
    *saves_bytes = s->bytes.level[W_DRAM] * 3 / 4;
    *saves_s = s->bound_s - bound;
    if (*saves_s > 0) return NULL;
    *saves_s = 0;
    const char *why = w_arena_printf(a, "saves bytes, not time: its bound in integers, %.2f us, is not below today's %.2f us", 1e6 * bound, 1e6 * s->bound_s);
    return why ? why : "saves bytes, not time: its bound in integers is not below today's";
}
