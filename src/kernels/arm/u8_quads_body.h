/* The u8 x s8 implicit GEMM of the Arm sets; the including file sets MR, NV (2 or 4), KERNEL, and what its instructions need:
 *   sums               what sums up in a vector of columns, from NO_SUMS
 *   WEIGHTS(w)         sixteen bytes of packed weights, as add_quad takes them
 *   add_quad(s, w, x, q)  s and the products of quad q of x, q a constant
 *   total(s)           the sums as 32-bit lanes
 *   BIAS               what WEIGHTS adds to every weight: 0, or 128 where both factors are unsigned
 *
 * Sixteen activations of a row are loaded at once; the last ones of a run are put together byte by byte, so that nothing beyond
 * the run is read. With a bias b, sum(a (w + b)) is too great by b sum(a), the same in all columns: the sum of a row's
 * activations is counted beside the products. Everything is exact modulo 2^32. */
#include "../body/u8_store_vec.h"
#define PACK W_PACK_S8_QUAD

INLINE void quads(sums acc[MR][NV], const uint8x16_t x[MR], const uint8_t *w, size_t left, int mr, int nv) {
    UNROLL for (size_t q = 0; q < 4; q++)
        if (q * 4 < left) {
            UNROLL for (int v = 0; v < nv; v++) {
                uint8x16_t b = WEIGHTS(vld1q_u8(w + (q * WIDTH(nv) + (size_t)v * VL) * 4));
                UNROLL for (int m = 0; m < mr; m++) acc[m][v] = add_quad(acc[m][v], b, x[m], (int)q);
            }
        }
}

INLINE void count(uint32x4_t rows[MR], const uint8x16_t x[MR], int mr) {
    if (BIAS)
        UNROLL for (int m = 0; m < mr; m++) rows[m] = vpadalq_u16(rows[m], vpaddlq_u8(x[m]));
}

INLINE void tile(const w_u8_igemm *g, const scales *sc, const uint8_t *block, size_t p, size_t col, size_t cols, int mr,
                 int nv) {
    sums acc[MR][NV];
    uint32x4_t rows[MR];
    UNROLL for (int m = 0; m < mr; m++) {
        rows[m] = vdupq_n_u32(0);
        UNROLL for (int v = 0; v < nv; v++) acc[m][v] = NO_SUMS;
    }
    const uint8_t *w = block + WIDTH(nv) * 12;
    for (size_t t = 0; t < g->rows.taps; t++) {
        const uint8_t *a[MR];
        uint8x16_t x[MR];
        UNROLL for (int m = 0; m < mr; m++) a[m] = w_row_u8(&g->rows, t, p + (size_t)m);
        size_t c = 0, n = g->rows.c;
        for (; c + 16 <= n; c += 16, w += WIDTH(nv) * 16) {
            UNROLL for (int m = 0; m < mr; m++) x[m] = vld1q_u8(a[m] + c);
            quads(acc, x, w, 16, mr, nv);
            count(rows, x, mr);
        }
        if (c == n) continue;
        UNROLL for (int m = 0; m < mr; m++) {
            uint8_t last[16] = {0};
            for (size_t i = 0; c + i < n; i++) last[i] = a[m][c + i];
            x[m] = vld1q_u8(last);
        }
        quads(acc, x, w, n - c, mr, nv);
        count(rows, x, mr);
        w += WIDTH(nv) * 4 * w_u8_quads(n - c);
    }
    VI y[MR][NV];
    start_tile(g, block, y, mr, nv);
    UNROLL for (int m = 0; m < mr; m++) {
        VI extra = vdupq_n_s32((int32_t)(BIAS * vaddvq_u32(rows[m])));
        UNROLL for (int v = 0; v < nv; v++) y[m][v] = ISUB(IADD(y[m][v], total(acc[m][v])), extra);
    }
    store_tile(g, sc, y, p, col, cols, mr, nv);
}
#include "../body/u8_blocks.h"
