/* The short forms of a data set: FORMAT:PATH[,PATH], known names, or the name of a JSON file. */
#include "data.h"
#include <glob.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define FASHION "/usr/share/datasets/fashion-mnist/"

static const struct format {
    const char *name;
    int id; /* -1: known, but not yet there */
} formats[] = {{"idx", W_DATA_IDX}, {"npz", W_DATA_NPZ}, {"tar", W_DATA_TAR}, {"cifar10", -1}, {"folder", -1}, {"csv", -1}};

weir_status w_data_format_find(const char *name, size_t len, w_data_format *out, const char *spec, weir_error *e) {
    for (size_t i = 0; i < W_COUNT(formats); i++) {
        if (strlen(formats[i].name) != len || memcmp(formats[i].name, name, len) != 0) continue;
        if (formats[i].id < 0)
            return w_fail(e, WEIR_USAGE, "%s: data format \"%s\" is not yet there; there are idx, npz and tar", spec,
                          formats[i].name);
        *out = (w_data_format)formats[i].id;
        return WEIR_OK;
    }
    return w_fail(e, WEIR_USAGE, "%s: unknown data format \"%.*s\"; expected idx, npz or tar", spec, (int)W_MIN(len, 60),
                  name);
}

#define MAX_WILD 2

/* ---- paths --------------------------------------------------------------------------------- */

static char *joined(w_arena *a, const char *path, const char *base) {
    const char *slash = base && path[0] != '/' ? strrchr(base, '/') : NULL;
    if (!slash) return w_arena_strdup(a, path);
    return w_arena_printf(a, "%.*s/%s", (int)(slash - base), base, path);
}

static weir_status add_path(w_data_options *o, const char ***list, size_t *cap, const char *path, weir_error *e) {
    if (o->npath == *cap) {
        size_t grown = *cap ? 2 * *cap : 8;
        const char **more = w_arena_array(&o->arena, grown, sizeof *more);
        if (!more) return w_oom(e, 0, "paths");
        if (o->npath) memcpy(more, *list, o->npath * sizeof *more);
        *list = more;
        *cap = grown;
    }
    (*list)[o->npath] = w_arena_strdup(&o->arena, path);
    if (!(*list)[o->npath]) return w_oom(e, 0, "paths");
    o->npath++;
    return WEIR_OK;
}

/* Each part with a wildcard is a walk through folders, inside those of the part before, or back up by "..": a file that names many
 * would take for ever. */
static bool modest(const char *pattern) {
    int wild = 0;
    for (const char *part = pattern; *part; part += *part == '/') {
        size_t n = strcspn(part, "/"), plain = strcspn(part, "*?[/");
        if (plain < n && ++wild > MAX_WILD) return false;
        if (wild && n == 2 && part[0] == '.' && part[1] == '.') return false;
        part += n;
    }
    return true;
}

static weir_status add_pattern(w_data_options *o, const char ***list, size_t *cap, const char *pattern, weir_error *e) {
    glob_t g;
    if (!modest(pattern))
        return w_fail(e, WEIR_BAD_INPUT, "%s: wildcards may stand in %d parts of a path, and no '..' behind one", pattern, MAX_WILD);
    int r = glob(pattern, 0, NULL, &g);
    if (r == GLOB_NOSPACE) return w_oom(e, 0, "paths");
    if (r != 0) return w_fail(e, WEIR_BAD_INPUT, "%s: no file matches", pattern);
    weir_status s = WEIR_OK;
    for (size_t i = 0; i < g.gl_pathc && s == WEIR_OK; i++) s = add_path(o, list, cap, g.gl_pathv[i], e);
    globfree(&g);
    return s;
}

weir_status w_data_paths(w_data_options *o, const char *const *given, size_t n, const char *base, weir_error *e) {
    const char **list = NULL;
    size_t cap = 0;
    for (size_t i = 0; i < n; i++) {
        if (!given[i][0]) return w_fail(e, WEIR_USAGE, "an empty path in the list of data files");
        char *path = joined(&o->arena, given[i], base);
        if (!path) return w_oom(e, 0, "paths");
        bool pattern = strpbrk(path, "*?[") && access(path, F_OK) != 0;
        W_TRY(pattern ? add_pattern(o, &list, &cap, path, e) : add_path(o, &list, &cap, path, e));
    }
    o->path = list;
    return n ? WEIR_OK : w_fail(e, WEIR_USAGE, "no data file given");
}

static weir_status split_paths(w_data_options *o, const char *text, weir_error *e) {
    char *copy = w_arena_strdup(&o->arena, text);
    size_t n = 1;
    for (const char *p = text; *p; p++) n += *p == ',';
    const char **part = w_arena_array(&o->arena, n, sizeof *part);
    if (!copy || !part) return w_oom(e, 0, "paths");
    for (size_t i = 0; i < n; i++) part[i] = strsep(&copy, ",");
    return w_data_paths(o, part, n, NULL, e);
}

/* ---- known sets ---------------------------------------------------------------------------- */

static weir_status fashion(w_data_options *o, bool train, weir_error *e) {
    static const char *const test_files[] = {FASHION "t10k-images-idx3-ubyte.gz", FASHION "t10k-labels-idx1-ubyte.gz"};
    static const char *const train_files[] = {FASHION "train-images-idx3-ubyte.gz", FASHION "train-labels-idx1-ubyte.gz"};
    o->format = W_DATA_IDX;
    o->path = train ? train_files : test_files;
    o->npath = 2;
    if (access(o->path[0], R_OK) == 0) return WEIR_OK;
    return w_fail(e, WEIR_BAD_INPUT, "%s is not there; get it with: apt-get install dataset-fashion-mnist", o->path[0]);
}

static weir_status parse(w_data_options *o, const char *spec, weir_error *e) {
    if (strcmp(spec, "fashion-mnist") == 0 || strcmp(spec, "fashion-mnist:test") == 0) return fashion(o, false, e);
    if (strcmp(spec, "fashion-mnist:train") == 0) return fashion(o, true, e);
    size_t n = strlen(spec), word = strcspn(spec, ":/.");
    if (n > 5 && strcmp(spec + n - 5, ".json") == 0 && spec[word] != ':') return w_data_json(o, spec, e);
    if (spec[word] != ':' || access(spec, F_OK) == 0) return w_data_json(o, spec, e);
    W_TRY(w_data_format_find(spec, word, &o->format, spec, e));
    return split_paths(o, spec + word + 1, e);
}

weir_status w_data_options_parse(weir_context *ctx, const char *spec, w_data_options *out, weir_error *e) {
    *out = (w_data_options){.scale = NAN};
    w_arena_init(&out->arena, ctx);
    return parse(out, spec, e);
}

void w_data_options_drop(w_data_options *o) {
    if (o->arena.ctx) w_arena_fini(&o->arena);
}
