/* Reading protobuf messages of an ONNX file in place, over nanopb.
 *
 * Invariants: nothing is copied and nanopb allocates nothing; a message, string or byte field is a span of the mapping, and
 * nesting is walked by decoding one span at a time, so depth is bounded by the code. A callback that fails leaves its
 * message in the reader's error and its status in `st`. */
#ifndef W_ONNX_PB_H
#define W_ONNX_PB_H
#include "onnx.pb.h"
#include "io.h"
#include <pb_decode.h>

#define W_ONNX_MAX_BYTES ((size_t)0x7fffffff) /* a protobuf message ends at 2 GiB */
#define W_ONNX_MAX_ITEMS ((size_t)1 << 20)    /* nodes, initializers, values, operands of one node */
#define W_ONNX_MAX_OPSET 28
#define W_ONNX_MAX_IR 14

typedef struct w_span { const uint8_t *p; size_t n; } w_span;

typedef struct w_onnx {
    weir_context *ctx;
    const char *path;
    const w_map *map;
    w_graph *g;
    w_map external;           /* the external data file read last */
    const char *external_name;
    weir_error *e;
    weir_status st;           /* of a failed callback */
} w_onnx;

/* A repeated string, bytes or message field. */
typedef struct w_spans { w_onnx *r; const char *what; w_span *v; size_t n, cap; } w_spans;
/* A singular one. */
typedef struct w_one { w_onnx *r; const char *what; w_span s; bool seen; } w_one;
/* A repeated scalar, packed or not. Without `out` it is only counted; else converted to `type` and stored, at most `cap`. */
typedef enum w_wire { W_WIRE_VARINT, W_WIRE_F32, W_WIRE_F64 } w_wire;
typedef struct w_scalars { w_onnx *r; const char *what; w_wire wire; w_type type; void *out; size_t n, cap; } w_scalars;

pb_callback_t w_spans_field(w_spans *s);
pb_callback_t w_one_field(w_one *s);
pb_callback_t w_scalars_field(w_scalars *s);
void w_spans_fini(w_spans *s);

/* Decodes the message in `m`; `what` names it in a failure. */
weir_status w_onnx_decode(w_onnx *r, w_span m, const pb_msgdesc_t *desc, void *msg, const char *what);
/* Checks that a string is UTF-8 without NUL; `what` names its field and `where` its owner. */
weir_status w_onnx_text(w_onnx *r, w_span s, const char *what, const char *where);
/* The same as an interned name of the graph. */
weir_status w_onnx_name(w_onnx *r, w_span s, const char *what, const char *where, const char **out);
bool w_span_is(w_span s, const char *text);

/* ---- onnx_tensor.c ---- */
typedef struct w_onnx_tensor {
    w_span name;
    w_type type;
    w_shape shape;
    const void *data;
    bool mapped;              /* data lies in the file mapping, at any alignment */
} w_onnx_tensor;
weir_status w_onnx_type(w_onnx *r, int32_t code, const char *where, w_type *out);
weir_status w_onnx_tensor_read(w_onnx *r, w_span m, const char *where, w_onnx_tensor *out);

/* ---- onnx_node.c ---- */
/* First pass over a node: its outputs become values; a Constant with a tensor becomes constant data. */
weir_status w_onnx_node_outputs(w_onnx *r, w_span m, size_t index);
/* Second pass: operator, operands, attributes. */
weir_status w_onnx_node_build(w_onnx *r, w_span m, size_t index);
#endif
