/* State of pass_layout and its part for Flatten (layout_flatten.c). Private to this room. */
#ifndef W_PASSLAYOUT_H
#define W_PASSLAYOUT_H
#include "passutil.h"

typedef struct w_layouter {
    w_graph *g;
    w_arena tmp;
    size_t nnode, nvalue;  /* of the graph as it came */
    w_layout *side;        /* per node: where it reads images */
    w_id *other;           /* per value: the same value in the other layout, or W_NONE */
    w_uses uses;
    uint32_t *gemms;       /* per value: uses as the left side of a Gemm or MatMul by a constant matrix */
    w_id *reader, *next;   /* per value: one such node; per node: the next with the same left side */
} w_layouter;

bool w_layout_free(const w_shape *s); /* both layouts are the same bytes */
weir_status w_layout_twin(w_layouter *l, w_id v, const char *suffix, w_id *out, weir_error *e);
weir_status w_layout_readers(w_layouter *l, weir_error *e); /* fills uses, gemms, reader, next */
/* Flatten (or a Reshape that is one) of a channels-last value: becomes a view, and the weights of its readers follow.
 * *done stays false when somebody else reads it. */
weir_status w_layout_flatten(w_layouter *l, w_id node, bool *done, weir_error *e);
#endif
