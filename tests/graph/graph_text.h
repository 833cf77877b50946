/* Graphs from text, for tests: the language that w_graph_print writes, with fewer words.
 *
 *     opset 17
 *     input x f32[N,1,28,28]
 *     const w f32[6,1,5,5]              made-up data, the same for the same name
 *     const v f32[6] +                  made-up, positive
 *     const b f32[2] = {0.5, 1}
 *     const q s8[2,2] q(0.5,0)
 *     conv: y = Conv(x, w, -, r) kernel_shape=[5,5] auto_pad=VALID
 *     c: z u8 q(0.5,128) = Conv(q, w)   an output that is quantised
 *     output y
 */
#ifndef GRAPH_TEXT_H
#define GRAPH_TEXT_H
#include "ops.h"
weir_status text_graph(weir_context *ctx, const char *text, w_graph **out, weir_error *e);
/* All outputs of the graph by references, as doubles in one array; inputs are made up from their names. */
weir_status text_run(const w_graph *g, w_arena *a, double **out, size_t *n, weir_error *e);
#endif
