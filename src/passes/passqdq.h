/* State shared by pass_qdq and its part for constants (qdq_const.c). Private to this room. */
#ifndef W_PASSQDQ_H
#define W_PASSQDQ_H
#include "passutil.h"

typedef struct w_qdq_edge { w_id node; uint32_t slot; uint32_t next; } w_qdq_edge; /* next: index, or UINT32_MAX */
typedef struct w_qdq {
    w_graph *g;
    w_arena tmp;
    w_uses uses;
    uint32_t *head;    /* per value: first of its edges to readers */
    w_qdq_edge *edge;
    bool *match;       /* per node: a DequantizeLinear with the parameters that its operand, a quantised variable, carries */
} w_qdq;
weir_status w_qdq_edges(w_qdq *q, weir_error *e);
/* Scale and zero point of a QuantizeLinear or DequantizeLinear when they are constants of a simple kind, in the graph's
 * arena; NULL (and WEIR_OK) otherwise. *type is the quantised type. */
weir_status w_qdq_params(w_graph *g, const w_node *n, const w_quant **out, w_type *type, weir_error *e);
/* QuantizeLinear goes in front of what only moves elements (qdq_early.c). Ids of nodes change. */
weir_status w_qdq_early(w_qdq *q, weir_error *e);
/* DequantizeLinear of a constant: 8-bit weights keep their bytes and get a quantisation, the rest becomes f32. */
weir_status w_qdq_const(w_qdq *q, w_id node, w_redirect *to, weir_error *e);
/* Unsigned weights become signed: bytes and zero points move by 128. */
weir_status w_qdq_to_signed(w_graph *g, w_value *v, w_quant *quant, size_t bytes, weir_error *e);
#endif
