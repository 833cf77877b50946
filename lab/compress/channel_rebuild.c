/* Weights solved again after channels left: the columns that stay take up what those that go contributed.
 *
 * For y = W x with some columns S of x gone, the change of the output W x - W' x' is least, on calibration data, for
 * W' = W_K + W_S C_SK (C_KK + damping)^-1, C the covariance of x; the bias takes the change of the mean. */
#include "channels.h"
#include <lapacke.h>
#include <string.h>

typedef struct split { uint32_t *stay, *go, nstay, ngo; } split;

static weir_status split_columns(const w_channels *c, const w_channel_layer *l, const bool *drop, w_arena *a, split *s, weir_error *e) {
    size_t cols = (size_t)l->nin * l->taps;
    *s = (split){.stay = w_arena_array(a, cols + 1, sizeof *s->stay), .go = w_arena_array(a, cols + 1, sizeof *s->go)};
    if (!s->stay || !s->go) return w_oom(e, cols * sizeof *s->go, "columns");
    for (uint32_t i = 0; i < cols; i++) {
        if (drop[c->unit[l->in[i / l->taps]]]) s->go[s->ngo++] = i;
        else s->stay[s->nstay++] = i;
    }
    return WEIR_OK;
}

/* rhs: what the columns that go contribute along those that stay, C_KS W_S^T, [nstay][rows]. */
static void fill_system(const w_weights *w, const double *cov, const split *s, uint32_t row0, uint32_t rows, double *kk, double *rhs) {
    uint32_t k = w->cols;
    for (uint32_t i = 0; i < s->nstay; i++) {
        const double *ci = cov + (size_t)s->stay[i] * k;
        for (uint32_t j = 0; j < s->nstay; j++) kk[(size_t)i * s->nstay + j] = ci[s->stay[j]];
        for (uint32_t r = 0; r < rows; r++) {
            const float *wr = w->w + (size_t)(row0 + r) * k;
            double sum = 0;
            for (uint32_t j = 0; j < s->ngo; j++) sum += ci[s->go[j]] * wr[s->go[j]];
            rhs[(size_t)i * rows + r] = sum;
        }
    }
}

static weir_status solve_group(w_weights *w, const w_channel_moments *m, uint32_t group, const split *s, w_arena *a, float *delta, weir_error *e) {
    uint32_t rows = w->rows / w->groups, row0 = group * rows, n = s->nstay;
    double *kk = w_arena_array(a, (size_t)n * n, sizeof *kk), *rhs = w_arena_array(a, (size_t)n * rows, sizeof *rhs);
    if (!kk || !rhs) return w_oom(e, (size_t)n * n * sizeof *kk, "least squares");
    fill_system(w, m->cov[group], s, row0, rows, kk, rhs);
    int bad = LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', (int)n, (int)rows, kk, (int)n, rhs, (int)rows);
    if (bad == LAPACK_WORK_MEMORY_ERROR || bad == LAPACK_TRANSPOSE_MEMORY_ERROR) return w_oom(e, (size_t)n * n * sizeof *kk, "least squares");
    if (bad) return w_fail(e, WEIR_BAD_INPUT, "the calibration data gives no usable second moments (Cholesky stopped at %d)", bad);
    for (uint32_t r = 0; r < rows; r++) {
        float *wr = w->w + (size_t)(row0 + r) * w->cols;
        double shift = 0;
        for (uint32_t i = 0; i < n; i++) {
            wr[s->stay[i]] += (float)rhs[(size_t)i * rows + r];
            shift -= rhs[(size_t)i * rows + r] * m->mean[group][s->stay[i]];
        }
        for (uint32_t i = 0; i < s->ngo; i++) {
            shift += wr[s->go[i]] * m->mean[group][s->go[i]];
            wr[s->go[i]] = 0;
        }
        delta[row0 + r] = (float)shift;
    }
    return WEIR_OK;
}

/* Weights that came in half precision stay so. */
static weir_status put_like(w_graph *g, const w_weights *w, w_type was, weir_error *e) {
    W_TRY(w_weights_put(g, w, e));
    w_value *v = &g->value[w->value];
    size_t n = (size_t)w->rows * w->cols;
    if (was != WEIR_F16) return WEIR_OK;
    const float *f = v->data;
    uint16_t *h = w_arena_alloc_aligned(&g->arena, n * sizeof *h);
    if (!h) return w_oom(e, n * sizeof *h, "weights");
    for (size_t i = 0; i < n; i++) h[i] = w_f32_to_f16(f[i]);
    v->data = h;
    v->type = WEIR_F16;
    return WEIR_OK;
}

static weir_status rebuild_layer(const w_channels *c, w_graph *g, const w_channel_layer *l, const bool *drop, w_calibration *cal, w_arena *a,
                                 weir_error *e) {
    w_channel_moments *m;
    w_weights w;
    split s;
    W_TRY(split_columns(c, l, drop, a, &s, e));
    if (s.ngo == 0 || s.nstay == 0) return WEIR_OK;
    W_TRY(w_channels_moments(g, l, cal, a, &m, e));
    if (!m) return WEIR_OK;
    w_type was = g->value[g->node[l->node].in[1]].type;
    W_TRY(w_weights_get(g, l->node, &w, e));
    float *delta = w_arena_array(a, w.rows, sizeof *delta);
    if (!delta) return w_oom(e, w.rows * sizeof *delta, "a bias");
    for (uint32_t i = 0; i < w.groups; i++) W_TRY(solve_group(&w, m, i, &s, a, delta, e));
    W_TRY(put_like(g, &w, was, e));
    const w_node *n = &g->node[l->node];
    for (uint32_t r = 0; n->op == W_OP_Gemm && r < w.rows; r++) delta[r] *= ((const w_gemm_attr *)n->attr)->alpha;
    return w_bias_add(g, l->node, delta, w.rows, e);
}

weir_status w_channels_rebuild(const w_channels *c, w_graph *g, const bool *drop, w_calibration *cal, w_arena *scratch, weir_error *e) {
    for (size_t i = 0; i < c->nlayer; i++) W_TRY(rebuild_layer(c, g, &c->layer[i], drop, cal, scratch, e));
    return WEIR_OK;
}
