/* A graph as an ONNX file: nodes, initializers, inputs and outputs, the model around them. */
#include "onnx_out.h"

enum { IR_VERSION = 8, WIRE_BYTES = 2 };

static void put_dim(w_exporter *x, w_wbuf *shape, int64_t d) {
    w_wbuf dim = {.ctx = x->ctx};
    if (d >= 0) w_pb_varint(&dim, onnx_TensorShapeProto_Dimension_dim_value_tag, d);
    else w_pb_string(&dim, onnx_TensorShapeProto_Dimension_dim_param_tag, x->g->symbol[-d - 1]);
    w_pb_message(shape, onnx_TensorShapeProto_dim_tag, &dim);
    w_wbuf_fini(&dim);
}

/* A type that is not known before the batch is left out. */
static void put_info(w_exporter *x, uint32_t tag, w_id v) {
    const w_value *value = &x->g->value[v];
    w_wbuf shape = {.ctx = x->ctx}, tensor = {.ctx = x->ctx}, type = {.ctx = x->ctx}, info = {.ctx = x->ctx};
    w_pb_varint(&tensor, onnx_TypeProto_Tensor_elem_type_tag, w_onnx_type_code(value->type));
    if (value->shape.known) {
        for (uint8_t k = 0; k < value->shape.rank; k++) put_dim(x, &shape, value->shape.dim[k]);
        w_pb_message(&tensor, onnx_TypeProto_Tensor_shape_tag, &shape);
    }
    w_pb_message(&type, onnx_TypeProto_tensor_type_tag, &tensor);
    w_pb_string(&info, onnx_ValueInfoProto_name_tag, w_value_name(x->g, v));
    if (value->type) w_pb_message(&info, onnx_ValueInfoProto_type_tag, &type);
    w_pb_message(&x->tail, tag, &info);
    w_wbuf_fini(&shape);
    w_wbuf_fini(&tensor);
    w_wbuf_fini(&type);
    w_wbuf_fini(&info);
}

static weir_status graph_put(w_exporter *x) {
    const w_graph *g = x->g;
    for (size_t k = 0; k < g->nnode; k++) {
        if (g->node[k].op) W_TRY(w_out_node(x, &g->node[k]));
    }
    w_pb_string(&x->tail, onnx_GraphProto_name_tag, "weir");
    for (size_t i = 0; i < g->ninput; i++) put_info(x, onnx_GraphProto_input_tag, g->input[i]);
    for (size_t i = 0; i < g->noutput; i++) {
        w_out_raw(x, g->output[i]);
        put_info(x, onnx_GraphProto_output_tag, g->output[i]);
    }
    bool bad = x->oom || x->node.bad || x->init.bad || x->tail.bad || x->msg.bad || x->sub.bad;
    return bad ? w_oom(x->e, x->node.n + x->init.n, "the ONNX file") : WEIR_OK;
}

static weir_status graph_size(const w_exporter *x, size_t *out) {
    size_t n = x->node.n;
    bool ok = w_add_size(n, x->init.n, &n) && w_add_size(n, x->tail.n, &n);
    for (size_t i = 0; ok && i < x->npiece; i++) ok = w_add_size(n, x->piece[i].size, &n);
    *out = n;
    if (ok && n < (size_t)0x7fffff00) return WEIR_OK;
    return w_fail(x->e, WEIR_BAD_INPUT, "the model does not fit into an ONNX file: it ends at 2 GiB");
}

static void write_init(const w_exporter *x, w_out *o) {
    size_t at = 0;
    for (size_t i = 0; i < x->npiece; i++) {
        const w_piece *p = &x->piece[i];
        w_out_write(o, x->init.p + at, p->at - at);
        w_out_write(o, p->data, p->size);
        at = p->at;
    }
    if (x->init.n > at) w_out_write(o, x->init.p + at, x->init.n - at);
}

static void put_opset(const w_exporter *x, w_wbuf *head, const char *domain, int64_t version) {
    w_wbuf opset = {.ctx = x->ctx};
    w_pb_string(&opset, onnx_OperatorSetIdProto_domain_tag, domain);
    w_pb_varint(&opset, onnx_OperatorSetIdProto_version_tag, version);
    w_pb_message(head, onnx_ModelProto_opset_import_tag, &opset);
    w_wbuf_fini(&opset);
}

static weir_status model_write(w_exporter *x, const char *path) {
    w_wbuf head = {.ctx = x->ctx};
    size_t size = 0;
    w_out *o;
    W_TRY(graph_size(x, &size));
    w_pb_varint(&head, onnx_ModelProto_ir_version_tag, IR_VERSION);
    w_pb_string(&head, onnx_ModelProto_producer_name_tag, "weir");
    w_pb_string(&head, onnx_ModelProto_producer_version_tag, WEIR_VERSION);
    put_opset(x, &head, "", x->opset);
    if (x->domain) put_opset(x, &head, x->domain, 1);
    w_put_varint(&head, onnx_ModelProto_graph_tag << 3 | WIRE_BYTES);
    w_put_varint(&head, size);
    weir_status st = head.bad ? w_oom(x->e, size, "the ONNX file") : w_out_open(x->ctx, path, &o, x->e);
    if (st == WEIR_OK) {
        w_out_write(o, head.p, head.n);
        w_out_write(o, x->node.p, x->node.n);
        write_init(x, o);
        w_out_write(o, x->tail.p, x->tail.n);
        st = w_out_commit(o, x->e);
    }
    w_wbuf_fini(&head);
    return st;
}

static weir_status export_all(w_exporter *x, const char *path) {
    size_t n = x->g->nvalue + 1;
    W_TRY(w_graph_verify(x->g, x->e));
    x->written = w_arena_array(&x->scratch, n, sizeof *x->written);
    x->real = w_arena_array(&x->scratch, n, sizeof *x->real);
    x->wide = w_arena_array(&x->scratch, n, sizeof *x->wide);
    if (!x->written || !x->real || !x->wide) return w_oom(x->e, n * sizeof *x->real, "the ONNX file");
    x->opset = w_out_opset(x->g);
    W_TRY(graph_put(x));
    return model_write(x, path);
}

weir_status w_onnx_write(const w_graph *g, const char *path, weir_error *e) {
    weir_context *ctx = g->ctx;
    w_exporter x = {.g = g, .ctx = ctx, .node = {.ctx = ctx}, .init = {.ctx = ctx}, .tail = {.ctx = ctx}, .msg = {.ctx = ctx}, .sub = {.ctx = ctx}, .e = e};
    w_arena_init(&x.scratch, ctx);
    weir_status st = export_all(&x, path);
    w_free(ctx, x.piece, x.cap_piece * sizeof *x.piece);
    w_wbuf *all[] = {&x.node, &x.init, &x.tail, &x.msg, &x.sub};
    for (size_t i = 0; i < W_COUNT(all); i++) w_wbuf_fini(all[i]);
    w_arena_fini(&x.scratch);
    return st == WEIR_OK ? st : w_fail_prefix(e, st, "%s", path);
}
