/* s16 x s16 products for NEON: the pairs of eight columns are pulled apart once, each half meets its element of a row. */
#include "vec_neon.h"
#include "kernels.h"
#define MR 6
#define NV 1
#define NR 8
#include "../body/ahead.h"

INLINE void tile(const w_s16_gemm *g, const int16_t *w, size_t p, size_t col, int mr) {
    int32x4_t lo[MR], hi[MR];
    const int16_t *a[MR];
    UNROLL for (int m = 0; m < mr; m++) {
        a[m] = g->in + (p + (size_t)m) * g->row_stride;
        lo[m] = hi[m] = vdupq_n_s32(0);
    }
    for (size_t k = 0; k < g->k; k += 2, w += 2 * NR) {
        int16x8x2_t b = vld2q_s16(w);
        UNROLL for (int m = 0; m < mr; m++) {
            int16_t x0 = a[m][k], x1 = a[m][k + 1];
            lo[m] = vmlal_n_s16(vmlal_n_s16(lo[m], vget_low_s16(b.val[0]), x0), vget_low_s16(b.val[1]), x1);
            hi[m] = vmlal_high_n_s16(vmlal_high_n_s16(hi[m], b.val[0], x0), b.val[1], x1);
        }
    }
    UNROLL for (int m = 0; m < mr; m++) {
        int32_t *out = g->out + (p + (size_t)m) * g->out_stride + col;
        vst1q_s32(out, lo[m]);
        vst1q_s32(out + 4, hi[m]);
    }
}

#define TILE(p, h, nv) tile(g, block, p, b * NR, h)

void w_s16_gemm_6x8__neon(const w_s16_gemm *g, size_t p0, size_t p1, size_t b0, size_t b1) {
    for (size_t b = b0; b < b1 && p0 < p1; b++) {
        const int16_t *block = g->w + b * g->k * NR;
        FOR_TILES(p0, p1, NV)
    }
}
