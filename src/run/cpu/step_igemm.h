/* The implicit GEMM as a step: what Conv, Gemm and MatMul share once they know how their rows and weights lie.
 *
 * A caller fills rows, n, out_stride, the epilogue and the residual of f32 or u8, then packs; run, touch and the tiles are
 * common. Input 0 is the matrix of rows (or the image), the output is operand 0. */
#ifndef W_STEP_IGEMM_H
#define W_STEP_IGEMM_H
#include "step_window.h"

/* The image copied into scratch with its padding, so that runs of a kernel row are whole. Sizes in bytes. */
typedef struct igemm_pad {
    size_t lines;              /* input lines, images * ih; 0: no copy */
    size_t ih, line;           /* input lines of an image, bytes of one */
    size_t above, below, left, right;
    size_t slack;              /* bytes after the last line that a kernel may read */
    uint8_t value;             /* u8: zero point; f32: 0 */
} igemm_pad;

typedef struct igemm {
    w_f32_igemm f32;           /* pointers to operands are filled in per run */
    w_u8_igemm u8;
    w_fn_f32_igemm *fn_f32;    /* one of the three is set */
    w_fn_u8_igemm *fn_u8;
    w_fn_f32_narrow *fn_narrow; /* with f32's fields, and these: as in w_f32_narrow */
    size_t group;
    unsigned bits;             /* of a weight */
    w_fn_stage *stage;
    size_t line;               /* bytes of a staged row */
    bool zeros;
    float zero;
    size_t p, blocks, block_bytes, packed_bytes, mr, nr; /* block_bytes: of a whole block */
    size_t tile_rows, row_tiles, tile_blocks, block_tiles;
    size_t in_elem, out_elem;
    float unit;                /* u8: of w_target, for mul and bias */
    uint32_t res;              /* input that holds the residual, or W_NONE */
    size_t late_padding;       /* bytes of padding to read, filled in scratch with a zero point that only the run knows; or 0 */
    igemm_pad pad;
    /* Weights that are known only at run time: packed into scratch from input 1. */
    struct { size_t batch, stride_n, stride_k, w_stride; const float *bias; } late;
} igemm;

static inline const w_rows *igemm_rows_of(const igemm *m) { return m->fn_u8 ? &m->u8.rows : &m->f32.rows; }
/* W[j][k] = w[j * stride_n + k * stride_k] over k = taps * c of the rows, floats at any alignment; bias may be NULL. */
weir_status w_igemm_pack_f32(w_plan *p, w_step *s, igemm *m, const void *w, size_t stride_n, size_t stride_k, const float *bias,
                             weir_error *e);
/* a: w, strides, zx, mul, bias; n, taps and c come from the rows. */
weir_status w_igemm_pack_u8(w_plan *p, w_step *s, igemm *m, w_pack_u8_args *a, weir_error *e);
/* Weights of few bits, which stay so. s: all but n, k and bias, which come from the rows and `bias`; zero: where s has no zero points. */
weir_status w_igemm_pack_narrow(w_plan *p, w_step *st, igemm *m, w_narrow_source *s, float zero, const float *bias, weir_error *e);
/* Whether p rows by k x n weights of `bits` are slower to multiply as they are than as f32, made once: why, or NULL. */
const char *w_igemm_refuse_narrow(const w_kernels *k, size_t p, size_t c, size_t n, unsigned bits);
/* The kernel for weights that are packed at run time; sets the scratch they need. */
weir_status w_igemm_late_f32(w_plan *p, w_step *s, igemm *m, weir_error *e);
void w_igemm_run(const w_step *s, const w_bindings *b);
void w_igemm_touch(const w_plan *p, const w_step *s, w_touch *t);

/* Rules on operands that the callers share; NULL: fine. `res` is the number of the residual input. */
const char *w_igemm_refuse_f32(const w_graph *g, const w_node *n, uint32_t res);
const char *w_igemm_refuse_u8(const w_graph *g, const w_node *n, uint32_t res, int64_t axis, int64_t act);
/* Epilogue and residual from the node. */
void w_igemm_epilogue(const w_plan *p, w_step *s, igemm *m, const w_epilogue *ep, uint32_t res);
/* mul[n] = scale of the input * scale of the weight column * factor, from the plan's arena. An input whose scale only the run
 * knows has scale 1 here. */
float *w_igemm_mul(w_plan *p, const w_step *s, size_t n, float factor, weir_error *e);
/* The f32 tile that is fastest for p rows, reduction length c and n columns. */
const w_f32_tile *w_igemm_choose_f32(const w_kernels *k, size_t p, size_t c, size_t n);
#endif
