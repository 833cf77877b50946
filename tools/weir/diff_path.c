/* weir diff: places in a document. */
#include "diff.h"
#include <string.h>

enum { DEEPEST = 8, LONGEST = 2000 }; /* objects below one another, letters of a path: what lies beyond is left out */

/* ---- arrays of named things become objects ---- */

static const char *name_of(const json_t *e, char buf[64]) {
    const json_t *t = json_object_get(e, "threads"), *b = json_object_get(e, "batch");
    const char *name = json_string_value(json_object_get(e, "name"));
    if (name) return name;
    if (!json_is_integer(t) || !json_is_integer(b)) return NULL;
    snprintf(buf, 64, "threads=%lld,batch=%lld", (long long)json_integer_value(t), (long long)json_integer_value(b));
    return buf;
}

static bool all_named(const json_t *array) {
    size_t i;
    json_t *e;
    char buf[64];
    json_array_foreach(array, i, e)
        if (!name_of(e, buf)) return false;
    return i > 0;
}

/* The second of two of one name is "name#2". NULL: no array of named things, or memory ran out. */
static json_t *by_name(const json_t *array) {
    size_t i;
    json_t *e, *out = all_named(array) ? json_object() : NULL, *seen = out ? json_object() : NULL;
    json_array_foreach(array, i, e) {
        char buf[64], key[LONGEST];
        const char *name = out ? name_of(e, buf) : NULL;
        if (!name) break;
        long long n = json_integer_value(json_object_get(seen, name)) + 1;
        json_object_set_new(seen, name, json_integer(n));
        if (n > 1) snprintf(key, sizeof key, "%s#%lld", name, n), name = key;
        json_object_set(out, name, e);
    }
    json_decref(seen);
    return out;
}

static void names_below(json_t *o, int depth) {
    const char *key;
    void *next;
    json_t *v;
    json_object_foreach_safe(o, next, key, v) {
        json_t *named = json_is_array(v) ? by_name(v) : NULL;
        json_t *below = named ? named : v;
        if (json_is_object(below) && depth < DEEPEST) names_below(below, depth + 1);
        if (named) json_object_set_new(o, key, named);
    }
}

void side_names(json_t *doc) { names_below(doc, 0); }

/* ---- walking ---- */

typedef struct walk {
    place_fn fn;
    void *to;
    char path[LONGEST];
} walk;

/* Appends a key; SIZE_MAX when the path is longer than any that is kept. */
static size_t push(walk *w, size_t at, const char *key) {
    size_t n = strlen(key);
    if (n + 2 > sizeof w->path - at) return SIZE_MAX;
    if (at) w->path[at++] = '.';
    memcpy(w->path + at, key, n + 1);
    return at + n;
}

/* Letters of `pattern` that a key takes up with the dot behind it; 0: it does not begin with it. */
static size_t takes(const char *pattern, const char *key) {
    size_t n = strlen(key);
    if (n == 0 || strncmp(pattern, key, n) != 0) return 0;
    return pattern[n] == '.' ? n + 1 : pattern[n] == 0 ? n : 0;
}

static void match(walk *w, const json_t *v, const char *pattern, size_t at, int depth);

static void match_keys(walk *w, const json_t *o, const char *pattern, size_t at, int depth) {
    bool any = pattern[0] == '*' && (pattern[1] == '.' || pattern[1] == 0);
    const char *key, *longest = NULL;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)o, key, v) {
        if (any) {
            size_t end = push(w, at, key);
            if (end != SIZE_MAX) match(w, v, pattern + 1 + (pattern[1] == '.'), end, depth + 1);
        } else if (takes(pattern, key) && (!longest || strlen(key) > strlen(longest))) {
            longest = key;
        }
    }
    size_t end = longest ? push(w, at, longest) : SIZE_MAX;
    if (end != SIZE_MAX) match(w, json_object_get(o, longest), pattern + takes(pattern, longest), end, depth + 1);
}

static void match(walk *w, const json_t *v, const char *pattern, size_t at, int depth) {
    w->path[at] = 0;
    if (!*pattern) w->fn(w->to, w->path, v);
    else if (json_is_object(v) && depth <= DEEPEST) match_keys(w, v, pattern, at, depth);
}

void each_place(const json_t *doc, const char *pattern, place_fn fn, void *to) {
    walk w = {.fn = fn, .to = to};
    if (*pattern) match(&w, doc, pattern, 0, 0);
}

/* What describes a result without being a figure of it, or is compared in a way of its own. */
static bool no_figure(const char *key, int depth) {
    static const char *const top[] = {"weir", "machine", "command", "steps", "recipe", "optimized", "graph", "weights", "arena", "file", "output",
                                      "baseline", "alignment", "name"};
    static const char *const anywhere[] = {"in", "out", "buffers", "verdict", "name"};
    for (size_t i = 0; depth == 0 && i < sizeof top / sizeof *top; i++)
        if (!strcmp(key, top[i])) return true;
    for (size_t i = 0; i < sizeof anywhere / sizeof *anywhere; i++)
        if (!strcmp(key, anywhere[i])) return true;
    return false;
}

static bool short_list(const json_t *v) {
    size_t i;
    json_t *e;
    if (!json_is_array(v) || json_array_size(v) > 8) return false;
    json_array_foreach(v, i, e)
        if (json_is_object(e) || json_is_array(e)) return false;
    return true;
}

static void figures(walk *w, const json_t *o, size_t at, int depth) {
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)o, key, v) {
        size_t end = no_figure(key, depth) ? SIZE_MAX : push(w, at, key);
        if (end == SIZE_MAX) continue;
        if (json_is_object(v) && depth < DEEPEST) figures(w, v, end, depth + 1);
        else if (!json_is_object(v) && (!json_is_array(v) || short_list(v))) w->fn(w->to, w->path, v);
    }
}

void each_figure(const json_t *object, place_fn fn, void *to) {
    walk w = {.fn = fn, .to = to};
    figures(&w, object, 0, 0);
}
