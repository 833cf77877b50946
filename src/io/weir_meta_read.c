/* Reading the metadata of a .weir file into a graph. Every number is checked before it is used: counts against the bytes that
 * are left, ids against the values there are, sizes against their section. */
#include "weir_format.h"
#include "utf8.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct op_entry { uint16_t op; uint32_t nattr; uint16_t *attr; } op_entry;

typedef struct reader {
    w_graph *g;
    w_rbuf in;
    const w_weir_sections *sections;
    size_t coded_at, dense_at;
    op_entry *op;
    size_t nop;
    size_t nvalue;
    w_arena scratch;
    weir_error *e;
} reader;

static weir_status ends_early(reader *r, const char *where) {
    return w_fail(r->e, WEIR_BAD_INPUT, "the metadata ends early or is damaged in %s", where);
}

static weir_status get_string(reader *r, w_arena *a, const char *where, char **out) {
    *out = w_get_string(&r->in, a);
    if (r->in.bad) return ends_early(r, where);
    return *out ? WEIR_OK : w_oom(r->e, 1, where);
}

static weir_status get_count(reader *r, size_t least, const char *where, size_t *out) {
    *out = w_get_count(&r->in, least);
    return r->in.bad ? ends_early(r, where) : WEIR_OK;
}

/* ---- tables ---- */

static weir_status find_attr(reader *r, const w_op_def *def, const char *name, uint16_t *out) {
    for (uint32_t i = 0; i < def->nattrs; i++) {
        if (strcmp(def->attrs[i].name, name) == 0) {
            *out = (uint16_t)i;
            return WEIR_OK;
        }
    }
    return w_fail(r->e, WEIR_BAD_INPUT, "attribute '%s' of %s is unknown to weir " WEIR_VERSION, name, def->name);
}

static weir_status get_op(reader *r, op_entry *o) {
    char *name;
    size_t n;
    W_TRY(get_string(r, &r->scratch, "the operator table", &name));
    o->op = (uint16_t)w_op_find(name, NULL);
    const w_op_def *def = w_op_get(o->op);
    if (!def || o->op == W_OP_Layout) return w_fail(r->e, WEIR_BAD_INPUT, "operator '%s' is unknown to weir " WEIR_VERSION, name);
    W_TRY(get_count(r, 1, "the operator table", &n));
    if (n > 64) return w_fail(r->e, WEIR_BAD_INPUT, "operator '%s' has %zu attributes, at most 64 are stored", name, n);
    o->nattr = (uint32_t)n;
    o->attr = w_arena_array(&r->scratch, n + 1, sizeof *o->attr);
    if (!o->attr) return w_oom(r->e, n, "the operator table");
    for (size_t i = 0; i < n; i++) {
        W_TRY(get_string(r, &r->scratch, "the operator table", &name));
        W_TRY(find_attr(r, def, name, &o->attr[i]));
    }
    return WEIR_OK;
}

static weir_status get_tables(reader *r) {
    size_t nsymbol;
    if (r->sections->features & W_WEIR_NAMED) W_TRY(w_features_read(&r->in, &r->scratch, r->e));
    uint64_t opset = w_get_varint(&r->in);
    uint8_t canonical = w_get_u8(&r->in);
    if (r->in.bad) return ends_early(r, "its head");
    if (opset > 1000 || canonical != 1) return w_fail(r->e, WEIR_BAD_INPUT, "the head of the metadata is wrong: opset %llu", (unsigned long long)opset);
    r->g->opset = (int64_t)opset;
    W_TRY(get_count(r, 2, "the operator table", &r->nop));
    r->op = w_arena_array(&r->scratch, r->nop + 1, sizeof *r->op);
    if (!r->op) return w_oom(r->e, r->nop * sizeof *r->op, "the operator table");
    for (size_t i = 0; i < r->nop; i++) W_TRY(get_op(r, &r->op[i]));
    W_TRY(get_count(r, 1, "the symbols", &nsymbol));
    for (size_t i = 0; i < nsymbol; i++) {
        char *name;
        int64_t dim;
        W_TRY(get_string(r, &r->scratch, "the symbols", &name));
        W_TRY(w_graph_symbol(r->g, name, &dim, r->e));
        if (dim != -(int64_t)i - 1) return w_fail(r->e, WEIR_BAD_INPUT, "symbol '%s' is listed twice", name);
    }
    return WEIR_OK;
}

/* ---- values ---- */

static weir_status get_shape(reader *r, const char *where, w_shape *s) {
    *s = (w_shape){.rank = w_get_u8(&r->in), .known = true};
    if (s->rank > W_MAX_RANK) return w_fail(r->e, WEIR_BAD_INPUT, "%s: rank %u, at most %d is supported", where, s->rank, W_MAX_RANK);
    for (uint8_t k = 0; k < s->rank; k++) {
        s->dim[k] = w_get_signed(&r->in);
        if (s->dim[k] > W_MAX_DIM || s->dim[k] < -(int64_t)r->g->nsymbol) {
            return w_fail(r->e, WEIR_BAD_INPUT, "%s: dimension %u is %lld, expected 0 to %lld or one of %zu symbols", where, k, (long long)s->dim[k],
                          (long long)W_MAX_DIM, r->g->nsymbol);
        }
    }
    return r->in.bad ? ends_early(r, where) : WEIR_OK;
}

/* Bytes of a tensor whose shape is full; overflow and symbols are refused. */
static weir_status full_bytes(reader *r, w_type t, const w_shape *s, const char *where, size_t *out) {
    size_t n = w_type_size(t);
    if (!n || !s->known) return w_fail(r->e, WEIR_BAD_INPUT, "%s: is constant but has no %s", where, n ? "shape" : "type");
    for (uint8_t k = 0; k < s->rank; k++) {
        if (s->dim[k] < 0) return w_fail(r->e, WEIR_BAD_INPUT, "%s: is constant but its dimension %u is a symbol", where, k);
        if (!w_mul_size(n, (size_t)s->dim[k], &n)) return w_fail(r->e, WEIR_BAD_INPUT, "%s: its dims overflow the address space", where);
    }
    *out = n;
    return WEIR_OK;
}

static weir_status get_zeros(reader *r, const char *where, int32_t *zero, size_t n) {
    uint8_t any = w_get_u8(&r->in);
    if (any > 1) return ends_early(r, where);
    for (size_t i = 0; any && i < n; i++) {
        int64_t z = w_get_signed(&r->in);
        if (z < -128 || z > 255) return w_fail(r->e, WEIR_BAD_INPUT, "%s: zero point %zu is %lld, expected -128 to 255", where, i, (long long)z);
        zero[i] = (int32_t)z;
    }
    return r->in.bad ? ends_early(r, where) : WEIR_OK;
}

static weir_status get_quant(reader *r, const char *where, w_value *v) {
    size_t n;
    W_TRY(get_count(r, 2, where, &n));
    int64_t axis = w_get_signed(&r->in);
    w_quant *q = w_arena_alloc(&r->g->arena, sizeof *q);
    float *scale = w_arena_array(&r->g->arena, n + 1, sizeof *scale);
    int32_t *zero = w_arena_array(&r->g->arena, n + 1, sizeof *zero);
    if (!q || !scale || !zero) return w_oom(r->e, n * 8, where);
    bool per_axis = n > 1 && v->shape.known && axis >= 0 && axis < v->shape.rank && v->shape.dim[axis] == (int64_t)n;
    if (n == 0 || (n > 1 && !per_axis) || axis < -1 || axis > W_MAX_RANK) {
        return w_fail(r->e, WEIR_BAD_INPUT, "%s: %zu scales on axis %lld, expected 1 or one for each index", where, n, (long long)axis);
    }
    if (v->type != WEIR_U8 && v->type != WEIR_S8) return w_fail(r->e, WEIR_BAD_INPUT, "%s: is quantised, expected type u8 or s8", where);
    if (!w_get_floats(&r->in, scale, n)) return ends_early(r, where);
    for (size_t i = 0; i < n; i++) {
        if (!(scale[i] > 0) || !isfinite(scale[i])) return w_fail(r->e, WEIR_BAD_INPUT, "%s: scale %zu is %g, expected a positive number", where, i, (double)scale[i]);
    }
    W_TRY(get_zeros(r, where, zero, n));
    *q = (w_quant){.n = (uint32_t)n, .axis = (int32_t)axis, .scale = scale, .zero = zero};
    v->quant = q;
    return WEIR_OK;
}

static weir_status get_coding(reader *r, const char *where, w_value *v) {
    w_coding *c = w_arena_alloc(&r->g->arena, sizeof *c);
    size_t n;
    if (!c) return w_oom(r->e, sizeof *c, where);
    uint8_t ans = w_get_u8(&r->in);
    if (!w_get_floats(&r->in, &c->density, 1) || ans > 1) return ends_early(r, where);
    if (!(c->density >= 0 && c->density <= 1)) return w_fail(r->e, WEIR_BAD_INPUT, "%s: density %g, expected 0 to 1", where, (double)c->density);
    W_TRY(get_count(r, 2, where, &n));
    float *book = n ? w_arena_array(&r->g->arena, n, sizeof *book) : NULL;
    if (n && !book) return w_oom(r->e, n * sizeof *book, where);
    if (n && !w_get_floats(&r->in, book, n)) return ends_early(r, where);
    c->ans = ans, c->ncodebook = (uint32_t)n, c->codebook = book;
    v->coding = c;
    return WEIR_OK;
}

/* Elements that lie in the metadata: f32 as floats, all other types as their bytes. */
static weir_status get_inline(reader *r, const char *where, w_value *v, size_t bytes) {
    bool floats = v->type == WEIR_F32 && bytes > 0;
    if (bytes / (floats ? 2 : 1) > r->in.n - r->in.at) return ends_early(r, where);
    void *copy = w_arena_alloc_aligned(&r->g->arena, W_MAX(bytes, 1));
    if (!copy) return w_oom(r->e, bytes, where);
    v->data = copy;
    if (floats) return w_get_floats(&r->in, copy, bytes / sizeof(float)) ? WEIR_OK : ends_early(r, where);
    const uint8_t *p = w_get_bytes(&r->in, bytes);
    if (p && bytes) memcpy(copy, p, bytes);
    return r->in.bad ? ends_early(r, where) : WEIR_OK;
}

static weir_status get_dense(reader *r, const char *where, w_value *v, size_t bytes) {
    const w_weir_sections *s = r->sections;
    size_t at = W_ALIGN_UP(r->dense_at, W_WEIR_ALIGN);
    if (at > s->dense_size || bytes > s->dense_size - at) {
        return w_fail(r->e, WEIR_BAD_INPUT, "%s: needs %zu bytes from %zu on, the section of dense tensors has %zu", where, bytes, at, s->dense_size);
    }
    v->data = s->dense + at;
    v->is_mapped = true;
    r->dense_at = at + bytes;
    return WEIR_OK;
}

static weir_status get_coded(reader *r, const char *where, w_value *v, size_t bytes) {
    const w_weir_sections *s = r->sections;
    uint64_t size = w_get_varint(&r->in);
    if (r->in.bad) return ends_early(r, where);
    if (size > s->coded_size - r->coded_at) {
        return w_fail(r->e, WEIR_BAD_INPUT, "%s: needs %llu coded bytes, the section has %zu left", where, (unsigned long long)size, s->coded_size - r->coded_at);
    }
    if (bytes == 0 || (bytes > W_WEIR_FREE_BYTES && (bytes - W_WEIR_FREE_BYTES) / W_WEIR_MAX_RATIO >= size + 1)) {
        return w_fail(r->e, WEIR_BAD_INPUT, "%s: %zu bytes from %llu coded ones, at most %zu times as many are decoded", where, bytes,
                      (unsigned long long)size, W_WEIR_MAX_RATIO);
    }
    void *data = w_arena_alloc_aligned(&r->g->arena, bytes);
    if (!data) return w_oom(r->e, bytes, where);
    weir_status st = w_coded_read(r->g->ctx, s->coded + r->coded_at, (size_t)size, v, data, bytes, r->e);
    if (st != WEIR_OK) return w_fail_prefix(r->e, st, "%s", where);
    v->data = data;
    r->coded_at += (size_t)size;
    return WEIR_OK;
}

static weir_status get_constant(reader *r, const char *where, w_value *v, unsigned storage) {
    size_t bytes = 0;
    W_TRY(full_bytes(r, v->type, &v->shape, where, &bytes));
    switch (storage) {
    case W_STORE_INLINE: return get_inline(r, where, v, bytes);
    case W_STORE_DENSE: return get_dense(r, where, v, bytes);
    case W_STORE_CODED: return get_coded(r, where, v, bytes);
    default: return w_fail(r->e, WEIR_BAD_INPUT, "%s: unknown storage %u", where, storage);
    }
}

static bool name_is_utf8(const char *s) { return w_utf8_check(s, strlen(s)) == strlen(s); }

static weir_status add_value(reader *r, const char *name, const w_value *v) {
    w_id id;
    if (w_graph_find(r->g, name) != W_NONE) return w_fail(r->e, WEIR_BAD_INPUT, "tensor '%s' is listed twice", name);
    if (v->kind == W_VALUE_INPUT) W_TRY(w_graph_add_input(r->g, name, v->type, &v->shape, &id, r->e));
    else W_TRY(w_graph_add_value(r->g, name, &id, r->e));
    w_value *to = &r->g->value[id];
    to->kind = v->kind, to->type = v->type, to->shape = v->shape;
    to->quant = v->quant, to->coding = v->coding, to->data = v->data, to->is_mapped = v->is_mapped;
    return WEIR_OK;
}

static weir_status get_value(reader *r, size_t index) {
    uint8_t flags = w_get_u8(&r->in);
    w_value v = {.kind = flags & 3};
    char where[200], *name;
    snprintf(where, sizeof where, "value %zu", index);
    if (v.kind > W_VALUE_CONST || flags >> 7) return ends_early(r, where);
    W_TRY(get_string(r, &r->scratch, where, &name));
    if (!name[0] || !name_is_utf8(name)) return w_fail(r->e, WEIR_BAD_INPUT, "%s: its name is empty or not UTF-8", where);
    snprintf(where, sizeof where, "tensor '%.160s'", name);
    v.type = w_get_u8(&r->in);
    if (v.type && !w_type_size(v.type)) return w_fail(r->e, WEIR_BAD_INPUT, "%s: unknown type %d", where, (int)v.type);
    if (flags & 4) W_TRY(get_shape(r, where, &v.shape));
    if (v.kind == W_VALUE_INPUT && (!v.type || !v.shape.known)) return w_fail(r->e, WEIR_BAD_INPUT, "%s: is a graph input without type or shape", where);
    if (flags & 8) W_TRY(get_quant(r, where, &v));
    if (flags & 16) W_TRY(get_coding(r, where, &v));
    if (v.kind == W_VALUE_CONST) W_TRY(get_constant(r, where, &v, flags >> 5));
    if (r->in.bad) return ends_early(r, where);
    return add_value(r, name, &v);
}

/* ---- nodes ---- */

static weir_status get_ids(reader *r, const char *where, w_id **out, uint32_t *n) {
    size_t count;
    W_TRY(get_count(r, 1, where, &count));
    *out = w_arena_array(&r->g->arena, count + 1, sizeof **out);
    if (!*out) return w_oom(r->e, count * sizeof **out, where);
    for (size_t i = 0; i < count; i++) {
        uint64_t id = w_get_varint(&r->in);
        if (r->in.bad) return ends_early(r, where);
        if (id > r->nvalue) return w_fail(r->e, WEIR_BAD_INPUT, "%s: refers to value %llu of %zu", where, (unsigned long long)id - 1, r->nvalue);
        (*out)[i] = id ? (w_id)(id - 1) : W_NONE;
    }
    *n = (uint32_t)count;
    return WEIR_OK;
}

static weir_status get_attr_tensor(reader *r, const char *where, w_tensor **out) {
    w_tensor *t = w_arena_alloc(&r->g->arena, sizeof *t);
    w_value v = {0};
    size_t bytes = 0;
    if (!t) return w_oom(r->e, sizeof *t, where);
    v.type = t->type = w_get_u8(&r->in);
    W_TRY(get_shape(r, where, &t->shape));
    W_TRY(full_bytes(r, t->type, &t->shape, where, &bytes));
    W_TRY(get_inline(r, where, &v, bytes));
    memcpy(&t->data, &v.data, sizeof t->data);
    *out = t;
    return WEIR_OK;
}

static weir_status get_attr_ints(reader *r, const char *where, w_ints *out) {
    size_t n;
    W_TRY(get_count(r, 1, where, &n));
    *out = (w_ints){w_arena_array(&r->g->arena, n + 1, sizeof(int64_t)), (uint32_t)n, true};
    if (!out->v) return w_oom(r->e, n * sizeof(int64_t), where);
    for (size_t i = 0; i < n; i++) out->v[i] = w_get_signed(&r->in);
    return WEIR_OK;
}

static weir_status get_attr_floats(reader *r, const char *where, w_floats *out) {
    size_t n;
    W_TRY(get_count(r, 2, where, &n));
    *out = (w_floats){w_arena_array(&r->g->arena, n + 1, sizeof(float)), (uint32_t)n, true};
    if (!out->v) return w_oom(r->e, n * sizeof(float), where);
    return w_get_floats(&r->in, out->v, n) ? WEIR_OK : ends_early(r, where);
}

static weir_status get_attr(reader *r, const char *where, const w_attr_def *d, void *attr) {
    void *field = (char *)attr + d->offset;
    int64_t i;
    switch (d->kind) {
    case W_ATTR_INT:
        i = w_get_signed(&r->in);
        if (strcmp(d->name, "weir_act") == 0 && (i < 0 || i > W_ACT_ELU)) return w_fail(r->e, WEIR_BAD_INPUT, "%s: unknown fused activation %lld", where, (long long)i);
        memcpy(field, &i, sizeof i);
        return WEIR_OK;
    case W_ATTR_FLOAT: return w_get_floats(&r->in, field, 1) ? WEIR_OK : ends_early(r, where);
    case W_ATTR_STRING: return get_string(r, &r->g->arena, where, field);
    case W_ATTR_INTS: return get_attr_ints(r, where, field);
    case W_ATTR_FLOATS: return get_attr_floats(r, where, field);
    case W_ATTR_TENSOR: return get_attr_tensor(r, where, field);
    }
    return w_fail(r->e, WEIR_INTERNAL, "%s: unknown attribute kind", where);
}

static weir_status get_attrs(reader *r, const char *where, const op_entry *o, void **out) {
    const w_op_def *def = w_op_get(o->op);
    uint64_t bits = w_get_varint(&r->in);
    *out = w_op_attr_new(r->g, (w_op)o->op);
    if (!*out && def->attr_size) return w_oom(r->e, def->attr_size, where);
    if (r->in.bad || (o->nattr < 64 && bits >> o->nattr)) return ends_early(r, where);
    for (uint32_t k = 0; k < o->nattr; k++) {
        if (bits >> k & 1) W_TRY(get_attr(r, where, &def->attrs[o->attr[k]], *out));
    }
    return r->in.bad ? ends_early(r, where) : WEIR_OK;
}

static weir_status check_outputs(reader *r, const char *where, const w_id *out, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (out[i] == W_NONE) return w_fail(r->e, WEIR_BAD_INPUT, "%s: output %u is no value", where, i);
        const w_value *v = &r->g->value[out[i]];
        if (v->kind != W_VALUE_NODE || v->producer != W_NONE) {
            return w_fail(r->e, WEIR_BAD_INPUT, "%s: its output '%s' is produced elsewhere", where, w_value_name(r->g, out[i]));
        }
    }
    return WEIR_OK;
}

static weir_status get_node(reader *r, size_t index) {
    char where[200], *name;
    w_id *in, *out, id;
    uint32_t nin, nout;
    void *attr;
    snprintf(where, sizeof where, "node %zu", index);
    uint64_t op = w_get_varint(&r->in);
    if (r->in.bad || op >= r->nop) return ends_early(r, where);
    const op_entry *o = &r->op[op];
    const w_op_def *def = w_op_get(o->op);
    W_TRY(get_string(r, &r->scratch, where, &name));
    if (!name_is_utf8(name)) return w_fail(r->e, WEIR_BAD_INPUT, "%s: its name is not UTF-8", where);
    if (name[0]) snprintf(where, sizeof where, "node '%.120s' (%.40s)", name, def->name);
    W_TRY(get_ids(r, where, &in, &nin));
    W_TRY(get_ids(r, where, &out, &nout));
    W_TRY(check_outputs(r, where, out, nout));
    W_TRY(get_attrs(r, where, o, &attr));
    return w_graph_add_node(r->g, o->op, name, in, nin, out, nout, attr, &id, r->e);
}

static weir_status get_inputs(reader *r) {
    w_id *id;
    uint32_t n;
    W_TRY(get_ids(r, "the graph inputs", &id, &n));
    if (n > W_WEIR_MAX_ENDS) return w_fail(r->e, WEIR_BAD_INPUT, "%u graph inputs, at most %d are read", n, W_WEIR_MAX_ENDS);
    if (n != r->g->ninput) return w_fail(r->e, WEIR_BAD_INPUT, "%u graph inputs are listed, %zu values are inputs", n, r->g->ninput);
    for (uint32_t i = 0; i < n; i++) {
        bool ok = id[i] != W_NONE && r->g->value[id[i]].kind == W_VALUE_INPUT;
        for (uint32_t k = 0; ok && k < i; k++) ok = id[k] != id[i];
        if (!ok) return w_fail(r->e, WEIR_BAD_INPUT, "graph input %u is no input value or listed twice", i);
    }
    if (n) memcpy(r->g->input, id, n * sizeof *id);
    return WEIR_OK;
}

static weir_status get_outputs(reader *r) {
    w_id *id;
    uint32_t n;
    W_TRY(get_ids(r, "the graph outputs", &id, &n));
    if (n == 0 || n > W_WEIR_MAX_ENDS) return w_fail(r->e, WEIR_BAD_INPUT, "%u graph outputs, expected 1 to %d", n, W_WEIR_MAX_ENDS);
    for (uint32_t i = 0; i < n; i++) {
        if (id[i] == W_NONE) return w_fail(r->e, WEIR_BAD_INPUT, "graph output %u is no value", i);
        W_TRY(w_graph_add_output(r->g, id[i], r->e));
    }
    return WEIR_OK;
}

static weir_status get_recipe(reader *r, char **recipe) {
    uint8_t has = w_get_u8(&r->in);
    *recipe = NULL;
    if (r->in.bad || has > 1) return ends_early(r, "the recipe");
    if (!has) return WEIR_OK;
    W_TRY(get_string(r, &r->g->arena, "the recipe", recipe));
    return name_is_utf8(*recipe) ? WEIR_OK : w_fail(r->e, WEIR_BAD_INPUT, "the recipe is not UTF-8");
}

static weir_status check_end(reader *r) {
    const w_weir_sections *s = r->sections;
    for (size_t i = 0; i < r->g->nvalue; i++) {
        const w_value *v = &r->g->value[i];
        if (v->kind == W_VALUE_NODE && v->producer == W_NONE) return w_fail(r->e, WEIR_BAD_INPUT, "no node produces tensor '%s'", w_value_name(r->g, (w_id)i));
    }
    if (r->in.at != r->in.n) return w_fail(r->e, WEIR_BAD_INPUT, "%zu bytes follow the metadata", r->in.n - r->in.at);
    if (r->coded_at != s->coded_size || r->dense_at != s->dense_size) {
        return w_fail(r->e, WEIR_BAD_INPUT, "the tensors end at %zu and %zu, their sections at %zu and %zu", r->coded_at, r->dense_at, s->coded_size, s->dense_size);
    }
    return w_graph_toposort(r->g, r->e);
}

static weir_status get_all(reader *r, char **recipe) {
    size_t nvalue, nnode;
    W_TRY(get_tables(r));
    W_TRY(get_count(r, 4, "the values", &nvalue));
    for (size_t i = 0; i < nvalue; i++) W_TRY(get_value(r, i));
    r->nvalue = nvalue;
    W_TRY(get_count(r, 5, "the nodes", &nnode));
    for (size_t i = 0; i < nnode; i++) W_TRY(get_node(r, i));
    W_TRY(get_inputs(r));
    W_TRY(get_outputs(r));
    W_TRY(get_recipe(r, recipe));
    return check_end(r);
}

weir_status w_meta_read(w_graph *g, const uint8_t *meta, size_t size, const w_weir_sections *s, char **recipe, weir_error *e) {
    reader r = {.g = g, .in = {.p = meta, .n = size}, .sections = s, .e = e};
    w_arena_init(&r.scratch, g->ctx);
    weir_status st = get_all(&r, recipe);
    w_arena_fini(&r.scratch);
    return st;
}
