/* Element-wise kernels, softmax, quantise and transpose in portable C. */
#include "kernels.h"
#include "requant_ref.h"

static float apply(w_binary_op op, float a, float b) {
    switch (op) {
    case W_BIN_ADD: return a + b;
    case W_BIN_SUB: return a - b;
    case W_BIN_MUL: return a * b;
    case W_BIN_DIV: return a / b;
    case W_BIN_MIN: return a != a || a < b ? a : b;
    case W_BIN_MAX: return a != a || a > b ? a : b;
    }
    return a;
}

void w_binary_f32__ref(const w_binary *k, void *out, const void *a, const void *b, size_t rows) {
    for (size_t r = 0; r < rows; r++) {
        const float *x = (const float *)a + r * k->stride[1], *y = (const float *)b + r * k->stride[2];
        float *o = (float *)out + r * k->stride[0];
        for (size_t i = 0; i < k->n; i++) o[i] = act_ref(&k->ep, apply(k->op, x[i * k->step[0]], y[i * k->step[1]]));
    }
}

void w_binary_u8__ref(const w_binary *k, void *out, const void *a, const void *b, size_t rows) {
    for (size_t r = 0; r < rows; r++) {
        const uint8_t *x = (const uint8_t *)a + r * k->stride[1], *y = (const uint8_t *)b + r * k->stride[2];
        uint8_t *o = (uint8_t *)out + r * k->stride[0];
        for (size_t i = 0; i < k->n; i++) {
            float p = (float)(x[i * k->step[0]] - k->zero[0]) * k->scale[0];
            float q = (float)(y[i * k->step[1]] - k->zero[1]) * k->scale[1];
            o[i] = requant_ref(&k->q, act_ref(&k->ep, apply(k->op, p, q)));
        }
    }
}

static float apply_unary(const w_kepi *op, float x) {
    switch (op->act) {
    case W_UN_ABS: return fabsf(x);
    case W_UN_NEG: return -x;
    case W_UN_EXP: return expf(x);
    case W_UN_SQRT: return sqrtf(x);
    case W_UN_RECIPROCAL: return 1.0f / x;
    case W_UN_FLOOR: return floorf(x);
    case W_UN_CEIL: return ceilf(x);
    default: return act_ref(op, x);
    }
}

void w_unary_f32__ref(const w_kepi *op, const float *in, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = apply_unary(op, in[i]);
}

void w_lut_u8__ref(const uint8_t *lut, const uint8_t *in, uint8_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = lut[in[i]];
}

void w_affine_f32__ref(const float *in, float *out, const float *mul, const float *add, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) out[r * n + i] = in[r * n + i] * mul[i] + add[i];
}

void w_softmax_f32__ref(const float *in, float *out, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++, in += n, out += n) {
        float max = -INFINITY, sum = 0;
        for (size_t i = 0; i < n; i++) max = max_ref(max, in[i]);
        for (size_t i = 0; i < n; i++) {
            out[i] = expf(in[i] - max);
            sum += out[i];
        }
        for (size_t i = 0; i < n; i++) out[i] *= 1.0f / sum;
    }
}

void w_softmax_columns_f32__ref(const float *in, float *out, size_t n, size_t stride, size_t columns) {
    for (size_t c = 0; c < columns; c++) {
        float max = -INFINITY, sum = 0;
        for (size_t i = 0; i < n; i++) max = max_ref(max, in[i * stride + c]);
        for (size_t i = 0; i < n; i++) {
            out[i * stride + c] = expf(in[i * stride + c] - max);
            sum += out[i * stride + c];
        }
        for (size_t i = 0; i < n; i++) out[i * stride + c] *= 1.0f / sum;
    }
}

void w_attend_f32__ref(const w_attend *a, size_t rows) {
    for (size_t r = 0; r < rows; r++) {
        float *s = a->score + r * a->stride, *out = a->out + r * a->out_stride, before = a->first ? -INFINITY : a->top[r], top = before, sum = 0;
        size_t n = w_attend_seen(a, r);
        for (size_t i = 0; i < n; i++) {
            s[i] = s[i] * a->scale + (a->mask ? a->mask[r * a->mask_stride + i] : 0.0f);
            top = max_ref(top, s[i]);
        }
        float base = top == -INFINITY ? 0.0f : top, keep = a->first ? 0.0f : expf(before - base);
        for (size_t i = 0; i < n; i++) sum += s[i] = expf(s[i] - base);
        for (size_t i = n; i < a->n; i++) s[i] = 0.0f;
        sum += a->first ? 0.0f : a->sum[r] * keep;
        float over = !a->last ? 1.0f : top == -INFINITY ? a->empty : 1.0f / sum;
        for (size_t i = 0; a->last && i < a->n; i++) s[i] *= over;
        for (size_t i = 0; !a->first && i < a->size; i++) out[i] *= keep * over;
        a->top[r] = top;
        a->sum[r] = sum;
    }
}

void w_extent_f32__ref(const float *in, size_t n, float ends[2]) {
    for (size_t i = 0; i < n; i++) {
        ends[0] = in[i] < ends[0] ? in[i] : ends[0];
        ends[1] = in[i] > ends[1] ? in[i] : ends[1];
    }
}

static float mean_of(const float *x, size_t n, float around, bool squared) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += squared ? (double)(x[i] - around) * (x[i] - around) : x[i];
    return (float)(sum / (double)n);
}

void w_layernorm_f32__ref(const float *in, float *out, const float *mul, const float *add, float epsilon, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++, in += n, out += n) {
        float mean = mean_of(in, n, 0, false), scale = 1.0f / sqrtf(mean_of(in, n, mean, true) + epsilon);
        for (size_t i = 0; i < n; i++) out[i] = (in[i] - mean) * scale * mul[i] + add[i];
    }
}

void w_blend_f32__ref(float *out, const float *in, size_t stride, const float *weight, size_t taps, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float sum = 0;
        for (size_t t = 0; t < taps; t++) sum += weight[t] * in[t * stride + i];
        out[i] = sum;
    }
}

void w_quantize_u8__ref(const float *in, uint8_t *out, size_t n, float scale, int32_t zero) {
    float lo = (float)-zero, hi = (float)(255 - zero);
    for (size_t i = 0; i < n; i++) {
        float t = in[i] / scale;
        t = t > lo ? t : lo;
        t = t < hi ? t : hi;
        out[i] = (uint8_t)((int32_t)rintf(t) + zero);
    }
}

void w_dequantize_u8__ref(const uint8_t *in, float *out, size_t n, float scale, int32_t zero) {
    for (size_t i = 0; i < n; i++) out[i] = (float)(in[i] - zero) * scale;
}

void w_sums_u8__ref(const w_sums *k, const int32_t *sums, uint8_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float y = (float)sums[i] * k->mul;
        out[i] = requant_ref(&k->q, act_exact_ref(&k->ep, k->bias ? y + k->bias[i] : y));
    }
}

#define TRANSPOSE(T, name)                                                                                             \
    void name(void *dst, size_t dst_stride, const void *src, size_t src_stride, size_t rows, size_t cols) {            \
        T *d = dst;                                                                                                    \
        const T *s = src;                                                                                              \
        for (size_t r = 0; r < rows; r++)                                                                              \
            for (size_t c = 0; c < cols; c++) d[c * dst_stride + r] = s[r * src_stride + c];                           \
    }
TRANSPOSE(uint32_t, w_transpose_x32__ref)
TRANSPOSE(uint8_t, w_transpose_x8__ref)
