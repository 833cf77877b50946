/* What the bodies of the u8 x s8 implicit GEMM share: where sums start, and how they become outputs in the order of operations that
 * kernels_gemm.h states. The including file has the names of vec_*.h and sets MR, NV. */
#ifndef W_U8_STORE_VEC_H
#define W_U8_STORE_VEC_H
#include "kernels.h"
#include "rows.h"
#include "tile_heights.h"
#include "f32_act_vec.h"
#include <string.h>

#define NR (NV * VL)

typedef struct scales { const float *mul, *bias; V lo, hi, late; } scales;

INLINE V add_residual(const w_u8_igemm *g, V y, size_t at, size_t n) {
    V r;
    if (g->res_kind == W_RES_F32) r = vload_n((const float *)g->res + at, n);
    else r = VCVT(ISUB(uload_n((const uint8_t *)g->res + at, n), ISET1(g->res_zero)));
    return VFMA(r, VSET1(g->res_scale), y);
}
INLINE V act_exact(const w_u8_igemm *g, V y) {
    const w_kepi *ep = &g->ep;
    switch (ep->act) {
    case W_KACT_RELU: return VMAX(VSET1(0.0f), y);
    case W_KACT_CLIP: return VMIN(VSET1(ep->b), VMAX(VSET1(ep->a), y));
    case W_KACT_LEAKY: return v_leaky(y, VSET1(ep->a));
    case W_KACT_HARDSWISH: return VMUL(v_hardswish(y), VSET1(g->act_scale));
    case W_KACT_HARDSIGMOID: return VMUL(v_hardsigmoid(y, VSET1(ep->a), VSET1(ep->b)), VSET1(g->act_scale));
    default: return y;
    }
}
#define EACH UNROLL for (int m = 0; m < mr; m++) UNROLL for (int v = 0; v < nv; v++)
/* The bytes of a tile, four vectors at a time, row by row. whole: all columns are there; plain: the zero point is 0, as those of a
 * ReLU's outputs are. Both known when compiled. */
INLINE void store_bytes(const w_u8_igemm *g, const scales *sc, V y[MR][NV], size_t p, size_t col, size_t cols, int mr, int nv, bool whole,
                        bool plain) {
    __asm__("" : "+r"(g)); /* what the stores need is not to take registers from the loop before */
    size_t stride = g->out_stride;
    uint8_t *o = (uint8_t *)g->out + p * stride + col;
    V lo = sc->lo, hi = sc->hi;
    VI zero = ISET16(g->zero);
    const int count = !whole || nv % 2 ? 1 : nv; /* neighbours in a row that are stored at once */
    UNROLL for (int i = 0; i < mr * nv; i += 4) {
        VI q[4], bytes;
        UNROLL for (int k = 0; k < 4; k++) {
            int at = i + k < mr * nv ? i + k : mr * nv - 1;
            q[k] = ICVT(VCLAMP_Q(y[at / nv][at % nv], lo, hi));
        }
        bytes = upack_4(q[0], q[1], q[2], q[3], zero, plain);
        UNROLL for (int k = 0; k < W_MIN(4, mr * nv - i); k += count) {
            int v = (i + k) % nv;
            uint8_t *to = o + (size_t)((i + k) / nv) * stride + v * VL;
            if (whole || v + 1 < nv) ustore_pieces(to, bytes, k, count);
            else ustore_part(to, bytes, k, cols - (size_t)v * VL);
        }
    }
}

INLINE void store_tile(const w_u8_igemm *g, const scales *sc, VI acc[MR][NV], size_t p, size_t col, size_t cols, int mr, int nv) {
    V y[MR][NV];
    UNROLL for (int v = 0; v < nv; v++) {
        V mul = VMUL(VLOAD(sc->mul + v * VL), sc->late), bias = VLOAD(sc->bias + v * VL);
        UNROLL for (int m = 0; m < mr; m++) y[m][v] = VFMA(VCVT(acc[m][v]), mul, bias);
    }
    if (g->res_kind != W_RES_NONE)
        EACH y[m][v] = add_residual(g, y[m][v], (p + (size_t)m) * g->res_stride + col + (size_t)v * VL, cols - (size_t)v * VL);
    if (g->ep.act != W_KACT_NONE)
        EACH y[m][v] = act_exact(g, y[m][v]);
    if (!g->out_u8)
        EACH vstore_n((float *)g->out + (p + (size_t)m) * g->out_stride + col + v * VL, cols - (size_t)v * VL, y[m][v]);
    else if (cols < (size_t)nv * VL) store_bytes(g, sc, y, p, col, cols, mr, nv, false, false);
    else if (g->zero == 0) store_bytes(g, sc, y, p, col, cols, mr, nv, true, true);
    else store_bytes(g, sc, y, p, col, cols, mr, nv, true, false);
}
#undef EACH

/* The sums before any product: those of the block. */
INLINE void start_tile(const w_u8_igemm *g, const uint8_t *block, VI acc[MR][NV], int mr, int nv) {
    UNROLL for (int v = 0; v < nv; v++) {
        VI z = IMUL(ILOAD(block + v * VL * 4), ISET1(g->late_zero));
        UNROLL for (int m = 0; m < mr; m++) acc[m][v] = z;
    }
}
#endif
