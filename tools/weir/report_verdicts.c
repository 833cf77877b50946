/* Verdicts in words: what each technique would save over the whole plan, where most, and why not elsewhere. */
#include "report_sections.h"
#include <math.h>
#include <string.h>

const char *technique_title(const char *name) {
    static const char *const known[][2] = {{"int8", "8-bit integers"}, {"prune", "pruning"}, {"cluster", "shared weight values"}, {"ans", "entropy coding of the file"},
                                           {"channels", "channel pruning"}, {"lowrank", "low-rank factors"}, {"equalise", "equalised channels"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!strcmp(name, known[i][0])) return known[i][1];
    return name;
}

#define MAX_TECHNIQUES 32

typedef struct tally { size_t yes, no; double ms, bytes; json_t *why; const json_t *most; double most_ms, most_bytes; } tally;

static const json_t *verdict_of(const json_t *step, const char *technique) {
    size_t i;
    json_t *v;
    json_array_foreach(jget(step, "verdict"), i, v)
        if (!strcmp(jstr(v, "technique"), technique)) return v;
    return NULL;
}

static tally count(const json_t *steps, const char *technique) {
    tally t = {.why = json_object()};
    size_t i;
    json_t *s;
    json_array_foreach(steps, i, s) {
        const json_t *v = verdict_of(s, technique);
        const char *why = jstr(v, "why_not");
        if (!v) continue;
        if (*why) {
            t.no++;
            json_object_set_new(t.why, why, json_integer(json_integer_value(json_object_get(t.why, why)) + 1));
            continue;
        }
        double ms = fmax(jnum(v, "saves_ms"), 0), bytes = fmax(jnum(v, "saves_bytes"), 0);
        t.yes++;
        t.ms += ms;
        t.bytes += bytes;
        if (!t.most || ms > t.most_ms || (ms == t.most_ms && bytes > t.most_bytes)) t.most = s, t.most_ms = ms, t.most_bytes = bytes;
    }
    return t;
}

static void put_name(page *p, const char *technique) {
    fputs("<strong>", p->f);
    page_text(p, technique_title(technique));
    fputs("</strong>", p->f);
    if (strcmp(technique_title(technique), technique)) fputs(" (", p->f), page_text(p, technique), fputs(")", p->f);
}

static void put_reasons(page *p, const json_t *why, const char *lead) {
    const char *reason;
    json_t *n;
    bool first = true;
    json_object_foreach((json_t *)(uintptr_t)why, reason, n) {
        fputs(first ? lead : "; ", p->f);
        page_text(p, reason);
        fprintf(p->f, " (%lld step%s)", (long long)json_integer_value(n), json_integer_value(n) == 1 ? "" : "s");
        first = false;
    }
    fputs(first ? "</li>\n" : ".</li>\n", p->f);
}

static void say(page *p, const char *technique, const tally *t, size_t steps) {
    char a[32], b[32];
    fputs("<li>", p->f);
    put_name(p, technique);
    fprintf(p->f, " would save %s a run and %s of DRAM traffic, on %zu of %zu steps", human_ms(t->ms, a), human_bytes(t->bytes, b), t->yes, steps);
    if (t->yes > 1 && t->most) {
        fputs("; most on ", p->f);
        page_text(p, jstr(t->most, "name"));
        fprintf(p->f, " (%s)", t->most_ms > 0 ? human_ms(t->most_ms, a) : human_bytes(t->most_bytes, a));
    }
    fputc('.', p->f);
    put_reasons(p, t->why, " Elsewhere not: ");
}

/* Techniques that save nothing for the same reasons are told together. */
static void say_nothing(page *p, const json_t *list, const tally *t, size_t n) {
    for (size_t i = 0; i < n; i++) {
        bool told = t[i].yes > 0;
        for (size_t k = 0; k < i && !told; k++) told = !t[k].yes && json_equal(t[k].why, t[i].why);
        if (told) continue;
        fputs("<li>", p->f);
        for (size_t k = i; k < n; k++) {
            if (k > i && (t[k].yes || !json_equal(t[k].why, t[i].why))) continue;
            if (k > i) fputs(", ", p->f);
            put_name(p, jstr(json_array_get(list, k), "technique"));
        }
        fputs(": nothing in a run.", p->f);
        put_reasons(p, t[i].why, " Why not: ");
    }
}

static void details(page *p, const json_t *steps) {
    static const char *const columns[] = {"<step", "<technique", "saves time", "saves DRAM bytes"};
    size_t i, k;
    json_t *s, *v;
    char b[32];
    bool any = false;
    json_array_foreach(steps, i, s) json_array_foreach(jget(s, "verdict"), k, v) {
        if (*jstr(v, "why_not")) continue;
        if (!any) table_begin(p, "What would save something, step by step", columns, 4);
        any = true;
        table_row(p);
        table_name(p, jstr(s, "name"));
        table_text(p, technique_title(jstr(v, "technique")));
        table_num(p, human_ms(jnum(v, "saves_ms"), b));
        table_num(p, human_bytes(jnum(v, "saves_bytes"), b));
        table_row_end(p);
    }
    if (any) table_end(p);
}

void verdicts_section(page *p, const char *title, const json_t *steps) {
    const json_t *list = jget(json_array_get(steps, 0), "verdict");
    tally t[MAX_TECHNIQUES];
    size_t n = json_array_size(list);
    if (n == 0) return;
    if (n > MAX_TECHNIQUES) n = MAX_TECHNIQUES;
    page_section(p, "verdicts", title);
    fputs("<p>What the machine model says before anything is tried.</p>\n<ul class=\"words\">", p->f);
    for (size_t i = 0; i < n; i++) {
        const char *name = jstr(json_array_get(list, i), "technique");
        t[i] = count(steps, name);
        if (t[i].yes) say(p, name, &t[i], json_array_size(steps));
    }
    say_nothing(p, list, t, n);
    for (size_t i = 0; i < n; i++) json_decref(t[i].why);
    fputs("</ul>\n", p->f);
    details(p, steps);
}
