/* Spans, scalars and strings of protobuf messages: onnx_pb.h. */
#include "onnx_pb.h"
#include "utf8.h"
#include <string.h>

static bool stop(w_onnx *r, weir_status st) {
    r->st = st;
    return false;
}

/* nanopb hands scalars to a callback in a buffer of its own: only length-delimited data lies in the mapping. */
static bool in_map(const w_onnx *r, const pb_istream_t *s) {
    uintptr_t p = (uintptr_t)s->state, lo = (uintptr_t)r->map->data;
    return p >= lo && p <= lo + r->map->size;
}

static bool take(w_onnx *r, const char *what, pb_istream_t *s, w_span *out) {
    if (!in_map(r, s)) {
        return stop(r, w_fail(r->e, WEIR_BAD_INPUT, "%s has the wrong wire type: length-delimited data expected", what));
    }
    *out = (w_span){s->state, s->bytes_left};
    return pb_read(s, NULL, s->bytes_left);
}

static bool spans_add(pb_istream_t *s, const pb_field_t *field, void **arg) {
    w_spans *l = *arg;
    w_span span;
    if (!take(l->r, l->what, s, &span)) return false;
    if (l->n >= W_ONNX_MAX_ITEMS) {
        return stop(l->r, w_fail(l->r->e, WEIR_BAD_INPUT, "more than %zu entries of %s", W_ONNX_MAX_ITEMS, l->what));
    }
    if (l->n == l->cap && !w_grow(l->r->ctx, (void **)&l->v, sizeof *l->v, &l->cap, l->n + 1)) {
        return stop(l->r, w_oom(l->r->e, (l->n + 1) * sizeof *l->v, l->what));
    }
    l->v[l->n++] = span;
    return true;
}

static bool one_set(pb_istream_t *s, const pb_field_t *field, void **arg) {
    w_one *o = *arg;
    if (o->seen) return stop(o->r, w_fail(o->r->e, WEIR_BAD_INPUT, "%s appears twice, expected once", o->what));
    o->seen = true;
    return take(o->r, o->what, s, &o->s);
}

typedef struct range { int64_t lo, hi; } range;

static range type_range(w_type t) {
    switch (t) {
    case WEIR_U8: return (range){0, UINT8_MAX};
    case WEIR_S8: return (range){INT8_MIN, INT8_MAX};
    case WEIR_S16: return (range){INT16_MIN, INT16_MAX};
    case WEIR_U16: case WEIR_F16: case WEIR_BF16: return (range){0, UINT16_MAX}; /* f16, bf16: their bits */
    case WEIR_BOOL: return (range){0, 1};
    case WEIR_S32: return (range){INT32_MIN, INT32_MAX};
    default: return (range){INT64_MIN, INT64_MAX};
    }
}

static bool store_integer(w_scalars *l, int64_t v) {
    range k = type_range(l->type);
    size_t size = w_type_size(l->type);
    if (v < k.lo || v > k.hi) {
        return stop(l->r, w_fail(l->r->e, WEIR_BAD_INPUT, "%s holds %lld, outside the type %s", l->what, (long long)v, w_type_name(l->type)));
    }
    memcpy((char *)l->out + l->n * size, &v, size); /* little endian: the low bytes */
    return true;
}

static bool scalar_next(w_scalars *l, pb_istream_t *s) {
    uint64_t v = 0;
    bool ok;
    if (l->wire == W_WIRE_VARINT) ok = pb_decode_varint(s, &v);
    else ok = pb_read(s, (pb_byte_t *)&v, l->wire == W_WIRE_F32 ? 4 : 8);
    if (!ok) return false;
    if (l->out) {
        if (l->n >= l->cap) return stop(l->r, w_fail(l->r->e, WEIR_BAD_INPUT, "%s has more than %zu entries", l->what, l->cap));
        if (l->wire == W_WIRE_VARINT) { if (!store_integer(l, (int64_t)v)) return false; }
        else memcpy((char *)l->out + l->n * w_type_size(l->type), &v, w_type_size(l->type));
    }
    l->n++;
    return true;
}

static bool scalars_add(pb_istream_t *s, const pb_field_t *field, void **arg) {
    w_scalars *l = *arg;
    bool packed = in_map(l->r, s);
    while (packed && s->bytes_left) {
        if (!scalar_next(l, s)) return false;
    }
    if (packed) return true;
    bool ok = scalar_next(l, s);
    if (l->r->st != WEIR_OK) return false;
    if (!ok || s->bytes_left) return stop(l->r, w_fail(l->r->e, WEIR_BAD_INPUT, "%s has the wrong wire type", l->what));
    return true;
}

pb_callback_t w_spans_field(w_spans *s) { return (pb_callback_t){.funcs.decode = spans_add, .arg = s}; }
pb_callback_t w_one_field(w_one *s) { return (pb_callback_t){.funcs.decode = one_set, .arg = s}; }
pb_callback_t w_scalars_field(w_scalars *s) { return (pb_callback_t){.funcs.decode = scalars_add, .arg = s}; }

void w_spans_fini(w_spans *s) {
    w_free(s->r->ctx, s->v, s->cap * sizeof *s->v);
    *s = (w_spans){.r = s->r, .what = s->what};
}

weir_status w_onnx_decode(w_onnx *r, w_span m, const pb_msgdesc_t *desc, void *msg, const char *what) {
    pb_istream_t s = pb_istream_from_buffer(m.p, m.n);
    r->st = WEIR_OK;
    if (pb_decode(&s, desc, msg)) return WEIR_OK;
    if (r->st != WEIR_OK) return w_fail_prefix(r->e, r->st, "%s", what);
    return w_fail(r->e, WEIR_BAD_INPUT, "%s: damaged protobuf message (%s) in the %zu bytes from byte %zu on", what,
                  PB_GET_ERROR(&s), m.n, m.n ? (size_t)(m.p - r->map->data) : 0);
}

weir_status w_onnx_text(w_onnx *r, w_span s, const char *what, const char *where) {
    if (s.n == 0) return WEIR_OK;
    size_t good = w_utf8_check((const char *)s.p, s.n);
    const uint8_t *nul = memchr(s.p, 0, s.n);
    if (good < s.n) return w_fail(r->e, WEIR_BAD_INPUT, "%s: %s is not valid UTF-8 at its byte %zu", where, what, good);
    if (nul) return w_fail(r->e, WEIR_BAD_INPUT, "%s: %s has a NUL at its byte %zu", where, what, (size_t)(nul - s.p));
    return WEIR_OK;
}

weir_status w_onnx_name(w_onnx *r, w_span s, const char *what, const char *where, const char **out) {
    w_id id;
    *out = "";
    W_TRY(w_onnx_text(r, s, what, where));
    if (s.n == 0) return WEIR_OK;
    W_TRY(w_graph_intern(r->g, (const char *)s.p, s.n, &id, r->e));
    *out = w_graph_name(r->g, id);
    return WEIR_OK;
}

bool w_span_is(w_span s, const char *text) { return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0; }
