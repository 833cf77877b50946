/* Implicit GEMM: the one leaf behind convolution, pointwise convolution, GEMM and GEMV.
 *
 * It computes a matrix of `pixels` rows by `n` columns. Row p is a dot product over `taps` runs of `c` contiguous elements
 * each; where a run starts is a table (w_rows), so the same leaf serves a plain matrix (one tap, regular rows), a padded
 * image (taps at a fixed stride) and an image without padding (a table with -1 for runs that lie outside).
 *
 * Invariants:
 *  - weights are packed per block of nr columns in the order read; every block starts with its per-column constants;
 *  - columns beyond n exist in the packed weights (zeros) and nowhere else: nothing is read or written outside the operands;
 *  - out[p][j] sums taps in order and elements in order from the bias, whatever p0, p1, b0, b1 and the tile say. A kernel may
 *    keep several partial sums; how many is part of the kernel, not of the call;
 *  - f32: NaN and Inf go through every activation; u8: all kernels give the same bits. */
#ifndef W_KERNELS_GEMM_H
#define W_KERNELS_GEMM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Activations that kernels fuse, in the order of w_act (ops.h). */
typedef enum w_kact {
    W_KACT_NONE, W_KACT_RELU, W_KACT_CLIP, W_KACT_LEAKY, W_KACT_HARDSWISH, W_KACT_HARDSIGMOID,
    W_KACT_SIGMOID, W_KACT_TANH, W_KACT_SILU, W_KACT_GELU, W_KACT_ELU
} w_kact;
typedef struct w_kepi { int act; float a, b; } w_kepi; /* a, b as in w_act: clip a=min b=max; leaky, elu a; hardsigmoid a, b */
/* Of those of exact arithmetic, the ones that do not commute with a change of unit. */
static inline bool w_act_of_reals(int act) { return act == W_KACT_HARDSWISH || act == W_KACT_HARDSIGMOID; }

/* Where the runs of the rows start. Offsets and strides are in elements. */
typedef struct w_rows {
    const void *in;
    const void *zero;        /* c elements of padding, read where an offset is -1 */
    const int32_t *offset;   /* NULL: row p starts at p * row_stride + tap * tap_stride */
    size_t tap_table;        /* > 0: run of (tap, p) at offset[tap * tap_table + p]; 0: at offset[p] + tap * tap_stride */
    size_t row_stride, tap_stride;
    size_t taps, c;
} w_rows;

typedef struct w_f32_igemm {
    w_rows rows;
    const float *w;          /* blocks of [nr] bias, [taps * c][nr]; the last one may be narrower: w_block_width */
    size_t n;
    float *out;
    size_t out_stride;       /* elements from row to row */
    const float *res;        /* NULL, or added before the activation; may be equal to out */
    size_t res_stride;
    w_kepi ep;
} w_f32_igemm;
/* Rows p0 <= p < p1 of column blocks b0 <= b < b1. */
typedef void w_fn_f32_igemm(const w_f32_igemm *g, size_t p0, size_t p1, size_t b0, size_t b1);

typedef enum w_res_kind { W_RES_NONE, W_RES_F32, W_RES_U8 } w_res_kind;
/* u8 activations, s8 weights, s32 sums. Per element, in this order, with one rounding each:
 *   y = (float)acc * mul[j] + bias[j];
 *   residual: y = r * res_scale + y (f32), or y = (float)(r - res_zero) * res_scale + y (u8);
 *   activation (none, relu, clip, leaky; hardswish and hardsigmoid, and then their result * act_scale);
 *   f32 out: y;  u8 out: y clamped to [0 - zero, 255 - zero] (NaN: low end), rounded to nearest even, + zero.
 * So for a u8 output mul, bias, res_scale and the bounds of a clip are in steps of it; but where the activation is hardswish or
 * hardsigmoid, whose argument is a real number, only act_scale is.
 * acc starts from acc0[j] = -zx * sum of the column, so that padding of value zx counts as real zero.
 *
 * late_zero and late_scale are factors of acc0 and mul, single operations too: 1 where the packed constants are whole. An input
 * whose zero point and scale only the run knows has weights packed for zx 1 and without its scale, and brings both here. */
typedef struct w_u8_igemm {
    w_rows rows;
    const void *w;           /* blocks of [nr] s32 acc0, [nr] f32 mul, [nr] f32 bias, weights; the last one as above */
    size_t n;
    int32_t late_zero;
    float late_scale;
    void *out;               /* u8 or f32 */
    size_t out_stride;
    bool out_u8;
    w_res_kind res_kind;
    const void *res;
    size_t res_stride;
    float res_scale;
    int32_t res_zero;
    w_kepi ep;
    float act_scale;
    int32_t zero;
} w_u8_igemm;
typedef void w_fn_u8_igemm(const w_u8_igemm *g, size_t p0, size_t p1, size_t b0, size_t b1);

/* out[p][j] = the sum over i of in[p][i] * w[i][j], modulo 2^32; rows p0 <= p < p1 of column blocks b0 <= b < b1. */
typedef struct w_s16_gemm {
    const int16_t *in;
    size_t row_stride, k;    /* k even */
    const int16_t *w;        /* blocks of [k / 2][nr][2], zeros beyond n */
    size_t n;                /* a multiple of the tile's step */
    int32_t *out;
    size_t out_stride;
} w_s16_gemm;
typedef void w_fn_s16_gemm(const w_s16_gemm *g, size_t p0, size_t p1, size_t b0, size_t b1);
/* Bytes less their zero point: rows of k, each padded to k_even = k or k + 1 elements with zero; and the matrix B[i][j] = b[i * stride_k +
 * j * stride_n], i < k, j < n, as the blocks that w_s16_gemm reads. */
void w_widen_rows(int16_t *dst, const uint8_t *src, size_t rows, size_t k, size_t k_even, int32_t zero);
void w_pack_s16(int16_t *dst, size_t nr, const uint8_t *b, size_t stride_n, size_t stride_k, size_t n, size_t k, int32_t zero);
typedef struct w_s16_tile { w_fn_s16_gemm *fn; const char *name; uint8_t mr, nr, step; } w_s16_tile;

#define W_MAX_NR 64 /* columns of the widest block */
#define W_GROUP 16
#define W_WIDE_OF(order) ((order)[0] >> 4) /* wide quads of a group; beside the low four bits, which alone are the order */
/* What all groups of a block have in common, the highest that holds: none of its quads is wide; the products of the same pair of
 * two, of four neighbouring quads sum up inside 16 bits; that in the order of the elements themselves. Beside the order, too. */
typedef enum w_block_kind { W_BLOCK_ANY, W_BLOCK_NARROW, W_BLOCK_TWO, W_BLOCK_FOUR, W_BLOCK_FOUR_AS_IS } w_block_kind;
#define W_BLOCK_OF(order) ((w_block_kind)((order)[1] >> 4)) /* of a block's first order */

/* How the weights of a block lie. Runs of u8 are padded to quads or octets with zero weights; only c elements of an input are read. */
typedef enum w_pack_kind {
    W_PACK_F32,              /* [taps * c][nr] */
    W_PACK_S8_QUAD,          /* [taps][quads][nr][4] s8: for dot-product instructions */
    W_PACK_S8_OCTET,         /* [taps][octets][nr][8] s8: the same, two quads of a column side by side */
    W_PACK_S16_EVEN_ODD,     /* [taps][quads][even, odd][nr][2] s16: elements 0 and 2, then 1 and 3 of each quad */
    /* [groups][W_GROUP] order of the elements of a group, then [taps][quads][nr][4] s8 in that order. Groups are four quads,
     * counted over all runs. But in the first quads, as many as the order's first byte tells (W_WIDE_OF), a sum of two
     * neighbours' products, 0 and 1 or 2 and 3 of a quad, fits 16 bits whatever the activations are (pack_pairs.c). */
    W_PACK_S8_PAIRS,
} w_pack_kind;

/* sums: partial sums per element, which hide latency where rows are few. */
typedef struct w_f32_tile { w_fn_f32_igemm *fn; const char *name; uint8_t mr, nr, sums; } w_f32_tile;
typedef struct w_u8_tile { w_fn_u8_igemm *fn; const char *name; uint8_t mr, nr; w_pack_kind pack; } w_u8_tile;

/* Columns that a block with `cols` of its nr columns stores: a wide last block leaves out whole sixteens. */
static inline size_t w_block_width(size_t nr, size_t cols) { return cols >= nr || nr <= 16 ? nr : (cols + 15) / 16 * 16; }
/* Columns of all blocks. */
static inline size_t w_packed_width(size_t nr, size_t n) { return n / nr * nr + (n % nr ? w_block_width(nr, n % nr) : 0); }
/* Sizes of a block of nr columns, in floats and in bytes; all blocks together: that of w_packed_width columns. */
static inline size_t w_f32_block(size_t nr, size_t k) { return nr * (1 + k); }
static inline size_t w_u8_quads(size_t c) { return (c + 3) / 4; }
/* Those that a run of c elements is padded to. */
static inline size_t w_u8_run_quads(w_pack_kind pack, size_t c) { return pack == W_PACK_S8_OCTET ? (c + 7) / 8 * 2 : w_u8_quads(c); }
static inline size_t w_u8_orders(size_t taps, size_t c) { return (taps * w_u8_quads(c) + 3) / 4 * W_GROUP; } /* bytes of a block */
static inline size_t w_u8_block(w_pack_kind pack, size_t nr, size_t taps, size_t c) {
    size_t orders = pack == W_PACK_S8_PAIRS ? w_u8_orders(taps, c) : 0;
    return orders + nr * (12 + taps * w_u8_run_quads(pack, c) * (pack == W_PACK_S16_EVEN_ODD ? 8 : 4));
}

/* Bytes of all blocks. */
static inline size_t w_u8_packed(w_pack_kind pack, size_t nr, size_t n, size_t taps, size_t c) {
    size_t orders = pack == W_PACK_S8_PAIRS ? w_u8_orders(taps, c) : 0;
    return w_u8_block(pack, w_packed_width(nr, n), taps, c) + ((n + nr - 1) / nr - 1) * orders;
}

/* Packs the weights W[j][k] = w[j * stride_n + k * stride_k], 0 <= j < n, k in reading order (taps * c), of floats at any
 * alignment; bias may be NULL. */
void w_pack_f32(float *dst, size_t nr, const void *w, size_t stride_n, size_t stride_k, size_t n, size_t k, const float *bias);
/* Same for s8 with mul[n] and bias[n] (NULL: 0); zx is the zero point of the activations. */
typedef struct w_pack_u8_args {
    const int8_t *w;
    size_t stride_n, stride_k, n, taps, c;
    int32_t zx;
    const float *mul, *bias;
} w_pack_u8_args;
void w_pack_u8(void *dst, w_pack_kind pack, size_t nr, const w_pack_u8_args *a);
/* From some blocks and groups of the weights as W_PACK_S8_PAIRS: the shares of wide quads and of groups that have one, and what
 * the groups have in common. */
typedef struct w_pair_stats { double wide, wide_groups; w_block_kind kind; } w_pair_stats;
w_pair_stats w_pack_pair_stats(size_t nr, const w_pack_u8_args *a);
/* An order of the first `count` elements of w[W_GROUP][width], whole quads, in which sums of two neighbours' products fit 16
 * bits, but for W_WIDE_OF(order) quads at its start. The places from count on are as they stand. Returns the quads whose sums
 * fit, 1, 2 or 4, if light says that more than one is of use, else 1. */
int w_pair_order(uint8_t order[W_GROUP], const int8_t *w, size_t width, size_t count, bool light);
#endif
