/* weir diff for people: what changed, the most first, with absolute and relative change; green is better, red is worse. */
#include "diff.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct table { bool all, colour; int name, value, change; } table;

/* ---- figures ---- */

/* 1234567 is 1,234,567. */
static void grouped(char out[48], const char *digits) {
    size_t n = strlen(digits), at = 0;
    for (size_t i = 0; i < n && at < 46; i++) {
        bool between = i > 0 && isdigit((unsigned char)digits[i - 1]) && (n - i) % 3 == 0;
        if (between) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
}

static void number(char out[48], const json_t *v, bool sign) {
    char plain[32];
    if (json_is_integer(v)) {
        snprintf(plain, sizeof plain, sign ? "%+lld" : "%lld", (long long)json_integer_value(v));
        grouped(out, plain);
    } else {
        snprintf(out, 48, sign ? "%+.5g" : "%.6g", json_number_value(v));
    }
}

static void value(char out[48], const json_t *v) {
    char *text = NULL;
    if (json_is_number(v)) number(out, v, false);
    else if (json_is_string(v)) snprintf(out, 48, "%.47s", json_string_value(v));
    else if (!v || json_is_null(v)) snprintf(out, 48, "-");
    else {
        text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
        snprintf(out, 48, "%.47s", text ? text : "?");
    }
    free(text);
}

static void relative(char out[24], const json_t *pair) {
    const json_t *r = jget(pair, "relative");
    double x = 100 * json_number_value(r);
    if (!json_is_number(r)) out[0] = 0;
    else snprintf(out, 24, fabs(x) >= 1000 ? "%+.3g %%" : fabs(x) < 0.05 && x != 0 ? "%+.4f %%" : "%+.1f %%", x);
}

/* +1: more is worse, -1: more is better, 0: neither. */
static int direction(const char *path) {
    static const char *const better[] = {"top1", "top5", "fraction_of_bound", "throughput_per_s", "intensity"};
    static const char *const worse[] = {"bytes", "_ms", ".ms", "macs", "params", "loss", "drop_points", "drop_upper95", "arena_lower_bound"};
    for (size_t i = 0; i < sizeof better / sizeof *better; i++)
        if (strstr(path, better[i])) return -1;
    for (size_t i = 0; i < sizeof worse / sizeof *worse; i++)
        if (strstr(path, worse[i]) || !strcmp(path, "ms")) return 1;
    return 0;
}

static const char *paint(const table *t, const json_t *pair) {
    double change = jnum(pair, "change");
    int d = direction(jstr(pair, "path"));
    if (!t->colour || d == 0 || isnan(change) || change == 0) return "";
    return change * d > 0 ? "\033[31m" : "\033[32m";
}

static bool same(const json_t *pair) { return jnum(pair, "change") == 0 || json_equal(jget(pair, "a"), jget(pair, "b")); }

/* "A B change relative", in columns. */
static void print_pair(const table *t, const json_t *pair) {
    char a[48], b[48], c[48] = "", r[24];
    const char *colour = paint(t, pair);
    value(a, jget(pair, "a"));
    value(b, jget(pair, "b"));
    if (json_is_number(jget(pair, "change"))) number(c, jget(pair, "change"), true);
    relative(r, pair);
    printf(" %*s %*s %s%*s %9s%s", t->value, a, t->value, b, colour, t->change, c, r, *colour ? "\033[0m" : "");
}

/* ---- totals ---- */

static void print_totals(const table *t, const json_t *totals) {
    size_t i, hidden = 0;
    json_t *row;
    printf("\n%-*s %*s %*s %*s\n", t->name, "", t->value, "A", t->value, "B", t->change, "change");
    json_array_foreach(totals, i, row) {
        bool half = json_is_null(jget(row, "a")) || json_is_null(jget(row, "b"));
        hidden += !t->all && (same(row) || half);
        if (!t->all && (same(row) || half)) continue;
        printf("%-*s", t->name, jstr(row, "path"));
        print_pair(t, row);
        printf("\n");
    }
    if (hidden) printf("%zu more are the same or in one of the two only (--all shows them)\n", hidden);
}

/* ---- steps ---- */

static const json_t *change_of(const json_t *changes, const char *path) {
    size_t i;
    json_t *c;
    json_array_foreach(changes, i, c)
        if (!strcmp(jstr(c, "path"), path)) return c;
    return NULL;
}

/* What else changed in a step, in few words: what runs it, then how much. */
static void print_rest(const json_t *changes, const char *by) {
    static const char *const what[] = {"op", "kernel", "tile"}, *const much[] = {"macs", "bytes.l2", "bytes.dram", "bound_ms"};
    int told = 0;
    char a[48], b[48], r[24];
    for (int i = 0; i < 3 && !told; i++) {
        const json_t *c = change_of(changes, what[i]);
        if (!c) continue;
        value(a, jget(c, "a"));
        value(b, jget(c, "b"));
        told = printf("  %s %s -> %s", what[i], a, b);
    }
    for (int i = 0; i < 4; i++) {
        const json_t *c = change_of(changes, much[i]);
        if (!c || !strcmp(much[i], by)) continue;
        relative(r, c);
        printf("  %s %s", much[i], r);
    }
}

static void print_step(const table *t, const json_t *s, const char *by) {
    const char *status = jstr(s, "status");
    const json_t *changes = jget(s, "changes"), *main = change_of(changes, by);
    printf("%-*s %-8s", t->name, jstr(s, "name"), status);
    if (main) print_pair(t, main);
    else printf(" %*s %*s %*s %9s", t->value, "", t->value, "", t->change, "", "");
    if (!strcmp(status, "changed")) print_rest(changes, by);
    printf("\n");
}

static void print_steps(table t, const json_t *doc) {
    const json_t *steps = jget(doc, "steps");
    const char *by = jstr(doc, "steps_by");
    size_t i, n[4] = {0};
    json_t *s;
    if (!steps) return;
    t.name = 4;
    json_array_foreach(steps, i, s) {
        const char *status = jstr(s, "status");
        bool shown = t.all || strcmp(status, "same") != 0;
        int len = (int)strlen(jstr(s, "name"));
        n[status[0] == 'a' ? 0 : status[0] == 'r' ? 1 : status[0] == 'c' ? 2 : 3]++;
        if (shown && len > t.name) t.name = len;
    }
    printf("\nsteps by name: %zu changed, %zu added, %zu removed, %zu the same\n", n[2], n[0], n[1], n[3]);
    if (n[0] && n[1] && !n[2] && !n[3]) printf("no name is in both: was the network renamed?\n");
    if (n[0] + n[1] + n[2] == 0 && !t.all) return;
    printf("%-*s %-8s %*s %*s %*s   (%s)\n", t.name, "", "", t.value, "A", t.value, "B", t.change, "change", by);
    json_array_foreach(steps, i, s)
        if (t.all || strcmp(jstr(s, "status"), "same") != 0) print_step(&t, s, by);
}

/* ---- recipes, head ---- */

static void print_recipe(const table *t, const json_t *rules) {
    size_t i;
    json_t *r;
    bool head = false;
    json_array_foreach(rules, i, r) {
        char nodes[48], a[48], b[48];
        if (!t->all && !strcmp(jstr(r, "status"), "same")) continue;
        if (!head) printf("\nrecipe\n");
        head = true;
        value(nodes, jget(r, "nodes"));
        value(a, jget(r, "a"));
        value(b, jget(r, "b"));
        printf("%-8s %-10s %s  ", jstr(r, "status"), jstr(r, "technique"), nodes);
        printf(!strcmp(jstr(r, "status"), "changed") ? "%s -> %s\n" : "%s\n", json_is_null(jget(r, "a")) ? b : a, b);
    }
}

static void print_side(const char *letter, const json_t *s) {
    printf("%s  %s  (%s", letter, jstr(s, "path"), jstr(s, "kind"));
    if (*jstr(s, "isa")) printf(", %s", jstr(s, "isa"));
    if (jnum(s, "threads") > 0) printf(", %.0f thread%s", jnum(s, "threads"), jnum(s, "threads") > 1 ? "s" : "");
    if (*jstr(s, "cpu_model")) printf(", %s", jstr(s, "cpu_model"));
    printf(")\n");
}

void diff_print(const json_t *doc, bool all, bool colour) {
    table t = {all, colour, 24, 14, 12};
    size_t i;
    json_t *row;
    json_array_foreach(jget(doc, "totals"), i, row) {
        int len = (int)strlen(jstr(row, "path"));
        if ((all || !same(row)) && len > t.name) t.name = len;
    }
    print_side("A", jget(doc, "a"));
    print_side("B", jget(doc, "b"));
    print_totals(&t, jget(doc, "totals"));
    print_steps(t, doc);
    print_recipe(&t, jget(doc, "recipe"));
}
