/* The JSON form of a data set: fields as docs/cli.md lists them, unknown ones refused. */
#include "data.h"
#include "doc.h"
#include <string.h>

typedef weir_status (*field_fn)(w_data_options *o, const json_t *v, const char *file, weir_error *e);

static weir_status wrong(weir_error *e, const char *file, const char *key, const char *want) {
    return w_fail(e, WEIR_BAD_INPUT, "%s: \"%s\": expected %s", file, key, want);
}

static weir_status take_format(w_data_options *o, const json_t *v, const char *file, weir_error *e) {
    const char *name = json_string_value(v);
    if (!name) return wrong(e, file, "format", "\"idx\", \"npz\" or \"tar\"");
    return w_data_format_find(name, strlen(name), &o->format, file, e);
}

static weir_status take_path(w_data_options *o, const json_t *v, const char *file, weir_error *e) {
    size_t n = json_is_array(v) ? json_array_size(v) : 1;
    const char **path = w_arena_array(&o->arena, n, sizeof *path);
    if (!path) return w_oom(e, 0, "paths");
    for (size_t i = 0; i < n; i++) {
        path[i] = json_string_value(json_is_array(v) ? json_array_get(v, i) : v);
        if (!path[i]) return wrong(e, file, "path", "a file name or a list of them");
    }
    weir_status s = w_data_paths(o, path, n, file, e);
    return s == WEIR_OK ? s : w_fail_prefix(e, s, "%s", file);
}

static weir_status take_layout(w_data_options *o, const json_t *v, const char *file, weir_error *e) {
    const char *name = json_string_value(v);
    if (!name || (strcmp(name, "NCHW") != 0 && strcmp(name, "NHWC") != 0))
        return wrong(e, file, "layout", "\"NCHW\" or \"NHWC\"");
    o->channels_last = name[1] == 'H';
    return WEIR_OK;
}

static weir_status take_scale(w_data_options *o, const json_t *v, const char *file, weir_error *e) {
    if (!json_is_number(v)) return wrong(e, file, "scale", "a number");
    o->scale = json_number_value(v);
    return WEIR_OK;
}

/* One number, or one per channel. */
static bool numbers(const json_t *v, double *to, size_t *n) {
    size_t have = json_is_array(v) ? json_array_size(v) : 1;
    if (have == 0 || have > W_CHANNELS_MAX) return false;
    for (size_t i = 0; i < have; i++) {
        const json_t *one = json_is_array(v) ? json_array_get(v, i) : v;
        if (!json_is_number(one)) return false;
        to[i] = json_number_value(one);
    }
    *n = have;
    return true;
}

static weir_status take_mean(w_data_options *o, const json_t *v, const char *file, weir_error *e) {
    return numbers(v, o->mean, &o->nmean) ? WEIR_OK : wrong(e, file, "mean", "a number, or one per channel (at most 16)");
}

static weir_status take_std(w_data_options *o, const json_t *v, const char *file, weir_error *e) {
    bool good = numbers(v, o->std, &o->nstd);
    for (size_t i = 0; good && i < o->nstd; i++) good = o->std[i] > 0;
    return good ? WEIR_OK : wrong(e, file, "std", "a number above 0, or one per channel (at most 16)");
}

static bool side(const json_t *v, int *to) {
    if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > W_IMAGE_SIDE_MAX) return false;
    *to = (int)json_integer_value(v);
    return true;
}

static weir_status take_resize(w_data_options *o, const json_t *v, const char *file, weir_error *e) {
    bool two = json_array_size(v) == 2;
    bool good = two ? side(json_array_get(v, 0), &o->resize_h) && side(json_array_get(v, 1), &o->resize_w)
                    : side(v, &o->resize_h);
    return good ? WEIR_OK : wrong(e, file, "resize", "pixels of the shorter side, or [height, width]");
}

static weir_status take_crop(w_data_options *o, const json_t *v, const char *file, weir_error *e) {
    return side(v, &o->crop) ? WEIR_OK : wrong(e, file, "crop", "the side of the square in pixels");
}

static weir_status take_limit(w_data_options *o, const json_t *v, const char *file, weir_error *e) {
    if (!json_is_integer(v) || json_integer_value(v) < 0) return wrong(e, file, "limit", "a number of samples, 0 for all");
    o->limit = (size_t)json_integer_value(v);
    return WEIR_OK;
}

static weir_status take_augment(w_data_options *o, const json_t *v, const char *file, weir_error *e) {
    return w_fail(e, WEIR_USAGE, "%s: \"augment\" is not yet there", file);
}

static const struct field {
    const char *name;
    field_fn take;
} fields[] = {{"format", take_format}, {"path", take_path},     {"layout", take_layout}, {"scale", take_scale},
              {"mean", take_mean},     {"std", take_std},       {"resize", take_resize}, {"crop", take_crop},
              {"limit", take_limit},   {"augment", take_augment}};

static weir_status unknown(const char *key, const char *file, weir_error *e) {
    char known[200] = "";
    for (size_t i = 0; i < W_COUNT(fields); i++) strcat(strcat(known, i ? ", " : ""), fields[i].name);
    return w_fail(e, WEIR_BAD_INPUT, "%s: unknown field \"%.100s\"; known are %s", file, key, known);
}

static weir_status take_fields(w_data_options *o, json_t *root, const char *file, weir_error *e) {
    if (!json_is_object(root)) return w_fail(e, WEIR_BAD_INPUT, "%s: expected a JSON object", file);
    const char *key;
    json_t *v;
    json_object_foreach(root, key, v) {
        size_t i = 0;
        while (i < W_COUNT(fields) && strcmp(fields[i].name, key) != 0) i++;
        if (i == W_COUNT(fields)) return unknown(key, file, e);
        W_TRY(fields[i].take(o, v, file, e));
    }
    if (!json_object_get(root, "format")) return w_fail(e, WEIR_BAD_INPUT, "%s: \"format\" is missing", file);
    if (!json_object_get(root, "path")) return w_fail(e, WEIR_BAD_INPUT, "%s: \"path\" is missing", file);
    return WEIR_OK;
}

weir_status w_data_json(w_data_options *o, const char *file, weir_error *e) {
    w_map map;
    json_t *root;
    W_TRY(w_map_open(o->arena.ctx, file, &map, e));
    weir_status s = w_json_parse((const char *)map.data, map.size, file, &root, e);
    w_map_close(o->arena.ctx, &map);
    if (s != WEIR_OK) return s;
    s = take_fields(o, root, file, e);
    json_decref(root);
    return s;
}
