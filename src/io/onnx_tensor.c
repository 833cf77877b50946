/* TensorProto: constant data in the mapping (raw_data), in typed lists, or in a file beside the model.
 *
 * Invariant: a tensor that is returned holds exactly as many bytes as its dims and type say, and nothing was allocated for
 * one that does not. */
#include "onnx_pb.h"
#include <stdio.h>
#include <string.h>

enum { T_FLOAT = 1, T_UINT8, T_INT8, T_UINT16, T_INT16, T_INT32, T_INT64, T_STRING, T_BOOL, T_FLOAT16, T_DOUBLE, T_BFLOAT16 = 16 };

static const struct { int32_t code; w_type type; } types[] = {
    {T_FLOAT, WEIR_F32}, {T_UINT8, WEIR_U8}, {T_INT8, WEIR_S8}, {T_UINT16, WEIR_U16}, {T_INT16, WEIR_S16}, {T_INT32, WEIR_S32},
    {T_INT64, WEIR_S64}, {T_BOOL, WEIR_BOOL}, {T_FLOAT16, WEIR_F16}, {T_DOUBLE, WEIR_F64}, {T_BFLOAT16, WEIR_BF16}};

weir_status w_onnx_type(w_onnx *r, int32_t code, const char *where, w_type *out) {
    for (size_t i = 0; i < W_COUNT(types); i++) {
        if (types[i].code == code) {
            *out = types[i].type;
            return WEIR_OK;
        }
    }
    return w_fail(r->e, WEIR_BAD_INPUT, "%s: element type %d of ONNX is not supported%s", where, code, code == T_STRING ? " (strings)" : "");
}

typedef struct fields {
    int64_t dims[W_MAX_RANK];
    w_scalars dim, f32, s32, s64, f64;
    w_one name, raw, segment;
    w_spans external;
    int32_t type, location;
    bool has_type;
} fields;

static weir_status fields_read(w_onnx *r, w_span m, const char *where, fields *f) {
    *f = (fields){
        .dim = {r, "dims (rank at most 8)", W_WIRE_VARINT, WEIR_S64, f->dims, 0, W_MAX_RANK},
        .f32 = {r, "float_data", W_WIRE_F32, WEIR_F32, NULL, 0, 0}, .s32 = {r, "int32_data", W_WIRE_VARINT, WEIR_S32, NULL, 0, 0},
        .s64 = {r, "int64_data", W_WIRE_VARINT, WEIR_S64, NULL, 0, 0}, .f64 = {r, "double_data", W_WIRE_F64, WEIR_F64, NULL, 0, 0},
        .name = {.r = r, .what = "name of a tensor"}, .raw = {.r = r, .what = "raw_data"},
        .segment = {.r = r, .what = "segment"}, .external = {.r = r, .what = "external_data"}};
    onnx_TensorProto t = {.dims = w_scalars_field(&f->dim), .segment = w_one_field(&f->segment), .float_data = w_scalars_field(&f->f32),
        .int32_data = w_scalars_field(&f->s32), .int64_data = w_scalars_field(&f->s64), .name = w_one_field(&f->name),
        .raw_data = w_one_field(&f->raw), .double_data = w_scalars_field(&f->f64), .external_data = w_spans_field(&f->external)};
    W_TRY(w_onnx_decode(r, m, onnx_TensorProto_fields, &t, where));
    f->type = t.data_type, f->has_type = t.has_data_type, f->location = t.data_location;
    return WEIR_OK;
}

static weir_status shape_check(w_onnx *r, const fields *f, const char *where, w_onnx_tensor *t, size_t *bytes) {
    size_t n = w_type_size(t->type);
    t->shape = (w_shape){.rank = (uint8_t)f->dim.n, .known = true};
    for (size_t k = 0; k < f->dim.n; k++) {
        int64_t d = f->dims[k];
        if (d < 0) return w_fail(r->e, WEIR_BAD_INPUT, "%s: dimension %zu is %lld, expected at least 0", where, k, (long long)d);
        if (d > W_MAX_DIM) return w_fail(r->e, WEIR_BAD_INPUT, "%s: dimension %zu is %lld, the largest is %lld", where, k, (long long)d, (long long)W_MAX_DIM);
        t->shape.dim[k] = d;
        if (!w_mul_size(n, (size_t)d, &n)) return w_fail(r->e, WEIR_BAD_INPUT, "%s: its dims overflow the address space", where);
    }
    *bytes = n;
    return WEIR_OK;
}

/* A location that can only name a file beside the model or below it. */
static bool plain_path(w_span s) {
    if (s.n == 0 || s.p[0] == '/') return false;
    for (size_t i = 0; i < s.n; i++) {
        bool starts = i == 0 || s.p[i - 1] == '/';
        if (s.p[i] < 32 || s.p[i] == '\\' || s.p[i] == ':') return false;
        if (starts && s.p[i] == '.' && i + 1 < s.n && s.p[i + 1] == '.' && (i + 2 == s.n || s.p[i + 2] == '/')) return false;
    }
    return true;
}

static weir_status external_number(w_onnx *r, w_span s, const char *key, const char *where, size_t *out) {
    size_t v = 0;
    bool ok = s.n > 0;
    for (size_t i = 0; ok && i < s.n; i++) {
        ok = s.p[i] >= '0' && s.p[i] <= '9' && w_mul_size(v, 10, &v) && w_add_size(v, s.p[i] - '0', &v);
    }
    if (!ok) return w_fail(r->e, WEIR_BAD_INPUT, "%s: external data: '%s' must be a number", where, key);
    *out = v;
    return WEIR_OK;
}

typedef struct place { w_span location; size_t offset, length; bool has_length; } place;

static weir_status external_entry(w_onnx *r, w_span m, const char *where, place *p) {
    w_one key = {.r = r, .what = "key of external_data"}, value = {.r = r, .what = "value of external_data"};
    onnx_StringStringEntryProto kv = {.key = w_one_field(&key), .value = w_one_field(&value)};
    W_TRY(w_onnx_decode(r, m, onnx_StringStringEntryProto_fields, &kv, where));
    if (w_span_is(key.s, "location")) p->location = value.s;
    else if (w_span_is(key.s, "offset")) return external_number(r, value.s, "offset", where, &p->offset);
    else if (w_span_is(key.s, "length")) {
        p->has_length = true;
        return external_number(r, value.s, "length", where, &p->length);
    }
    return WEIR_OK;
}

/* Maps the file of an external tensor; consecutive tensors of one file share the mapping. */
static weir_status external_map(w_onnx *r, w_span location, const char *where) {
    const char *slash = strrchr(r->path, '/');
    int dir = slash ? (int)(slash - r->path) + 1 : 0;
    char *name = w_arena_printf(&r->g->arena, "%.*s%.*s", dir, r->path, (int)location.n, (const char *)location.p);
    if (!name) return w_oom(r->e, location.n, "the name of external data");
    if (r->external_name && strcmp(r->external_name, name) == 0) return WEIR_OK;
    w_map_close(r->ctx, &r->external);
    r->external = (w_map){0};
    r->external_name = NULL;
    weir_status st = w_map_open(r->ctx, name, &r->external, r->e);
    if (st != WEIR_OK) return w_fail_prefix(r->e, st, "%s: external data", where);
    r->external_name = name;
    return WEIR_OK;
}

static weir_status external_read(w_onnx *r, const fields *f, const char *where, size_t bytes, w_onnx_tensor *t) {
    place p = {0};
    for (size_t i = 0; i < f->external.n; i++) W_TRY(external_entry(r, f->external.v[i], where, &p));
    if (p.location.n > 4096 || !plain_path(p.location)) {
        return w_fail(r->e, WEIR_BAD_INPUT, "%s: external data must name a file beside the model, without '..' and not absolute", where);
    }
    W_TRY(w_onnx_text(r, p.location, "the location of external data", where));
    if (p.has_length && p.length != bytes) {
        return w_fail(r->e, WEIR_BAD_INPUT, "%s: external data has %zu bytes, its dims and type need %zu", where, p.length, bytes);
    }
    W_TRY(external_map(r, p.location, where));
    if (p.offset > r->external.size || bytes > r->external.size - p.offset) {
        return w_fail(r->e, WEIR_BAD_INPUT, "%s: external data needs %zu bytes from %zu on, '%s' has %zu", where, bytes, p.offset,
                      r->external_name, r->external.size);
    }
    void *data = w_arena_alloc_aligned(&r->g->arena, W_MAX(bytes, 1));
    if (!data) return w_oom(r->e, bytes, where);
    if (bytes) memcpy(data, r->external.data + p.offset, bytes);
    t->data = data;
    return WEIR_OK;
}

/* The list that holds elements of this type, NULL if only raw_data can. */
static w_scalars *typed_list(fields *f, w_type t) {
    switch (t) {
    case WEIR_F32: return &f->f32;
    case WEIR_F64: return &f->f64;
    case WEIR_S64: return &f->s64;
    default: return &f->s32;
    }
}

static weir_status typed_read(w_onnx *r, w_span m, fields *f, const char *where, w_onnx_tensor *t, size_t bytes) {
    w_scalars *list = typed_list(f, t->type);
    size_t need = bytes / w_type_size(t->type), other = f->f32.n + f->s32.n + f->s64.n + f->f64.n - list->n;
    if (other) return w_fail(r->e, WEIR_BAD_INPUT, "%s: elements of type %s are expected in %s, other lists hold %zu", where, w_type_name(t->type), list->what, other);
    if (list->n != need) return w_fail(r->e, WEIR_BAD_INPUT, "%s: its dims need %zu elements, %s holds %zu", where, need, list->what, list->n);
    list->out = w_arena_alloc_aligned(&r->g->arena, W_MAX(bytes, 1));
    if (!list->out) return w_oom(r->e, bytes, where);
    list->type = t->type, list->n = 0, list->cap = need;
    t->data = list->out;
    onnx_TensorProto again = onnx_TensorProto_init_zero;
    pb_callback_t field = w_scalars_field(list);
    if (list == &f->f32) again.float_data = field;
    else if (list == &f->f64) again.double_data = field;
    else if (list == &f->s64) again.int64_data = field;
    else again.int32_data = field;
    return w_onnx_decode(r, m, onnx_TensorProto_fields, &again, where);
}

static weir_status raw_read(w_onnx *r, const fields *f, const char *where, w_onnx_tensor *t, size_t bytes) {
    size_t typed = f->f32.n + f->s32.n + f->s64.n + f->f64.n;
    if (typed) return w_fail(r->e, WEIR_BAD_INPUT, "%s: has raw_data and %zu typed elements, expected one of them", where, typed);
    if (f->raw.s.n != bytes) {
        return w_fail(r->e, WEIR_BAD_INPUT, "%s: its dims and type %s need %zu bytes, raw_data holds %zu", where, w_type_name(t->type), bytes, f->raw.s.n);
    }
    for (size_t i = 0; t->type == WEIR_BOOL && i < bytes; i++) {
        if (f->raw.s.p[i] > 1) return w_fail(r->e, WEIR_BAD_INPUT, "%s: element %zu of a bool tensor is %u", where, i, f->raw.s.p[i]);
    }
    t->data = f->raw.s.p;
    t->mapped = true;
    return WEIR_OK;
}

static weir_status data_read(w_onnx *r, w_span m, fields *f, const char *where, w_onnx_tensor *t) {
    size_t bytes = 0;
    if (f->segment.seen) return w_fail(r->e, WEIR_BAD_INPUT, "%s: tensors in segments are not supported", where);
    if (!f->has_type) return w_fail(r->e, WEIR_BAD_INPUT, "%s: has no data_type", where);
    W_TRY(w_onnx_type(r, f->type, where, &t->type));
    W_TRY(shape_check(r, f, where, t, &bytes));
    if (f->location == 1) return external_read(r, f, where, bytes, t);
    if (f->location != 0) return w_fail(r->e, WEIR_BAD_INPUT, "%s: data_location is %d, expected 0 or 1", where, f->location);
    if (f->raw.seen) return raw_read(r, f, where, t, bytes);
    return typed_read(r, m, f, where, t, bytes);
}

weir_status w_onnx_tensor_read(w_onnx *r, w_span m, const char *where, w_onnx_tensor *out) {
    fields f;
    char named[256];
    *out = (w_onnx_tensor){0};
    weir_status st = fields_read(r, m, where, &f);
    if (st == WEIR_OK) st = w_onnx_text(r, f.name.s, "name", where);
    if (st == WEIR_OK) {
        out->name = f.name.s;
        snprintf(named, sizeof named, "%s%s%.*s%s", where, f.name.s.n ? " '" : "", (int)W_MIN(f.name.s.n, 180), (const char *)f.name.s.p, f.name.s.n ? "'" : "");
        st = data_read(r, m, &f, named, out);
    }
    w_spans_fini(&f.external);
    return st;
}
