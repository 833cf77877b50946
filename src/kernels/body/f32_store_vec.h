/* The f32 epilogue on vectors: residual, activation, store. For f32_igemm_body.h and f32_gemv_body.h, which set TALL (the most rows) and NV. */
#include "f32_act_vec.h"

/* Bounds that make none, relu and clip one operation pair. */
typedef struct bounds { float lo, hi; } bounds;
static bounds clamp_of(const w_kepi *ep) {
    if (ep->act == W_KACT_RELU) return (bounds){0.0f, __builtin_inff()};
    if (ep->act == W_KACT_CLIP) return (bounds){ep->a, ep->b};
    return (bounds){-__builtin_inff(), __builtin_inff()};
}

INLINE void act_tile(const w_kepi *ep, bounds cl, V acc[TALL][NV], int mr, int nv) {
#define EACH(expr) UNROLL for (int m = 0; m < mr; m++) UNROLL for (int v = 0; v < nv; v++) acc[m][v] = expr
    switch (ep->act) {
    case W_KACT_LEAKY: EACH(v_leaky(acc[m][v], VSET1(ep->a))); break;
    case W_KACT_HARDSWISH: EACH(v_hardswish(acc[m][v])); break;
    case W_KACT_HARDSIGMOID: EACH(v_hardsigmoid(acc[m][v], VSET1(ep->a), VSET1(ep->b))); break;
    default: EACH(VMIN(VSET1(cl.hi), VMAX(VSET1(cl.lo), acc[m][v])));
    }
#undef EACH
}

INLINE void store_tile(const w_f32_igemm *g, bounds cl, V acc[TALL][NV], size_t p, size_t col, size_t cols, int mr, int nv) {
    if (g->res) {
        UNROLL for (int m = 0; m < mr; m++) {
            const float *r = g->res + (p + (size_t)m) * g->res_stride + col;
            UNROLL for (int v = 0; v < nv; v++)
                acc[m][v] = VADD(acc[m][v], v + 1 < nv ? VLOAD(r + v * VL) : vload_n(r + v * VL, cols - (size_t)v * VL));
        }
    }
    act_tile(&g->ep, cl, acc, mr, nv);
    bool whole = cols >= (size_t)nv * VL;
    UNROLL for (int m = 0; m < mr; m++) {
        float *o = g->out + (p + (size_t)m) * g->out_stride + col;
        UNROLL for (int v = 0; v + 1 < nv; v++) VSTORE(o + v * VL, acc[m][v]);
        if (whole) VSTORE(o + (nv - 1) * VL, acc[m][nv - 1]);
        else vstore_n(o + (nv - 1) * VL, cols - (size_t)(nv - 1) * VL, acc[m][nv - 1]);
    }
}

/* The activations that need many operations: a second pass over the block just stored. */
static void act_late(const w_f32_igemm *g, size_t p0, size_t p1, size_t col, size_t cols) {
    v_act_late_rows(&g->ep, g->out + p0 * g->out_stride + col, p1 - p0, g->out_stride, cols);
}
