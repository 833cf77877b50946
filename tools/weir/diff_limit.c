/* weir diff --fail-on PATH:LIMIT: +2% and +1000 limit a rise, -1% and -5 a fall, a plain number limits B itself. A change that is
 * just the limit is inside it; decimals are compared exactly. */
#include "diff.h"
#include <stdlib.h>
#include <string.h>

typedef struct limit {
    const char *text;          /* as given */
    char path[1000];
    const char *figure;        /* "+2%" */
    decimal most;
    bool percent, rise, fall;  /* neither rise nor fall: B itself */
    bool wild;
} limit;

static int limit_read(limit *l, const char *text) {
    const char *colon = strrchr(text, ':'), *end;
    size_t n = colon ? (size_t)(colon - text) : 0;
    if (!n || n >= sizeof l->path) return usage("--fail-on '%s': PATH:+2%%, PATH:+1000, PATH:-1%% or PATH:5000 is expected", text);
    *l = (limit){.text = text, .figure = colon + 1, .rise = colon[1] == '+', .fall = colon[1] == '-'};
    memcpy(l->path, text, n);
    l->wild = strchr(l->path, '*') != NULL;
    const char *number = l->figure + (l->rise || l->fall);
    bool ok = *number != '+' && *number != '-' && decimal_read(number, &end, &l->most);
    if (ok && *end == '%') l->percent = true, end++;
    if (!ok || *end || (l->percent && !l->rise && !l->fall)) {
        return usage("--fail-on '%s': '%s' is no limit: +2%%, +1000, -1%%, -5 or a plain number of at most 18 digits is expected", text, l->figure);
    }
    return 0;
}

/* ---- the places of one side ---- */

typedef struct places { json_t *found; bool bad; } places;

/* latency_ms of a bench is an object: its median is meant. */
static void take_place(void *to, const char *path, const json_t *v) {
    places *p = to;
    const json_t *median = json_is_object(v) ? json_object_get(v, "p50") : NULL;
    p->bad |= json_object_set(p->found, path, (json_t *)(uintptr_t)(median ? median : v)) != 0;
}

static json_t *find(diff *d, int which, const limit *l) {
    places p = {json_object(), false};
    if (p.found) each_place(d->side[which].doc, l->path, take_place, &p);
    d->bad |= !p.found || p.bad;
    return p.found;
}

/* The reason that stands beside a null: KEY_why_null, KEY_reason, or a shorter KEY's. */
static const char *reason(const json_t *doc, const char *path) {
    char stem[1000], key[1100];
    snprintf(stem, sizeof stem, "%s", path);
    for (char *cut; strlen(stem); *cut = 0) {
        for (int i = 0; i < 2; i++) {
            snprintf(key, sizeof key, "%s%s", stem, i ? "_reason" : "_why_null");
            const char *why = jstr(doc, key);
            if (*why) return why;
        }
        cut = strrchr(stem, '_');
        if (!cut || strchr(cut, '.')) break;
    }
    return "no reason is given";
}

static int refuse(const diff *d, int which, const limit *l, const char *path, const json_t *v) {
    const side *s = &d->side[which];
    if (!v) return usage("--fail-on %s: %c (%s, %s) has no '%s'", l->text, "AB"[which], s->path, s->kind, path);
    if (json_is_null(v)) return usage("--fail-on %s: '%s' of %c (%s, %s) is null: %s", l->text, path, "AB"[which], s->path, s->kind, reason(s->doc, path));
    return usage("--fail-on %s: '%s' of %c (%s, %s) is %s, a number is expected", l->text, path, "AB"[which], s->path, s->kind,
                 json_is_object(v) ? "an object: name a field of it" : json_is_array(v) ? "a list" : "no number");
}

/* ---- judging ---- */

static bool exceeds(const limit *l, const json_t *a, const json_t *b) {
    if (!l->rise && !l->fall) return decimal_compare(decimal_of(b), l->most) > 0;
    return decimal_exceeds(decimal_of(a), decimal_of(b), l->most, l->percent, l->fall);
}

static void figure(char out[40], const json_t *v) {
    if (json_is_integer(v)) snprintf(out, 40, "%lld", (long long)json_integer_value(v));
    else snprintf(out, 40, "%.12g", json_number_value(v));
}

static void say(const limit *l, const char *path, const json_t *a, const json_t *b) {
    char x[40] = "-", y[40], by[40] = "";
    double old = json_number_value(a), r = 100 * (json_number_value(b) - old) / (old < 0 ? -old : old);
    if (json_is_number(a)) figure(x, a);
    figure(y, b);
    if (json_is_number(a) && old != 0) snprintf(by, sizeof by, " (%+.*f %%)", r > -0.1 && r < 0.1 ? 4 : 2, r);
    fprintf(stderr, "weir: %s: %s -> %s%s, the limit is %s\n", path, x, y, by, l->figure);
}

/* One place of both sides. 0, or 2 after a message. */
static int judge(diff *d, const limit *l, const char *path, const json_t *a, const json_t *b, json_t *list) {
    bool absolute = !l->rise && !l->fall;
    if (!json_is_number(b)) return refuse(d, 1, l, path, b);
    if (!json_is_number(a) && !absolute) return refuse(d, 0, l, path, a);
    bool violated = exceeds(l, a, b);
    json_t *pair = diff_pair(path, a, b);
    d->bad |= !pair || json_object_set_new(pair, "limit", json_string(l->text)) != 0 ||
              json_object_set_new(pair, "violated", json_boolean(violated)) != 0 || json_array_append_new(list, pair) != 0;
    if (violated) say(l, path, a, b);
    return 0;
}

/* Texts and objects beside the numbers of a wildcard are no error; what one side alone has cannot be compared, and is said. */
static int judge_wild(diff *d, const limit *l, const json_t *a, const json_t *b, json_t *list, bool quiet) {
    const char *path;
    json_t *v;
    size_t judged = 0, alone = 0;
    int rc = 0;
    json_object_foreach((json_t *)(uintptr_t)b, path, v) {
        const json_t *old = json_object_get(a, path);
        if (!old && (l->rise || l->fall)) alone++;
        else if (json_is_number(v) || json_is_null(v) || json_is_null(old)) judged++, rc = rc ? rc : judge(d, l, path, old, v, list);
    }
    json_object_foreach((json_t *)(uintptr_t)a, path, v) alone += !json_object_get(b, path);
    if (!rc && !judged) return usage("--fail-on %s: A (%s) and B (%s) have no number there in common", l->text, d->side[0].path, d->side[1].path);
    if (alone && !quiet) fprintf(stderr, "weir: note: --fail-on %s: %zu places are in one of the two only and were not compared\n", l->text, alone);
    return rc;
}

static int judge_limit(diff *d, const char *text, json_t *list, bool quiet) {
    limit l;
    int rc = limit_read(&l, text);
    if (rc) return rc;
    json_t *a = find(d, 0, &l), *b = find(d, 1, &l);
    if (l.wild) {
        rc = judge_wild(d, &l, a, b, list, quiet);
    } else {
        const char *path = json_object_iter_key(json_object_iter(b));
        if (!path) path = json_object_iter_key(json_object_iter(a));
        if (!path) path = l.path;
        rc = judge(d, &l, path, json_object_get(a, path), json_object_get(b, path), list);
    }
    json_decref(a);
    json_decref(b);
    return rc;
}

int diff_limits(diff *d, const opt_list *limits, bool quiet) {
    json_t *list = json_array(), *l;
    size_t i;
    int rc = 0;
    json_int_t violated = 0;
    for (i = 0; i < limits->n && !rc; i++) rc = judge_limit(d, limits->item[i], list, quiet);
    json_array_foreach(list, i, l) violated += json_is_true(jget(l, "violated"));
    d->bad |= json_object_set_new(d->doc, "limits", list) != 0 || json_object_set_new(d->doc, "violated", json_integer(violated)) != 0;
    return rc ? rc : violated ? 1 : 0;
}
