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

/* U with U^T U = (H + damping)^-1, upper triangular, row-major. */
static weir_status inverse_factor(weir_context *ctx, const float *h, uint32_t k, float **out, weir_error *e) {
    size_t bytes = (size_t)k * k * sizeof(float);
    float *u = w_alloc(ctx, bytes);
    if (!u) return w_oom(e, bytes, "second moments");
    memcpy(u, h, bytes);
    double mean = 0;
    for (uint32_t i = 0; i < k; i++) mean += h[(size_t)i * k + i];
    float damp = (float)(mean / k) * DAMPING;
    for (uint32_t i = 0; i < k; i++) u[(size_t)i * k + i] += damp > 0 ? damp : 1;
    int n = (int)k, bad = LAPACKE_spotrf(LAPACK_ROW_MAJOR, 'L', n, u, n);
    if (!bad) bad = LAPACKE_spotri(LAPACK_ROW_MAJOR, 'L', n, u, n);
    for (uint32_t i = 0; !bad && i < k; i++)
        for (uint32_t j = 0; j < i; j++) u[(size_t)j * k + i] = u[(size_t)i * k + j];
    if (!bad) bad = LAPACKE_spotrf(LAPACK_ROW_MAJOR, 'U', n, u, n);
    if (bad) {
        w_free(ctx, u, bytes);
        if (bad == LAPACK_WORK_MEMORY_ERROR || bad == LAPACK_TRANSPOSE_MEMORY_ERROR) return w_oom(e, bytes, "a Cholesky factor");
        return w_fail(e, WEIR_BAD_INPUT, "the calibration data gives no usable second moments (Cholesky stopped at %d)", bad);
    }
    *out = u;
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

static weir_status round_group(weir_context *ctx, walk *k, const float *h, float *cost, const uint8_t *zero, weir_error *e) {
    float *u = NULL;
    if (h) W_TRY(inverse_factor(ctx, h, k->w->cols, &u, e));
    k->u = u;
    choose_limit(k, cost);
    for (uint32_t c = 0; c < k->w->cols; c++) fix_column(k, c, zero);
    w_free(ctx, u, u ? (size_t)k->w->cols * k->w->cols * sizeof(float) : 0);
    return WEIR_OK;
}

weir_status w_feedback_round(weir_context *ctx, w_weights *w, const w_hessian *h, const w_feedback *f, int8_t *q, weir_error *e) {
    size_t n = (size_t)w->rows * w->cols;
    uint8_t *zero = w_alloc(ctx, n);
    float *cost = w_alloc(ctx, n * sizeof *cost);
    weir_status s = zero && cost ? WEIR_OK : w_oom(e, n * sizeof *cost, "rounding weights");
    if (s == WEIR_OK) mark_zeros(w, f, zero);
    uint32_t per = w->rows / w->groups;
    for (uint32_t g = 0; s == WEIR_OK && g < w->groups; g++) {
        walk k = {.w = w, .f = f, .q = q, .row0 = g * per, .row1 = (g + 1) * per};
        s = round_group(ctx, &k, h && h->rows > 0 ? h->h[g] : NULL, cost, zero, e);
    }
    w_free(ctx, zero, zero ? n : 0);
    w_free(ctx, cost, cost ? n * sizeof *cost : 0);
    return s;
}
