/* Element-wise kernels and softmax in f32 over the names of vec_*.h; the including file sets NAME(kernel). */
#include "kernels.h"
#include "vec_act.h"

/* ---- two operands ---- */

INLINE V apply(w_binary_op op, V a, V b) {
    switch (op) {
    case W_BIN_ADD: return VADD(a, b);
    case W_BIN_SUB: return VSUB(a, b);
    case W_BIN_MUL: return VMUL(a, b);
    case W_BIN_DIV: return VDIV(a, b);
    case W_BIN_MIN: return VKEEP_NAN(a, VMIN(a, b));
    case W_BIN_MAX: return VKEEP_NAN(a, VMAX(a, b));
    }
    return a;
}

INLINE void row(const w_binary *k, w_binary_op op, w_bounds cl, float *o, const float *a, const float *b, bool sa, bool sb) {
    V va = VSET1(a[0]), vb = VSET1(b[0]), lo = VSET1(cl.lo), hi = VSET1(cl.hi);
    size_t i = 0;
    for (; i + VL <= k->n; i += VL) {
        V y = apply(op, sa ? VLOAD(a + i) : va, sb ? VLOAD(b + i) : vb);
        VSTORE(o + i, VMIN(hi, VMAX(lo, y)));
    }
    if (i < k->n) {
        V y = apply(op, sa ? vload_n(a + i, k->n - i) : va, sb ? vload_n(b + i, k->n - i) : vb);
        vstore_n(o + i, k->n - i, VMIN(hi, VMAX(lo, y)));
    }
}

INLINE void rows_of(const w_binary *k, w_binary_op op, float *out, const float *a, const float *b, size_t rows) {
    w_bounds cl = v_bounds(&k->ep);
    for (size_t r = 0; r < rows; r++, out += k->stride[0], a += k->stride[1], b += k->stride[2]) {
        if (k->step[0] && k->step[1]) row(k, op, cl, out, a, b, true, true);
        else if (k->step[0]) row(k, op, cl, out, a, b, true, false);
        else if (k->step[1]) row(k, op, cl, out, a, b, false, true);
        else row(k, op, cl, out, a, b, false, false);
    }
}

/* Activations beyond bounds: a second pass over what has just been written. */
static void activate(const w_binary *k, float *out, size_t rows) {
    if (v_act_is_late(k->ep.act)) {
        v_act_late_rows(&k->ep, out, rows, k->stride[0], k->n);
        return;
    }
    for (size_t r = 0; r < rows; r++, out += k->stride[0])
        for (size_t i = 0; i < k->n; i += VL) vstore_n(out + i, k->n - i, v_act(&k->ep, vload_n(out + i, k->n - i)));
}

void NAME(binary)(const w_binary *k, void *out, const void *a, const void *b, size_t rows) {
    if (k->n == 0) return;
    switch (k->op) {
    case W_BIN_ADD: rows_of(k, W_BIN_ADD, out, a, b, rows); break;
    case W_BIN_SUB: rows_of(k, W_BIN_SUB, out, a, b, rows); break;
    case W_BIN_MUL: rows_of(k, W_BIN_MUL, out, a, b, rows); break;
    case W_BIN_DIV: rows_of(k, W_BIN_DIV, out, a, b, rows); break;
    case W_BIN_MIN: rows_of(k, W_BIN_MIN, out, a, b, rows); break;
    case W_BIN_MAX: rows_of(k, W_BIN_MAX, out, a, b, rows); break;
    }
    if (k->ep.act > W_KACT_CLIP) activate(k, out, rows);
}

/* ---- one operand ---- */

void NAME(unary)(const w_kepi *op, const float *in, float *out, size_t n) {
    w_bounds cl = v_bounds(op);
    V a = VSET1(op->a), b = VSET1(op->b);
#define LOOP(expr) \
    for (size_t i = 0; i < n; i += VL) { \
        V x = vload_n(in + i, n - i); \
        vstore_n(out + i, n - i, expr); \
    } \
    break
    switch (op->act) {
    case W_KACT_NONE:
    case W_KACT_RELU:
    case W_KACT_CLIP: LOOP(VMIN(VSET1(cl.hi), VMAX(VSET1(cl.lo), x)));
    case W_KACT_LEAKY: LOOP(v_leaky(x, a));
    case W_KACT_HARDSWISH: LOOP(v_hardswish(x));
    case W_KACT_HARDSIGMOID: LOOP(v_hardsigmoid(x, a, b));
    case W_KACT_SIGMOID: LOOP(v_sigmoid(x));
    case W_KACT_TANH: LOOP(v_tanh(x));
    case W_KACT_SILU: LOOP(v_silu(x));
    case W_KACT_GELU: LOOP(v_gelu(x));
    case W_KACT_ELU: LOOP(v_elu(x, a));
    case W_UN_ABS: LOOP(VABS(x));
    case W_UN_NEG: LOOP(VXOR(x, VSET1(-0.0f)));
    case W_UN_EXP: LOOP(v_exp(x));
    case W_UN_SQRT: LOOP(VSQRT(x));
    case W_UN_RECIPROCAL: LOOP(VDIV(VSET1(1.0f), x));
    case W_UN_FLOOR: LOOP(VFLOOR(x));
    case W_UN_CEIL: LOOP(VCEIL(x));
    }
#undef LOOP
}

void NAME(affine)(const float *in, float *out, const float *mul, const float *add, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++, in += n, out += n) {
        size_t i = 0;
        for (; i + VL <= n; i += VL) VSTORE(out + i, VFMA(VLOAD(in + i), VLOAD(mul + i), VLOAD(add + i)));
        if (i < n) vstore_n(out + i, n - i, VFMA(vload_n(in + i, n - i), vload_n(mul + i, n - i), vload_n(add + i, n - i)));
    }
}

/* ---- softmax, extent ---- */

/* The last vector of a row with `fill` in the lanes beyond it. */
static inline V tail(const float *p, size_t n, float fill) {
    float t[VL];
    for (size_t i = 0; i < VL; i++) t[i] = i < n ? p[i] : fill;
    return VLOAD(t);
}

static inline float across_max(V v) {
    float t[VL], m;
    VSTORE(t, v);
    m = t[0];
    for (size_t i = 1; i < VL; i++) m = m > t[i] ? m : t[i];
    return m;
}

static inline float across_min(V v) {
    float t[VL], m;
    VSTORE(t, v);
    m = t[0];
    for (size_t i = 1; i < VL; i++) m = m < t[i] ? m : t[i];
    return m;
}

static inline float across_sum(V v) {
    float t[VL], s = 0;
    VSTORE(t, v);
    for (size_t i = 0; i < VL; i++) s += t[i];
    return s;
}

static void softmax_row(const float *in, float *out, size_t n) {
    V max = VSET1(-__builtin_inff()), sum = VSET1(0.0f);
    size_t whole = n / VL * VL;
    for (size_t i = 0; i < whole; i += VL) max = VMAX(max, VLOAD(in + i));
    if (whole < n) max = VMAX(max, tail(in + whole, n - whole, -__builtin_inff()));
    V m = VSET1(across_max(max));
    for (size_t i = 0; i < whole; i += VL) {
        V y = v_exp(VSUB(VLOAD(in + i), m));
        sum = VADD(sum, y);
        VSTORE(out + i, y);
    }
    if (whole < n) {
        vstore_n(out + whole, n - whole, v_exp(VSUB(vload_n(in + whole, n - whole), m)));
        sum = VADD(sum, vload_n(out + whole, n - whole));
    }
    V scale = VSET1(1.0f / across_sum(sum));
    for (size_t i = 0; i < n; i += VL) vstore_n(out + i, n - i, VMUL(vload_n(out + i, n - i), scale));
}

void NAME(softmax)(const float *in, float *out, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++) softmax_row(in + r * n, out + r * n, n);
}

/* Up to VL columns. */
static void softmax_lanes(const float *in, float *out, size_t n, size_t stride, size_t columns) {
    V max = VSET1(-__builtin_inff()), sum = VSET1(0.0f);
    for (size_t i = 0; i < n; i++) max = VMAX(max, vload_n(in + i * stride, columns));
    for (size_t i = 0; i < n; i++) {
        V y = v_exp(VSUB(vload_n(in + i * stride, columns), max));
        sum = VADD(sum, y);
        vstore_n(out + i * stride, columns, y);
    }
    V scale = VDIV(VSET1(1.0f), sum);
    for (size_t i = 0; i < n; i++) vstore_n(out + i * stride, columns, VMUL(vload_n(out + i * stride, columns), scale));
}

void NAME(softmax_columns)(const float *in, float *out, size_t n, size_t stride, size_t columns) {
    for (size_t c = 0; c < columns; c += VL) softmax_lanes(in + c, out + c, n, stride, columns - c);
}

/* ---- attention ---- */

/* The greatest of the row's scores, which are scaled and masked on the way. */
INLINE float attend_top(float *s, float scale, const float *mask, size_t n) {
    V max = VSET1(-__builtin_inff()), by = VSET1(scale);
    size_t i = 0;
    for (; i + VL <= n; i += VL) {
        V x = VMUL(VLOAD(s + i), by);
        if (mask) x = VADD(x, VLOAD(mask + i));
        VSTORE(s + i, x);
        max = VMAX(max, x);
    }
    if (i < n) {
        V x = VMUL(vload_n(s + i, n - i), by);
        vstore_n(s + i, n - i, mask ? VADD(x, vload_n(mask + i, n - i)) : x);
        max = VMAX(max, tail(s + i, n - i, -__builtin_inff()));
    }
    return across_max(max);
}

static float attend_weights(float *s, float top, size_t n) {
    V sum = VSET1(0.0f), t = VSET1(top);
    size_t i = 0;
    for (; i + VL <= n; i += VL) {
        V y = v_exp(VSUB(VLOAD(s + i), t));
        VSTORE(s + i, y);
        sum = VADD(sum, y);
    }
    if (i < n) {
        vstore_n(s + i, n - i, v_exp(VSUB(vload_n(s + i, n - i), t)));
        sum = VADD(sum, tail(s + i, n - i, 0.0f));
    }
    return across_sum(sum);
}

static void attend_scale(float *p, float by, size_t n) {
    V s = VSET1(by);
    size_t i = 0;
    for (; i + VL <= n; i += VL) VSTORE(p + i, VMUL(VLOAD(p + i), s));
    if (i < n) vstore_n(p + i, n - i, VMUL(vload_n(p + i, n - i), s));
}

static inline float attend_exp(float x) {
    float t[VL];
    VSTORE(t, v_exp(VSET1(x)));
    return t[0];
}

void NAME(attend)(const w_attend *a, size_t rows) {
    const float none = -__builtin_inff();
    for (size_t r = 0; r < rows; r++) {
        float *s = a->score + r * a->stride, before = a->first ? none : a->top[r];
        size_t n = w_attend_seen(a, r);
        float top = a->mask ? attend_top(s, a->scale, a->mask + r * a->mask_stride, n) : attend_top(s, a->scale, NULL, n);
        if (!(top > before)) top = before;
        float base = top == none ? 0.0f : top, keep = a->first ? 0.0f : attend_exp(before - base);
        float sum = attend_weights(s, base, n) + (a->first ? 0.0f : a->sum[r] * keep);
        for (size_t i = n; i < a->n; i++) s[i] = 0.0f;
        float over = !a->last ? 1.0f : top == none ? a->empty : 1.0f / sum;
        if (a->last) attend_scale(s, over, a->n);
        if (!a->first) attend_scale(a->out + r * a->out_stride, keep * over, a->size);
        a->top[r] = top;
        a->sum[r] = sum;
    }
}

/* Four partial results hide the latency; a NaN leaves them as they are. */
void NAME(extent)(const float *in, size_t n, float ends[2]) {
    enum { WAYS = 4 };
    V lo[WAYS], hi[WAYS];
    size_t i = 0;
    UNROLL for (int k = 0; k < WAYS; k++) lo[k] = VSET1(ends[0]), hi[k] = VSET1(ends[1]);
    for (; i + WAYS * VL <= n; i += WAYS * VL)
        UNROLL for (size_t k = 0; k < WAYS; k++) {
            V x = VLOAD(in + i + k * VL);
            lo[k] = VMIN_Q(x, lo[k]);
            hi[k] = VMAX_Q(x, hi[k]);
        }
    for (; i < n; i += VL) {
        lo[0] = VMIN_Q(n - i < VL ? tail(in + i, n - i, ends[0]) : VLOAD(in + i), lo[0]);
        hi[0] = VMAX_Q(n - i < VL ? tail(in + i, n - i, ends[1]) : VLOAD(in + i), hi[0]);
    }
    ends[0] = across_min(VMIN_Q(VMIN_Q(lo[0], lo[1]), VMIN_Q(lo[2], lo[3])));
    ends[1] = across_max(VMAX_Q(VMAX_Q(hi[0], hi[1]), VMAX_Q(hi[2], hi[3])));
}

/* ---- layer normalisation ---- */

/* Four sums side by side hide the latency of an addition; lanes beyond the row add nothing. */
static float row_sum(const float *in, size_t n) {
    V s[4] = {VSET1(0.0f), VSET1(0.0f), VSET1(0.0f), VSET1(0.0f)};
    size_t i = 0;
    for (; i + 4 * VL <= n; i += 4 * VL)
        for (int k = 0; k < 4; k++) s[k] = VADD(s[k], VLOAD(in + i + (size_t)k * VL));
    for (; i < n; i += VL) s[0] = VADD(s[0], vload_n(in + i, n - i));
    return across_sum(VADD(VADD(s[0], s[1]), VADD(s[2], s[3])));
}

static float row_squares(const float *in, size_t n, float mean) {
    V s[4] = {VSET1(0.0f), VSET1(0.0f), VSET1(0.0f), VSET1(0.0f)}, m = VSET1(mean);
    size_t i = 0;
    for (; i + 4 * VL <= n; i += 4 * VL)
        for (int k = 0; k < 4; k++) {
            V d = VSUB(VLOAD(in + i + (size_t)k * VL), m);
            s[k] = VFMA(d, d, s[k]);
        }
    for (; i + VL <= n; i += VL) {
        V d = VSUB(VLOAD(in + i), m);
        s[0] = VFMA(d, d, s[0]);
    }
    if (i < n) {
        V d = VSUB(tail(in + i, n - i, mean), m);
        s[0] = VFMA(d, d, s[0]);
    }
    return across_sum(VADD(VADD(s[0], s[1]), VADD(s[2], s[3])));
}

void NAME(layernorm)(const float *in, float *out, const float *mul, const float *add, float epsilon, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++, in += n, out += n) {
        float mean = row_sum(in, n) / (float)n, scale = 1.0f / __builtin_sqrtf(row_squares(in, n, mean) / (float)n + epsilon);
        V m = VSET1(mean), s = VSET1(scale);
        size_t i = 0;
        for (; i + VL <= n; i += VL) VSTORE(out + i, VFMA(VMUL(VSUB(VLOAD(in + i), m), s), VLOAD(mul + i), VLOAD(add + i)));
        if (i < n)
            vstore_n(out + i, n - i, VFMA(VMUL(VSUB(vload_n(in + i, n - i), m), s), vload_n(mul + i, n - i), vload_n(add + i, n - i)));
    }
}

/* ---- weighted sums ---- */

void NAME(blend)(float *out, const float *in, size_t stride, const float *weight, size_t taps, size_t n) {
    size_t i = 0;
    for (; i + VL <= n; i += VL) {
        V sum = VMUL(VSET1(weight[0]), VLOAD(in + i));
        for (size_t t = 1; t < taps; t++) sum = VFMA(VSET1(weight[t]), VLOAD(in + t * stride + i), sum);
        VSTORE(out + i, sum);
    }
    for (; i < n; i++) {
        float sum = weight[0] * in[i];
        for (size_t t = 1; t < taps; t++) sum = __builtin_fmaf(weight[t], in[t * stride + i], sum);
        out[i] = sum;
    }
}
