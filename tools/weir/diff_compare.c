/* weir diff: two documents become one that says what differs.
 *
 *   {"a", "b": {"path", "kind", "weir", "cpu_model", "isa", "threads"}, "notes": [...],
 *    "totals": [{"path", "a", "b", "change", "relative"}],             what changed most first, then what did not
 *    "steps_by": "ms" | "bytes.dram", "steps": [{"name", "status", "changes": [...as totals]}],
 *    "recipe": [{"status", "technique", "nodes", "a", "b"}]} */
#include "diff.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put(diff *d, json_t *to, const char *key, json_t *value) { d->bad |= json_object_set_new(to, key, value) != 0; }
static void append(diff *d, json_t *to, json_t *value) { d->bad |= json_array_append_new(to, value) != 0; }
static json_t *same_value(const json_t *v) { return v ? json_incref((json_t *)(uintptr_t)v) : json_null(); }

/* ---- one figure ---- */

static json_t *difference(const json_t *a, const json_t *b) {
    json_int_t n;
    if (!json_is_number(a) || !json_is_number(b)) return json_null();
    if (decimal_compare(decimal_of(a), decimal_of(b)) == 0) return json_integer(0);
    if (json_is_integer(a) && json_is_integer(b) && !__builtin_sub_overflow(json_integer_value(b), json_integer_value(a), &n)) return json_integer(n);
    return json_real(json_number_value(b) - json_number_value(a)); /* NULL, and so memory, when it overflows a double */
}

json_t *diff_pair(const char *path, const json_t *a, const json_t *b) {
    json_t *change = difference(a, b);
    double x = json_number_value(a), r = json_is_integer(change) && json_integer_value(change) == 0 ? 0 : (json_number_value(b) - x) / fabs(x);
    bool relative = json_is_number(change) && x != 0 && isfinite(r);
    return json_pack("{s:s,s:o,s:o,s:o,s:o}", "path", path, "a", same_value(a), "b", same_value(b), "change", change ? change : json_null(),
                     "relative", relative ? json_real(r) : json_null());
}

/* 1 and 1.0 are the same figure. */
static bool changed(const json_t *pair) {
    const json_t *a = jget(pair, "a"), *b = jget(pair, "b");
    return json_is_number(a) && json_is_number(b) ? decimal_compare(decimal_of(a), decimal_of(b)) != 0 : !json_equal(a, b);
}

/* How much a figure changed, for the order: what was nothing before has changed most. */
static double extent(const json_t *pair) {
    if (!changed(pair)) return -1;
    const json_t *r = jget(pair, "relative");
    if (json_is_number(r)) return fabs(json_number_value(r));
    return json_is_number(jget(pair, "change")) ? INFINITY : 0;
}

/* ---- lists of figures ---- */

typedef struct gather { diff *d; json_t *object; } gather;

static void take(void *to, const char *path, const json_t *value) {
    gather *g = to;
    g->d->bad |= json_object_set(g->object, path, (json_t *)(uintptr_t)value) != 0;
}

/* The figures of an object by path. */
static json_t *figures_of(diff *d, const json_t *object) {
    gather g = {d, json_object()};
    if (!g.object) d->bad = true;
    else each_figure(object, take, &g);
    return g.object;
}

typedef struct ranked { double extent; size_t at; json_t *row; } ranked;

static int by_extent(const void *p, const void *q) {
    const ranked *a = p, *b = q;
    return a->extent != b->extent ? (a->extent < b->extent) - (a->extent > b->extent) : (a->at > b->at) - (a->at < b->at);
}

/* A list with the largest first; equal ones keep their order. Takes `list`. */
static json_t *sorted(diff *d, json_t *list, double (*of)(const diff *, const json_t *)) {
    size_t n = json_array_size(list), i;
    ranked *r = malloc((n + 1) * sizeof *r);
    json_t *out = json_array(), *row;
    d->bad |= !r || !out;
    json_array_foreach(list, i, row)
        if (r) r[i] = (ranked){of(d, row), i, row};
    if (r) qsort(r, n, sizeof *r, by_extent);
    for (i = 0; r && i < n; i++) d->bad |= json_array_append(out, r[i].row) != 0;
    free(r);
    json_decref(list);
    return out;
}

static double figure_extent(const diff *d, const json_t *row) { return extent(row); }

/* Rows for the figures of two objects, either NULL; with_same: also those that did not change. */
static json_t *rows_of(diff *d, const json_t *a, const json_t *b, bool with_same) {
    json_t *x = figures_of(d, a), *y = figures_of(d, b), *list = json_array(), *v;
    const char *path;
    json_object_foreach(y, path, v)
        if (!json_object_get(x, path)) d->bad |= json_object_set_new(x, path, json_null()) != 0;
    json_object_foreach(x, path, v) {
        json_t *pair = diff_pair(path, v, json_object_get(y, path));
        if (with_same || changed(pair)) append(d, list, pair);
        else d->bad |= !pair, json_decref(pair);
    }
    json_decref(x);
    json_decref(y);
    return sorted(d, list, figure_extent);
}

/* ---- steps ---- */

static json_t *step_row(diff *d, const char *name, const json_t *a, const json_t *b) {
    json_t *changes = rows_of(d, a, b, false);
    const char *status = !a ? "added" : !b ? "removed" : json_array_size(changes) ? "changed" : "same";
    return json_pack("{s:s,s:s,s:o}", "name", name, "status", status, "changes", changes);
}

static double step_extent(const diff *d, const json_t *row) {
    const char *by = jstr(d->doc, "steps_by");
    size_t i;
    json_t *c;
    if (!strcmp(jstr(row, "status"), "same")) return -1;
    json_array_foreach(jget(row, "changes"), i, c) {
        const json_t *a = jget(c, "a"), *b = jget(c, "b");
        if (!strcmp(jstr(c, "path"), by)) return fabs((json_is_number(b) ? json_number_value(b) : 0) - (json_is_number(a) ? json_number_value(a) : 0));
    }
    return 0;
}

static bool timed(const json_t *steps) {
    const char *key;
    json_t *s;
    json_object_foreach((json_t *)(uintptr_t)steps, key, s)
        if (!json_is_number(jget(s, "ms"))) return false;
    return json_object_size(steps) > 0;
}

static void compare_steps(diff *d) {
    const json_t *a = jget(d->side[0].doc, "steps"), *b = jget(d->side[1].doc, "steps");
    json_t *list = json_array(), *s;
    const char *name;
    if (!json_is_object(a) || !json_is_object(b)) {
        json_decref(list);
        return;
    }
    put(d, d->doc, "steps_by", json_string(timed(a) && timed(b) ? "ms" : "bytes.dram"));
    json_object_foreach((json_t *)(uintptr_t)a, name, s) append(d, list, step_row(d, name, s, json_object_get(b, name)));
    json_object_foreach((json_t *)(uintptr_t)b, name, s)
        if (!json_object_get(a, name)) append(d, list, step_row(d, name, NULL, s));
    put(d, d->doc, "steps", sorted(d, list, step_extent));
}

/* ---- recipes ---- */

/* A rule without what it cost: that is a measurement, not what was done. */
static json_t *parameters(const json_t *rule) {
    json_t *p = json_copy((json_t *)(uintptr_t)rule);
    json_object_del(p, "technique");
    json_object_del(p, "nodes");
    json_object_del(p, "cost");
    return p;
}

static bool same_place(const json_t *p, const json_t *q) {
    return json_equal(jget(p, "technique"), jget(q, "technique")) && json_equal(jget(p, "nodes"), jget(q, "nodes"));
}

/* The rule of `rules` that is for the place of p, and was not paired before; marks it. NULL: none. */
static const json_t *partner(const json_t *rules, const json_t *p, bool *used) {
    size_t i;
    json_t *q;
    json_array_foreach(rules, i, q)
        if (!used[i] && same_place(p, q)) return used[i] = true, q;
    return NULL;
}

static void add_rule(diff *d, json_t *list, const json_t *a, const json_t *b) {
    json_t *x = a ? parameters(a) : NULL, *y = b ? parameters(b) : NULL;
    const json_t *any = a ? a : b;
    const char *status = !a ? "added" : !b ? "removed" : json_equal(x, y) ? "same" : "changed";
    append(d, list, json_pack("{s:s,s:o,s:o,s:o,s:o}", "status", status, "technique", same_value(jget(any, "technique")), "nodes",
                              same_value(jget(any, "nodes")), "a", x ? x : json_null(), "b", y ? y : json_null()));
}

/* A result that says nothing of a recipe (a plan, a profile) may have had one: then there is nothing to compare. */
static void compare_recipes(diff *d) {
    const json_t *a = jget(d->side[0].doc, "recipe"), *b = jget(d->side[1].doc, "recipe");
    json_t *list = json_array(), *r;
    size_t i;
    if (!json_is_array(a) || !json_is_array(b)) {
        put(d, d->doc, "recipe", list);
        return;
    }
    bool *used = calloc(json_array_size(b) + 1, sizeof *used);
    d->bad |= !used;
    json_array_foreach(a, i, r)
        if (used) add_rule(d, list, r, partner(b, r, used));
    json_array_foreach(b, i, r)
        if (used && !used[i]) add_rule(d, list, NULL, r);
    free(used);
    put(d, d->doc, "recipe", list);
}

/* ---- what makes two results hard to compare ---- */

static void note(diff *d, json_t *notes, const char *path, const char *what) {
    const json_t *a = jget(d->side[0].doc, path), *b = jget(d->side[1].doc, path);
    char text[600], *x, *y;
    if (!a || !b || json_equal(a, b)) return;
    x = json_dumps(a, JSON_ENCODE_ANY);
    y = json_dumps(b, JSON_ENCODE_ANY);
    d->bad |= !x || !y;
    snprintf(text, sizeof text, "%s: %.200s and %.200s", what, x ? x : "", y ? y : "");
    append(d, notes, json_string(text));
    free(x);
    free(y);
}

static void add_notes(diff *d) {
    static const char *const about[][2] = {{"machine.cpu_model", "other machines"}, {"machine.isa", "other instruction sets of the machine"},
                                           {"isa", "other instruction sets in use"}, {"threads", "other numbers of threads"},
                                           {"batch", "other batches"}, {"weir.version", "other versions of weir"},
                                           {"weir.commit", "other commits of weir"}, {"bytes.state", "cold and warm bytes"},
                                           {"bytes.source", "bytes from other sources"}, {"n", "other numbers of samples"}};
    json_t *notes = json_array();
    char text[80];
    if (strcmp(d->side[0].kind, d->side[1].kind) != 0) {
        snprintf(text, sizeof text, "%s and %s: only what both say is compared", d->side[0].kind, d->side[1].kind);
        append(d, notes, json_string(text));
    }
    for (size_t i = 0; i < sizeof about / sizeof *about; i++) note(d, notes, about[i][0], about[i][1]);
    put(d, d->doc, "notes", notes);
}

static void add_side(diff *d, const char *key, const side *s) {
    put(d, d->doc, key, json_pack("{s:s,s:s,s:o,s:o,s:o,s:o}", "path", s->path, "kind", s->kind, "weir", same_value(jget(s->doc, "weir")), "cpu_model",
                                  same_value(jget(s->doc, "machine.cpu_model")), "isa", same_value(jget(s->doc, "isa")), "threads",
                                  same_value(jget(s->doc, "threads"))));
}

void diff_compare(diff *d) {
    d->doc = json_object();
    d->bad = !d->doc;
    add_side(d, "a", &d->side[0]);
    add_side(d, "b", &d->side[1]);
    add_notes(d);
    put(d, d->doc, "totals", rows_of(d, d->side[0].doc, d->side[1].doc, true));
    compare_steps(d);
    compare_recipes(d);
}
