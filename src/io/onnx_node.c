/* NodeProto and AttributeProto: two passes, so that nodes may come in any order. The first makes the outputs of every node
 * into values (and a Constant with a tensor into constant data in place), the second resolves the operands. */
#include "onnx_pb.h"
#include <stdio.h>
#include <string.h>

/* The codes of AttributeProto.type that weir reads. */
enum { A_FLOAT = 1, A_INT = 2, A_STRING = 3, A_TENSOR = 4, A_GRAPH = 5, A_FLOATS = 6, A_INTS = 7 };
static const int kind_code[] = {[W_ATTR_INT] = A_INT, [W_ATTR_FLOAT] = A_FLOAT, [W_ATTR_STRING] = A_STRING,
                                [W_ATTR_INTS] = A_INTS, [W_ATTR_FLOATS] = A_FLOATS, [W_ATTR_TENSOR] = A_TENSOR};
static const char *const kind_name[] = {[W_ATTR_INT] = "an int", [W_ATTR_FLOAT] = "a float", [W_ATTR_STRING] = "a string",
                                        [W_ATTR_INTS] = "ints", [W_ATTR_FLOATS] = "floats", [W_ATTR_TENSOR] = "a tensor"};

typedef struct node_msg {
    w_spans in, out, attr;
    w_one name, type, domain;
    char where[200]; /* names the node in messages */
    w_op op;
} node_msg;

static void node_fini(node_msg *n) {
    w_spans_fini(&n->in);
    w_spans_fini(&n->out);
    w_spans_fini(&n->attr);
}

static void node_label(node_msg *n, size_t index) {
    int op = (int)W_MIN(n->type.s.n, 60);
    if (n->name.s.n) {
        snprintf(n->where, sizeof n->where, "node '%.*s' (%.*s)", (int)W_MIN(n->name.s.n, 100), (const char *)n->name.s.p, op, (const char *)n->type.s.p);
    } else {
        snprintf(n->where, sizeof n->where, "node %zu (%.*s)", index, op, (const char *)n->type.s.p);
    }
}

static weir_status node_find_op(w_onnx *r, node_msg *n) {
    char op[64], domain[64];
    snprintf(op, sizeof op, "%.*s", (int)W_MIN(n->type.s.n, 63), (const char *)n->type.s.p);
    snprintf(domain, sizeof domain, "%.*s", (int)W_MIN(n->domain.s.n, 63), (const char *)n->domain.s.p);
    bool internal = strncmp(op, "weir.", 5) == 0;
    n->op = internal || n->type.s.n > 63 || n->domain.s.n > 63 ? W_OP_NONE : w_op_find(op, domain);
    if (n->op == W_OP_NONE) {
        return w_fail(r->e, WEIR_BAD_INPUT, "%s: operator '%s' of domain '%s' is not supported (docs/ops.md lists those that are)", n->where, op,
                      domain[0] ? domain : "ai.onnx");
    }
    int64_t since = w_op_get((uint16_t)n->op)->since;
    if (r->g->opset < since) {
        return w_fail(r->e, WEIR_BAD_INPUT, "%s: %s is read from opset %lld on, the model has opset %lld", n->where, op, (long long)since, (long long)r->g->opset);
    }
    return WEIR_OK;
}

static weir_status node_decode(w_onnx *r, w_span m, size_t index, node_msg *n) {
    char at[40];
    snprintf(at, sizeof at, "node %zu", index);
    *n = (node_msg){.in = {.r = r, .what = "input"}, .out = {.r = r, .what = "output"}, .attr = {.r = r, .what = "attribute"},
                    .name = {.r = r, .what = "name"}, .type = {.r = r, .what = "op_type"}, .domain = {.r = r, .what = "domain"}};
    onnx_NodeProto p = {.input = w_spans_field(&n->in), .output = w_spans_field(&n->out), .name = w_one_field(&n->name),
                        .op_type = w_one_field(&n->type), .attribute = w_spans_field(&n->attr), .domain = w_one_field(&n->domain)};
    W_TRY(w_onnx_decode(r, m, onnx_NodeProto_fields, &p, at));
    W_TRY(w_onnx_text(r, n->name.s, "name", at));
    W_TRY(w_onnx_text(r, n->type.s, "op_type", at));
    W_TRY(w_onnx_text(r, n->domain.s, "domain", at));
    node_label(n, index);
    if (n->type.s.n == 0) return w_fail(r->e, WEIR_BAD_INPUT, "%s: has no op_type", n->where);
    return node_find_op(r, n);
}

/* ---- attributes ---- */

typedef struct attr_msg {
    onnx_AttributeProto p;
    w_one name, s, t, g, ref;
    w_scalars floats, ints;
    w_span m;
    char where[300];
} attr_msg;

static weir_status attr_decode(w_onnx *r, w_span m, const char *node, attr_msg *a) {
    *a = (attr_msg){.name = {.r = r, .what = "name"}, .s = {.r = r, .what = "s"}, .t = {.r = r, .what = "t"}, .g = {.r = r, .what = "g"},
                    .ref = {.r = r, .what = "ref_attr_name"}, .floats = {r, "floats", W_WIRE_F32, WEIR_F32, NULL, 0, 0},
                    .ints = {r, "ints", W_WIRE_VARINT, WEIR_S64, NULL, 0, 0}, .m = m};
    a->p = (onnx_AttributeProto){.name = w_one_field(&a->name), .s = w_one_field(&a->s), .t = w_one_field(&a->t), .g = w_one_field(&a->g),
                                 .ref_attr_name = w_one_field(&a->ref), .floats = w_scalars_field(&a->floats), .ints = w_scalars_field(&a->ints)};
    W_TRY(w_onnx_decode(r, m, onnx_AttributeProto_fields, &a->p, node));
    if (a->name.s.n == 0) return w_fail(r->e, WEIR_BAD_INPUT, "%s: an attribute has no name", node);
    W_TRY(w_onnx_text(r, a->name.s, "attribute name", node));
    snprintf(a->where, sizeof a->where, "%s: attribute '%.*s'", node, (int)W_MIN(a->name.s.n, 60), (const char *)a->name.s.p);
    if (a->g.seen || a->p.type == A_GRAPH || a->p.type == 10) return w_fail(r->e, WEIR_BAD_INPUT, "%s: subgraphs are not supported", a->where);
    if (a->ref.s.n) return w_fail(r->e, WEIR_BAD_INPUT, "%s: refers to an attribute of a function, which is not supported", a->where);
    return WEIR_OK;
}

static bool attr_present(const attr_msg *a, w_attr_kind kind) {
    switch (kind) {
    case W_ATTR_INT: return a->p.has_i;
    case W_ATTR_FLOAT: return a->p.has_f;
    case W_ATTR_STRING: return a->s.seen;
    case W_ATTR_TENSOR: return a->t.seen;
    default: return true; /* a list may be empty */
    }
}

/* proto3 writers leave out zeros, so a scalar counts as given when the type says so. */
static weir_status attr_check_kind(w_onnx *r, const attr_msg *a, w_attr_kind kind) {
    bool typed = a->p.has_type && a->p.type != 0;
    bool ok = typed ? a->p.type == kind_code[kind] : attr_present(a, kind);
    if (ok && kind == W_ATTR_TENSOR) ok = a->t.seen;
    if (ok) return WEIR_OK;
    return w_fail(r->e, WEIR_BAD_INPUT, "%s: expected %s, found type %d", a->where, kind_name[kind], (int)a->p.type);
}

static weir_status attr_list(w_onnx *r, attr_msg *a, w_scalars *l, size_t size) {
    if (l->n > W_ONNX_MAX_ITEMS) return w_fail(r->e, WEIR_BAD_INPUT, "%s: %zu entries, at most %zu are read", a->where, l->n, W_ONNX_MAX_ITEMS);
    l->out = w_arena_array(&r->g->arena, l->n + 1, size);
    if (!l->out) return w_oom(r->e, l->n * size, a->where);
    l->cap = l->n, l->n = 0;
    onnx_AttributeProto again = onnx_AttributeProto_init_zero;
    if (l == &a->floats) again.floats = w_scalars_field(l);
    else again.ints = w_scalars_field(l);
    return w_onnx_decode(r, a->m, onnx_AttributeProto_fields, &again, a->where);
}

static weir_status attr_tensor(w_onnx *r, const attr_msg *a, w_tensor **out) {
    w_onnx_tensor t;
    W_TRY(w_onnx_tensor_read(r, a->t.s, a->where, &t));
    w_tensor *v = w_arena_alloc(&r->g->arena, sizeof *v);
    if (!v) return w_oom(r->e, sizeof *v, a->where);
    *v = (w_tensor){.type = t.type, .shape = t.shape};
    size_t bytes = w_tensor_bytes(v);
    v->data = w_arena_alloc_aligned(&r->g->arena, W_MAX(bytes, 1));
    if (!v->data) return w_oom(r->e, bytes, a->where);
    if (bytes) memcpy(v->data, t.data, bytes);
    *out = v;
    return WEIR_OK;
}

static weir_status attr_string(w_onnx *r, const attr_msg *a, const char **out) {
    W_TRY(w_onnx_text(r, a->s.s, "its string", a->where));
    *out = w_arena_strndup(&r->g->arena, a->s.s.n ? (const char *)a->s.s.p : "", a->s.s.n);
    return *out ? WEIR_OK : w_oom(r->e, a->s.s.n, a->where);
}

static weir_status attr_store(w_onnx *r, attr_msg *a, const w_attr_def *def, void *attrs) {
    char *field = (char *)attrs + def->offset;
    W_TRY(attr_check_kind(r, a, def->kind));
    switch (def->kind) {
    case W_ATTR_INT: memcpy(field, &a->p.i, sizeof a->p.i); return WEIR_OK;
    case W_ATTR_FLOAT: memcpy(field, &a->p.f, sizeof a->p.f); return WEIR_OK;
    case W_ATTR_STRING: return attr_string(r, a, (const char **)(void *)field);
    case W_ATTR_TENSOR: return attr_tensor(r, a, (w_tensor **)(void *)field);
    case W_ATTR_INTS:
        W_TRY(attr_list(r, a, &a->ints, sizeof(int64_t)));
        *(w_ints *)(void *)field = (w_ints){a->ints.out, (uint32_t)a->ints.n, true};
        return WEIR_OK;
    case W_ATTR_FLOATS:
        W_TRY(attr_list(r, a, &a->floats, sizeof(float)));
        *(w_floats *)(void *)field = (w_floats){a->floats.out, (uint32_t)a->floats.n, true};
        return WEIR_OK;
    }
    return w_fail(r->e, WEIR_INTERNAL, "%s: unknown attribute kind", a->where);
}

static const w_attr_def *attr_find(const w_op_def *def, w_span name, uint32_t *index) {
    for (uint32_t i = 0; i < def->nattrs; i++) {
        bool ours = strncmp(def->attrs[i].name, "weir_", 5) == 0;
        if (!ours && w_span_is(name, def->attrs[i].name)) {
            *index = i;
            return &def->attrs[i];
        }
    }
    return NULL;
}

static weir_status attrs_read(w_onnx *r, const node_msg *n, void *attrs) {
    const w_op_def *def = w_op_get((uint16_t)n->op);
    uint64_t seen = 0;
    for (size_t k = 0; k < n->attr.n; k++) {
        attr_msg a;
        uint32_t index = 0;
        W_TRY(attr_decode(r, n->attr.v[k], n->where, &a));
        if (a.name.s.n >= 2 && memcmp(a.name.s.p, "__", 2) == 0) continue; /* reserved for other tools' notes */
        const w_attr_def *d = attr_find(def, a.name.s, &index);
        if (!d || !attrs) return w_fail(r->e, WEIR_BAD_INPUT, "%s: is not an attribute of %s that weir knows", a.where, def->name);
        if (index < 64 && (seen >> index & 1)) return w_fail(r->e, WEIR_BAD_INPUT, "%s: appears twice", a.where);
        if (index < 64) seen |= UINT64_C(1) << index;
        W_TRY(attr_store(r, &a, d, attrs));
    }
    for (uint32_t i = 0; i < def->nattrs && i < 64; i++) {
        if (def->attrs[i].required && !(seen >> i & 1)) {
            return w_fail(r->e, WEIR_BAD_INPUT, "%s: the required attribute '%s' is missing", n->where, def->attrs[i].name);
        }
    }
    return WEIR_OK;
}

/* ---- first pass: outputs ---- */

static size_t without_trailing_empty(const w_spans *l) {
    size_t n = l->n;
    while (n > 0 && l->v[n - 1].n == 0) n--;
    return n;
}

static weir_status arity(w_onnx *r, const node_msg *n, const char *what, size_t have, uint32_t lo, uint32_t hi) {
    if (have >= lo && have <= hi) return WEIR_OK;
    if (hi == UINT32_MAX) return w_fail(r->e, WEIR_BAD_INPUT, "%s: has %zu %s, expected at least %u", n->where, have, what, lo);
    return w_fail(r->e, WEIR_BAD_INPUT, "%s: has %zu %s, expected %u to %u", n->where, have, what, lo, hi);
}

static weir_status unused_name(w_onnx *r, const node_msg *n, const char *name) {
    w_id v = w_graph_find(r->g, name);
    if (v == W_NONE) return WEIR_OK;
    return w_fail(r->e, WEIR_BAD_INPUT, "%s: its output '%s' is already the name of %s", n->where, name,
                  r->g->value[v].kind == W_VALUE_NODE ? "another node's output" : "a graph input or initializer");
}

/* A Constant whose tensor lies in the file becomes constant data without a copy. */
static weir_status constant_value(w_onnx *r, const node_msg *n, const char *name, bool *done) {
    for (size_t k = 0; k < n->attr.n; k++) {
        attr_msg a;
        w_onnx_tensor t;
        w_id v;
        W_TRY(attr_decode(r, n->attr.v[k], n->where, &a));
        if (!w_span_is(a.name.s, "value")) continue;
        W_TRY(attr_check_kind(r, &a, W_ATTR_TENSOR));
        if (n->attr.n > 1) return w_fail(r->e, WEIR_BAD_INPUT, "%s: has %zu attributes, expected one", n->where, n->attr.n);
        W_TRY(w_onnx_tensor_read(r, a.t.s, a.where, &t));
        W_TRY(w_graph_add_const(r->g, name, t.type, &t.shape, t.data, &v, r->e));
        r->g->value[v].is_mapped = t.mapped;
        *done = true;
    }
    return WEIR_OK;
}

static weir_status outputs_add(w_onnx *r, const node_msg *n) {
    const w_op_def *def = w_op_get((uint16_t)n->op);
    size_t nout = without_trailing_empty(&n->out);
    W_TRY(arity(r, n, "outputs", nout, W_MAX(def->min_out, 1u), def->max_out));
    for (size_t k = 0; k < nout; k++) {
        const char *name;
        bool done = false;
        w_id v;
        W_TRY(w_onnx_name(r, n->out.v[k], "output name", n->where, &name));
        if (name[0] == 0) continue; /* an optional output that nobody wants: made when the node is */
        W_TRY(unused_name(r, n, name));
        if (n->op == W_OP_Constant) W_TRY(constant_value(r, n, name, &done));
        if (!done) W_TRY(w_graph_add_value(r->g, name, &v, r->e));
    }
    return WEIR_OK;
}

weir_status w_onnx_node_outputs(w_onnx *r, w_span m, size_t index) {
    node_msg n;
    weir_status st = node_decode(r, m, index, &n);
    if (st == WEIR_OK) st = outputs_add(r, &n);
    node_fini(&n);
    return st;
}

/* ---- second pass: the node ---- */

static weir_status operands(w_onnx *r, const node_msg *n, w_id **in, uint32_t *nin) {
    const w_op_def *def = w_op_get((uint16_t)n->op);
    size_t have = without_trailing_empty(&n->in);
    W_TRY(arity(r, n, "inputs", have, def->min_in, def->max_in));
    *in = w_arena_array(&r->g->arena, have + 1, sizeof **in);
    if (!*in) return w_oom(r->e, have * sizeof **in, n->where);
    for (size_t k = 0; k < have; k++) {
        const char *name;
        W_TRY(w_onnx_name(r, n->in.v[k], "input name", n->where, &name));
        (*in)[k] = name[0] ? w_graph_find(r->g, name) : W_NONE;
        if (name[0] && (*in)[k] == W_NONE) {
            return w_fail(r->e, WEIR_BAD_INPUT, "%s: its input '%s' is no graph input, initializer or output of a node", n->where, name);
        }
        if (!name[0] && k < def->min_in) return w_fail(r->e, WEIR_BAD_INPUT, "%s: input %zu is required but empty", n->where, k);
    }
    *nin = (uint32_t)have;
    return WEIR_OK;
}

static weir_status results(w_onnx *r, const node_msg *n, w_id **out, uint32_t *nout) {
    size_t have = without_trailing_empty(&n->out);
    *out = w_arena_array(&r->g->arena, have + 1, sizeof **out);
    if (!*out) return w_oom(r->e, have * sizeof **out, n->where);
    for (size_t k = 0; k < have; k++) {
        const char *name;
        W_TRY(w_onnx_name(r, n->out.v[k], "output name", n->where, &name));
        if (name[0]) (*out)[k] = w_graph_find(r->g, name);
        else W_TRY(w_graph_add_value(r->g, "", &(*out)[k], r->e));
    }
    *nout = (uint32_t)have;
    return WEIR_OK;
}

static weir_status node_add(w_onnx *r, const node_msg *n) {
    w_id *in = NULL, *out = NULL, id;
    uint32_t nin = 0, nout = 0;
    const char *name;
    W_TRY(results(r, n, &out, &nout));
    if (n->op == W_OP_Constant && r->g->value[out[0]].kind == W_VALUE_CONST) return WEIR_OK;
    W_TRY(operands(r, n, &in, &nin));
    void *attrs = w_op_attr_new(r->g, n->op);
    if (!attrs && w_op_get((uint16_t)n->op)->attr_size) return w_oom(r->e, w_op_get((uint16_t)n->op)->attr_size, n->where);
    W_TRY(attrs_read(r, n, attrs));
    W_TRY(w_onnx_name(r, n->name.s, "name", n->where, &name));
    return w_graph_add_node(r->g, (uint16_t)n->op, name, in, nin, out, nout, attrs, &id, r->e);
}

weir_status w_onnx_node_build(w_onnx *r, w_span m, size_t index) {
    node_msg n;
    weir_status st = node_decode(r, m, index, &n);
    if (st == WEIR_OK) st = node_add(r, &n);
    node_fini(&n);
    return st;
}
