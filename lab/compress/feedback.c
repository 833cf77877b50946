/* Rounding and pruning with error feedback.
 *
 * Columns of the weight matrix are fixed one after the other; the error that a column makes at the layer's output is
 * taken up by the columns that are still free, through the Cholesky factor of the inverse second moments:
 *   GPTQ (arXiv 2210.17323) for the grid, SparseGPT (arXiv 2301.00774) for the choice of what to prune.
 * Without second moments it is nearest rounding and magnitude pruning. */
#include "lab.h"
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAMPING 0.01f      /* of the mean diagonal, as in both papers */

/* In place: a symmetric positive matrix becomes U with U^T U = its inverse, upper triangular, row-major. */
static int inverse_factor(float *u, uint32_t k) {
    int n = (int)k, bad = LAPACKE_spotrf(LAPACK_ROW_MAJOR, 'L', n, u, n);
    if (!bad) bad = LAPACKE_spotri(LAPACK_ROW_MAJOR, 'L', n, u, n);
    for (uint32_t i = 0; !bad && i < k; i++)
        for (uint32_t j = 0; j < i; j++) u[(size_t)j * k + i] = u[(size_t)i * k + j];
    return bad ? bad : LAPACKE_spotrf(LAPACK_ROW_MAJOR, 'U', n, u, n);
}

weir_status w_hessian_factor(w_hessian *h, uint32_t group, weir_error *e) {
    uint32_t k = h->k;
    size_t bytes = (size_t)k * k * sizeof(float);
    if (h->u[group]) return WEIR_OK;
    float *u = w_arena_alloc_aligned(h->arena, bytes);
    if (!u) return w_oom(e, bytes, "second moments");
    memcpy(u, h->h[group], bytes);
    double mean = 0;
    for (uint32_t i = 0; i < k; i++) mean += u[(size_t)i * k + i];
    float damp = (float)(mean / k) * DAMPING;
    for (uint32_t i = 0; i < k; i++) u[(size_t)i * k + i] += damp > 0 ? damp : 1;
    int bad = inverse_factor(u, k);
    if (bad == LAPACK_WORK_MEMORY_ERROR || bad == LAPACK_TRANSPOSE_MEMORY_ERROR) return w_oom(e, bytes, "a Cholesky factor");
    if (bad) return w_fail(e, WEIR_BAD_INPUT, "the calibration data gives no usable second moments (Cholesky stopped at %d)", bad);
    h->u[group] = u;
    return WEIR_OK;
}

static int compare_float(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static float weight_cost(float w, float d) { return w * w / (d * d); }

/* Threshold under which `drop` of the given costs lie; costs is sorted in place. */
static float threshold(float *cost, size_t n, size_t drop) {
    if (drop == 0) return -1;
    qsort(cost, n, sizeof *cost, compare_float);
    return cost[W_MIN(drop, n) - 1];
}

typedef struct walk {
    w_weights *w;
    const w_feedback *f;
    int8_t *q;
    const float *u;        /* k x k, NULL: no feedback */
    uint32_t row0, row1;   /* rows of this group */
    float limit;           /* weights whose cost is not above this are pruned when their column comes */
} walk;

static float *at(const walk *k, uint32_t r, uint32_t c) { return &k->w->w[(size_t)r * k->w->cols + c]; }

static float cost_of(const walk *k, uint32_t c, float w) { return weight_cost(w, k->u ? k->u[(size_t)c * k->w->cols + c] : 1); }

/* One limit for the whole matrix, so that dead inputs and filters may go entirely; weights that took up errors and grew
 * past it stay. Zeros from the start count as pruned already when they are kept. */
static void choose_limit(walk *k, float *cost) {
    size_t n = 0;
    for (uint32_t r = k->row0; r < k->row1; r++)
        for (uint32_t c = 0; c < k->w->cols; c++)
            if (!k->f->keep_zeros || *at(k, r, c) != 0) cost[n++] = cost_of(k, c, *at(k, r, c));
    k->limit = threshold(cost, n, (size_t)llround((double)n * (1.0 - k->f->density)));
}

static float on_grid(const walk *k, uint32_t r, uint32_t c, float w, bool zero) {
    size_t i = (size_t)r * k->w->cols + c;
    if (zero || cost_of(k, c, w) <= k->limit) {
        if (k->q) k->q[i] = 0;
        return 0;
    }
    if (k->f->levels == 0) return w;
    float s = k->f->scale[r];
    float level = s > 0 ? rintf(w / s) : 0;
    level = fminf(fmaxf(level, -(float)k->f->levels), (float)k->f->levels);
    k->q[i] = (int8_t)level;
    return level * s;
}

static void fix_column(walk *k, uint32_t c, const uint8_t *zero) {
    uint32_t cols = k->w->cols;
    for (uint32_t r = k->row0; r < k->row1; r++) {
        float *w = at(k, r, c), fixed = on_grid(k, r, c, *w, zero[(size_t)r * cols + c]);
        float err = *w - fixed;
        *w = fixed;
        if (!k->u || err == 0) continue;
        const float *u = k->u + (size_t)c * cols;
        float f = err / u[c], *row = at(k, r, 0);
        for (uint32_t j = c + 1; j < cols; j++) row[j] -= f * u[j];
    }
}

static void mark_zeros(const w_weights *w, const w_feedback *f, uint8_t *zero) {
    size_t n = (size_t)w->rows * w->cols;
    for (size_t i = 0; i < n; i++) zero[i] = f->keep_zeros && w->w[i] == 0;
}

static void round_group(walk *k, float *cost, const uint8_t *zero) {
    choose_limit(k, cost);
    for (uint32_t c = 0; c < k->w->cols; c++) fix_column(k, c, zero);
}

weir_status w_feedback_round(weir_context *ctx, w_weights *w, w_hessian *h, const w_feedback *f, int8_t *q,
                             weir_error *e) {
    size_t n = (size_t)w->rows * w->cols;
    uint8_t *zero = w_alloc(ctx, n);
    float *cost = w_alloc(ctx, n * sizeof *cost);
    weir_status s = zero && cost ? WEIR_OK : w_oom(e, n * sizeof *cost, "rounding weights");
    if (s == WEIR_OK) mark_zeros(w, f, zero);
    uint32_t per = w->rows / w->groups;
    bool informed = h && h->rows > 0;
    for (uint32_t g = 0; s == WEIR_OK && g < w->groups; g++) {
        walk k = {.w = w, .f = f, .q = q, .row0 = g * per, .row1 = (g + 1) * per};
        if (informed) s = w_hessian_factor(h, g, e);
        if (s != WEIR_OK) break;
        k.u = informed ? h->u[g] : NULL;
        round_group(&k, cost, zero);
    }
    w_free(ctx, zero, zero ? n : 0);
    w_free(ctx, cost, cost ? n * sizeof *cost : 0);
    return s;
}
