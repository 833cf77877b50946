/* The .npy format (numpy/lib/format.py): magic, version, a Python dictionary of three entries, dense data.
 *
 * The dictionary is read by a small strict parser: 'descr', 'fortran_order' and 'shape', each once, in any order. */
#include "data.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEADER_MAX 65536

static const struct dtype {
    weir_type type;
    const char *descr;
    size_t size;
} dtypes[] = {{WEIR_F32, "<f4", 4}, {WEIR_F16, "<f2", 2}, {WEIR_F64, "<f8", 8}, {WEIR_U8, "|u1", 1},
              {WEIR_S8, "|i1", 1},  {WEIR_U16, "<u2", 2}, {WEIR_S16, "<i2", 2}, {WEIR_S32, "<i4", 4},
              {WEIR_S64, "<i8", 8}, {WEIR_BOOL, "|b1", 1}};

bool w_npy_is(const uint8_t *data, size_t size) { return size >= 6 && memcmp(data, "\x93NUMPY", 6) == 0; }

weir_status w_npy_header_size(const uint8_t *p, const char *what, size_t *size, weir_error *e) {
    if (!w_npy_is(p, W_NPY_PREFIX)) return w_fail(e, WEIR_BAD_INPUT, "%s: not an .npy file (no \\x93NUMPY in front)", what);
    if (p[6] < 1 || p[6] > 3) return w_fail(e, WEIR_BAD_INPUT, "%s: .npy version %d; expected 1 to 3", what, p[6]);
    size_t len = p[8] | (size_t)p[9] << 8;
    if (p[6] > 1) len |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
    *size = len + (p[6] > 1 ? 12 : 10);
    if (len < 10 || len > HEADER_MAX)
        return w_fail(e, WEIR_BAD_INPUT, "%s: an .npy header of %zu bytes; expected 10 to %d", what, len, HEADER_MAX);
    return WEIR_OK;
}

/* ---- the dictionary ------------------------------------------------------------------------ */

typedef struct cursor {
    const char *at, *end;
} cursor;

static void skip_space(cursor *c) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t')) c->at++;
}

static bool literal(cursor *c, const char *text) {
    skip_space(c);
    size_t n = strlen(text);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, text, n) != 0) return false;
    c->at += n;
    return true;
}

/* A quoted string without escapes. */
static bool quoted(cursor *c, char *out, size_t cap) {
    skip_space(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) return false;
    const char *start = c->at + 1, *stop = memchr(start, *c->at, (size_t)(c->end - start));
    if (!stop || (size_t)(stop - start) >= cap) return false;
    memcpy(out, start, (size_t)(stop - start));
    out[stop - start] = 0;
    c->at = stop + 1;
    return true;
}

static bool number(cursor *c, int64_t *out) {
    skip_space(c);
    const char *start = c->at;
    for (*out = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
        if (!w_mul_i64(*out, 10, out) || __builtin_add_overflow(*out, *c->at - '0', out)) return false;
    return c->at > start;
}

static bool shape(cursor *c, w_npy *out) {
    if (!literal(c, "(")) return false;
    bool comma = true;
    for (out->rank = 0; !literal(c, ")"); out->rank++) {
        if (!comma || out->rank == 8 || !number(c, &out->dims[out->rank])) return false;
        comma = literal(c, ",");
    }
    return comma || out->rank > 1; /* (3) is no tuple */
}

static weir_status find_type(const char *descr, const char *what, w_npy *out, weir_error *e) {
    for (size_t i = 0; i < W_COUNT(dtypes); i++) {
        bool any_order = dtypes[i].size == 1 && strlen(descr) == 3 && strcmp(descr + 1, dtypes[i].descr + 1) == 0;
        if (!any_order && strcmp(descr, dtypes[i].descr) != 0) continue;
        out->type = dtypes[i].type;
        return WEIR_OK;
    }
    return w_fail(e, WEIR_BAD_INPUT,
                  "%s: array type '%s'; expected a little-endian '<f4', '<f2', '<f8', '|u1', '|i1', '<u2', '<i2', '<i4', "
                  "'<i8' or '|b1'",
                  what, descr);
}

/* One "key: value"; sets its bit in *seen. */
static bool entry(cursor *c, char *descr, size_t cap, bool *fortran, w_npy *out, unsigned *seen) {
    char key[32];
    if (!quoted(c, key, sizeof key) || !literal(c, ":")) return false;
    unsigned bit = strcmp(key, "descr") == 0 ? 1 : strcmp(key, "fortran_order") == 0 ? 2 : strcmp(key, "shape") == 0 ? 4 : 0;
    if (!bit || *seen & bit) return false;
    *seen |= bit;
    if (bit == 1) return quoted(c, descr, cap);
    if (bit == 4) return shape(c, out);
    *fortran = literal(c, "True");
    return *fortran || literal(c, "False");
}

static weir_status dictionary(cursor *c, const char *what, w_npy *out, weir_error *e) {
    char descr[32] = "";
    bool fortran = false;
    unsigned seen = 0;
    bool good = literal(c, "{");
    while (good && !literal(c, "}")) {
        good = entry(c, descr, sizeof descr, &fortran, out, &seen);
        if (good && !literal(c, ",")) {
            good = literal(c, "}");
            break;
        }
    }
    skip_space(c);
    if (!good || seen != 7 || c->at != c->end)
        return w_fail(e, WEIR_BAD_INPUT,
                      "%s: bad .npy header; expected {'descr': ..., 'fortran_order': ..., 'shape': (...)} with at most 8 sizes",
                      what);
    if (fortran && out->rank > 1)
        return w_fail(e, WEIR_BAD_INPUT, "%s: array in Fortran order; expected C order (numpy.ascontiguousarray)", what);
    return find_type(descr, what, out, e);
}

weir_status w_npy_parse(const uint8_t *data, size_t size, const char *what, w_npy *out, weir_error *e) {
    *out = (w_npy){0};
    if (size < W_NPY_PREFIX) return w_fail(e, WEIR_BAD_INPUT, "%s: %zu bytes are no .npy file", what, size);
    W_TRY(w_npy_header_size(data, what, &out->header, e));
    if (out->header > size) return w_fail(e, WEIR_BAD_INPUT, "%s: ends inside the .npy header", what);
    cursor c = {(const char *)data + (data[6] > 1 ? 12 : 10), (const char *)data + out->header};
    W_TRY(dictionary(&c, what, out, e));
    bool fits = true;
    out->bytes = w_type_size(out->type);
    for (int i = 0; i < out->rank; i++) fits = fits && w_mul_size(out->bytes, (size_t)out->dims[i], &out->bytes);
    if (!fits || out->bytes > PTRDIFF_MAX) return w_fail(e, WEIR_BAD_INPUT, "%s: the shape overflows", what);
    return WEIR_OK;
}

weir_status w_npy_read(weir_context *ctx, const w_map *file, const char *path, weir_array *out, weir_error *e) {
    w_npy n;
    W_TRY(w_npy_parse(file->data, file->size, path, &n, e));
    if (file->size - n.header != n.bytes)
        return w_fail(e, WEIR_BAD_INPUT, "%s: %zu bytes of data; its shape and type say %zu", path, file->size - n.header,
                      n.bytes);
    *out = (weir_array){.type = n.type, .rank = n.rank, .bytes = n.bytes};
    memcpy(out->dims, n.dims, sizeof n.dims);
    out->data = w_alloc(ctx, n.bytes);
    if (!out->data) return w_oom(e, n.bytes, path);
    memcpy(out->data, file->data + n.header, n.bytes);
    return WEIR_OK;
}

/* ---- writing ------------------------------------------------------------------------------- */

static const char *descr_of(weir_type t) {
    for (size_t i = 0; i < W_COUNT(dtypes); i++)
        if (dtypes[i].type == t) return dtypes[i].descr;
    return NULL;
}

weir_status w_npy_format(const weir_array *a, const char *what, uint8_t *header, size_t *size, weir_error *e) {
    char dims[8 * 21 + 8], text[W_NPY_HEADER_MAX];
    size_t at = 0, bytes = w_type_size(a->type);
    if (!descr_of(a->type)) return w_fail(e, WEIR_USAGE, "%s: an .npy file cannot hold this type", what);
    if (a->rank < 0 || a->rank > 8) return w_fail(e, WEIR_USAGE, "%s: rank %d; expected 0 to 8", what, a->rank);
    dims[0] = 0;
    for (int i = 0; i < a->rank; i++) {
        at += (size_t)snprintf(dims + at, sizeof dims - at, "%" PRId64 ",%s", a->dims[i], i + 1 < a->rank ? " " : "");
        if (a->dims[i] < 0 || !w_mul_size(bytes, (size_t)a->dims[i], &bytes)) bytes = SIZE_MAX;
    }
    if (bytes != a->bytes) return w_fail(e, WEIR_USAGE, "%s: %zu bytes do not fit its shape and type", what, a->bytes);
    int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr_of(a->type), dims);
    *size = W_ALIGN_UP(10 + (size_t)n + 1, 64);
    memset(header, ' ', *size);
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (uint8_t)(*size - 10);
    header[9] = (uint8_t)((*size - 10) >> 8);
    memcpy(header + 10, text, (size_t)n);
    header[*size - 1] = '\n';
    return WEIR_OK;
}
