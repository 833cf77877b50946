/* Writing ONNX: a graph becomes protobuf bytes, node by node. Shared by the onnx_out_*.c files.
 *
 * Invariants: buffers are sticky (weir_format.h); names that the writer makes end in "/weir_KIND", so that they collide with
 * no name of the graph; a constant is written when a node or output refers to it, its bytes straight from where they lie. */
#ifndef W_ONNX_OUT_H
#define W_ONNX_OUT_H
#include "onnx.pb.h"
#include "weir_format.h"

/* Bytes that stand after `at` bytes of the buffer, without being copied there. */
typedef struct w_piece { size_t at; const void *data; size_t size; } w_piece;

typedef struct w_exporter {
    const w_graph *g;
    weir_context *ctx;
    int64_t opset;
    w_wbuf node, init, tail;     /* fields of GraphProto: node, initializer, and the rest */
    w_piece *piece; size_t npiece, cap_piece; /* of init */
    w_wbuf msg, sub;             /* the node and the attribute that are being written */
    bool *written;               /* constants that are initializers by now */
    const char **real;           /* names of the dequantised twins of values, NULL: not there yet */
    const char **wide;           /* names of the f32 twins of half constants */
    w_arena scratch;
    const char *domain;          /* the one beside ONNX's that a node names, or NULL */
    bool oom;                    /* a name could not be made */
    weir_error *e;
} w_exporter;

/* ---- onnx_out.c: fields, names, nodes, initializers ---- */
void w_pb_varint(w_wbuf *b, uint32_t tag, int64_t v);
void w_pb_float(w_wbuf *b, uint32_t tag, float v);
void w_pb_bytes(w_wbuf *b, uint32_t tag, const void *data, size_t n);
void w_pb_string(w_wbuf *b, uint32_t tag, const char *s);
void w_pb_message(w_wbuf *b, uint32_t tag, w_wbuf *sub); /* empties sub */
int w_onnx_type_code(w_type t);

/* BASE/weir_KIND, never NULL (x->oom is set instead). */
const char *w_out_name(w_exporter *x, const char *base, const char *kind);
/* A node: begin, its operands and attributes in any order, end. Names NULL or "" are absent operands. */
void w_out_begin(w_exporter *x, const char *op, const char *name);
void w_out_domain(w_exporter *x, const char *domain); /* "": ONNX's; of another the model imports version 1 */
void w_out_in(w_exporter *x, const char *name);
void w_out_out(w_exporter *x, const char *name);
void w_out_int(w_exporter *x, const char *attr, int64_t v);
void w_out_float(w_exporter *x, const char *attr, float v);
void w_out_string(w_exporter *x, const char *attr, const char *v);
void w_out_ints(w_exporter *x, const char *attr, const int64_t *v, size_t n);
void w_out_floats(w_exporter *x, const char *attr, const float *v, size_t n);
void w_out_tensor(w_exporter *x, const char *attr, const w_tensor *t);
void w_out_end(w_exporter *x);
/* One node with one or two inputs. */
void w_out_unary(w_exporter *x, const char *op, const char *in, const char *out);
void w_out_binary(w_exporter *x, const char *op, const char *a, const char *b, const char *out);
/* An initializer; data must live until the file is written. */
void w_out_init(w_exporter *x, const char *name, w_type t, const w_shape *s, const void *data, size_t bytes);
/* New constants; data is copied. */
const char *w_out_scalar(w_exporter *x, const char *base, const char *kind, float v);
const char *w_out_vector(w_exporter *x, const char *base, const char *kind, w_type t, const void *v, size_t n);

/* ---- onnx_out_quant.c ---- */
/* The name under which real numbers of a value are read; makes its DequantizeLinear or Cast first if need be. */
const char *w_out_real(w_exporter *x, w_id v);
/* The value itself (8-bit if quantised); writes its initializer if it is a constant. */
const char *w_out_raw(w_exporter *x, w_id v);
/* QuantizeLinear of `real` into the value. */
void w_out_quantize(w_exporter *x, const char *real, w_id v);
/* The bias of a quantised product in whole steps of its sums; NULL when it has no such form. */
const char *w_out_bias(w_exporter *x, const w_node *n, const char *base);

/* ---- onnx_out_late.c: products whose data have a late scale ---- */
/* Whether the node has a form of integers and their scales; writes that, all but residual and activation. */
bool w_out_late_product(w_exporter *x, const w_node *n, const char *base, const char *out);
/* The real numbers of its data, for the others. */
const char *w_out_late_data(w_exporter *x, const w_node *n, const char *base);

/* ---- onnx_out_act.c ---- */
/* The fused activation of a node, W_ACT_NONE if it has none. */
w_epilogue w_out_epilogue(const w_node *n);
void w_out_act(w_exporter *x, const w_epilogue *ep, const char *base, const char *in, const char *out);
void w_out_gelu(w_exporter *x, const char *base, bool tanh_form, const char *in, const char *out);

/* ---- onnx_out_node.c ---- */
void w_out_attrs(w_exporter *x, const w_node *n); /* of the node's operator, in the opset that is written */
/* The opset that this graph needs, at least 13. */
int64_t w_out_opset(const w_graph *g);
weir_status w_out_node(w_exporter *x, const w_node *n);
#endif
