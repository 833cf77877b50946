/* ModelProto and GraphProto into a graph: see onnx_pb.h for how messages are walked.
 *
 * Order of work, whatever the order of fields in the file: initializers, inputs, outputs of all nodes, nodes, graph outputs,
 * then a topological sort (ONNX demands sorted nodes; weir only refuses cycles). Types and shapes are inferred at once, so
 * that what contradicts itself is refused here: a node whose operands do not fit, an output that is declared otherwise. */
#include "onnx_pb.h"
#include "passes.h"
#include <stdio.h>
#include <string.h>

typedef struct graph_msg { w_spans node, init, input, output, info, sparse; w_one name; } graph_msg;
typedef struct model_msg { w_spans opset, functions; w_one graph; int64_t ir; bool has_ir; } model_msg;

static weir_status opset_read(w_onnx *r, w_span m) {
    w_one domain = {.r = r, .what = "domain"};
    onnx_OperatorSetIdProto p = {.domain = w_one_field(&domain)};
    W_TRY(w_onnx_decode(r, m, onnx_OperatorSetIdProto_fields, &p, "opset_import"));
    W_TRY(w_onnx_text(r, domain.s, "domain", "opset_import"));
    if (domain.s.n != 0 && !w_span_is(domain.s, "ai.onnx")) return WEIR_OK; /* its operators are refused where they are used */
    if (r->g->opset) return w_fail(r->e, WEIR_BAD_INPUT, "opset_import: the default domain appears twice");
    if (p.version < 1 || p.version > W_ONNX_MAX_OPSET) {
        return w_fail(r->e, WEIR_BAD_INPUT, "opset_import: opset %lld, expected 1 to %d", (long long)p.version, W_ONNX_MAX_OPSET);
    }
    r->g->opset = p.version;
    return WEIR_OK;
}

static weir_status model_check(w_onnx *r, const model_msg *m) {
    if (!m->has_ir) return w_fail(r->e, WEIR_BAD_INPUT, "not an ONNX model: no ir_version");
    if (m->ir < 1 || m->ir > W_ONNX_MAX_IR) return w_fail(r->e, WEIR_BAD_INPUT, "ir_version %lld, expected 1 to %d", (long long)m->ir, W_ONNX_MAX_IR);
    if (!m->graph.seen) return w_fail(r->e, WEIR_BAD_INPUT, "the model has no graph");
    if (m->functions.n) return w_fail(r->e, WEIR_BAD_INPUT, "model-local functions (%zu) are not supported", m->functions.n);
    for (size_t i = 0; i < m->opset.n; i++) W_TRY(opset_read(r, m->opset.v[i]));
    if (!r->g->opset) return w_fail(r->e, WEIR_BAD_INPUT, "opset_import names no version of the default domain");
    return WEIR_OK;
}

/* ---- value infos ---- */

typedef struct info { const char *name; w_type type; w_shape shape; } info;

static weir_status dim_read(w_onnx *r, w_span m, const char *where, size_t k, int64_t *out) {
    w_one param = {.r = r, .what = "dim_param"};
    onnx_TensorShapeProto_Dimension p = {.dim_param = w_one_field(&param)};
    char fresh[300];
    const char *symbol;
    W_TRY(w_onnx_decode(r, m, onnx_TensorShapeProto_Dimension_fields, &p, where));
    if (p.has_dim_value && param.s.n) return w_fail(r->e, WEIR_BAD_INPUT, "%s: dimension %zu has a value and a symbol", where, k);
    if (p.has_dim_value && p.dim_value != -1) { /* -1: what some exporters write for a free dimension */
        if (p.dim_value < 0 || p.dim_value > W_MAX_DIM) {
            return w_fail(r->e, WEIR_BAD_INPUT, "%s: dimension %zu is %lld, expected 0 to %lld", where, k, (long long)p.dim_value, (long long)W_MAX_DIM);
        }
        *out = p.dim_value;
        return WEIR_OK;
    }
    W_TRY(w_onnx_name(r, param.s, "dim_param", where, &symbol));
    snprintf(fresh, sizeof fresh, "%s, dimension %zu", where, k);
    bool named = symbol[0] && strcmp(symbol, "?"); /* exporters write '?' for dimensions that have nothing to do with each other */
    return w_graph_symbol(r->g, named ? symbol : fresh, out, r->e);
}

static weir_status shape_dims(w_onnx *r, const w_spans *dims, const char *where, w_shape *s) {
    if (dims->n > W_MAX_RANK) return w_fail(r->e, WEIR_BAD_INPUT, "%s: rank %zu, at most %d is supported", where, dims->n, W_MAX_RANK);
    *s = (w_shape){.rank = (uint8_t)dims->n, .known = true};
    for (size_t k = 0; k < dims->n; k++) W_TRY(dim_read(r, dims->v[k], where, k, &s->dim[k]));
    return WEIR_OK;
}

static weir_status shape_read(w_onnx *r, w_span m, const char *where, w_shape *s) {
    w_spans dims = {.r = r, .what = "dim"};
    onnx_TensorShapeProto p = {.dim = w_spans_field(&dims)};
    weir_status st = w_onnx_decode(r, m, onnx_TensorShapeProto_fields, &p, where);
    if (st == WEIR_OK) st = shape_dims(r, &dims, where, s);
    w_spans_fini(&dims);
    return st;
}

static weir_status type_read(w_onnx *r, w_span m, const char *where, info *out) {
    w_one tensor = {.r = r, .what = "tensor_type"}, shape = {.r = r, .what = "shape"};
    onnx_TypeProto p = {.tensor_type = w_one_field(&tensor)};
    W_TRY(w_onnx_decode(r, m, onnx_TypeProto_fields, &p, where));
    if (!tensor.seen) return w_fail(r->e, WEIR_BAD_INPUT, "%s: is not a tensor (sequences, maps and optionals are not supported)", where);
    onnx_TypeProto_Tensor t = {.shape = w_one_field(&shape)};
    W_TRY(w_onnx_decode(r, tensor.s, onnx_TypeProto_Tensor_fields, &t, where));
    W_TRY(w_onnx_type(r, t.elem_type, where, &out->type));
    return shape.seen ? shape_read(r, shape.s, where, &out->shape) : WEIR_OK;
}

/* what: "input", "output"; type and shape stay 0 and unknown where the file leaves them out. */
static weir_status info_read(w_onnx *r, w_span m, const char *what, size_t index, info *out) {
    w_one name = {.r = r, .what = "name"}, type = {.r = r, .what = "type"};
    onnx_ValueInfoProto p = {.name = w_one_field(&name), .type = w_one_field(&type)};
    char where[256];
    snprintf(where, sizeof where, "graph %s %zu", what, index);
    *out = (info){0};
    W_TRY(w_onnx_decode(r, m, onnx_ValueInfoProto_fields, &p, where));
    W_TRY(w_onnx_name(r, name.s, "name", where, &out->name));
    if (!out->name[0]) return w_fail(r->e, WEIR_BAD_INPUT, "%s: has no name", where);
    snprintf(where, sizeof where, "graph %s '%.180s'", what, out->name);
    return type.seen ? type_read(r, type.s, where, out) : WEIR_OK;
}

/* ---- the graph ---- */

static weir_status initializer_add(w_onnx *r, w_span m, size_t index) {
    w_onnx_tensor t;
    const char *name;
    char where[40];
    w_id v;
    snprintf(where, sizeof where, "initializer %zu", index);
    W_TRY(w_onnx_tensor_read(r, m, where, &t));
    W_TRY(w_onnx_name(r, t.name, "name", where, &name));
    if (!name[0]) return w_fail(r->e, WEIR_BAD_INPUT, "%s: has no name", where);
    if (w_graph_find(r->g, name) != W_NONE) return w_fail(r->e, WEIR_BAD_INPUT, "%s: another initializer is named '%s'", where, name);
    W_TRY(w_graph_add_const(r->g, name, t.type, &t.shape, t.data, &v, r->e));
    r->g->value[v].is_mapped = t.mapped;
    return WEIR_OK;
}

/* What the file declares of a value must agree with what it is. Shapes of inner values do not count: they go stale when tools
 * change a model, and nothing reads them. */
static weir_status info_agrees(w_onnx *r, const info *i, const w_value *v, const char *what, bool shapes) {
    if (i->type && v->type && i->type != v->type) {
        return w_fail(r->e, WEIR_BAD_INPUT, "%s '%s' is declared %s but holds %s", what, i->name, w_type_name(i->type), w_type_name(v->type));
    }
    if (!shapes || !i->shape.known || !v->shape.known) return WEIR_OK;
    bool same = i->shape.rank == v->shape.rank;
    for (uint8_t k = 0; same && k < v->shape.rank; k++) same = i->shape.dim[k] < 0 || v->shape.dim[k] < 0 || i->shape.dim[k] == v->shape.dim[k];
    if (same) return WEIR_OK;
    return w_fail(r->e, WEIR_BAD_INPUT, "%s '%s' is declared with another shape than it has", what, i->name);
}

/* Before IR version 4 initializers are listed as inputs too; weir takes them as constants in every version. */
static weir_status input_add(w_onnx *r, w_span m, size_t index) {
    info i;
    w_id v;
    W_TRY(info_read(r, m, "input", index, &i));
    v = w_graph_find(r->g, i.name);
    if (v != W_NONE && r->g->value[v].kind == W_VALUE_CONST) return info_agrees(r, &i, &r->g->value[v], "initializer", true);
    if (v != W_NONE) return w_fail(r->e, WEIR_BAD_INPUT, "graph input '%s' is listed twice", i.name);
    if (!i.type) return w_fail(r->e, WEIR_BAD_INPUT, "graph input '%s' has no type", i.name);
    if (!i.shape.known) return w_fail(r->e, WEIR_BAD_INPUT, "graph input '%s' has no shape", i.name);
    return w_graph_add_input(r->g, i.name, i.type, &i.shape, &v, r->e);
}

static weir_status output_add(w_onnx *r, w_span m, size_t index) {
    info i;
    W_TRY(info_read(r, m, "output", index, &i));
    w_id v = w_graph_find(r->g, i.name);
    if (v == W_NONE) return w_fail(r->e, WEIR_BAD_INPUT, "graph output '%s' is no graph input, initializer or output of a node", i.name);
    for (size_t k = 0; k < r->g->noutput; k++) {
        if (r->g->output[k] == v) return w_fail(r->e, WEIR_BAD_INPUT, "graph output '%s' is listed twice", i.name);
    }
    w_value *value = &r->g->value[v];
    if (!value->type) value->type = i.type; /* until a rule says it, which has to wait for shapes that the batch decides */
    return w_graph_add_output(r->g, v, r->e);
}

static weir_status graph_build(w_onnx *r, const graph_msg *g) {
    if (g->sparse.n) return w_fail(r->e, WEIR_BAD_INPUT, "sparse initializers (%zu) are not supported", g->sparse.n);
    if (!g->output.n) return w_fail(r->e, WEIR_BAD_INPUT, "the graph has no outputs");
    if (g->output.n > 4096 || g->input.n > W_ONNX_MAX_ITEMS) return w_fail(r->e, WEIR_BAD_INPUT, "the graph has %zu outputs, at most 4096 are read", g->output.n);
    for (size_t i = 0; i < g->init.n; i++) W_TRY(initializer_add(r, g->init.v[i], i));
    for (size_t i = 0; i < g->input.n; i++) W_TRY(input_add(r, g->input.v[i], i));
    for (size_t i = 0; i < g->node.n; i++) W_TRY(w_onnx_node_outputs(r, g->node.v[i], i));
    for (size_t i = 0; i < g->node.n; i++) W_TRY(w_onnx_node_build(r, g->node.v[i], i));
    for (size_t i = 0; i < g->output.n; i++) W_TRY(output_add(r, g->output.v[i], i));
    return w_graph_toposort(r->g, r->e);
}

static weir_status infos_check(w_onnx *r, const w_spans *list, const char *what, const char *kind, bool shapes) {
    for (size_t k = 0; k < list->n; k++) {
        info i;
        W_TRY(info_read(r, list->v[k], what, k, &i));
        w_id v = w_graph_find(r->g, i.name);
        if (v != W_NONE) W_TRY(info_agrees(r, &i, &r->g->value[v], kind, shapes));
    }
    return WEIR_OK;
}

static weir_status declared_check(w_onnx *r, const graph_msg *g) {
    W_TRY(w_pass_infer(r->g, r->e));
    W_TRY(infos_check(r, &g->output, "output", "graph output", true));
    return infos_check(r, &g->info, "value_info", "value", false);
}

static weir_status graph_read(w_onnx *r, w_span m) {
    graph_msg g = {.node = {.r = r, .what = "node"}, .init = {.r = r, .what = "initializer"}, .input = {.r = r, .what = "input"},
                   .output = {.r = r, .what = "output"}, .info = {.r = r, .what = "value_info"},
                   .sparse = {.r = r, .what = "sparse_initializer"}, .name = {.r = r, .what = "name"}};
    onnx_GraphProto p = {.node = w_spans_field(&g.node), .name = w_one_field(&g.name), .initializer = w_spans_field(&g.init),
                         .input = w_spans_field(&g.input), .output = w_spans_field(&g.output), .value_info = w_spans_field(&g.info),
                         .sparse_initializer = w_spans_field(&g.sparse)};
    weir_status st = w_onnx_decode(r, m, onnx_GraphProto_fields, &p, "graph");
    if (st == WEIR_OK) st = graph_build(r, &g);
    if (st == WEIR_OK) st = declared_check(r, &g);
    w_spans *all[] = {&g.node, &g.init, &g.input, &g.output, &g.info, &g.sparse};
    for (size_t i = 0; i < W_COUNT(all); i++) w_spans_fini(all[i]);
    return st;
}

static weir_status model_read(w_onnx *r) {
    model_msg m = {.opset = {.r = r, .what = "opset_import"}, .functions = {.r = r, .what = "functions"}, .graph = {.r = r, .what = "graph"}};
    onnx_ModelProto p = {.graph = w_one_field(&m.graph), .opset_import = w_spans_field(&m.opset), .functions = w_spans_field(&m.functions)};
    weir_status st = w_onnx_decode(r, (w_span){r->map->data, r->map->size}, onnx_ModelProto_fields, &p, "model");
    m.ir = p.ir_version, m.has_ir = p.has_ir_version;
    if (st == WEIR_OK) st = model_check(r, &m);
    if (st == WEIR_OK) st = graph_read(r, m.graph.s);
    w_spans_fini(&m.opset);
    w_spans_fini(&m.functions);
    return st;
}

static weir_status file_read(w_onnx *r) {
    if (r->map->size == 0) return w_fail(r->e, WEIR_BAD_INPUT, "the file is empty, expected an ONNX model");
    if (r->map->size > W_ONNX_MAX_BYTES) return w_fail(r->e, WEIR_BAD_INPUT, "%zu bytes, an ONNX file ends at 2 GiB", r->map->size);
    return model_read(r);
}

weir_status w_onnx_read(weir_context *ctx, const char *path, const w_map *map, w_graph **out, weir_error *e) {
    w_onnx r = {.ctx = ctx, .path = path, .map = map, .e = e};
    *out = NULL;
    W_TRY(w_graph_create(ctx, path, &r.g, e));
    weir_status st = file_read(&r);
    w_map_close(ctx, &r.external);
    if (st != WEIR_OK) {
        w_graph_destroy(r.g);
        return w_fail_prefix(e, st, "%s", path);
    }
    *out = r.g;
    return WEIR_OK;
}
