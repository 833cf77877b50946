/* Activations on vectors, over the names of vec_*.h. The same formulas at every width.
 *
 * exp: x = n ln2 + r, degree-6 polynomial; relative error below 2 ulp on the range that does not overflow. Largest errors
 * against the exact functions: sigmoid, tanh 3e-7 absolute and tanh 4 ulp below 0.6; silu 3e-7 * max(1, |x|);
 * gelu 2e-7 * max(1, |x|); elu 2e-7 * |a|. */
#ifndef W_F32_ACT_VEC_H
#define W_F32_ACT_VEC_H
#include "kernels_gemm.h"

static inline V v_exp(V x) {
    V y = VMIN(VSET1(88.0f), VMAX(VSET1(-87.3f), x));
    V n = VROUND(VMUL(y, VSET1(1.44269504f)));
    V r = VFMA(n, VSET1(-0.693359375f), y);
    r = VFMA(n, VSET1(2.12194440e-4f), r);
    V p = VSET1(1.9875691500e-4f);
    p = VFMA(p, r, VSET1(1.3981999507e-3f));
    p = VFMA(p, r, VSET1(8.3334519073e-3f));
    p = VFMA(p, r, VSET1(4.1665795894e-2f));
    p = VFMA(p, r, VSET1(1.6666665459e-1f));
    p = VFMA(p, r, VSET1(5.0000001201e-1f));
    p = VADD(VFMA(p, VMUL(r, r), r), VSET1(1.0f));
    return VMUL(p, VPOW2(n));
}
static inline V v_sigmoid(V x) { return VDIV(VSET1(1.0f), VADD(VSET1(1.0f), v_exp(VSUB(VSET1(0.0f), x)))); }
static inline V v_tanh(V x) {
    V a = VABS(x), s = VMUL(x, x);
    V big = VSUB(VSET1(1.0f), VDIV(VSET1(2.0f), VADD(v_exp(VADD(a, a)), VSET1(1.0f))));
    V p = VSET1(-5.70498872745e-3f);
    p = VFMA(p, s, VSET1(2.06390887954e-2f));
    p = VFMA(p, s, VSET1(-5.37397155531e-2f));
    p = VFMA(p, s, VSET1(1.33314422036e-1f));
    p = VFMA(p, s, VSET1(-3.33332819422e-1f));
    return VSELECT_LT(a, VSET1(0.625f), VFMA(VMUL(p, s), x, x), VOR(big, VSIGN(x)));
}
static inline V v_silu(V x) { return VMUL(x, v_sigmoid(x)); }
/* erf(z) = z P(z^2) / Q(z^2) inside 3.9, where it is 1 to the last bit: least greatest error, 5e-8. */
static inline V v_erf(V x) {
    static const float p[] = {2.013834255e-08f, -1.972169230e-06f, 1.424485527e-04f, 3.703500144e-03f, 5.056201294e-02f, 1.998142153e-01f, 1.128378987f};
    static const float q[] = {9.583726060e-04f, 1.434893347e-02f, 1.149572954e-01f, 5.104117393e-01f, 1.0f};
    V z = VMIN(VSET1(3.9f), VMAX(VSET1(-3.9f), x)), s = VMUL(z, z), n = VSET1(p[0]), d = VSET1(q[0]);
    _Pragma("GCC unroll 6") for (int i = 1; i < 7; i++) n = VFMA(n, s, VSET1(p[i]));
    _Pragma("GCC unroll 6") for (int i = 1; i < 5; i++) d = VFMA(d, s, VSET1(q[i]));
    return VDIV(VMUL(n, z), d);
}
static inline V v_gelu(V x) {
    V half = VMUL(x, VSET1(0.5f));
    return VFMA(half, v_erf(VMUL(x, VSET1(0.70710678f))), half);
}
static inline V v_elu(V x, V a) { return VSELECT_LT(x, VSET1(0.0f), VMUL(a, VSUB(v_exp(x), VSET1(1.0f))), x); }
/* Only multiply, add, min and max, in the order that the integer kernels promise. */
static inline V v_hardsigmoid(V x, V a, V b) { return VMIN(VSET1(1.0f), VMAX(VSET1(0.0f), VADD(VMUL(x, a), b))); }
static inline V v_hardswish(V x) { return VMUL(x, v_hardsigmoid(x, VSET1(1.0f / 6.0f), VSET1(0.5f))); }
static inline V v_leaky(V x, V a) { return VSELECT_LT(x, VSET1(0.0f), VMUL(x, a), x); }

/* An activation that is worth a second pass over the stored tile. */
static inline bool v_act_is_late(int act) { return act >= W_KACT_SIGMOID; }
static inline V v_act_late(const w_kepi *ep, V x) {
    switch (ep->act) {
    case W_KACT_SIGMOID: return v_sigmoid(x);
    case W_KACT_TANH: return v_tanh(x);
    case W_KACT_SILU: return v_silu(x);
    case W_KACT_GELU: return v_gelu(x);
    case W_KACT_ELU: return v_elu(x, VSET1(ep->a));
    default: return x;
    }
}
/* The same for rows of n elements, in place. Each activation has its loop, so that those of several vectors overlap. */
static inline void v_act_late_rows(const w_kepi *ep, float *x, size_t rows, size_t stride, size_t n) {
#define EACH(expr)                                             \
    for (size_t r = 0; r < rows; r++, x += stride) {           \
        size_t i = 0;                                          \
        for (; i + VL <= n; i += VL) {                         \
            V y = VLOAD(x + i);                                \
            VSTORE(x + i, expr);                               \
        }                                                      \
        if (i == n) continue;                                  \
        V y = vload_n(x + i, n - i);                           \
        vstore_n(x + i, n - i, expr);                          \
    }                                                          \
    break
    switch (ep->act) {
    case W_KACT_SIGMOID: EACH(v_sigmoid(y));
    case W_KACT_TANH: EACH(v_tanh(y));
    case W_KACT_SILU: EACH(v_silu(y));
    case W_KACT_GELU: EACH(v_gelu(y));
    case W_KACT_ELU: EACH(v_elu(y, VSET1(ep->a)));
    }
#undef EACH
}
#endif
