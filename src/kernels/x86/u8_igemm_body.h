/* The u8 x s8 implicit GEMM over the names of vec_*.h; the including file sets MR, NV (1, 2 or 4), KERNEL, PACK, PLANES
 * (weight vectors per quad and vector of columns), AHEAD (quads per
 * turn of the inner loop) and dot(acc, x, w, nv): the exact sums of the products of one quad.
 *
 * Quads of activations are broadcast; the last quad of a run is put together byte by byte, so that nothing beyond the run is
 * read. The epilogue is single f32 operations in the order that kernels_gemm.h states. */
#include "kernels.h"
#include "rows.h"
#include "tile_heights.h"
#include "f32_act_vec.h"
#include <string.h>

#define NR (NV * VL)
#define QUAD(nv) (WIDTH(nv) * 4 * PLANES) /* bytes of weights */
typedef float quad_bits __attribute__((may_alias, aligned(1)));

typedef struct scales { const float *mul, *bias; V lo, hi, inv, late; } scales;

INLINE V add_residual(const w_u8_igemm *g, V y, size_t at, size_t n) {
    if (g->res_kind == W_RES_F32) return VADD(y, vload_n((const float *)g->res + at, n));
    V r = VCVT(ISUB(uload_n((const uint8_t *)g->res + at, n), ISET1(g->res_zero)));
    return VADD(y, VMUL(r, VSET1(g->res_scale)));
}
INLINE V act_exact(const w_kepi *ep, V y) {
    switch (ep->act) {
    case W_KACT_RELU: return VMAX(VSET1(0.0f), y);
    case W_KACT_CLIP: return VMIN(VSET1(ep->b), VMAX(VSET1(ep->a), y));
    case W_KACT_LEAKY: return v_leaky(y, VSET1(ep->a));
    case W_KACT_HARDSWISH: return v_hardswish(y);
    case W_KACT_HARDSIGMOID: return v_hardsigmoid(y, VSET1(ep->a), VSET1(ep->b));
    default: return y;
    }
}
INLINE void store_tile(const w_u8_igemm *g, const scales *sc, VI acc[MR][NV], size_t p, size_t col, size_t cols, int mr, int nv) {
    V y[MR][NV];
#define EACH UNROLL for (int m = 0; m < mr; m++) UNROLL for (int v = 0; v < nv; v++)
    UNROLL for (int v = 0; v < nv; v++) {
        V mul = VMUL(VLOAD(sc->mul + v * VL), sc->late), bias = VLOAD(sc->bias + v * VL);
        UNROLL for (int m = 0; m < mr; m++) y[m][v] = VADD(VMUL(VCVT(acc[m][v]), mul), bias);
    }
    if (g->res_kind != W_RES_NONE)
        EACH y[m][v] = add_residual(g, y[m][v], (p + (size_t)m) * g->res_stride + col + (size_t)v * VL, cols - (size_t)v * VL);
    if (g->ep.act != W_KACT_NONE)
        EACH y[m][v] = act_exact(&g->ep, y[m][v]);
    if (!g->out_u8) {
        EACH vstore_n((float *)g->out + (p + (size_t)m) * g->out_stride + col + v * VL, cols - (size_t)v * VL, y[m][v]);
        return;
    }
    VI zero = ISET1(g->zero);
    bool whole = cols >= (size_t)nv * VL;
    UNROLL for (int m = 0; m < mr; m++) {
        uint8_t *o = (uint8_t *)g->out + (p + (size_t)m) * g->out_stride + col;
        UNROLL for (int v = 0; v < nv; v++) {
            V t = VMIN_Q(VMAX_Q(VMUL(y[m][v], sc->inv), sc->lo), sc->hi);
            VI q = IADD(ICVT(t), zero);
            if (whole || v + 1 < nv) ustore(o + v * VL, q);
            else ustore_n(o + v * VL, cols - (size_t)v * VL, q);
        }
    }
#undef EACH
}

/* The quad at byte `at` of every row. */
INLINE void quad(VI acc[MR][NV], const uint8_t *const a[MR], size_t at, const uint8_t *w, int mr, int nv) {
    VI b[NV * PLANES];
    UNROLL for (int i = 0; i < PLANES; i++)
        UNROLL for (int v = 0; v < nv; v++) b[v * PLANES + i] = ILOAD(w + (i * WIDTH(nv) + v * VL) * 4);
    UNROLL for (int m = 0; m < mr; m++) dot(acc[m], ICAST(VSET1(*(const quad_bits *)(a[m] + at))), b, nv);
}

INLINE void tile(const w_u8_igemm *g, const scales *sc, const uint8_t *block, size_t p, size_t col, size_t cols, int mr, int nv) {
    VI acc[MR][NV];
    UNROLL for (int v = 0; v < nv; v++) {
        VI z = IMUL(ILOAD(block + v * VL * 4), ISET1(g->late_zero));
        UNROLL for (int m = 0; m < mr; m++) acc[m][v] = z;
    }
    const uint8_t *w = block + WIDTH(nv) * 12;
    for (size_t t = 0; t < g->rows.taps; t++) {
        const uint8_t *a[MR];
        UNROLL for (int m = 0; m < mr; m++) a[m] = w_row_u8(&g->rows, t, p + (size_t)m);
        size_t c = 0, n = g->rows.c;
        for (; AHEAD > 1 && c + 4 * AHEAD <= n; c += 4 * AHEAD, w += QUAD(nv) * AHEAD)
            UNROLL for (size_t q = 0; q < AHEAD; q++) quad(acc, a, c + q * 4, w + q * QUAD(nv), mr, nv);
        for (; c + 4 <= n; c += 4, w += QUAD(nv)) quad(acc, a, c, w, mr, nv);
        if (c == n) continue;
        uint8_t last[MR][4];
        UNROLL for (int m = 0; m < mr; m++) {
            for (size_t i = 0; i < 4; i++) last[m][i] = c + i < n ? a[m][c + i] : 0;
            a[m] = last[m];
        }
        quad(acc, a, 0, w, mr, nv);
        w += QUAD(nv);
    }
    store_tile(g, sc, acc, p, col, cols, mr, nv);
}
#define TILE(p, h, nv) tile(g, &sc, block, p, col, cols, h, nv)
#define BLOCK(nv) \
    static void block_##nv(const w_u8_igemm *g, const uint8_t *block, size_t p0, size_t p1, size_t col, size_t cols) { \
        const float *constants = (const float *)(block + WIDTH(nv) * 4); \
        scales sc = {constants, constants + WIDTH(nv), VSET1((float)(0 - g->zero)), VSET1((float)(255 - g->zero)), VSET1(g->inv_scale), \
                     VSET1(g->late_scale)}; \
        FOR_TILES(p0, p1, nv) \
    }
BLOCK(1)
#if NV > 1
BLOCK(2)
#endif
#if NV > 2
BLOCK(3)
BLOCK(4)
#endif

void KERNEL(const w_u8_igemm *g, size_t p0, size_t p1, size_t b0, size_t b1) {
    size_t bytes = w_u8_block(PACK, NR, g->rows.taps, g->rows.c);
    for (size_t b = b0; b < b1 && p0 < p1; b++) {
        size_t col = b * NR, cols = g->n - col < NR ? g->n - col : NR;
        const uint8_t *block = (const uint8_t *)g->w + b * bytes;
        switch ((cols + VL - 1) / VL) {
#if NV > 2
        case 4: block_4(g, block, p0, p1, col, cols); break;
        case 3: block_3(g, block, p0, p1, col, cols); break;
#endif
#if NV > 1
        case 2: block_2(g, block, p0, p1, col, cols); break;
#endif
        default: block_1(g, block, p0, p1, col, cols);
        }
    }
}
