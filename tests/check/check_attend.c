/* The weights of attention. Compared with doubles; an exponent carries the rounding of the score and of its distance from the
 * maximum, e^x has 2 ulp, the sum n roundings, the scaling 3; e^-87.3 stands for everything below it. */
#include "check.h"
#include <math.h>
#include <string.h>

enum { MOST = 150, ROWS = 4, SIZE = 40 };

typedef struct attend_case {
    w_attend a;
    float score[ROWS * MOST], out[ROWS * SIZE], top[ROWS], sum[ROWS]; /* as they were */
    size_t rows;
} attend_case;

static size_t draw(check *c, int64_t lo, int64_t hi) { return (size_t)check_range(c, lo, hi); }

static void make(check *c, attend_case *k, size_t t) {
    w_attend *a = &k->a;
    k->rows = draw(c, 1, ROWS);
    *a = (w_attend){.n = draw(c, 1, 120), .scale = check_unit(c), .first = t & 1, .last = t & 2, .size = draw(c, 1, SIZE - 4), .seen = PTRDIFF_MAX};
    a->stride = a->n + draw(c, 0, 20);
    a->out_stride = a->size + draw(c, 0, 4);
    a->empty = t % 7 ? NAN : 0.0f;
    if (t & 4) a->seen = check_range(c, a->first ? 1 : -(int64_t)ROWS, (int64_t)a->n);
    a->score = check_f32(c, (k->rows - 1) * a->stride + a->n);
    a->out = check_f32(c, (k->rows - 1) * a->out_stride + a->size);
    a->top = check_f32(c, k->rows);
    a->sum = check_f32(c, k->rows);
    a->mask_stride = t & 16 ? a->n : 0;
    if (t & 8) {
        float *mask = check_f32(c, a->mask_stride * (k->rows - 1) + a->n);
        for (size_t i = 0; i < a->mask_stride * (k->rows - 1) + a->n; i++)
            if (draw(c, 0, 3) == 0 || t % 40 == 8) mask[i] = t % 3 ? -INFINITY : -3e38f;
        a->mask = mask;
    }
    for (size_t i = 0; i < (k->rows - 1) * a->stride + a->n; i++) k->score[i] = a->score[i] *= t % 5 ? 5.0f : 200.0f;
    for (size_t r = 0; r < k->rows; r++) {
        k->top[r] = a->top[r] = draw(c, 0, 5) ? a->top[r] * 5 : -INFINITY;
        k->sum[r] = a->sum[r] = k->top[r] == -INFINITY ? 0.0f : 1.0f + fabsf(a->sum[r]);
    }
    memcpy(k->out, a->out, ((k->rows - 1) * a->out_stride + a->size) * sizeof(float));
}

typedef struct row_truth { double x[MOST], top, base, keep, over, size; } row_truth;

static void truth_of(const attend_case *k, size_t r, row_truth *t) {
    const w_attend *a = &k->a;
    size_t n = w_attend_seen(a, r);
    double sum = 0;
    *t = (row_truth){.top = a->first ? -INFINITY : k->top[r]};
    for (size_t i = 0; i < n; i++) {
        double product = (double)(k->score[r * a->stride + i] * a->scale);
        t->x[i] = a->mask ? (double)(float)(product + a->mask[r * a->mask_stride + i]) : product;
        t->size = fmax(t->size, fabs(product));
        if (t->x[i] > t->top) t->top = t->x[i];
    }
    t->base = t->top == -INFINITY ? 0 : t->top;
    for (size_t i = 0; i < n; i++) sum += exp(t->x[i] - t->base);
    t->keep = a->first ? 0 : exp(k->top[r] - t->base);
    sum += a->first ? 0 : k->sum[r] * t->keep;
    t->over = !a->last ? 1 : t->top == -INFINITY ? a->empty : 1 / sum;
}

/* want was made with an exponent of this distance from the maximum. */
static void compare(check *c, const row_truth *t, const char *what, double got, double want, double distance, double unit) {
    double far = distance < 100 ? distance : 100, relative = ((double)MOST + 16 + far + 2 * t->size) * 0x1p-23;
    if (!check_close(got, want, fabs(want) * relative + 2e-38 * unit * (isnan(t->over) ? 1 : fmax(t->over, 1))))
        check_fail(c, "%s is %.9g, expected %.9g (seed %llu)", what, got, want, (unsigned long long)c->seed);
}

static void check_row(check *c, const attend_case *k, size_t r) {
    const w_attend *a = &k->a;
    size_t n = w_attend_seen(a, r);
    row_truth t;
    truth_of(k, r, &t);
    for (size_t i = 0; i < a->n; i++)
        compare(c, &t, "a weight", a->score[r * a->stride + i], (i < n ? exp(t.x[i] - t.base) : 0.0) * t.over, i < n ? t.base - t.x[i] : 0, 1);
    for (size_t i = 0; !a->first && i < a->size; i++) {
        double old = k->out[r * a->out_stride + i];
        compare(c, &t, "a result", a->out[r * a->out_stride + i], old * t.keep * t.over, t.base - k->top[r], fabs(old));
    }
}

void check_attend_f32(check *c, w_fn_attend_f32 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    static const size_t cases = 400;
    for (size_t t = 0; t < cases; t++, c->cases++) {
        attend_case k;
        size_t before = c->failures;
        make(c, &k, t);
        fn(&k.a, k.rows);
        for (size_t r = 0; r < k.rows; r++) check_row(c, &k, r);
        if (c->failures > before) c->failures = before + 1;
        check_release_all();
    }
}
