/* Low-rank factors of a weight matrix that leave the least error at the layer's outputs.
 *
 * With second moments H = L L^T of the inputs, E||(W - AB) x||^2 = ||W L - A B L||^2, so the best AB comes from the singular
 * value decomposition of W L (Eckart and Young) and B from it by solving with L. LAPACK reads columns first: the row-major
 * matrix given to it is the transpose of what it sees, and its two sets of vectors change places. */
#include "lowrank.h"
#include <lapacke.h>
#include <math.h>
#include <string.h>


static weir_status lapack_failed(int bad, const char *what, weir_error *e) {
    if (bad == LAPACK_WORK_MEMORY_ERROR || bad == LAPACK_TRANSPOSE_MEMORY_ERROR) return w_oom(e, 0, what);
    return w_fail(e, WEIR_BAD_INPUT, "%s failed (%d): the numbers are not finite or not independent", what, bad);
}

static double *doubles(w_arena *a, size_t n, weir_error *e) {
    double *d = w_arena_alloc_aligned(a, n * sizeof *d);
    if (!d) w_oom(e, n * sizeof *d, "a decomposition");
    return d;
}

/* Few samples say nothing about most directions: what they leave out counts as much as the mean of what they show, the more
 * so the fewer they are. (Without it 256 samples of 800 inputs make lenet5 worse than no weighting at all.) */
double w_spectrum_damping(uint32_t cols, double count) { return W_MAX(1e-4, cols / (count + cols)); }

/* The lower factor of the damped mean of the moments. */
static weir_status factor_moments(const float *h, uint32_t k, double count, double *l, weir_error *e) {
    double mean = 0;
    for (uint32_t i = 0; i < k; i++) mean += h[(size_t)i * k + i] / count / k;
    double damp = mean > 0 ? mean * w_spectrum_damping(k, count) : 1;
    for (uint32_t i = 0; i < k; i++) {
        for (uint32_t j = 0; j < k; j++) l[(size_t)i * k + j] = j > i ? 0 : h[(size_t)i * k + j] / count;
        l[(size_t)i * k + i] += damp;
    }
    int bad = LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', (int)k, l, (int)k);
    return bad ? lapack_failed(bad, "the Cholesky factor of second moments", e) : WEIR_OK;
}

/* wl = w l, l lower triangular or NULL. */
static void weigh(const float *w, const double *l, uint32_t rows, uint32_t k, double *wl) {
    for (uint32_t r = 0; r < rows; r++) {
        const float *x = w + (size_t)r * k;
        double *y = wl + (size_t)r * k;
        for (uint32_t j = 0; j < k; j++) y[j] = l ? 0 : x[j];
        for (uint32_t i = 0; l && i < k; i++) {
            const double *row = l + (size_t)i * k;
            for (uint32_t j = 0; j <= i; j++) y[j] += x[i] * row[j];
        }
    }
}

static bool all_finite(const double *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

weir_status w_spectrum_of(const float *w, uint32_t rows, uint32_t cols, const float *moments, double count, w_arena *a,
                          w_spectrum *out, weir_error *e) {
    uint32_t n = W_MIN(rows, cols);
    double *m = doubles(a, (size_t)rows * cols, e);
    *out = (w_spectrum){.rows = rows, .cols = cols, .n = n};
    out->s = m ? doubles(a, n, e) : NULL;
    out->u = out->s ? doubles(a, (size_t)rows * n, e) : NULL;
    out->vt = out->u ? doubles(a, (size_t)n * cols, e) : NULL;
    if (out->vt && moments) out->l = doubles(a, (size_t)cols * cols, e);
    if (!out->vt || (moments && !out->l)) return WEIR_NO_RESOURCE;
    if (moments) W_TRY(factor_moments(moments, cols, count, out->l, e));
    weigh(w, out->l, rows, cols, m);
    if (!all_finite(m, (size_t)rows * cols)) return w_fail(e, WEIR_BAD_INPUT, "weights or calibration data are not finite");
    int bad = LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'S', (int)cols, (int)rows, m, (int)cols, out->s, out->vt, (int)cols, out->u, (int)n);
    return bad ? lapack_failed(bad, "the singular value decomposition", e) : WEIR_OK;
}

weir_status w_singular_values(const float *w, uint32_t rows, uint32_t cols, w_arena *a, double **s, weir_error *e) {
    double *m = doubles(a, (size_t)rows * cols, e), none[1];
    *s = m ? doubles(a, W_MIN(rows, cols), e) : NULL;
    if (!*s) return WEIR_NO_RESOURCE;
    weigh(w, NULL, rows, cols, m);
    if (!all_finite(m, (size_t)rows * cols)) return w_fail(e, WEIR_BAD_INPUT, "weights are not finite");
    int bad = LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', (int)cols, (int)rows, m, (int)cols, *s, none, 1, none, 1);
    return bad ? lapack_failed(bad, "the singular values", e) : WEIR_OK;
}

uint32_t w_spectrum_rank(const double *s, uint32_t n, double energy) {
    double all = 0, sum = 0;
    for (uint32_t i = 0; i < n; i++) all += s[i] * s[i];
    for (uint32_t i = 0; i < n; i++) {
        sum += s[i] * s[i];
        if (sum >= energy * all) return i + 1;
    }
    return n;
}

/* The inner values are spread evenly over the rank (second moments of 1), which suits one 8-bit scale for all of them. */
weir_status w_spectrum_factors(const w_spectrum *x, uint32_t rank, w_arena *a, float *first, float *second, weir_error *e) {
    uint32_t k = x->cols;
    size_t n = (size_t)rank * k;
    double *b = doubles(a, n, e);
    if (!b) return WEIR_NO_RESOURCE;
    memcpy(b, x->vt, n * sizeof *b);
    int bad = x->l ? LAPACKE_dtrtrs(LAPACK_COL_MAJOR, 'U', 'N', 'N', (int)k, (int)rank, x->l, (int)k, b, (int)k) : 0;
    if (bad) return lapack_failed(bad, "solving for the first factor", e);
    for (size_t i = 0; i < n; i++) first[i] = (float)b[i];
    for (uint32_t r = 0; r < x->rows; r++)
        for (uint32_t j = 0; j < rank; j++) second[(size_t)r * rank + j] = (float)(x->u[(size_t)r * x->n + j] * x->s[j]);
    return WEIR_OK;
}

uint32_t w_lowrank_limit(uint32_t rows, uint32_t cols) {
    uint64_t all = (uint64_t)rows * cols, one = (uint64_t)rows + cols;
    return all == 0 ? 0 : (uint32_t)((all - 1) / one);
}

uint32_t w_lowrank_round(uint32_t rank, uint32_t limit) {
    uint32_t up = (uint32_t)W_ALIGN_UP((size_t)rank, (size_t)W_LOWRANK_VECTOR), down = limit / W_LOWRANK_VECTOR * W_LOWRANK_VECTOR;
    return up <= limit ? up : rank <= down && down > 0 ? down : rank;
}
