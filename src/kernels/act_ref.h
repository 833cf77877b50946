/* Activations in portable C, f32. NaN goes through all of them. */
#ifndef W_ACT_REF_H
#define W_ACT_REF_H
#include "kernels_gemm.h"
#include <math.h>

/* max and min that let a NaN in x through */
static inline float max_ref(float lo, float x) { return lo > x ? lo : x; }
static inline float min_ref(float hi, float x) { return hi < x ? hi : x; }

/* The activations of exact arithmetic: the fixed order that the integer kernels promise. */
static inline float act_exact_ref(const w_kepi *ep, float x) {
    switch (ep->act) {
    case W_KACT_RELU: return max_ref(0.0f, x);
    case W_KACT_CLIP: return min_ref(ep->b, max_ref(ep->a, x));
    case W_KACT_LEAKY: return x < 0.0f ? x * ep->a : x;
    case W_KACT_HARDSWISH: return x * min_ref(1.0f, max_ref(0.0f, x * (1.0f / 6.0f) + 0.5f));
    case W_KACT_HARDSIGMOID: return min_ref(1.0f, max_ref(0.0f, x * ep->a + ep->b));
    default: return x;
    }
}
static inline float act_ref(const w_kepi *ep, float x) {
    switch (ep->act) {
    case W_KACT_SIGMOID: return 1.0f / (1.0f + expf(-x));
    case W_KACT_TANH: return tanhf(x);
    case W_KACT_SILU: return x / (1.0f + expf(-x));
    case W_KACT_GELU: return 0.5f * x * (1.0f + erff(x * 0.70710678f));
    case W_KACT_ELU: return x < 0.0f ? ep->a * expm1f(x) : x;
    default: return act_exact_ref(ep, x);
    }
}
#endif
