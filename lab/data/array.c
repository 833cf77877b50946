/* Single arrays and images for `weir run`: told apart by content when read, by extension when written. */
#include "data.h"
#include <string.h>

/* An image becomes float32 [1,C,H,W], 0 to 1. */
static weir_status read_image(weir_context *ctx, const w_map *map, const char *path, weir_array *out, weir_error *e) {
    w_image m;
    W_TRY(w_image_decode(ctx, map->data, map->size, path, &m, e));
    weir_array got = {.type = WEIR_F32, .rank = 4, .dims = {1, m.c, m.h, m.w}, .bytes = w_image_bytes(&m)};
    float *to = got.data = w_alloc(ctx, got.bytes);
    size_t area = (size_t)m.h * (size_t)m.w, c = (size_t)m.c;
    for (size_t i = 0; to && i < area * c; i++) to[i % c * area + i / c] = m.pixel[i] / 255;
    w_image_drop(ctx, &m);
    if (!to) return w_oom(e, got.bytes, path);
    *out = got;
    return WEIR_OK;
}

static weir_status read_map(weir_context *ctx, const w_map *map, const char *path, const char *name, weir_array *out,
                            weir_error *e) {
    if (map->size == 0) return w_fail(e, WEIR_BAD_INPUT, "%s: empty; expected an .npy, .npz, JPEG or PNG file", path);
    if (w_npy_is(map->data, map->size)) return w_npy_read(ctx, map, path, out, e);
    if (w_npz_is(map->data, map->size)) return w_npz_read(ctx, map, path, name, out, e);
    if (w_image_is_jpeg(map->data, map->size) || w_image_is_png(map->data, map->size))
        return read_image(ctx, map, path, out, e);
    return w_fail(e, WEIR_BAD_INPUT, "%s: expected an .npy, .npz, JPEG or PNG file", path);
}

weir_status weir_array_read(weir_context *context, const char *path, const char *name, weir_array *out, weir_error *error) {
    w_map map;
    *out = (weir_array){0};
    W_TRY(w_map_open(context, path, &map, error));
    weir_status s = read_map(context, &map, path, name, out, error);
    w_map_close(context, &map);
    return s;
}

void weir_array_destroy(weir_context *context, weir_array *array) {
    w_free(context, array->data, array->bytes);
    *array = (weir_array){0};
}

static weir_status write_npy(weir_context *ctx, const char *path, const weir_array *a, weir_error *e) {
    uint8_t header[W_NPY_HEADER_MAX];
    size_t size;
    w_out *o;
    W_TRY(w_npy_format(a, path, header, &size, e));
    W_TRY(w_out_open(ctx, path, &o, e));
    w_out_write(o, header, size);
    w_out_write(o, a->data, a->bytes);
    return w_out_commit(o, e);
}

weir_status weir_array_write(weir_context *context, const char *path, const weir_array *arrays, const char *const *names,
                             size_t n, weir_error *error) {
    const char *dot = strrchr(path, '.');
    if (dot && strcmp(dot, ".npz") == 0) return w_npz_write(context, path, arrays, names, n, error);
    if (!dot || strcmp(dot, ".npy") != 0)
        return w_fail(error, WEIR_USAGE, "%s: arrays are written as .npy or .npz", path);
    if (n != 1) return w_fail(error, WEIR_USAGE, "%s: an .npy file holds one array, not %zu; use .npz", path, n);
    return write_npy(context, path, arrays, error);
}

/* ---- element types ------------------------------------------------------------------------- */

bool w_type_is_float(weir_type t) { return t == WEIR_F32 || t == WEIR_F16 || t == WEIR_BF16 || t == WEIR_F64; }

static float half_to_float(uint16_t h) {
    uint32_t exponent = h >> 10 & 31, fraction = h & 1023;
    float magnitude = exponent == 0 ? (float)fraction * 0x1p-24f : 0;
    uint32_t bits = exponent == 31 ? 0x7f800000u | fraction << 13 : (exponent + 112) << 23 | fraction << 13;
    if (exponent) memcpy(&magnitude, &bits, sizeof bits);
    return h >> 15 ? -magnitude : magnitude;
}

#define LOAD(type, from, i) ({ type v_; memcpy(&v_, (const char *)(from) + (i) * sizeof(type), sizeof(type)); v_; })

static float one_to_float(weir_type t, const void *from, size_t i) {
    if (t == WEIR_F32) return LOAD(float, from, i);
    if (t == WEIR_F64) return (float)LOAD(double, from, i);
    if (t == WEIR_F16) return half_to_float(LOAD(uint16_t, from, i));
    return (float)w_type_to_int(t, from, i);
}

void w_type_to_float(weir_type t, const void *from, size_t n, float *to) {
    for (size_t i = 0; i < n; i++) to[i] = one_to_float(t, from, i);
}

int64_t w_type_to_int(weir_type t, const void *from, size_t index) {
    switch (t) {
    case WEIR_S8: return LOAD(int8_t, from, index);
    case WEIR_U16: return LOAD(uint16_t, from, index);
    case WEIR_S16: return LOAD(int16_t, from, index);
    case WEIR_S32: return LOAD(int32_t, from, index);
    case WEIR_S64: return LOAD(int64_t, from, index);
    default: return LOAD(uint8_t, from, index);
    }
}
