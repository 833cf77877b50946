/* Leaf kernels beside the implicit GEMM: depthwise convolution, pooling, element-wise, softmax, quantise, transpose.
 *
 * Images lie channels-last. Row r of a batch is row r % oh of image r / oh. Every kernel computes what the caller's range
 * asks for and touches nothing outside its operands; one output element is always computed in the same order of
 * operations, whatever the range. 8-bit kernels give the same bits on every instruction set for the activations of exact
 * arithmetic (none ... hardsigmoid); the requantisation is that of w_u8_igemm. */
#ifndef W_KERNELS_LEAF_H
#define W_KERNELS_LEAF_H
#include "kernels_gemm.h"

/* ---- windows: convolution and pooling geometry ---- */
typedef struct w_window {
    size_t ih, iw, oh, ow, c;
    size_t kh, kw, sh, sw, dh, dw; /* kernel, stride, dilation */
    size_t pt, pl;                 /* rows and columns of padding before the image */
} w_window;
/* The taps [lo, hi) of a window of k taps that fall inside n elements, for output position o. */
typedef struct w_taps { size_t lo, hi; } w_taps;
static inline size_t w_taps_span(size_t elements, size_t dilation) {
    return dilation == 1 ? elements : (elements + dilation - 1) / dilation;
}
static inline w_taps w_taps_at(size_t o, size_t k, size_t stride, size_t dilation, size_t pad, size_t n) {
    size_t start = o * stride;
    size_t lo = start < pad ? w_taps_span(pad - start, dilation) : 0;
    size_t hi = n + pad > start ? w_taps_span(n + pad - start, dilation) : 0;
    if (hi > k) hi = k;
    return (w_taps){lo < hi ? lo : hi, hi};
}
/* Where tap 0 of an output position lies; may be before the image. */
static inline ptrdiff_t w_window_start(size_t o, size_t stride, size_t pad) {
    return (ptrdiff_t)(o * stride) - (ptrdiff_t)pad;
}

/* Real number to u8: t = y * inv_scale, clamped to [0 - zero, 255 - zero] (NaN: low end), nearest even, + zero. */
typedef struct w_requant { float inv_scale; int32_t zero; } w_requant;

/* Depthwise convolution (one filter a channel). Taps are summed from the bias in order, fused multiply-add. */
typedef struct w_dw_f32 {
    w_window g;
    const float *in;
    float *out;
    const float *res;              /* NULL, or like out; added before the activation */
    const float *w;                /* [cp / W_DW_LANES][kh * kw][W_DW_LANES]: w_dw_f32_at */
    const float *bias;             /* [cp] */
    size_t cp;                     /* c rounded up to W_DW_PAD, the rest zero */
    w_kepi ep;
} w_dw_f32;
#define W_DW_PAD 64
#define W_DW_LANES 16 /* channels whose weights lie together, so that those of all taps do not share a set of the first cache */
/* Where the weight of tap 0 of channel c lies. */
static inline size_t w_dw_f32_at(size_t taps, size_t c) { return c / W_DW_LANES * taps * W_DW_LANES + c % W_DW_LANES; }
/* Rows r0 <= r < r1 of the batch, channels c0 <= c < c1; c0 is a multiple of W_DW_PAD. */
typedef void w_fn_dw_f32(const w_dw_f32 *d, size_t r0, size_t r1, size_t c0, size_t c1);

/* Depthwise u8 x s8 -> s32 -> u8 or f32, as w_u8_igemm says. Weights in blocks of 64 channels; a block is
 * [64] s32 acc0, [64] f32 mul, [64] f32 bias, then s8 [ceil(kh / 4)][kw][64 channels][4 vertical taps], absent taps zero.
 * Within a block channels lie in the order w_dw_u8_lane gives, which is what unpacking bytes twice makes. */
typedef struct w_dw_u8 {
    w_window g;
    const uint8_t *in;
    const uint8_t *zero;           /* c elements of the input's zero point: padding */
    int32_t late_zero;             /* factors of acc0 and mul, as in w_u8_igemm */
    float late_scale;
    void *out;
    bool out_u8;
    const void *w;
    w_kepi ep;
    float act_scale;
    int32_t out_zero;
} w_dw_u8;
typedef void w_fn_dw_u8(const w_dw_u8 *d, size_t r0, size_t r1, size_t c0, size_t c1);
static inline size_t w_dw_u8_block(const w_window *g) { return 64 * 12 + (g->kh + 3) / 4 * g->kw * 256; }
/* Channel of a block at position i of its constants and weights: quarter j = i / 16 holds channels 4 j ... 4 j + 3 of
 * every 16. */
static inline size_t w_dw_u8_lane(size_t i) { return (i % 16) / 4 * 16 + i / 16 * 4 + i % 4; }
void w_pack_dw_f32(float *dst, const float *w, size_t taps, size_t c, size_t cp);       /* from [c][taps] */
typedef struct w_pack_dw_u8_args {
    const int8_t *w;               /* [c][kh][kw] */
    size_t c, kh, kw;
    int32_t zx;
    const float *mul, *bias;       /* bias may be NULL */
} w_pack_dw_u8_args;
void w_pack_dw_u8(void *dst, const w_pack_dw_u8_args *a);

/* ---- pooling ---- */
typedef struct w_pool_f32 {
    w_window g;
    const float *in;
    float *out;
    bool average;                  /* else maximum */
    const uint16_t *county, *countx; /* average: the divisor of (y, x) is county[y] * countx[x] */
    w_kepi ep;
} w_pool_f32;
typedef void w_fn_pool_f32(const w_pool_f32 *p, size_t r0, size_t r1);
/* Maximum: the bytes, q is not used. Average: y = (float)(sum - taps * zx) * (scale / (float)divisor). */
typedef struct w_pool_u8 {
    w_window g;
    const uint8_t *in;
    uint8_t *out;
    bool average;
    const uint16_t *county, *countx;
    int32_t zx;
    float scale;
    w_requant q;
    w_kepi ep;
} w_pool_u8;
typedef void w_fn_pool_u8(const w_pool_u8 *p, size_t r0, size_t r1);

/* Over all rows of one image: [rows][c] to [c], channels c0 <= c < c1. */
typedef struct w_global_pool {
    size_t rows, c;
    bool average;
    const void *in;
    void *out;
    bool out_u8;                   /* u8 kernel only; else f32 */
    int32_t zx;                    /* u8 kernel: y = (float)(sum - rows * zx) * (scale / (float)rows); max: (float)(max - zx) * scale */
    float scale;
    w_requant q;
    w_kepi ep;
} w_global_pool;
typedef void w_fn_global_pool(const w_global_pool *p, size_t c0, size_t c1);
typedef w_fn_global_pool w_fn_global_f32, w_fn_global_u8; /* one type, listed by element */

/* ---- element-wise ---- */
typedef enum w_binary_op { W_BIN_ADD, W_BIN_SUB, W_BIN_MUL, W_BIN_DIV, W_BIN_MIN, W_BIN_MAX } w_binary_op;
/* out[r][i] = act(a[r][i] op b[r][i]) on a grid; a step is 0 (one element a row) or 1. Strides in elements. out may be a
 * or b. */
typedef struct w_binary {
    w_binary_op op;
    size_t n;                      /* columns */
    size_t step[2];                /* of a, b within a row */
    size_t stride[3];              /* of out, a, b from row to row */
    w_kepi ep;
    float scale[2];                /* u8: real = (float)(q - zero) * scale */
    int32_t zero[2];
    w_requant q;
} w_binary;
typedef void w_fn_binary(const w_binary *k, void *out, const void *a, const void *b, size_t rows);
typedef w_fn_binary w_fn_binary_f32, w_fn_binary_u8;

typedef enum w_unary_op { /* the w_kact values, then */
    W_UN_ABS = W_KACT_ELU + 1, W_UN_NEG, W_UN_EXP, W_UN_SQRT, W_UN_RECIPROCAL, W_UN_FLOOR, W_UN_CEIL
} w_unary_op;
typedef void w_fn_unary_f32(const w_kepi *op /* act: w_kact or w_unary_op */, const float *in, float *out, size_t n);
typedef void w_fn_lut_u8(const uint8_t *lut, const uint8_t *in, uint8_t *out, size_t n);
/* out[r][i] = in[r][i] * mul[i] + add[i] (fused). */
typedef void w_fn_affine_f32(const float *in, float *out, const float *mul, const float *add, size_t rows, size_t n);

/* ---- softmax, rows of n; max subtracted, summed in lanes then across ---- */
typedef void w_fn_softmax_f32(const float *in, float *out, size_t rows, size_t n);

/* The same down `columns` adjacent columns of n elements, `stride` apart. */
typedef void w_fn_softmax_columns_f32(const float *in, float *out, size_t n, size_t stride, size_t columns);

/* ---- attention: scores of one block of keys become weights, in place ----
 * A score is worth x = score * scale + mask. top and sum are the greatest x of a row and the sum of e^(x - top) over the blocks so
 * far; `first` takes them as empty. A score becomes e^(x - top) with the new top, and the row of `out`, sums weighted with the
 * old one, is scaled to it. `last` divides both by the sum. Row r sees the keys below seen + r: the others get weight 0. In a
 * row that saw only -inf the weights become multiples of `empty`, 0 or NaN. */
typedef struct w_attend {
    size_t n;                      /* keys of the block */
    float *score;
    size_t stride;                 /* from row to row */
    float scale;
    const float *mask;             /* NULL: none */
    size_t mask_stride;
    ptrdiff_t seen;
    bool first, last;
    float empty;
    float *top, *sum;              /* one a row */
    float *out;                    /* not read when first */
    size_t out_stride, size;
} w_attend;
static inline size_t w_attend_seen(const w_attend *a, size_t row) {
    ptrdiff_t n = (ptrdiff_t)a->n;
    if (a->seen >= n) return a->n;
    ptrdiff_t seen = a->seen + (ptrdiff_t)row;
    return seen < 0 ? 0 : (size_t)(seen < n ? seen : n);
}
typedef void w_fn_attend_f32(const w_attend *a, size_t rows);

/* ---- ends[0] and ends[1] become the least and the greatest of in[n] and of what they hold; NaN counts for neither ---- */
typedef void w_fn_extent_f32(const float *in, size_t n, float ends[2]);

/* ---- layer normalisation, rows of n: (x - mean) / sqrt(variance + epsilon) * mul + add; mul and add have n elements. Sums in
 * lanes, then across; the variance from the differences to the mean ---- */
typedef void w_fn_layernorm_f32(const float *in, float *out, const float *mul, const float *add, float epsilon, size_t rows, size_t n);

/* out[i] = sum over t < taps of weight[t] * in[t * stride + i], i < n; added in the order of t, fused. */
typedef void w_fn_blend_f32(float *out, const float *in, size_t stride, const float *weight, size_t taps, size_t n);

/* ---- quantise: rint(x / scale) + zero saturated (NaN: 0 - zero end), as ONNX; dequantise: (float)(q - zero) * scale ---- */
typedef void w_fn_quantize_u8(const float *in, uint8_t *out, size_t n, float scale, int32_t zero);
typedef void w_fn_dequantize_u8(const uint8_t *in, float *out, size_t n, float scale, int32_t zero);

/* ---- sums of products of bytes: out[i] = act(sums[i] * mul + bias[i]), requantised; bias NULL: sums[i] * mul ---- */
typedef struct w_sums { float mul; const float *bias; w_kepi ep; w_requant q; } w_sums;
typedef void w_fn_sums_u8(const w_sums *k, const int32_t *sums, uint8_t *out, size_t n);

/* ---- f16 ---- */
typedef void w_fn_half_to_f32(const uint16_t *in, float *out, size_t n);
typedef void w_fn_f32_to_half(const float *in, uint16_t *out, size_t n); /* to nearest, ties to even */

/* ---- dst[c][r] = src[r][c], strides in elements ---- */
typedef void w_fn_transpose(void *dst, size_t dst_stride, const void *src, size_t src_stride, size_t rows, size_t cols);
typedef w_fn_transpose w_fn_transpose_x32, w_fn_transpose_x8;

typedef struct w_leaf_kernels {
    w_fn_dw_f32 *dw_f32;
    w_fn_dw_u8 *dw_u8;
    w_fn_pool_f32 *pool_f32;
    w_fn_pool_u8 *pool_u8;
    w_fn_global_pool *global_f32, *global_u8;
    w_fn_binary *binary_f32, *binary_u8;
    w_fn_unary_f32 *unary_f32;
    w_fn_lut_u8 *lut_u8;
    w_fn_affine_f32 *affine_f32;
    w_fn_softmax_f32 *softmax_f32;
    w_fn_extent_f32 *extent_f32;
    w_fn_softmax_columns_f32 *softmax_columns_f32;
    w_fn_attend_f32 *attend_f32;
    w_fn_layernorm_f32 *layernorm_f32;
    w_fn_blend_f32 *blend_f32;
    w_fn_quantize_u8 *quantize_u8;
    w_fn_dequantize_u8 *dequantize_u8;
    w_fn_sums_u8 *sums_u8;
    w_fn_half_to_f32 *half_to_f32;
    w_fn_f32_to_half *f32_to_half;
    w_fn_transpose *transpose_x32, *transpose_x8;
    const char *isa_f32, *isa_u8;  /* for names: "avx512" */
} w_leaf_kernels;
#endif
