/* Epilogue activations on a small array of vectors, over the names of vec_*.h. */
#ifndef W_VEC_ACT_H
#define W_VEC_ACT_H
#include "../body/f32_act_vec.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

/* Bounds that make none, relu and clip one pair of operations. */
typedef struct w_bounds { float lo, hi; } w_bounds;
static inline w_bounds v_bounds(const w_kepi *ep) {
    if (ep->act == W_KACT_RELU) return (w_bounds){0.0f, __builtin_inff()};
    if (ep->act == W_KACT_CLIP) return (w_bounds){ep->a, ep->b};
    return (w_bounds){-__builtin_inff(), __builtin_inff()};
}

/* The activations of exact arithmetic, in registers; the late ones pass unchanged. */
INLINE void v_act_exact(const w_kepi *ep, w_bounds cl, V *acc, int n) {
#define EACH(expr) UNROLL for (int i = 0; i < n; i++) acc[i] = expr
    switch (ep->act) {
    case W_KACT_LEAKY: EACH(v_leaky(acc[i], VSET1(ep->a))); break;
    case W_KACT_HARDSWISH: EACH(v_hardswish(acc[i])); break;
    case W_KACT_HARDSIGMOID: EACH(v_hardsigmoid(acc[i], VSET1(ep->a), VSET1(ep->b))); break;
    default: EACH(VMIN(VSET1(cl.hi), VMAX(VSET1(cl.lo), acc[i])));
    }
#undef EACH
}

/* The same as w_u8_igemm has it. */
INLINE void v_act_steps(const w_kepi *ep, w_bounds cl, float act_scale, V *acc, int n) {
    v_act_exact(ep, cl, acc, n);
    if (!w_act_of_reals(ep->act)) return;
    UNROLL for (int i = 0; i < n; i++) acc[i] = VMUL(acc[i], VSET1(act_scale));
}

/* Any activation of one vector. */
static inline V v_act(const w_kepi *ep, V x) {
    if (v_act_is_late(ep->act)) return v_act_late(ep, x);
    v_act_exact(ep, v_bounds(ep), &x, 1);
    return x;
}
#endif
