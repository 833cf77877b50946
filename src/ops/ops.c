/* The operator table, and everything about attributes that follows from the tables in it. */
#include "op_util.h"
#include <string.h>

const w_attr_def w_no_attrs[1] = {{0}};

static const w_op_def *const table[W_OP_COUNT] = {
    NULL,
#define W_OP(name) &w_op_def_##name,
#include "ops.inc"
#undef W_OP
};

const w_op_def *w_op_get(uint16_t op) { return op < W_OP_COUNT ? table[op] : NULL; }

bool w_has_late_scale(const w_node *n) {
    bool product = n->op == W_OP_Conv || n->op == W_OP_Gemm || n->op == W_OP_MatMul;
    return product && n->nin > W_IN_SCALE && n->in[W_IN_SCALE] != W_NONE;
}

const char *w_op_domain(uint16_t op) {
    if (op == W_OP_MatMulNBits) return "com.microsoft";
    return strncmp(table[op]->name, "weir.", 5) == 0 ? "weir" : "";
}

w_op w_op_find(const char *onnx_name, const char *domain) {
    bool ours = domain && strcmp(domain, "weir") == 0;
    if (domain && strcmp(domain, "ai.onnx") == 0) domain = "";
    for (int i = 1; i < W_OP_COUNT; i++) {
        const char *name = table[i]->name;
        if (domain && strcmp(domain, w_op_domain((uint16_t)i)) != 0) continue;
        if (strcmp(name, onnx_name) == 0 || (ours && strcmp(name + 5, onnx_name) == 0)) return (w_op)i;
    }
    return W_OP_NONE;
}

/* ---- attributes ---- */

static void *field(void *attr, const w_attr_def *d) { return (uint8_t *)attr + d->offset; }
static const void *cfield(const void *attr, const w_attr_def *d) { return (const uint8_t *)attr + d->offset; }

void *w_op_attr_new(w_graph *g, w_op op) {
    const w_op_def *def = w_op_get((uint16_t)op);
    if (!def || !def->attr_size) return NULL;
    void *a = w_arena_alloc(&g->arena, def->attr_size);
    for (uint32_t i = 0; a && i < def->nattrs; i++) {
        const w_attr_def *d = &def->attrs[i];
        if (d->kind == W_ATTR_INT) *(int64_t *)field(a, d) = d->def_i;
        else if (d->kind == W_ATTR_FLOAT) *(float *)field(a, d) = d->def_f;
        else if (d->kind == W_ATTR_STRING) *(const char **)field(a, d) = d->def_s;
    }
    return a;
}

static bool same_bytes(const void *a, const void *b, size_t n) { return n == 0 || memcmp(a, b, n) == 0; }

static bool string_equal(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

static bool tensor_equal(const w_tensor *a, const w_tensor *b) {
    if (!a || !b) return a == b;
    return a->type == b->type && w_shape_equal(&a->shape, &b->shape) && same_bytes(a->data, b->data, w_tensor_bytes(a));
}

static bool attr_equal(const w_attr_def *d, const void *a, const void *b) {
    const w_ints *ia = a, *ib = b;
    const w_floats *fa = a, *fb = b;
    switch (d->kind) {
    case W_ATTR_INT: return *(const int64_t *)a == *(const int64_t *)b;
    case W_ATTR_FLOAT: return same_bytes(a, b, sizeof(float));
    case W_ATTR_STRING: return string_equal(*(const char *const *)a, *(const char *const *)b);
    case W_ATTR_INTS: return ia->n == ib->n && ia->present == ib->present && same_bytes(ia->v, ib->v, ia->n * sizeof *ia->v);
    case W_ATTR_FLOATS: return fa->n == fb->n && fa->present == fb->present && same_bytes(fa->v, fb->v, fa->n * sizeof *fa->v);
    default: return tensor_equal(*(w_tensor *const *)a, *(w_tensor *const *)b);
    }
}

bool w_op_attr_equal(w_op op, const void *a, const void *b) {
    const w_op_def *def = w_op_get((uint16_t)op);
    if (!def || !def->attr_size || a == b) return true;
    if (!a || !b) return false;
    for (uint32_t i = 0; i < def->nattrs; i++)
        if (!attr_equal(&def->attrs[i], cfield(a, &def->attrs[i]), cfield(b, &def->attrs[i]))) return false;
    return true;
}

/* Copies n bytes into the arena; *ok becomes false when memory ran out. */
static void *copy_bytes(w_graph *g, const void *from, size_t n, bool *ok) {
    if (!n) return NULL;
    void *to = w_arena_alloc(&g->arena, n);
    if (to) memcpy(to, from, n);
    else *ok = false;
    return to;
}

static w_tensor *copy_tensor(w_graph *g, const w_tensor *t, bool *ok) {
    w_tensor *c = copy_bytes(g, t, sizeof *t, ok);
    if (c) c->data = copy_bytes(g, t->data, w_tensor_bytes(t), ok);
    return c;
}

static bool deepen(w_graph *g, const w_attr_def *d, void *f) {
    bool ok = true;
    w_ints *i = f;
    w_floats *r = f;
    const char **s = f;
    w_tensor **t = f;
    switch (d->kind) {
    case W_ATTR_INTS: i->v = copy_bytes(g, i->v, i->n * sizeof *i->v, &ok); break;
    case W_ATTR_FLOATS: r->v = copy_bytes(g, r->v, r->n * sizeof *r->v, &ok); break;
    case W_ATTR_STRING: *s = *s && *s != d->def_s ? copy_bytes(g, *s, strlen(*s) + 1, &ok) : *s; break;
    case W_ATTR_TENSOR: *t = *t ? copy_tensor(g, *t, &ok) : NULL; break;
    default: break;
    }
    return ok;
}

void *w_op_attr_clone(w_graph *g, w_op op, const void *a) {
    const w_op_def *def = w_op_get((uint16_t)op);
    bool ok = true;
    if (!def || !def->attr_size || !a) return NULL;
    void *c = copy_bytes(g, a, def->attr_size, &ok);
    for (uint32_t i = 0; c && i < def->nattrs; i++)
        if (!deepen(g, &def->attrs[i], field(c, &def->attrs[i]))) return NULL;
    return c;
}

static bool is_default(const w_attr_def *d, const void *f) {
    switch (d->kind) {
    case W_ATTR_INT: return *(const int64_t *)f == d->def_i;
    case W_ATTR_FLOAT: return same_bytes(f, &d->def_f, sizeof(float));
    case W_ATTR_STRING: return string_equal(*(const char *const *)f, d->def_s);
    case W_ATTR_INTS: return !((const w_ints *)f)->present && !((const w_ints *)f)->n;
    case W_ATTR_FLOATS: return !((const w_floats *)f)->present && !((const w_floats *)f)->n;
    default: return !*(w_tensor *const *)f;
    }
}

static void print_one(const w_graph *g, const w_attr_def *d, const void *f, w_text *out) {
    const w_ints *ints = f;
    const w_floats *floats = f;
    char t[W_SHAPE_TEXT];
    w_text_add(out, " %s=", d->name);
    switch (d->kind) {
    case W_ATTR_INT: w_text_add(out, "%lld", (long long)*(const int64_t *)f); break;
    case W_ATTR_FLOAT: w_text_add(out, "%.9g", (double)*(const float *)f); break;
    case W_ATTR_STRING: w_text_add(out, "%s", *(const char *const *)f ? *(const char *const *)f : "none"); break;
    case W_ATTR_INTS:
        for (uint32_t i = 0; i < ints->n; i++) w_text_add(out, "%s%lld", i ? "," : "[", (long long)ints->v[i]);
        w_text_add(out, ints->n ? "]" : "[]");
        break;
    case W_ATTR_FLOATS:
        for (uint32_t i = 0; i < floats->n; i++) w_text_add(out, "%s%.9g", i ? "," : "[", (double)floats->v[i]);
        w_text_add(out, floats->n ? "]" : "[]");
        break;
    default:
        w_text_add(out, "%s%s", w_type_name((*(w_tensor *const *)f)->type), w_shape_text(g, &(*(w_tensor *const *)f)->shape, t));
        break;
    }
}

void w_op_attr_print(const w_graph *g, const w_node *n, w_text *out) {
    const w_op_def *def = w_op_get(n->op);
    for (uint32_t i = 0; def && n->attr && i < def->nattrs; i++) {
        const void *f = cfield(n->attr, &def->attrs[i]);
        if (!is_default(&def->attrs[i], f)) print_one(g, &def->attrs[i], f, out);
    }
}

/* ---- what the graph room asks ---- */

static const char *op_name(uint16_t op) { return op == W_OP_NONE ? "none" : op < W_OP_COUNT ? table[op]->name : "?"; }

static void *attr_clone(w_graph *g, uint16_t op, const void *a) { return w_op_attr_clone(g, (w_op)op, a); }

const w_graph_vt w_ops_vt = {op_name, attr_clone, w_op_attr_print};
