/* s16 x s16 products: two elements of a row are broadcast together and multiplied by those of VL columns at once.
 *
 * The including file sets MR, NV, KERNEL and MADD(acc, x, b): acc[j] + x[0] * b[j][0] + x[1] * b[j][1] in every 32-bit lane j. */
#include "kernels.h"
#include "../body/ahead.h"
#define NR (NV * VL)

typedef int32_t two_s16 __attribute__((may_alias, aligned(2)));

INLINE void tile(const w_s16_gemm *g, const int16_t *w, size_t p, size_t col, int mr, int nv) {
    VI acc[MR][NV];
    const int16_t *a[MR];
    UNROLL for (int m = 0; m < mr; m++) {
        a[m] = g->in + (p + (size_t)m) * g->row_stride;
        UNROLL for (int v = 0; v < nv; v++) acc[m][v] = ISET1(0);
    }
    _Pragma("GCC unroll 2") for (size_t k = 0; k < g->k; k += 2, w += 2 * NR) {
        VI b[NV];
        __asm__("" ::: "memory"); /* else gcc loads for the next elements too, and has no registers for that */
        UNROLL for (int v = 0; v < nv; v++) b[v] = ILOAD(w + v * 2 * VL);
        UNROLL for (int m = 0; m < mr; m++) {
            VI x = ISET1(*(const two_s16 *)(a[m] + k));
            UNROLL for (int v = 0; v < nv; v++) MADD(acc[m][v], x, b[v]);
        }
    }
    UNROLL for (int m = 0; m < mr; m++)
        UNROLL for (int v = 0; v < nv; v++) ISTORE(g->out + (p + (size_t)m) * g->out_stride + col + (size_t)v * VL, acc[m][v]);
}

#define TILE(p, h, nv) bring(&next), tile(g, block, p, col, h, nv)
#define BLOCK(nv) \
    static void block_##nv(const w_s16_gemm *g, const int16_t *block, ahead next, size_t p0, size_t p1, size_t col) { FOR_TILES(p0, p1, nv) }
BLOCK(1)
BLOCK(2)

void KERNEL(const w_s16_gemm *g, size_t p0, size_t p1, size_t b0, size_t b1) {
    size_t elements = g->k * NR, bytes = elements * sizeof *g->w;
    size_t lines = p0 < p1 ? lines_ahead((p1 - p0 + MR - 1) / MR, bytes, bytes * (b1 - b0)) : 0;
    for (size_t b = b0; b < b1 && p0 < p1; b++) {
        const int16_t *block = g->w + b * elements;
        ahead next = {(const char *)(block + elements), b + 1 < b1 ? lines : 0};
        if (g->n - b * NR > VL) block_2(g, block, next, p0, p1, b * NR);
        else block_1(g, block, next, p0, p1, b * NR);
    }
}
