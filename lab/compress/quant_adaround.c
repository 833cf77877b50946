/* Rounding that is learned (AdaRound, arXiv 2004.10568): each weight goes to the grid point below or above it, so that the
 * layer's outputs, not its weights, change least: the sum over rows of e H e^T, with e the change of the row and H the second
 * moments of the inputs.
 *
 * The choice is relaxed to h = clip(1.2 sigmoid(v) - 0.1, 0, 1), descended by Adam from h = the fraction that rounding cuts
 * off, and driven to 0 or 1 by a regulariser 1 - |2h - 1|^beta whose beta falls from 20 to 2. Single crossings that still
 * help come last. With H in place of samples every step sees all of them, so the walk is short and the same every time.
 * Errors are in steps of the grid, H has a mean diagonal of 1: rates and weights mean the same on every layer. */
#include "quant.h"
#include <math.h>
#include <string.h>

#define BLOCK 4            /* rows that share a walk over H */
#define RATE 0.03f
#define WEIGHT 0.1f        /* of the regulariser */
#define WARM 0.2f          /* share of the steps without it */
#define PASSES 8
#define MOST_STEPS 400
#define LEAST_STEPS 60
#define WORK 1e10          /* multiply-adds that a layer may take before it gets fewer steps */

typedef struct layer {
    const float *h;        /* k x k, mean diagonal 1 */
    uint32_t k;
    int levels, steps;
    float *e, *grad;       /* BLOCK x k: error in grid steps; e H */
    float *v, *m1, *m2;    /* BLOCK x k: relaxed choice and Adam's moments */
    float *low, *frac;     /* BLOCK x k: grid point below, and what is left */
} layer;

static float soft(float v) {
    float h = 1.2f / (1.0f + expf(-v)) - 0.1f;
    return fminf(fmaxf(h, 0.0f), 1.0f);
}

static float soft_slope(float v) {
    float s = 1.0f / (1.0f + expf(-v)), h = 1.2f * s - 0.1f;
    return h <= 0 || h >= 1 ? 0 : 1.2f * s * (1 - s);
}

static float inverse_soft(float h) {
    float s = (fminf(fmaxf(h, 0.01f), 0.99f) + 0.1f) / 1.2f;
    return -logf(1 / s - 1);
}

/* grad = e H for BLOCK rows. */
static void product(layer *l) {
    uint32_t k = l->k;
    float *restrict y = l->grad;
    memset(y, 0, (size_t)BLOCK * k * sizeof *y);
    for (uint32_t i = 0; i < k; i++) {
        const float *restrict h = l->h + (size_t)i * k;
        float e0 = l->e[i], e1 = l->e[k + i], e2 = l->e[2 * k + i], e3 = l->e[3 * k + i];
        for (uint32_t j = 0; j < k; j++) {
            y[j] += e0 * h[j];
            y[k + j] += e1 * h[j];
            y[2 * k + j] += e2 * h[j];
            y[3 * k + j] += e3 * h[j];
        }
    }
}

static float regulariser_slope(float h, float beta) {
    float d = 2 * h - 1, a = fabsf(d);
    return -2 * beta * powf(a, beta - 1) * (d < 0 ? -1 : 1);
}

static void step(layer *l, int t) {
    float done = (float)t / (float)l->steps, p1 = 1 - powf(0.9f, (float)t + 1), p2 = 1 - powf(0.999f, (float)t + 1);
    float beta = 2 + 18 * (1 - fminf(1, fmaxf(0, (done - WARM) / (1 - WARM))));
    for (uint32_t i = 0; i < BLOCK * l->k; i++) l->e[i] = soft(l->v[i]) - l->frac[i];
    product(l);
    for (uint32_t i = 0; i < BLOCK * l->k; i++) {
        float g = 2 * l->grad[i];
        if (done >= WARM) g += WEIGHT * regulariser_slope(soft(l->v[i]), beta);
        g *= soft_slope(l->v[i]);
        l->m1[i] = 0.9f * l->m1[i] + 0.1f * g;
        l->m2[i] = 0.999f * l->m2[i] + 0.001f * g * g;
        l->v[i] -= RATE * (l->m1[i] / p1) / (sqrtf(l->m2[i] / p2) + 1e-8f);
    }
}

/* Weights beyond the grid have one neighbour only, and kept zeros stay: both have nothing left to round. */
static void begin_row(layer *l, uint32_t b, const float *w, float scale, bool used) {
    for (uint32_t j = 0; j < l->k; j++) {
        size_t i = (size_t)b * l->k + j;
        float x = used && scale > 0 ? w[j] / scale : 0, top = (float)l->levels;
        float low = fminf(fmaxf(floorf(x), -top), top);
        l->low[i] = low;
        l->frac[i] = x - low;
        bool fixed = x == 0 || low >= top || x <= -top;
        l->v[i] = fixed ? -20 : inverse_soft(l->frac[i]);
    }
}

static void end_row(const layer *l, uint32_t b, int8_t *q) {
    for (uint32_t j = 0; j < l->k; j++) {
        size_t i = (size_t)b * l->k + j;
        q[j] = (int8_t)(l->low[i] + (soft(l->v[i]) >= 0.5f ? 1 : 0));
    }
}

/* Error of a row and its product with H, for integers q. */
static double measure(const layer *l, const float *x, const int8_t *q, float *err, float *grad) {
    double sum = 0;
    memset(grad, 0, l->k * sizeof *grad);
    for (uint32_t i = 0; i < l->k; i++) {
        err[i] = (float)q[i] - x[i];
        for (uint32_t j = 0; j < l->k; j++) grad[j] += err[i] * l->h[(size_t)i * l->k + j];
    }
    for (uint32_t i = 0; i < l->k; i++) sum += (double)err[i] * grad[i];
    return sum;
}

/* While that helps, weights cross over to their other neighbour one by one. */
static void polish(const layer *l, const float *x, const float *low, int8_t *q, float *grad) {
    bool moved = true;
    for (int pass = 0; pass < PASSES && moved; pass++) {
        moved = false;
        for (uint32_t j = 0; j < l->k; j++) {
            const float *h = l->h + (size_t)j * l->k;
            if (x[j] == 0 || low[j] >= (float)l->levels || x[j] <= -(float)l->levels) continue;
            float d = (float)q[j] > low[j] ? -1 : 1;
            if (2 * d * grad[j] + h[j] >= -1e-6f) continue;
            q[j] = (int8_t)(q[j] + (int)d);
            for (uint32_t i = 0; i < l->k; i++) grad[i] += d * h[i];
            moved = true;
        }
    }
}

/* From the learned choice or, where that is better after all, from plain rounding. */
static void finish_row(layer *l, uint32_t b, int8_t *q, int8_t *plain) {
    float *low = l->low + (size_t)b * l->k, *x = l->frac + (size_t)b * l->k, *err = l->e, *grad = l->grad;
    for (uint32_t j = 0; j < l->k; j++) {
        x[j] += low[j]; /* the weight in steps */
        plain[j] = (int8_t)fminf(fmaxf(rintf(x[j]), -(float)l->levels), (float)l->levels);
    }
    if (measure(l, x, plain, err, grad) < measure(l, x, q, err, grad)) {
        memcpy(q, plain, l->k);
        measure(l, x, q, err, grad);
    }
    polish(l, x, low, q, grad);
}

static void round_rows(layer *l, const w_weights *w, uint32_t r0, uint32_t r1, const float *scale, int8_t *q, int8_t *plain) {
    for (uint32_t r = r0; r < r1; r += BLOCK) {
        size_t n = (size_t)BLOCK * l->k;
        memset(l->m1, 0, n * sizeof *l->m1);
        memset(l->m2, 0, n * sizeof *l->m2);
        for (uint32_t b = 0; b < BLOCK; b++)
            begin_row(l, b, w->w + (size_t)W_MIN(r + b, r1 - 1) * l->k, scale[W_MIN(r + b, r1 - 1)], r + b < r1);
        for (int t = 0; t < l->steps; t++) step(l, t);
        for (uint32_t b = 0; b < BLOCK && r + b < r1; b++) {
            end_row(l, b, q + (size_t)(r + b) * l->k);
            finish_row(l, b, q + (size_t)(r + b) * l->k, plain);
        }
    }
}

/* Second moments with a mean diagonal of 1, and a little on the diagonal as damping. */
static void normalise(const float *from, float *h, uint32_t k) {
    double mean = 0;
    for (uint32_t i = 0; i < k; i++) mean += from[(size_t)i * k + i] / (double)k;
    float by = mean > 0 ? (float)(1 / mean) : 0;
    for (size_t i = 0; i < (size_t)k * k; i++) h[i] = from[i] * by;
    for (uint32_t i = 0; i < k; i++) h[(size_t)i * k + i] += 0.01f;
}

weir_status w_adaround(w_weights *w, const w_hessian *hs, int levels, const float *scale, int8_t *q, weir_context *ctx, weir_error *e) {
    uint32_t k = w->cols, per = w->rows / w->groups;
    double each = (double)w->rows * k * k;
    w_arena a;
    if (each * LEAST_STEPS > 4 * WORK)
        return w_fail(e, WEIR_BAD_INPUT, "%u x %u weights are too many for rounding 'adaround' (use 'feedback')", w->rows, k);
    w_arena_init(&a, ctx);
    float *h = w_arena_alloc_aligned(&a, (size_t)k * k * sizeof *h), *all = w_arena_array(&a, (size_t)k * BLOCK * 7, sizeof *all);
    int8_t *plain = w_arena_alloc(&a, k);
    if (!h || !all || !plain) {
        w_arena_fini(&a);
        return w_oom(e, (size_t)k * k * sizeof *h, "rounding weights");
    }
    size_t n = (size_t)k * BLOCK;
    layer l = {h, k, levels, (int)fmin(MOST_STEPS, fmax(LEAST_STEPS, WORK / W_MAX(each, 1.0))),
               all, all + n, all + 2 * n, all + 3 * n, all + 4 * n, all + 5 * n, all + 6 * n};
    for (uint32_t g = 0; g < w->groups; g++) {
        normalise(hs->h[g], h, k);
        round_rows(&l, w, g * per, (g + 1) * per, scale, q, plain);
    }
    for (uint32_t r = 0; r < w->rows; r++)
        for (uint32_t j = 0; j < k; j++) w->w[(size_t)r * k + j] = (float)q[(size_t)r * k + j] * scale[r];
    w_arena_fini(&a);
    return WEIR_OK;
}
