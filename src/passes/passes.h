/* Passes: graph to graph, in one fixed list. Each is a file pass_*.c with one entry of this signature.
 * A pass keeps the graph valid (the verifier runs after each in debug builds) and keeps names for reports. */
#ifndef W_PASSES_H
#define W_PASSES_H
#include "ops.h"

typedef weir_status (*w_pass_fn)(w_graph *g, weir_error *e);
typedef struct w_pass { const char *name; w_pass_fn run; } w_pass;

weir_status w_pass_infer(w_graph *g, weir_error *e);      /* types and shapes of every value, symbols pass through; checks every node */
weir_status w_pass_normalise(w_graph *g, weir_error *e);  /* auto_pad to pads, defaults filled, opset forms (Clip attrs to inputs...) to one form,
                                                             Dropout/Identity removed, f16 weights kept but typed, MatMul+Add(const) to MatMul with bias
                                                             (or Gemm), ReduceMean over H,W to GlobalAveragePool, full-size AveragePool too */
weir_status w_pass_fold(w_graph *g, weir_error *e);       /* constant folding through the references (bounded size) */
weir_status w_pass_batchnorm(w_graph *g, weir_error *e);  /* BN into the Conv/Gemm before it; alone it stays */
weir_status w_pass_late(w_graph *g, weir_error *e);       /* DynamicQuantizeLinear, integer product, Cast, Mul: a product with a late scale */
weir_status w_pass_fuse(w_graph *g, weir_error *e);       /* bias, residual add, activation (incl. x*sigmoid(x), x*hardsigmoid(x), x*clip(x+3)/6) into producer */
weir_status w_pass_affine(w_graph *g, weir_error *e);    /* Mul and Add by a channel's constant into the convolutions behind; for plans only */
weir_status w_pass_tables(w_graph *g, weir_error *e);    /* functions of one 8-bit value become tables; for plans only */
weir_status w_pass_attention(w_graph *g, weir_error *e); /* MatMul, scale, mask, Softmax, MatMul become Attention; for plans only */
weir_status w_pass_qdq(w_graph *g, weir_error *e);       /* QuantizeLinear/DequantizeLinear pairs become the storage of the value between */
weir_status w_pass_cse(w_graph *g, weir_error *e);
weir_status w_pass_dce(w_graph *g, weir_error *e);
/* NHWC for parts connected by convolutions; Layout nodes at borders. Transpose (0,2,3,1) of a channels-last value into a
 * row-major one, and (0,3,1,2) the other way, are the same bytes: views. So is Flatten behind the first, in front of a
 * Gemm whose weights were permuted instead. Reshape and Flatten never read a channels-last value whose bytes differ. */
weir_status w_pass_layout(w_graph *g, weir_error *e);
bool w_transpose_is_view(const w_graph *g, const w_node *n); /* such a Transpose: its output is its input's bytes */
/* What every model gets after opening (symbolic), in rounds until nothing goes away: fold (which infers), normalise, infer,
 * late, batchnorm, fuse, qdq, cse, dce; then verified. */
weir_status w_passes_canonical(w_graph *g, weir_error *e);
/* What a bound clone gets before planning: canonical again (idempotent), then affine, tables, attention, layout, dce, infer, verify. */
weir_status w_passes_plan(w_graph *g, weir_error *e);
extern const w_pass w_passes_list[]; /* all, in order, for `weir-check`-style tests; ends with {NULL} */
#endif
