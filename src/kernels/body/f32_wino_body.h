/* Both transforms over the names of vec_*.h; the including file sets KERNEL_IN and KERNEL_OUT. With one lane it is the
 * reference, which needs VL, V, VLOAD, VSTORE, VADD, VSUB and VSET1 only. */
#include "kernels.h"
#if VL > 1
#include "f32_act_vec.h"
#else
#include "act_ref.h"
#endif

#define UNROLL_4 _Pragma("GCC unroll 4")

/* The 4x4 pixels of channels [k, k + VL); outside the image: zero. */
static inline __attribute__((always_inline)) void load_tile(const w_f32_wino *g, V d[4][4], ptrdiff_t y0, ptrdiff_t x0, size_t k, int inside) {
    UNROLL_4 for (int y = 0; y < 4; y++) {
        const float *row = g->in + ((y0 + y) * (ptrdiff_t)g->iw + x0) * (ptrdiff_t)g->c + (ptrdiff_t)k;
        UNROLL_4 for (int x = 0; x < 4; x++) {
            int here = inside || (y0 + y >= 0 && y0 + y < (ptrdiff_t)g->ih && x0 + x >= 0 && x0 + x < (ptrdiff_t)g->iw);
            d[y][x] = here ? VLOAD(row + x * (ptrdiff_t)g->c) : VSET1(0.0f);
        }
    }
}

/* B^T d B with B^T = [1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1]. */
static inline __attribute__((always_inline)) void place_tile(V d[4][4], float *to, size_t stride) {
    V t[4][4];
    UNROLL_4 for (int x = 0; x < 4; x++) {
        t[0][x] = VSUB(d[0][x], d[2][x]);
        t[1][x] = VADD(d[1][x], d[2][x]);
        t[2][x] = VSUB(d[2][x], d[1][x]);
        t[3][x] = VSUB(d[1][x], d[3][x]);
    }
    UNROLL_4 for (int y = 0; y < 4; y++) {
        float *o = to + (size_t)y * 4 * stride;
        VSTORE(o, VSUB(t[y][0], t[y][2]));
        VSTORE(o + stride, VADD(t[y][1], t[y][2]));
        VSTORE(o + 2 * stride, VSUB(t[y][2], t[y][1]));
        VSTORE(o + 3 * stride, VSUB(t[y][1], t[y][3]));
    }
}

void KERNEL_IN(const w_f32_wino *g, size_t t0, size_t t1) {
    size_t stride = (t1 - t0) * g->c;
    for (size_t t = t0; t < t1; t++) {
        ptrdiff_t y0 = (ptrdiff_t)(t / g->tiles_x * 2) - g->pt, x0 = (ptrdiff_t)(t % g->tiles_x * 2) - g->pl;
        int inside = y0 >= 0 && x0 >= 0 && y0 + 4 <= (ptrdiff_t)g->ih && x0 + 4 <= (ptrdiff_t)g->iw;
        for (size_t k = 0; k < g->c; k += VL) {
            V d[4][4];
            if (inside) load_tile(g, d, y0, x0, k, 1);
            else load_tile(g, d, y0, x0, k, 0);
            place_tile(d, g->places + (t - t0) * g->c + k, stride);
        }
    }
}

static inline V finish(const w_f32_wino *g, V y, size_t at) {
    if (g->res) y = VADD(y, VLOAD(g->res + at));
#if VL == 1
    return act_ref(&g->ep, y);
#else
    switch (g->ep.act) { /* the late ones follow once a tile is stored */
    case W_KACT_RELU: return VMAX(VSET1(0.0f), y);
    case W_KACT_CLIP: return VMIN(VSET1(g->ep.b), VMAX(VSET1(g->ep.a), y));
    case W_KACT_LEAKY: return v_leaky(y, VSET1(g->ep.a));
    case W_KACT_HARDSWISH: return v_hardswish(y);
    case W_KACT_HARDSIGMOID: return v_hardsigmoid(y, VSET1(g->ep.a), VSET1(g->ep.b));
    default: return y;
    }
#endif
}

/* A^T m A with A^T = [1 1 1 0; 0 1 -1 -1], then bias, residual, activation. */
static inline __attribute__((always_inline)) void out_tile(const w_f32_wino *g, const float *from, size_t stride, size_t ty, size_t tx, size_t k) {
    V m[4][4], t[2][4];
    UNROLL_4 for (int y = 0; y < 4; y++)
        UNROLL_4 for (int x = 0; x < 4; x++) m[y][x] = VLOAD(from + (size_t)(y * 4 + x) * stride);
    UNROLL_4 for (int x = 0; x < 4; x++) {
        t[0][x] = VADD(VADD(m[0][x], m[1][x]), m[2][x]);
        t[1][x] = VSUB(VSUB(m[1][x], m[2][x]), m[3][x]);
    }
    V bias = VLOAD(g->bias + k);
    for (size_t y = 0; y < 2 && 2 * ty + y < g->oh; y++) {
        size_t at = ((2 * ty + y) * g->ow + 2 * tx) * g->n + k;
        VSTORE(g->out + at, finish(g, VADD(VADD(VADD(t[y][0], t[y][1]), t[y][2]), bias), at));
        if (2 * tx + 1 < g->ow)
            VSTORE(g->out + at + g->n, finish(g, VADD(VSUB(VSUB(t[y][1], t[y][2]), t[y][3]), bias), at + g->n));
    }
}

#if VL > 1
static void late(const w_f32_wino *g, size_t ty, size_t tx) {
    size_t rows = 2 * ty + 1 < g->oh ? 2 : 1, columns = 2 * tx + 1 < g->ow ? 2 : 1;
    v_act_late_rows(&g->ep, g->out + (2 * ty * g->ow + 2 * tx) * g->n, rows, g->ow * g->n, columns * g->n);
}
#endif

void KERNEL_OUT(const w_f32_wino *g, size_t t0, size_t t1) {
    for (size_t t = t0; t < t1; t++) {
        size_t ty = t / g->tiles_x, tx = t % g->tiles_x;
        for (size_t k = 0; k < g->n; k += VL) out_tile(g, g->places + (t - t0) * g->n + k, (t1 - t0) * g->n, ty, tx, k);
#if VL > 1
        if (v_act_is_late(g->ep.act)) late(g, ty, tx);
#endif
    }
}
