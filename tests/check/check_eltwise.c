/* Element-wise kernels, softmax, quantise and transpose. f32 arithmetic of one operation is exact; functions have the
 * errors that f32_act_vec.h states; bytes: the promised bits. */
#include "check.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static double apply(w_binary_op op, double a, double b) {
    switch (op) {
    case W_BIN_ADD: return a + b;
    case W_BIN_SUB: return a - b;
    case W_BIN_MUL: return a * b;
    case W_BIN_DIV: return a / b;
    case W_BIN_MIN: return isnan(a) || isnan(b) ? NAN : fmin(a, b);
    case W_BIN_MAX: return isnan(a) || isnan(b) ? NAN : fmax(a, b);
    }
    return 0;
}

static size_t draw(check *c, int64_t lo, int64_t hi) { return (size_t)check_range(c, lo, hi); }

/* ---- two operands ---- */

typedef struct binary_case { w_binary k; size_t rows, size[3]; void *data[3]; } binary_case;

static void binary_make(check *c, bool u8, binary_case *b) {
    w_binary *k = &b->k;
    *b = (binary_case){.rows = draw(c, 1, 6)};
    k->op = (w_binary_op)check_range(c, 0, 5);
    k->n = draw(c, 1, 150);
    for (int o = 0; o < 3; o++) {
        size_t step = o ? (k->step[o - 1] = draw(c, 0, 2) ? 1 : 0) : 1;
        k->stride[o] = o && draw(c, 0, 3) == 0 ? 0 : k->n + draw(c, 0, 4);
        b->size[o] = (b->rows - 1) * k->stride[o] + (k->n - 1) * step + 1;
        b->data[o] = u8 ? (void *)check_u8(c, b->size[o]) : (void *)check_f32(c, b->size[o]);
    }
    k->ep = check_draw_act(c, u8);
    for (int i = 0; u8 && i < 2; i++) {
        k->scale[i] = 0.01f * (float)draw(c, 1, 9);
        k->zero[i] = (int32_t)check_range(c, 0, 255);
    }
    k->q = check_draw_requant(c, 5.0f);
}

static void special(check *c, float *p, size_t n) {
    static const float values[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e38f, 1e-40f};
    for (size_t i = 0; i < n; i++)
        if (check_range(c, 0, 15) == 0) p[i] = values[check_range(c, 0, W_COUNT(values) - 1)];
}

static void binary_f32_at(check *c, const binary_case *b, size_t r, size_t i, float x, float y) {
    const w_binary *k = &b->k;
    double slack, mid = apply(k->op, (double)x, (double)y), want = check_act(&k->ep, (double)(float)mid, &slack);
    double got = ((float *)b->data[0])[r * k->stride[0] + i], bound = slack + 1.2e-7 * fabs(want) + 1e-45;
    if (k->ep.act >= W_KACT_HARDSWISH && !isfinite((float)mid)) return; /* the functions are stated for finite values */
    if (!check_close(got, (double)(float)want, bound))
        check_fail(c, "op %d of %.9g and %.9g, act %d = %.9g, expected %.9g (seed %llu)", (int)k->op, (double)x, (double)y, k->ep.act,
                   got, want, (unsigned long long)c->seed);
}

void check_binary_f32(check *c, w_fn_binary_f32 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t t = 0; t < 400; t++, c->cases++) {
        binary_case b;
        size_t before = c->failures;
        binary_make(c, false, &b);
        const w_binary *k = &b.k;
        if (t % 3 == 0) special(c, b.data[1], b.size[1]), special(c, b.data[2], b.size[2]);
        fn(k, b.data[0], b.data[1], b.data[2], b.rows);
        for (size_t r = 0; r < b.rows; r++)
            for (size_t i = 0; i < k->n; i++)
                binary_f32_at(c, &b, r, i, ((float *)b.data[1])[r * k->stride[1] + i * k->step[0]],
                              ((float *)b.data[2])[r * k->stride[2] + i * k->step[1]]);
        if (c->failures > before) c->failures = before + 1;
        check_release_all();
    }
}

void check_binary_u8(check *c, w_fn_binary_u8 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t t = 0; t < 400; t++, c->cases++) {
        binary_case b;
        size_t before = c->failures;
        binary_make(c, true, &b);
        const w_binary *k = &b.k;
        fn(k, b.data[0], b.data[1], b.data[2], b.rows);
        for (size_t r = 0; r < b.rows; r++)
            for (size_t i = 0; i < k->n; i++) {
                volatile float x = (float)(((uint8_t *)b.data[1])[r * k->stride[1] + i * k->step[0]] - k->zero[0]) * k->scale[0];
                volatile float y = (float)(((uint8_t *)b.data[2])[r * k->stride[2] + i * k->step[1]] - k->zero[1]) * k->scale[1];
                if (k->op == W_BIN_DIV && x == 0 && y == 0) continue; /* 0 / 0: whatever NaN gives after the activation */
                uint8_t want = check_requant(&k->q, check_act_exact(&k->ep, (float)apply(k->op, (double)x, (double)y)));
                uint8_t got = ((uint8_t *)b.data[0])[r * k->stride[0] + i];
                if (got != want)
                    check_fail(c, "op %d of %.9g and %.9g, act %d = %d, expected %d (seed %llu)", (int)k->op, (double)x, (double)y,
                               k->ep.act, got, want, (unsigned long long)c->seed);
            }
        if (c->failures > before) c->failures = before + 1;
        check_release_all();
    }
}

/* ---- one operand ---- */

static double unary(const w_kepi *op, double x, double *slack) {
    *slack = 0;
    switch (op->act) {
    case W_UN_ABS: return fabs(x);
    case W_UN_NEG: return -x;
    case W_UN_EXP: *slack = 4e-7 * exp(x); return exp(x);
    case W_UN_SQRT: *slack = 1e-7 * sqrt(fabs(x)); return sqrt(x);
    case W_UN_RECIPROCAL: *slack = fabs(1e-7 / x); return 1 / x;
    case W_UN_FLOOR: return floor(x);
    case W_UN_CEIL: return ceil(x);
    default: return check_act(op, x, slack);
    }
}

void check_unary_f32(check *c, w_fn_unary_f32 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t t = 0; t < 400; t++, c->cases++) {
        size_t n = draw(c, 1, 200), before = c->failures;
        float *in = check_f32(c, n), *out = t % 4 ? check_f32(c, n) : in;
        float keep[200];
        w_kepi op = check_draw_act(c, false);
        if (t % 2) op = (w_kepi){(int)check_range(c, W_UN_ABS, W_UN_CEIL), 0, 0};
        for (size_t i = 0; i < n; i++) keep[i] = in[i] *= t % 3 ? 1.0f : 30.0f;
        fn(&op, in, out, n);
        for (size_t i = 0; i < n; i++) {
            double slack, want = unary(&op, keep[i], &slack);
            if (!check_close(out[i], want, slack + 1.2e-7 * fabs(want)))
                check_fail(c, "function %d of %.9g = %.9g, expected %.9g (seed %llu)", op.act, (double)keep[i], (double)out[i], want,
                           (unsigned long long)c->seed);
        }
        if (c->failures > before) c->failures = before + 1;
        check_release_all();
    }
}

void check_lut_u8(check *c, w_fn_lut_u8 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t t = 0; t < 100; t++, c->cases++) {
        size_t n = draw(c, 1, 300);
        uint8_t *lut = check_u8(c, 256), *in = check_u8(c, n), *out = check_u8(c, n);
        fn(lut, in, out, n);
        for (size_t i = 0; i < n; i++)
            if (out[i] != lut[in[i]]) {
                check_fail(c, "element %zu of %zu differs (seed %llu)", i, n, (unsigned long long)c->seed);
                break;
            }
        check_release_all();
    }
}

void check_affine_f32(check *c, w_fn_affine_f32 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t t = 0; t < 200; t++, c->cases++) {
        size_t n = draw(c, 1, 100), rows = draw(c, 1, 5), before = c->failures;
        float *in = check_f32(c, rows * n), *out = check_f32(c, rows * n), *mul = check_f32(c, n), *add = check_f32(c, n);
        fn(in, out, mul, add, rows, n);
        for (size_t i = 0; i < rows * n; i++)
            if (!check_close(out[i], (double)in[i] * mul[i % n] + add[i % n], 2.4e-7))
                check_fail(c, "element %zu, rows of %zu (seed %llu)", i, n, (unsigned long long)c->seed);
        if (c->failures > before) c->failures = before + 1;
        check_release_all();
    }
}

/* ---- softmax: the subtraction rounds the exponent, e^x has 2 ulp, the sum n roundings, the scaling 2 ---- */

static void softmax_line(check *c, const float *in, const float *out, size_t n, size_t stride) {
    double max = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        if (in[i * stride] > max) max = in[i * stride]; /* gcc 12 for arm64 fails inside on fmax here */
    for (size_t i = 0; i < n; i++) sum += exp(in[i * stride] - max);
    for (size_t i = 0; i < n; i++) {
        double distance = max - in[i * stride], want = exp(-distance) / sum;
        if (!check_close(out[i * stride], want, want * ((double)(n + 12) + distance) * 0x1p-23 + 1e-37))
            check_fail(c, "line of %zu: %.9g, expected %.9g (seed %llu)", n, (double)out[i * stride], want, (unsigned long long)c->seed);
    }
}

void check_softmax_f32(check *c, w_fn_softmax_f32 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t t = 0; t < 200; t++, c->cases++) {
        size_t n = draw(c, 1, 120), rows = draw(c, 1, 4), before = c->failures;
        float *in = check_f32(c, rows * n), *out = t % 2 ? in : check_f32(c, rows * n), keep[480];
        for (size_t i = 0; i < rows * n; i++) keep[i] = in[i] *= t % 3 ? 3.0f : 80.0f;
        fn(in, out, rows, n);
        for (size_t r = 0; r < rows; r++) softmax_line(c, keep + r * n, out + r * n, n, 1);
        if (c->failures > before) c->failures = before + 1;
        check_release_all();
    }
}

void check_softmax_columns_f32(check *c, w_fn_softmax_columns_f32 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t t = 0; t < 200; t++, c->cases++) {
        size_t n = draw(c, 1, 20), columns = draw(c, 1, 40), stride = columns + draw(c, 0, 8), before = c->failures;
        size_t size = (n - 1) * stride + columns;
        float *in = check_f32(c, size), *out = t % 2 ? in : check_f32(c, size), keep[20 * 48];
        for (size_t i = 0; i < size; i++) keep[i] = in[i] *= t % 3 ? 3.0f : 80.0f;
        fn(in, out, n, stride, columns);
        for (size_t k = 0; k < columns; k++) softmax_line(c, keep + k, out + k, n, stride);
        if (c->failures > before) c->failures = before + 1;
        check_release_all();
    }
}

/* ---- extent: no rounding; NaN and infinities among the numbers ---- */

void check_extent_f32(check *c, w_fn_extent_f32 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t t = 0; t < 300; t++, c->cases++) {
        size_t n = draw(c, t % 8 ? 1 : 0, 200);
        float *in = check_f32(c, n), start = t % 3 ? 0 : 0.9f * check_unit(c), ends[2] = {start, start}, lo = start, hi = start;
        if (t % 4 == 0 && n) special(c, in, n);
        for (size_t i = 0; i < n; i++) lo = fminf(lo, in[i]), hi = fmaxf(hi, in[i]);
        fn(in, n, ends);
        if (ends[0] != lo || ends[1] != hi)
            check_fail(c, "%zu numbers and %.9g: %.9g to %.9g, expected %.9g to %.9g (seed %llu)", n, (double)start, (double)ends[0],
                       (double)ends[1], (double)lo, (double)hi, (unsigned long long)c->seed);
        check_release_all();
    }
}

/* ---- layer normalisation: a sum of n terms loses at most n roundings of its mean magnitude. A large common part of the row
 * is the hard case: it cancels in the differences ---- */

static void layernorm_row(check *c, const float *in, const float *out, const float *mul, const float *add, double epsilon, size_t n) {
    double mean = 0, size = 0, var = 0;
    for (size_t i = 0; i < n; i++) mean += in[i] / (double)n, size += fabs((double)in[i]) / (double)n;
    for (size_t i = 0; i < n; i++) var += (in[i] - mean) * (in[i] - mean) / (double)n;
    double scale = 1 / sqrt(var + epsilon), slip = (double)(n + 4) * 0x1p-23 * size * scale; /* of a normalised element */
    for (size_t i = 0; i < n; i++) {
        double y = (in[i] - mean) * scale, want = y * mul[i] + add[i];
        double bound = fabs((double)mul[i]) * (slip * (1 + slip) * (1 + fabs(y)) + fabs(y) * (double)(n + 12) * 0x1p-23) + fabs(want) * 0x1p-22;
        if (!check_close(out[i], want, bound))
            check_fail(c, "element %zu of a row of %zu: %.9g, expected %.9g (seed %llu)", i, n, (double)out[i], want, (unsigned long long)c->seed);
    }
}

void check_layernorm_f32(check *c, w_fn_layernorm_f32 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t t = 0; t < 200; t++, c->cases++) {
        size_t n = draw(c, 1, 120), rows = draw(c, 1, 4), before = c->failures;
        float *in = check_f32(c, rows * n), *out = t % 2 ? in : check_f32(c, rows * n), keep[480], *mul = check_f32(c, n), *add = check_f32(c, n);
        for (size_t i = 0; i < rows * n; i++) keep[i] = in[i] += t % 4 == 1 ? 50.0f : 0.0f;
        fn(in, out, mul, add, 1e-5f, rows, n);
        for (size_t r = 0; r < rows; r++) layernorm_row(c, keep + r * n, out + r * n, mul, add, 1e-5f, n);
        if (c->failures > before) c->failures = before + 1;
        check_release_all();
    }
}

void check_blend_f32(check *c, w_fn_blend_f32 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t t = 0; t < 200; t++, c->cases++) {
        size_t n = draw(c, 1, 100), taps = draw(c, 1, 9), stride = draw(c, 0, 3) ? n + draw(c, 0, 5) : draw(c, 1, 3), before = c->failures;
        float *in = check_f32(c, (taps - 1) * stride + n), *out = check_f32(c, n), *weight = check_f32(c, taps);
        fn(out, in, stride, weight, taps, n);
        for (size_t i = 0; i < n; i++) {
            double want = 0, size = 0;
            for (size_t k = 0; k < taps; k++) want += (double)weight[k] * in[k * stride + i], size += fabs((double)weight[k] * in[k * stride + i]);
            if (!check_close(out[i], want, size * (double)(taps + 1) * 0x1p-23))
                check_fail(c, "element %zu of %zu, %zu taps: %.9g, expected %.9g (seed %llu)", i, n, taps, (double)out[i], want,
                           (unsigned long long)c->seed);
        }
        if (c->failures > before) c->failures = before + 1;
        check_release_all();
    }
}

/* ---- quantise, dequantise ---- */

/* Quotients at the middle of two integers, and the next numbers to either side. */
static void near_halves(check *c, float *in, size_t n, float scale) {
    for (size_t i = 0; i < n; i++) {
        float x = ((float)check_range(c, -300, 300) + 0.5f) * scale;
        for (int k = (int)check_range(c, -3, 3); k; k += k < 0 ? 1 : -1) x = nextafterf(x, k < 0 ? -INFINITY : INFINITY);
        in[i] = x;
    }
}

void check_quantize_u8(check *c, w_fn_quantize_u8 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t t = 0; t < 200; t++, c->cases++) {
        size_t n = draw(c, 1, 150), before = c->failures;
        float *in = check_f32(c, n), scale = 0.001f * (float)draw(c, 1, 20);
        uint8_t *out = check_u8(c, n);
        int32_t zero = (int32_t)check_range(c, 0, 255);
        if (t % 4 == 0) special(c, in, n);
        if (t % 4 == 1) near_halves(c, in, n, scale);
        if (t % 16 == 2) scale = t % 32 == 2 ? 0x1p-130f : 0x1p120f; /* whose inverse is not a number to multiply with */
        fn(in, out, n, scale, zero);
        for (size_t i = 0; i < n; i++) {
            float q = rintf(in[i] / scale) + (float)zero;
            uint8_t want = !(q > 0) ? 0 : q > 255 ? 255 : (uint8_t)q;
            if (out[i] != want)
                check_fail(c, "%.9g / %.9g + %d = %d, expected %d (seed %llu)", (double)in[i], (double)scale, zero, out[i], want,
                           (unsigned long long)c->seed);
        }
        if (c->failures > before) c->failures = before + 1;
        check_release_all();
    }
}

void check_dequantize_u8(check *c, w_fn_dequantize_u8 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t t = 0; t < 200; t++, c->cases++) {
        size_t n = draw(c, 1, 150), before = c->failures;
        float *out = check_f32(c, n), scale = 0.001f * (float)draw(c, 1, 20);
        uint8_t *in = check_u8(c, n);
        int32_t zero = (int32_t)check_range(c, 0, 255);
        fn(in, out, n, scale, zero);
        for (size_t i = 0; i < n; i++)
            if (out[i] != (float)(in[i] - zero) * scale)
                check_fail(c, "element %zu of %zu = %.9g (seed %llu)", i, n, (double)out[i], (unsigned long long)c->seed);
        if (c->failures > before) c->failures = before + 1;
        check_release_all();
    }
}

void check_sums_u8(check *c, w_fn_sums_u8 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t t = 0; t < 300; t++, c->cases++) {
        size_t n = draw(c, 1, 150), before = c->failures;
        int32_t *in = check_guarded(c, n * sizeof *in);
        uint8_t *out = check_u8(c, n);
        float *bias = draw(c, 0, 1) ? check_f32(c, n) : NULL;
        w_sums k = {.mul = 0x1p-16f * (float)draw(c, 1, 50), .bias = bias, .ep = check_draw_act(c, true), .q = check_draw_requant(c, 5.0f)};
        for (size_t i = 0; i < n; i++) in[i] = (int32_t)check_range(c, -1000000, 1000000);
        fn(&k, in, out, n);
        for (size_t i = 0; i < n; i++) {
            volatile float y = (float)in[i] * k.mul;
            if (bias) y = y + bias[i];
            uint8_t want = check_requant(&k.q, check_act_exact(&k.ep, y));
            if (out[i] != want)
                check_fail(c, "sum %d, act %d = %d, expected %d (seed %llu)", in[i], k.ep.act, out[i], want, (unsigned long long)c->seed);
        }
        if (c->failures > before) c->failures = before + 1;
        check_release_all();
    }
}

/* ---- f16: every half there is, and floats beside and between halves ---- */

static double half_value(uint16_t h) {
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    double a = exponent == 31 ? (mantissa ? NAN : INFINITY) : exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return h >> 15 ? -a : a;
}

void check_half_to_f32(check *c, w_fn_half_to_f32 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (uint32_t first = 0; first < 65536; c->cases++) {
        size_t n = draw(c, 1, 300), before = c->failures;
        uint16_t *in = check_guarded(c, n * 2);
        float *out = check_f32(c, n);
        for (size_t i = 0; i < n; i++) in[i] = (uint16_t)(first + i);
        fn(in, out, n);
        for (size_t i = 0; i < n; i++)
            if (!check_close(out[i], half_value(in[i]), 0) || !signbit(out[i]) != !(in[i] >> 15))
                check_fail(c, "half %04x = %.9g", in[i], (double)out[i]);
        if (c->failures > before) c->failures = before + 1;
        first += (uint32_t)n;
        check_release_all();
    }
}

/* No other half is nearer, and of two as near the even one. */
static bool is_nearest(float x, uint16_t h) {
    double v = half_value(h);
    if (isnan(x)) return isnan(v);
    if (!signbit(x) != !(h >> 15)) return false;
    if (fabs((double)x) >= 65520) return isinf(v);
    if (isinf(v)) return false;
    double d = fabs(v - (double)x), up = fabs(fabs(half_value((h & 0x7fff) + 1)) - fabs((double)x)), down = INFINITY;
    if (h & 0x7fff) down = fabs(fabs(half_value((h & 0x7fff) - 1)) - fabs((double)x));
    if ((h & 0x7fff) == 0x7bff) up = INFINITY;
    return h & 1 ? d < up && d < down : d <= up && d <= down;
}

void check_f32_to_half(check *c, w_fn_f32_to_half *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t t = 0; t < 300; t++, c->cases++) {
        size_t n = draw(c, 1, 300), before = c->failures;
        float *in = check_f32(c, n);
        uint16_t *out = check_guarded(c, n * 2);
        for (size_t i = 0; i < n; i++) {
            double h = half_value((uint16_t)check_random(c)), next = half_value((uint16_t)check_random(c) & 0x7bff);
            in[i] = t % 3 == 0 ? (float)h : t % 3 == 1 ? (float)(h * (1 + 0x1p-11)) : (float)(next * (double)in[i]);
        }
        fn(in, out, n);
        for (size_t i = 0; i < n; i++)
            if (!is_nearest(in[i], out[i])) check_fail(c, "%.9g = half %04x (seed %llu)", (double)in[i], out[i], (unsigned long long)c->seed);
        if (c->failures > before) c->failures = before + 1;
        check_release_all();
    }
}

/* ---- transpose ---- */

static void check_transpose(check *c, w_fn_transpose *fn, size_t elem) {
    for (size_t t = 0; t < 100; t++, c->cases++) {
        size_t rows = t % 4 ? draw(c, 1, 50) : 3, cols = draw(c, 1, 50), ds = rows + draw(c, 0, 3) * (t % 2), ss = cols + draw(c, 0, 3);
        uint8_t *src = check_u8(c, ((rows - 1) * ss + cols) * elem), *dst = check_u8(c, ((cols - 1) * ds + rows) * elem);
        size_t before = c->failures;
        fn(dst, ds, src, ss, rows, cols);
        for (size_t r = 0; r < rows; r++)
            for (size_t k = 0; k < cols; k++)
                if (memcmp(dst + (k * ds + r) * elem, src + (r * ss + k) * elem, elem))
                    check_fail(c, "[%zu][%zu] of %zu x %zu (seed %llu)", r, k, rows, cols, (unsigned long long)c->seed);
        if (c->failures > before) c->failures = before + 1;
        check_release_all();
    }
}

void check_transpose_x32(check *c, w_fn_transpose_x32 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    check_transpose(c, fn, 4);
}

void check_transpose_x8(check *c, w_fn_transpose_x8 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    check_transpose(c, fn, 1);
}
