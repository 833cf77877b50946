/* f32 rows by weights of few bits, over the names of vec_*.h: see kernels_narrow.h. The weights are read once for two rows,
 * and few instructions turn them into f32; the sum of a stretch of the staged row takes the zero point off once for all of it.
 *
 * Two sums per element, of even and of odd places in a lane, are added at the end of a stretch: the more rows, the fewer vectors
 * at once, so that there are eight sums, which hide the latency of each other and stay in registers. The including file sets BITS,
 * NV (4) and KERNEL. */
#include "kernels.h"
#define MR 2
#define TALL MR
#define PAIR_NV 2
#include "tile_heights.h"
#include "f32_store_vec.h"

#define NR (NV * VL)
#define FIELDS (32 / BITS)
#define AHEAD 4096 /* bytes: one stream alone does not draw all that memory gives; measured at 8 bits, 10.7 to 15.8 GB/s */
#define CODED (BITS != W_BITS_BF16)
#define MASK(f) ((int)(((1u << BITS) - 1) << BITS * (f)))

INLINE V field(VI lane, int f) {
    if (!CODED) return IREAL(f ? IAND(lane, ISET1((int)0xffff0000)) : ISHL(lane, 16));
    return VCVT(f == FIELDS - 1 ? ISHR(lane, 32 - BITS) : IAND(lane, ISET1(MASK(f % FIELDS))));
}

INLINE void multiply(V sum[MR][NV], const float *const row[MR], const uint8_t *w, size_t width, size_t count, int mr, int nv) {
    V odd[MR][NV];
    UNROLL for (int m = 0; m < mr; m++)
        UNROLL for (int v = 0; v < nv; v++) sum[m][v] = odd[m][v] = VSET1(0.0f);
    for (size_t i = 0; i < count; i += FIELDS, w += 4 * width) {
        VI lane[NV];
        if (mr == 1 && nv == 4) UNROLL for (int l = 0; l < 4 * VL * NV; l += 64) __builtin_prefetch(w + AHEAD + l);
        UNROLL for (int v = 0; v < nv; v++) lane[v] = ILOAD(w + 4 * VL * v);
        UNROLL for (int f = 0; f < FIELDS; f++) {
            V x[MR];
            UNROLL for (int m = 0; m < mr; m++) x[m] = VSET1(row[m][i + (size_t)f]);
            UNROLL for (int v = 0; v < nv; v++) {
                V q = field(lane[v], f);
                UNROLL for (int m = 0; m < mr; m++) {
                    if (f % 2) odd[m][v] = VFMA(x[m], q, odd[m][v]);
                    else sum[m][v] = VFMA(x[m], q, sum[m][v]);
                }
            }
        }
    }
    UNROLL for (int m = 0; m < mr; m++)
        UNROLL for (int v = 0; v < nv; v++) sum[m][v] = VADD(sum[m][v], odd[m][v]);
}

/* total += the stretch: with the scale and zero point of its group, where there are any. */
INLINE void scale_up(V total[MR][NV], V sum[MR][NV], const float all[MR], const V scale[NV], const V zero[NV], int mr, int nv) {
    UNROLL for (int m = 0; m < mr; m++) {
        V below = VSET1(-all[m]);
        UNROLL for (int v = 0; v < nv; v++)
            total[m][v] = CODED ? VFMA(scale[v], VFMA(below, zero[v], sum[m][v]), total[m][v]) : VADD(total[m][v], sum[m][v]);
    }
}

/* mr rows by nv vectors of a block, from its vector v0 on. */
INLINE void strip(const w_f32_narrow *n, const uint8_t *w, size_t p, size_t col, size_t cols, size_t v0, int mr, int nv) {
    size_t width = w_block_width(NR, cols);
    const w_f32_igemm *g = &n->g;
    V total[MR][NV], sum[MR][NV], scale[NV], zero[NV];
    const float *row[MR];
    UNROLL for (int m = 0; m < mr; m++) row[m] = (const void *)((const uint8_t *)n->staged + (p + (size_t)m) * w_narrow_line(false, g->rows.c, n->group));
    w += 4 * VL * v0;
    UNROLL for (int m = 0; m < mr; m++)
        UNROLL for (int v = 0; v < nv; v++) total[m][v] = VLOAD((const float *)(const void *)w + v * VL);
    w += 4 * width;
    for (size_t i = 0; i < g->rows.c; i += n->group) {
        size_t count = g->rows.c - i < n->group ? g->rows.c - i : n->group;
        if (CODED) {
            UNROLL for (int v = 0; v < nv; v++) {
                scale[v] = VLOAD((const float *)(const void *)w + v * VL);
                zero[v] = n->zeros ? VCVT(uload_n(w + 4 * width - 3 * VL * v0 + VL * v, VL)) : VSET1(n->zero);
            }
            w += width * (4 + (size_t)n->zeros);
        }
        for (size_t done = 0; done < count; done += W_NARROW_STRETCH) {
            size_t here = count - done < W_NARROW_STRETCH ? count - done : W_NARROW_STRETCH;
            float all[MR];
            multiply(sum, row, w, width, here, mr, nv);
            UNROLL for (int m = 0; m < mr; m++) {
                all[m] = row[m][w_narrow_staged(here) - 1];
                row[m] += w_narrow_staged(here);
            }
            scale_up(total, sum, all, scale, zero, mr, nv);
            w += 4 * width * w_narrow_lanes(BITS, here);
        }
    }
    store_tile(g, clamp_of(&g->ep), total, p, col + v0 * VL, cols - v0 * VL, mr, nv);
}

#include "narrow_blocks.h"
