/* Both transforms of Winograd's F(EDGE x EDGE, 3x3) over the names of vec_*.h; the including file sets EDGE (2 or 4), KERNEL_IN and
 * KERNEL_OUT. With one lane it is the reference, which needs VL, V, VLOAD, VSTORE, VADD, VSUB, VMUL, VFMA and VSET1 only. */
#include "kernels.h"
#if VL > 1
#include "f32_act_vec.h"
#else
#include "act_ref.h"
#endif

#define SIZE (EDGE + 2)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 6")

/* B^T d, one column or row. */
INLINE void spread(V to[SIZE], const V d[SIZE]) {
#if EDGE == 2
    to[0] = VSUB(d[0], d[2]);
    to[1] = VADD(d[1], d[2]);
    to[2] = VSUB(d[2], d[1]);
    to[3] = VSUB(d[1], d[3]);
#else
    const float a = W_WINO_A, b = W_WINO_B;
    V even = VFMA(VSET1(-b * b), d[2], d[4]), odd = VFMA(VSET1(-b * b), d[1], d[3]);
    to[1] = VFMA(VSET1(a), odd, even);
    to[2] = VFMA(VSET1(-a), odd, even);
    even = VFMA(VSET1(-a * a), d[2], d[4]), odd = VFMA(VSET1(-a * a), d[1], d[3]);
    to[3] = VFMA(VSET1(b), odd, even);
    to[4] = VFMA(VSET1(-b), odd, even);
    to[0] = VFMA(VSET1(a * a * b * b), d[0], VFMA(VSET1(-a * a - b * b), d[2], d[4]));
    to[5] = VFMA(VSET1(a * a * b * b), d[1], VFMA(VSET1(-a * a - b * b), d[3], d[5]));
#endif
}

/* A^T m, one column or row. */
INLINE void gather(V to[EDGE], const V m[SIZE]) {
#if EDGE == 2
    to[0] = VADD(VADD(m[0], m[1]), m[2]);
    to[1] = VSUB(VSUB(m[1], m[2]), m[3]);
#else
    const float a = W_WINO_A, b = W_WINO_B;
    V sum_a = VADD(m[1], m[2]), sum_b = VADD(m[3], m[4]), less_a = VSUB(m[1], m[2]), less_b = VSUB(m[3], m[4]);
    to[0] = VADD(VADD(m[0], sum_a), sum_b);
    to[1] = VFMA(VSET1(b), less_b, VMUL(VSET1(a), less_a));
    to[2] = VFMA(VSET1(b * b), sum_b, VMUL(VSET1(a * a), sum_a));
    to[3] = VFMA(VSET1(b * b * b), less_b, VFMA(VSET1(a * a * a), less_a, m[5]));
#endif
}

/* The pixels of a tile in channels [k, k + VL), outside the image zero, to its places. */
INLINE void in_tile(const w_f32_wino *g, ptrdiff_t y0, ptrdiff_t x0, size_t k, float *places, int inside) {
    V t[SIZE][SIZE], d[SIZE], p[SIZE];
    UNROLL for (int x = 0; x < SIZE; x++) {
        UNROLL for (int y = 0; y < SIZE; y++) {
            int here = inside || (y0 + y >= 0 && y0 + y < (ptrdiff_t)g->ih && x0 + x >= 0 && x0 + x < (ptrdiff_t)g->iw);
            d[y] = here ? VLOAD(g->in + ((y0 + y) * (ptrdiff_t)g->iw + x0 + x) * (ptrdiff_t)g->c + (ptrdiff_t)k) : VSET1(0.0f);
        }
        spread(p, d);
        UNROLL for (int y = 0; y < SIZE; y++) t[y][x] = p[y];
    }
    UNROLL for (int y = 0; y < SIZE; y++) {
        spread(p, t[y]);
        UNROLL for (int x = 0; x < SIZE; x++) VSTORE(places + (size_t)(y * SIZE + x) * g->apart, p[x]);
    }
}

void KERNEL_IN(const w_f32_wino *g, size_t t0, size_t t1) {
    for (size_t t = t0; t < t1; t++) {
        ptrdiff_t y0 = (ptrdiff_t)(t / g->tiles_x * EDGE) - g->pt, x0 = (ptrdiff_t)(t % g->tiles_x * EDGE) - g->pl;
        int inside = y0 >= 0 && x0 >= 0 && y0 + SIZE <= (ptrdiff_t)g->ih && x0 + SIZE <= (ptrdiff_t)g->iw;
        for (size_t k = 0; k < g->c; k += VL) {
            float *places = g->places + (t - t0) * g->c + k;
            if (inside) in_tile(g, y0, x0, k, places, 1);
            else in_tile(g, y0, x0, k, places, 0);
        }
    }
}

/* The activations of exact arithmetic, or all of them in the reference; the late ones follow once a tile is stored. */
INLINE void activate(const w_kepi *ep, V o[EDGE]) {
#define EACH(expr) UNROLL for (int x = 0; x < EDGE; x++) o[x] = expr
#if VL == 1
    EACH(act_ref(ep, o[x]));
#else
    switch (ep->act) {
    case W_KACT_RELU: EACH(VMAX(VSET1(0.0f), o[x])); break;
    case W_KACT_CLIP: EACH(VMIN(VSET1(ep->b), VMAX(VSET1(ep->a), o[x]))); break;
    case W_KACT_LEAKY: EACH(v_leaky(o[x], VSET1(ep->a))); break;
    case W_KACT_HARDSWISH: EACH(v_hardswish(o[x])); break;
    case W_KACT_HARDSIGMOID: EACH(v_hardsigmoid(o[x], VSET1(ep->a), VSET1(ep->b))); break;
    }
#endif
#undef EACH
}

/* The places of a tile to its rows x columns outputs; then bias, residual, activation. */
INLINE void out_tile(const w_f32_wino *g, const float *places, size_t ty, size_t tx, size_t k, size_t rows, size_t columns) {
    V t[EDGE][SIZE], m[SIZE], o[EDGE], bias = VLOAD(g->bias + k);
    UNROLL for (int x = 0; x < SIZE; x++) {
        UNROLL for (int y = 0; y < SIZE; y++) m[y] = VLOAD(places + (size_t)(y * SIZE + x) * g->apart);
        gather(o, m);
        UNROLL for (int y = 0; y < EDGE; y++) t[y][x] = o[y];
    }
    UNROLL for (size_t y = 0; y < EDGE; y++) {
        if (y >= rows) break;
        gather(o, t[y]);
        size_t pixel = (EDGE * ty + y) * g->ow + EDGE * tx;
        UNROLL for (size_t x = 0; x < EDGE; x++) {
            o[x] = VADD(o[x], bias);
            if (g->res && x < columns) o[x] = VADD(o[x], VLOAD(g->res + (pixel + x) * g->n + k));
        }
        activate(&g->ep, o);
        UNROLL for (size_t x = 0; x < EDGE; x++)
            if (x < columns) VSTORE(g->out + (pixel + x) * g->out_stride + k, o[x]);
    }
}

void KERNEL_OUT(const w_f32_wino *g, size_t t0, size_t t1) {
    for (size_t t = t0; t < t1; t++) {
        size_t ty = t / g->tiles_x, tx = t % g->tiles_x;
        size_t rows = W_MIN(g->oh - EDGE * ty, (size_t)EDGE), columns = W_MIN(g->ow - EDGE * tx, (size_t)EDGE);
        for (size_t k = 0; k < g->n; k += VL) {
            const float *places = g->places + (t - t0) * g->n + k;
            if (rows == EDGE && columns == EDGE) out_tile(g, places, ty, tx, k, EDGE, EDGE);
            else out_tile(g, places, ty, tx, k, rows, columns);
        }
#if VL > 1
        for (size_t y = 0; y < rows && v_act_is_late(g->ep.act); y++)
            v_act_late_rows(&g->ep, g->out + ((EDGE * ty + y) * g->ow + EDGE * tx) * g->out_stride, columns, g->out_stride, g->n);
#endif
    }
}
