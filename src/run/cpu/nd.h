/* Strided loops: how a step walks several operands at once, whatever their layouts and broadcasting.
 *
 * A w_nd is made once, at plan time, from logical coordinates. Dims of length 1 are dropped, the others are sorted by
 * the stride of operand 0 (the output) and merged where every operand allows it, so that most nodes end as one or two
 * long loops. Strides are in elements; 0 means broadcast. rank >= 1, the last dim is the innermost. */
#ifndef W_ND_H
#define W_ND_H
#include "plan.h"

#define W_ND_OPERANDS 3
typedef struct w_nd {
    uint32_t rank, noperand;
    int64_t n[W_MAX_RANK];
    int64_t stride[W_ND_OPERANDS][W_MAX_RANK];
    int64_t start[W_ND_OPERANDS]; /* element offset of the first element */
} w_nd;

/* Memory strides of a dense value by logical dim. Constants lie row-major whatever their layout says: pass W_ROW. */
void w_layout_strides(const w_shape *s, w_layout layout, int64_t stride[W_MAX_RANK]);
/* Row-major and channels-last are the same bytes for this shape. */
bool w_layouts_agree(const w_shape *s);

/* Loop over all of `dims`, with the given strides per operand. */
void w_nd_init(w_nd *nd, const w_shape *dims, uint32_t noperand, int64_t (*stride)[W_MAX_RANK], const int64_t *start);
/* Strides of an operand of shape s, aligned to the right of `out` as ONNX broadcasting does. */
void w_nd_broadcast(const w_shape *out, const w_shape *s, w_layout layout, int64_t stride[W_MAX_RANK]);
int64_t w_nd_count(const w_nd *nd);
/* Offsets of all operands at the k-th position of the outer `outer` dims (the inner ones at 0). */
void w_nd_at(const w_nd *nd, uint32_t outer, int64_t k, int64_t offset[W_ND_OPERANDS]);

/* Copies operand 1 to operand 0, elements of 1, 2, 4 or 8 bytes; [first, last) over the outermost dim. */
void w_nd_copy(const w_nd *nd, size_t elem, void *dst, const void *src, int64_t first, int64_t last);
#endif
