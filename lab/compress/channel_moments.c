/* What a layer's inputs have in common: covariance of the reduction, from the calibration's second moments. */
#include "channels.h"

#define DAMPING 0.01      /* of the mean variance */

/* cov = E[x x^T] - E[x] E[x]^T, with the damping on the diagonal. */
static void centre(const w_hessian *h, uint32_t group, double *cov, double *mean) {
    uint32_t k = h->k;
    double trace = 0;
    for (uint32_t i = 0; i < k; i++) mean[i] = h->sum[group][i] / h->rows;
    for (uint32_t i = 0; i < k; i++)
        for (uint32_t j = 0; j < k; j++) cov[(size_t)i * k + j] = (double)h->h[group][(size_t)i * k + j] / h->rows - mean[i] * mean[j];
    for (uint32_t i = 0; i < k; i++) trace += cov[(size_t)i * k + i];
    for (uint32_t i = 0; i < k; i++) cov[(size_t)i * k + i] += trace > 0 ? DAMPING * trace / k : 1;
}

static bool can_measure(const w_graph *g, const w_node *n) {
    return g->value[n->in[0]].type == WEIR_F32 && (n->op != W_OP_Conv || g->value[n->in[0]].shape.rank == 4);
}

weir_status w_channels_moments(w_graph *g, const w_channel_layer *l, w_calibration *c, w_arena *scratch, w_channel_moments **out, weir_error *e) {
    const w_node *n = &g->node[l->node];
    w_hessian *h;
    *out = NULL;
    if (!c || !can_measure(g, n)) return WEIR_OK;
    W_TRY(w_calibration_hessian(c, w_node_label(g, n), &h, e));
    if (h->k != l->nin * l->taps)
        return w_fail(e, WEIR_INTERNAL, "node '%s': second moments of %u inputs, %u are read", w_node_label(g, n), h->k, l->nin * l->taps);
    if (h->rows == 0) return WEIR_OK;
    w_channel_moments *m = w_arena_alloc(scratch, sizeof *m);
    double **cov = m ? w_arena_array(scratch, h->groups, sizeof *cov) : NULL, **mean = cov ? w_arena_array(scratch, h->groups, sizeof *mean) : NULL;
    if (!mean) return w_oom(e, h->groups * sizeof *mean, "second moments");
    for (uint32_t i = 0; i < h->groups; i++) {
        cov[i] = w_arena_array(scratch, (size_t)h->k * h->k, sizeof **cov);
        mean[i] = w_arena_array(scratch, h->k, sizeof **mean);
        if (!cov[i] || !mean[i]) return w_oom(e, (size_t)h->k * h->k * sizeof **cov, "second moments");
        centre(h, i, cov[i], mean[i]);
    }
    *m = (w_channel_moments){.k = h->k, .groups = h->groups, .cov = cov, .mean = mean};
    *out = m;
    return WEIR_OK;
}
