/* Protobuf fields, names, nodes and initializers of an ONNX file in the making: onnx_out.h. */
#include "onnx_out.h"
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

void w_pb_varint(w_wbuf *b, uint32_t tag, int64_t v) {
    w_put_varint(b, tag << 3 | WIRE_VARINT);
    w_put_varint(b, (uint64_t)v);
}

void w_pb_float(w_wbuf *b, uint32_t tag, float v) {
    w_put_varint(b, tag << 3 | WIRE_FIXED32);
    w_put_bytes(b, &v, 4);
}

void w_pb_bytes(w_wbuf *b, uint32_t tag, const void *data, size_t n) {
    w_put_varint(b, tag << 3 | WIRE_BYTES);
    w_put_varint(b, n);
    w_put_bytes(b, data, n);
}

void w_pb_string(w_wbuf *b, uint32_t tag, const char *s) { w_pb_bytes(b, tag, s, strlen(s)); }

void w_pb_message(w_wbuf *b, uint32_t tag, w_wbuf *sub) {
    w_pb_bytes(b, tag, sub->p, sub->n);
    b->bad = b->bad || sub->bad;
    sub->n = 0;
}

int w_onnx_type_code(w_type t) {
    switch (t) {
    case WEIR_F32: return 1;
    case WEIR_U8: return 2;
    case WEIR_S8: return 3;
    case WEIR_U16: return 4;
    case WEIR_S16: return 5;
    case WEIR_S32: return 6;
    case WEIR_S64: return 7;
    case WEIR_BOOL: return 9;
    case WEIR_F16: return 10;
    case WEIR_F64: return 11;
    case WEIR_BF16: return 16;
    }
    return 0;
}

const char *w_out_name(w_exporter *x, const char *base, const char *kind) {
    char *s = w_arena_printf(&x->scratch, "%s/weir_%s", base, kind);
    while (s && w_graph_find(x->g, s) != W_NONE) s = w_arena_printf(&x->scratch, "%s_", s);
    x->oom = x->oom || !s;
    return s ? s : "";
}

/* ---- nodes ---- */

void w_out_begin(w_exporter *x, const char *op, const char *name) {
    x->msg.n = 0;
    w_pb_string(&x->msg, onnx_NodeProto_op_type_tag, op);
    if (name && name[0]) w_pb_string(&x->msg, onnx_NodeProto_name_tag, name);
}

void w_out_domain(w_exporter *x, const char *domain) {
    if (!domain[0]) return;
    x->domain = domain;
    w_pb_string(&x->msg, onnx_NodeProto_domain_tag, domain);
}

void w_out_in(w_exporter *x, const char *name) { w_pb_string(&x->msg, onnx_NodeProto_input_tag, name ? name : ""); }
void w_out_out(w_exporter *x, const char *name) { w_pb_string(&x->msg, onnx_NodeProto_output_tag, name ? name : ""); }
void w_out_end(w_exporter *x) { w_pb_message(&x->node, onnx_GraphProto_node_tag, &x->msg); }

static void attr_begin(w_exporter *x, const char *name, int type) {
    x->sub.n = 0;
    w_pb_string(&x->sub, onnx_AttributeProto_name_tag, name);
    w_pb_varint(&x->sub, onnx_AttributeProto_type_tag, type);
}

static void attr_end(w_exporter *x) { w_pb_message(&x->msg, onnx_NodeProto_attribute_tag, &x->sub); }

void w_out_float(w_exporter *x, const char *attr, float v) {
    attr_begin(x, attr, 1);
    w_pb_float(&x->sub, onnx_AttributeProto_f_tag, v);
    attr_end(x);
}

void w_out_int(w_exporter *x, const char *attr, int64_t v) {
    attr_begin(x, attr, 2);
    w_pb_varint(&x->sub, onnx_AttributeProto_i_tag, v);
    attr_end(x);
}

void w_out_string(w_exporter *x, const char *attr, const char *v) {
    attr_begin(x, attr, 3);
    w_pb_string(&x->sub, onnx_AttributeProto_s_tag, v);
    attr_end(x);
}

void w_out_ints(w_exporter *x, const char *attr, const int64_t *v, size_t n) {
    attr_begin(x, attr, 7);
    for (size_t i = 0; i < n; i++) w_pb_varint(&x->sub, onnx_AttributeProto_ints_tag, v[i]);
    attr_end(x);
}

void w_out_floats(w_exporter *x, const char *attr, const float *v, size_t n) {
    attr_begin(x, attr, 6);
    for (size_t i = 0; i < n; i++) w_pb_float(&x->sub, onnx_AttributeProto_floats_tag, v[i]);
    attr_end(x);
}

static void tensor_head(w_wbuf *b, const char *name, w_type t, const w_shape *s) {
    for (uint8_t k = 0; k < s->rank; k++) w_pb_varint(b, onnx_TensorProto_dims_tag, s->dim[k]);
    w_pb_varint(b, onnx_TensorProto_data_type_tag, w_onnx_type_code(t));
    if (name) w_pb_string(b, onnx_TensorProto_name_tag, name);
}

void w_out_tensor(w_exporter *x, const char *attr, const w_tensor *t) {
    w_wbuf tensor = {.ctx = x->ctx};
    tensor_head(&tensor, NULL, t->type, &t->shape);
    w_pb_bytes(&tensor, onnx_TensorProto_raw_data_tag, t->data, w_tensor_bytes(t));
    attr_begin(x, attr, 4);
    w_pb_message(&x->sub, onnx_AttributeProto_t_tag, &tensor);
    attr_end(x);
    w_wbuf_fini(&tensor);
}

void w_out_unary(w_exporter *x, const char *op, const char *in, const char *out) {
    w_out_begin(x, op, "");
    w_out_in(x, in);
    w_out_out(x, out);
    w_out_end(x);
}

void w_out_binary(w_exporter *x, const char *op, const char *a, const char *b, const char *out) {
    w_out_begin(x, op, "");
    w_out_in(x, a);
    w_out_in(x, b);
    w_out_out(x, out);
    w_out_end(x);
}

/* ---- initializers ---- */

static size_t varint_size(uint64_t v) {
    size_t n = 1;
    for (; v >= 0x80; v >>= 7) n++;
    return n;
}

void w_out_init(w_exporter *x, const char *name, w_type t, const w_shape *s, const void *data, size_t bytes) {
    x->sub.n = 0;
    tensor_head(&x->sub, name, t, s);
    w_put_varint(&x->init, onnx_GraphProto_initializer_tag << 3 | WIRE_BYTES);
    w_put_varint(&x->init, x->sub.n + 1 + varint_size(bytes) + bytes);
    w_put_bytes(&x->init, x->sub.p, x->sub.n);
    w_put_varint(&x->init, onnx_TensorProto_raw_data_tag << 3 | WIRE_BYTES);
    w_put_varint(&x->init, bytes);
    if (bytes == 0) return;
    if (!w_grow(x->ctx, (void **)&x->piece, sizeof *x->piece, &x->cap_piece, x->npiece + 1)) {
        x->oom = true;
        return;
    }
    x->piece[x->npiece++] = (w_piece){x->init.n, data, bytes};
}

static const char *new_constant(w_exporter *x, const char *base, const char *kind, w_type t, const w_shape *s, const void *v) {
    const char *name = w_out_name(x, base, kind);
    size_t bytes = w_type_size(t) * (s->rank ? (size_t)s->dim[0] : 1);
    void *copy = w_arena_alloc(&x->scratch, bytes + 1);
    if (!copy) {
        x->oom = true;
        return name;
    }
    if (bytes) memcpy(copy, v, bytes);
    w_out_init(x, name, t, s, copy, bytes);
    return name;
}

const char *w_out_scalar(w_exporter *x, const char *base, const char *kind, float v) {
    return new_constant(x, base, kind, WEIR_F32, &(w_shape){.known = true}, &v);
}

const char *w_out_vector(w_exporter *x, const char *base, const char *kind, w_type t, const void *v, size_t n) {
    return new_constant(x, base, kind, t, &(w_shape){.rank = 1, .known = true, .dim = {(int64_t)n}}, v);
}
