/* Cases of one node as JSON (made by script/gen-op-cases, or by hand) and the graphs they become. A tensor is {"t": type,
 * "d": dims, "x": base64 of its bytes}; without "x" it is zero. Failures are those of the running cmocka test. */
#ifndef W_TEST_OP_CASE_H
#define W_TEST_OP_CASE_H
#include "ops.h"
#include <jansson.h>

#define OP_CASE_MOST 16
typedef struct op_case {
    w_graph *g;               /* one node, not inferred yet; the caller destroys it */
    w_tensor in[OP_CASE_MOST];
    w_id in_id[OP_CASE_MOST], out_id[OP_CASE_MOST];
    uint32_t nin, nout;
} op_case;
/* The first input becomes a graph input, unless it steers the shape; the others are constants. */
void op_case_build(weir_context *ctx, const json_t *c, op_case *b);
w_tensor op_case_tensor(w_arena *a, const json_t *j);
#endif
