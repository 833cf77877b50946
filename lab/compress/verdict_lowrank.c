/* What a low rank would save on one step: the ledger's bytes shared out between the two factors, and the arithmetic of each.
 * The rank is the one that holds 99 % of the energy of the weights; the inputs, which decide in the end, are not known here. */
#include "lowrank.h"

#define ENERGY 0.99
#define MAX_WEIGHTS (1u << 20) /* beyond it a decomposition takes longer than a verdict may: half the largest useful rank */

typedef struct factor { double macs, bytes; } factor;

/* The slowest of memory levels and arithmetic. */
static double bound_of(const w_plan *p, const w_step *s, const w_machine *m, const factor *f, double all, bool *arithmetic) {
    double a = f->macs / w_machine_peak(m, s->peak, p->options.threads), traffic = 0;
    for (int l = 0; l < W_LEVELS; l++) {
        double t = s->bytes.warm[l] * (f->bytes / all) / w_machine_bw(m, l, p->options.threads, false);
        traffic = W_MAX(traffic, t);
    }
    *arithmetic = a >= traffic;
    return W_MAX(a, traffic);
}

/* NULL with *rank set, or why there is none. */
static const char *choose_rank(const w_graph *g, const w_node *n, uint32_t rows, uint32_t cols, w_arena *a, uint32_t *rank) {
    uint32_t limit = w_lowrank_limit(rows, cols), full = W_MIN(rows, cols);
    float *w;
    double *s;
    size_t count;
    if (limit == 0) return "no rank saves multiply-adds";
    *rank = w_lowrank_round(W_MAX(limit / 2, 1u), limit);
    if ((uint64_t)rows * cols > MAX_WEIGHTS || g->value[n->in[1]].type == WEIR_S8) return NULL;
    if (w_const_f32(g, n->in[1], a, &w, &count, NULL) != WEIR_OK || count != (size_t)rows * cols) return NULL;
    const int64_t *d = g->value[n->in[1]].shape.dim; /* transposed or not, the singular values are the same */
    if (w_singular_values(w, (uint32_t)d[0], (uint32_t)d[1], a, &s, NULL) != WEIR_OK) return NULL;
    uint32_t need = w_spectrum_rank(s, full, ENERGY);
    *rank = w_lowrank_round(need, limit);
    if (need <= limit) return NULL;
    const char *why = w_arena_printf(a, "rank %u of %u would be needed for 99 %% of the weights' energy, from %u on it saves nothing", need, full, limit + 1);
    return why ? why : "the rank needed saves nothing";
}

const char *w_verdict_lowrank(const w_plan *p, const w_step *s, const w_machine *m, w_arena *a, double *saves_s, double *saves_bytes) {
    const w_graph *g = p->graph;
    const w_node *n = &g->node[s->node];
    uint32_t rows, cols, rank;
    *saves_s = *saves_bytes = 0;
    if (!w_node_has_weights(g, n)) return "no weights";
    if (g->value[n->in[1]].type == WEIR_S8) return "already in 8-bit integers: low rank comes first";
    if (!w_lowrank_takes(g, n)) return "a window of several pixels or groups: only dense and pointwise layers are split";
    w_lowrank_dims(g, n, &rows, &cols);
    const char *why = choose_rank(g, n, rows, cols, a, &rank);
    if (why) return why;
    double pixels = (double)s->macs / ((double)rows * cols), in = (double)s->in[0].bytes, out = (double)s->out[0].bytes;
    double inner = pixels * rank * sizeof(float), all = in + out + (double)s->packed_bytes;
    factor first = {pixels * rank * cols, in + inner + (double)rank * cols * sizeof(float)};
    factor second = {pixels * rank * rows, inner + out + (double)rank * rows * sizeof(float)};
    bool bound_first, bound_second;
    double t1 = bound_of(p, s, m, &first, all, &bound_first), t2 = bound_of(p, s, m, &second, all, &bound_second);
    double t = t1 + t2 + 1e-6 * m->step_us;
    *saves_bytes = W_MAX(s->bytes.level[W_DRAM] * (1 - (first.bytes + second.bytes) / all), 0.0);
    *saves_s = W_MAX(s->bound_s - t, 0.0);
    if (*saves_s > 0) return NULL;
    bool slower = t1 >= t2;
    why = w_arena_printf(a, "at rank %u of %u bound by %s of the %s factor: %.2f us and a second step, not below today's %.2f us", rank,
                         W_MIN(rows, cols), (slower ? bound_first : bound_second) ? "arithmetic" : "the bytes",
                         slower ? "first" : "second", 1e6 * t, 1e6 * s->bound_s);
    return why ? why : "its two bounds together are not below today's";
}
