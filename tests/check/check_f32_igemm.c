/* The f32 implicit GEMM against sums in double. A result may differ by the rounding of its own reduction: K + 8 roundings of
 * 2^-24 of the sum of magnitudes, plus the stated error of the activation. */
#include "check_igemm.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANARY 0x7fc0dead

typedef struct operands {
    igemm_shape s;
    int values;
    w_f32_igemm g;
    float *in, *w, *bias;      /* w: [n][k] */
    size_t rows_out, k;
} operands;

static float value(check *c, int kind, size_t k) { return check_value(c, kind, 1e19f / (float)k, 1e-22f, 120); }

static w_kepi draw_act(check *c) {
    static const w_kepi acts[] = {
        {W_KACT_NONE, 0, 0}, {W_KACT_RELU, 0, 0}, {W_KACT_CLIP, 0, 6}, {W_KACT_CLIP, -0.5f, 0.75f}, {W_KACT_LEAKY, 0.1f, 0},
        {W_KACT_HARDSWISH, 0, 0}, {W_KACT_HARDSIGMOID, 0.2f, 0.5f}, {W_KACT_SIGMOID, 0, 0}, {W_KACT_TANH, 0, 0},
        {W_KACT_SILU, 0, 0}, {W_KACT_GELU, 0, 0}, {W_KACT_ELU, 1.0f, 0}};
    return acts[check_range(c, 0, W_COUNT(acts) - 1)];
}

/* The activation in double, and the largest error a kernel may add. */
static double act_double(const w_kepi *ep, double x, double *slack) {
    double big = 4e-7 * fmax(1.0, fabs(x));
    *slack = 0;
    switch (ep->act) {
    case W_KACT_RELU: return isnan(x) ? x : x > 0 ? x : 0;
    case W_KACT_CLIP: return isnan(x) ? x : x < ep->a ? ep->a : x > ep->b ? ep->b : x;
    case W_KACT_LEAKY: return x < 0 ? x * ep->a : x;
    case W_KACT_HARDSWISH: *slack = big; return x * fmin(1, fmax(0, x / 6 + 0.5)) + (isnan(x) ? x : 0);
    case W_KACT_HARDSIGMOID: *slack = 2e-7; return isnan(x) ? x : fmin(1, fmax(0, x * ep->a + ep->b));
    case W_KACT_SIGMOID: *slack = 4e-7; return 1 / (1 + exp(-x));
    case W_KACT_TANH: *slack = 4e-7; return tanh(x);
    case W_KACT_SILU: *slack = big; return x / (1 + exp(-x));
    case W_KACT_GELU: *slack = big; return 0.5 * x * (1 + erf(x / sqrt(2)));
    case W_KACT_ELU: *slack = 4e-7; return x < 0 ? ep->a * expm1(x) : x;
    default: return x;
    }
}

static void draw(check *c, size_t index, int mr, int nr, operands *o) {
    memset(o, 0, sizeof *o);
    o->s = igemm_draw(c, index, mr, nr);
    o->values = (int)(index / 3 % VALUE_KINDS);
    o->k = o->s.taps * o->s.c;
    igemm_shape *s = &o->s;
    w_f32_igemm *g = &o->g;
    igemm_rows(c, s, &g->rows);
    g->rows.in = o->in = check_guarded(c, s->elements * sizeof(float));
    float *zero = check_guarded(c, s->c * sizeof(float));
    memset(zero, 0, s->c * sizeof(float));
    g->rows.zero = zero;
    g->n = s->n;
    g->out_stride = s->n + (size_t)check_range(c, 0, 3);
    o->rows_out = (s->p - 1) * g->out_stride + s->n;
    g->out = check_guarded(c, o->rows_out * sizeof(float));
    o->w = malloc(s->n * o->k * sizeof(float));
    o->bias = malloc(s->n * sizeof(float));
    if (!o->w || !o->bias) exit(WEIR_NO_RESOURCE);
    for (size_t i = 0; i < s->elements; i++) o->in[i] = value(c, o->values, o->k);
    for (size_t i = 0; i < s->n * o->k; i++) o->w[i] = o->values == VALUE_SPECIAL ? check_unit(c) : value(c, o->values, o->k);
    for (size_t i = 0; i < s->n; i++) o->bias[i] = check_unit(c);
    float *packed = check_guarded(c, w_f32_block(w_packed_width((size_t)nr, s->n), o->k) * sizeof(float));
    w_pack_f32(packed, (size_t)nr, o->w, o->k, 1, s->n, o->k, o->bias);
    g->w = packed;
    g->ep = draw_act(c);
    if (o->values == VALUE_SPECIAL && g->ep.act >= W_KACT_SIGMOID) g->ep.act = W_KACT_NONE;
    if (check_range(c, 0, 2) == 0) {
        g->res_stride = s->n + (size_t)check_range(c, 0, 3);
        float *res = check_guarded(c, ((s->p - 1) * g->res_stride + s->n) * sizeof(float));
        for (size_t i = 0; i < (s->p - 1) * g->res_stride + s->n; i++) res[i] = check_unit(c);
        g->res = res;
    }
    uint32_t canary = CANARY;
    for (size_t i = 0; i < o->rows_out; i++) memcpy(g->out + i, &canary, 4);
}

static int64_t run_start(const igemm_shape *s, size_t t, size_t p) {
    if (s->mode == ROWS_PLAIN) return (int64_t)(p * s->row_stride);
    if (s->mode == ROWS_STRIDED) return s->offset[p] + (int64_t)(t * s->tap_stride);
    return s->offset[t * s->p + p];
}

static void compare(check *c, const operands *o, size_t p, size_t j) {
    double sum = o->bias[j], mag = fabs(sum), slack;
    for (size_t t = 0; t < o->s.taps; t++) {
        int64_t at = run_start(&o->s, t, p);
        for (size_t i = 0; at >= 0 && i < o->s.c; i++) {
            double x = (double)o->in[at + (int64_t)i] * o->w[j * o->k + t * o->s.c + i];
            sum += x;
            mag += fabs(x);
        }
    }
    if (o->g.res) {
        sum += o->g.res[p * o->g.res_stride + j];
        mag += fabs((double)o->g.res[p * o->g.res_stride + j]);
    }
    double want = act_double(&o->g.ep, sum, &slack), got = o->g.out[p * o->g.out_stride + j];
    double bound = (double)(o->k + 8) * 0x1p-24 * mag * 1.2 + slack + (double)(o->k + 8) * 0x1p-149;
    bool same = isnan(want) ? isnan(got) : isinf(want) ? got == want : fabs(got - want) <= bound;
    char text[160];
    if (!same) check_fail(c, "[%zu][%zu] = %.9g, expected %.9g within %.3g (%s, act %d, values %d, seed %llu)", p, j, got, want, bound,
                          igemm_describe(&o->s, text), o->g.ep.act, o->values, (unsigned long long)c->seed);
}

static void check_case(check *c, w_fn_f32_igemm *fn, size_t index, int mr, int nr) {
    operands o;
    size_t before = c->failures;
    draw(c, index, mr, nr, &o);
    size_t blocks = (o.s.n + (size_t)nr - 1) / (size_t)nr, cut = (size_t)check_range(c, 0, (int64_t)o.s.p);
    fn(&o.g, 0, cut, 0, blocks);
    fn(&o.g, cut, o.s.p, 0, blocks);
    for (size_t p = 0; p < o.s.p; p++)
        for (size_t j = 0; j < o.s.n; j++) compare(c, &o, p, j);
    for (size_t i = 0; i < o.rows_out; i++) {
        uint32_t bits;
        memcpy(&bits, o.g.out + i, 4);
        if (i % o.g.out_stride >= o.s.n && bits != CANARY) check_fail(c, "wrote outside the columns of the output");
    }
    if (c->failures > before) c->failures = before + 1;
    c->cases++;
    free(o.w);
    free(o.bias);
    igemm_free(&o.s);
    check_release_all();
}

typedef struct timed { w_fn_f32_igemm *fn; const w_f32_igemm *g; size_t p, blocks; } timed;
static void call(void *arg) {
    const timed *t = arg;
    t->fn(t->g, 0, t->p, 0, t->blocks);
}

/* Inputs as a convolution reads them: neighbouring rows overlap, so the input is small. */
static void time_layer(check *c, w_fn_f32_igemm *fn, const igemm_layer *l, size_t nr) {
    size_t k = l->taps * l->c, blocks = (l->n + nr - 1) / nr, packed = w_f32_block(w_packed_width(nr, l->n), k), step = l->taps > 1 ? (l->c + l->taps - 1) / l->taps : l->c;
    size_t row = l->taps > 1 ? 32 * step : 0, elements = l->p * step + l->taps * row + l->c;
    float *in = check_guarded(c, elements * 4), *w = check_guarded(c, W_ALIGN_UP(packed * 4, (size_t)64));
    float *out = check_guarded(c, l->p * l->n * 4);
    for (size_t i = 0; i < elements; i++) in[i] = check_unit(c);
    for (size_t i = 0; i < packed; i++) w[i] = check_unit(c);
    int32_t *offset = check_guarded(c, l->p * sizeof *offset);
    for (size_t i = 0; i < l->p; i++) offset[i] = (int32_t)(i * step);
    w_f32_igemm g = {.rows = {in, NULL, offset, 0, l->c, row, l->taps, l->c}, .w = w, .n = l->n, .out = out, .out_stride = l->n,
                     .ep = {W_KACT_RELU, 0, 0}};
    timed t = {fn, &g, l->p, blocks};
    double macs = (double)l->p * (double)k * (double)l->n, bytes = 4.0 * (double)(elements + k * l->n + l->p * l->n);
    check_print_speed(c, l->name, check_time(call, &t), macs, bytes, c->peak_f32);
    check_release_all();
}

void check_f32_igemm(check *c, w_fn_f32_igemm *fn, int mr, int nr, int pack) {
    for (size_t i = 0; i < 400; i++) check_case(c, fn, i, mr, nr);
    for (size_t i = 0; c->bench && i < igemm_nlayers; i++) time_layer(c, fn, &igemm_layers[i], (size_t)nr);
}
