/* f32 rows by weights of few bits, with products of bytes: see kernels_narrow.h. A stretch of a row is three digits of a byte times
 * a unit; a vector of weights is masked out of its lanes once for all digits and all rows, and 64 products take one instruction.
 *
 * Zero points go into the sums, exactly, before the first product. The including file sets BITS, NV (4) and KERNEL. */
#include "dpbusd.h"
#include "kernels.h"
#define MR 2
#define TALL MR
#define PAIR_NV 4
#include "../body/tile_heights.h"
#include "../body/f32_store_vec.h"

#define NR (NV * VL)
#define FIELDS (8 / BITS)     /* codes of a byte */
#define LANES (BITS / 2)      /* of a column, that hold sixteen codes */
#define AHEAD 8192 /* bytes, for one row: 4096 left a stream from the last cache at 19 GB/s where this reads 26, as fast as loads alone */
#define MASK(bits) (0x01010101 * ((1 << (bits)) - 1))

INLINE VI field(VI lane, int f) { return BITS == 8 ? lane : IAND(f ? ISHR(lane, BITS * f) : lane, ISET1(MASK(BITS))); }

/* Lane number l of sixteen codes of every column. */
INLINE void lane_of(VI acc[W_DIGITS][MR][NV], const w_digits *const x[MR], const uint8_t *w, int l, int mr, int nv) {
    VI lane[NV];
    if (mr == 1 && nv == 4) UNROLL for (int at = 0; at < 4 * VL * NV; at += 64) __builtin_prefetch(w + AHEAD + at);
    UNROLL for (int v = 0; v < nv; v++) lane[v] = ILOAD(w + 4 * VL * v);
    UNROLL for (int f = 0; f < FIELDS; f++) {
        VI code[NV];
        UNROLL for (int v = 0; v < nv; v++) code[v] = field(lane[v], f);
        UNROLL for (int m = 0; m < mr; m++)
            UNROLL for (int d = 0; d < W_DIGITS; d++) {
                VI four = ISET1(x[m]->quad[d][l * FIELDS + f]);
                UNROLL for (int v = 0; v < nv; v++) VPDPBUSD(acc[d][m][v], code[v], four);
            }
    }
}

INLINE void multiply(VI acc[W_DIGITS][MR][NV], const w_digits *const stretch[MR], const uint8_t *w, size_t width, size_t lanes, int mr, int nv) {
    const w_digits *x[MR];
    UNROLL for (int m = 0; m < mr; m++) x[m] = stretch[m];
    for (; lanes >= LANES; lanes -= LANES) {
        UNROLL for (int l = 0; l < LANES; l++, w += 4 * width) lane_of(acc, x, w, l, mr, nv);
        UNROLL for (int m = 0; m < mr; m++) x[m]++;
    }
    UNROLL for (int l = 0; l + 1 < LANES; l++, w += 4 * width)
        if ((size_t)l < lanes) lane_of(acc, x, w, l, mr, nv);
}

/* Less the zero points, which all codes of the stretch share. zero: in 32-bit lanes. */
INLINE void start(VI acc[W_DIGITS][MR][NV], const w_digits_head *const head[MR], const VI zero[NV], int mr, int nv) {
    UNROLL for (int m = 0; m < mr; m++)
        UNROLL for (int d = 0; d < W_DIGITS; d++) {
            VI all = ISET1(head[m]->sum[d] & 0xffff);
            UNROLL for (int v = 0; v < nv; v++) acc[d][m][v] = ISUB(ISET1(0), _mm512_madd_epi16(zero[v], all));
        }
}

INLINE void finish(V total[MR][NV], VI acc[W_DIGITS][MR][NV], const w_digits_head *const head[MR], const V scale[NV], int mr, int nv) {
    UNROLL for (int m = 0; m < mr; m++) {
        V unit = VSET1(head[m]->unit);
        UNROLL for (int v = 0; v < nv; v++) {
            V low = VFMA(VCVT(acc[1][m][v]), VSET1(0x1p8f), VCVT(acc[0][m][v])), sum = VFMA(VCVT(acc[2][m][v]), VSET1(0x1p16f), low);
            total[m][v] = VFMA(scale[v], VMUL(unit, sum), total[m][v]);
        }
    }
}

/* mr rows by nv vectors of a block, from its vector v0 on. */
INLINE void strip(const w_f32_narrow *n, const uint8_t *w, size_t p, size_t col, size_t cols, size_t v0, int mr, int nv) {
    size_t width = w_block_width(NR, cols);
    const w_f32_igemm *g = &n->g;
    V total[MR][NV], scale[NV];
    VI zero[NV], acc[W_DIGITS][MR][NV];
    const w_digits_head *head[MR];
    UNROLL for (int m = 0; m < mr; m++) head[m] = (const void *)((const uint8_t *)n->staged + (p + (size_t)m) * w_narrow_line(true, g->rows.c, n->group));
    w += 4 * VL * v0;
    UNROLL for (int v = 0; v < nv; v++) zero[v] = ISET1((int)n->zero);
    UNROLL for (int m = 0; m < mr; m++)
        UNROLL for (int v = 0; v < nv; v++) total[m][v] = VLOAD((const float *)(const void *)w + v * VL);
    w += 4 * width;
    for (size_t i = 0; i < g->rows.c; i += n->group) {
        size_t count = g->rows.c - i < n->group ? g->rows.c - i : n->group;
        UNROLL for (int v = 0; v < nv; v++) {
            scale[v] = VLOAD((const float *)(const void *)w + v * VL);
            if (n->zeros) zero[v] = uload_n(w + 4 * width - 3 * VL * v0 + VL * v, VL);
        }
        w += width * (4 + (size_t)n->zeros);
        for (size_t done = 0; done < count; done += W_NARROW_STRETCH) {
            size_t here = count - done < W_NARROW_STRETCH ? count - done : W_NARROW_STRETCH;
            const w_digits *x[MR];
            UNROLL for (int m = 0; m < mr; m++) x[m] = (const void *)(head[m] + 1);
            start(acc, head, zero, mr, nv);
            multiply(acc, x, w, width, w_narrow_lanes(BITS, here), mr, nv);
            finish(total, acc, head, scale, mr, nv);
            UNROLL for (int m = 0; m < mr; m++) head[m] = (const void *)(x[m] + (here + 15) / 16);
            w += 4 * width * w_narrow_lanes(BITS, here);
        }
    }
    store_tile(g, clamp_of(&g->ep), total, p, col + v0 * VL, cols - v0 * VL, mr, nv);
}
#include "../body/narrow_blocks.h"
