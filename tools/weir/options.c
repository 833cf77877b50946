/* Options as data: parsing and --help. manual.c makes the manual pages of the same rows. */
#include "cli.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

size_t opt_common_rows(const opt **rows, common *c) {
    static opt r[8];
    size_t n = 0;
    r[n++] = (opt){"json", 0, OPT_FLAG, &c->json, NULL, "print one JSON object on standard output, nothing else"};
    r[n++] = (opt){"threads", 0, OPT_INT, &c->threads, "N", "threads to use (default: physical cores)"};
    r[n++] = (opt){"cpu", 0, OPT_TEXT, &c->cpu, "NAME",
                      "use no more than this instruction set: ref, avx2, avx512, vnni, bf16, amx, avxvnni; on arm64 ref, neon, dotprod, i8mm"};
    r[n++] = (opt){"machine", 0, OPT_TEXT, &c->machine, "FILE", "plan for the machine model in FILE; plan, inspect and diff then choose that machine's kernels"};
    r[n++] = (opt){"quiet", 'q', OPT_FLAG, &c->quiet, NULL, "no progress, no notes"};
    r[n++] = (opt){"help", 'h', OPT_FLAG, &c->help, NULL, "this text"};
    *rows = r;
    return n;
}

static const opt *find_in(const opt *rows, size_t n, const char *name, size_t len, char letter) {
    for (size_t i = 0; i < n; i++) {
        if (letter && rows[i].letter == letter) return &rows[i];
        if (name && strlen(rows[i].name) == len && strncmp(rows[i].name, name, len) == 0) return &rows[i];
    }
    return NULL;
}

static const opt *find(const verb *v, common *c, const char *name, size_t len, char letter) {
    const opt *own, *shared;
    size_t n = v->options(&own), all = opt_common_rows(&shared, c);
    const opt *o = find_in(own, n, name, len, letter);
    return o ? o : find_in(shared, all, name, len, letter);
}

/* "10m", "90s", "1h", "250ms" are seconds when the option says TIME. */
static bool parse_number(const opt *o, const char *text, double *out) {
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    if (end == text || errno) return false;
    if (o->arg && strcmp(o->arg, "TIME") == 0) {
        if (!strcmp(end, "ms")) *out /= 1000, end += 2;
        else if (!strcmp(end, "s")) end++;
        else if (!strcmp(end, "m")) *out *= 60, end++;
        else if (!strcmp(end, "h")) *out *= 3600, end++;
    }
    return *end == 0;
}

static int store(const opt *o, const char *text) {
    double x;
    switch (o->kind) {
    case OPT_TEXT: *(const char **)o->to = text; return 0;
    case OPT_LIST: {
        opt_list *l = o->to;
        if (l->n == 64) return usage("--%s was given more than 64 times", o->name);
        l->item[l->n++] = text;
        return 0;
    }
    case OPT_INT:
        if (!parse_number(o, text, &x) || x < 0 || x > 1e9 || x != (double)(int)x) return usage("--%s '%s': a whole number is expected", o->name, text);
        *(int *)o->to = (int)x;
        return 0;
    default:
        if (!parse_number(o, text, &x)) return usage("--%s '%s': a number is expected", o->name, text);
        *(double *)o->to = x;
        return 0;
    }
}

static int parse_option(const verb *v, common *c, int argc, char **argv, int *i) {
    const char *a = argv[*i], *eq = NULL;
    const opt *o;
    if (a[1] == '-') {
        eq = strchr(a, '=');
        o = find(v, c, a + 2, eq ? (size_t)(eq - a - 2) : strlen(a + 2), 0);
    } else {
        o = a[2] == 0 ? find(v, c, NULL, 0, a[1]) : NULL;
    }
    if (!o) return usage("%s knows no option '%s'; weir %s --help lists them", v->name, a, v->name);
    if (o->kind == OPT_FLAG) {
        if (eq) return usage("--%s takes no value", o->name);
        *(bool *)o->to = true;
        return 0;
    }
    if (!eq && *i + 1 >= argc) return usage("%s needs a value (%s)", a, o->arg);
    return store(o, eq ? eq + 1 : argv[++*i]);
}

int opt_parse(const verb *v, common *c, int argc, char **argv, const char **args, int max_args, int *nargs) {
    bool only_args = false;
    for (int i = 0; i < argc; i++) {
        if (!only_args && strcmp(argv[i], "--") == 0) {
            only_args = true;
        } else if (!only_args && argv[i][0] == '-' && argv[i][1]) {
            int bad = parse_option(v, c, argc, argv, &i);
            if (bad) return bad;
        } else {
            if (*nargs == max_args) return usage("too many arguments");
            args[(*nargs)++] = argv[i];
        }
    }
    return 0;
}

static void help_rows(const opt *rows, size_t n, FILE *f) {
    for (size_t i = 0; i < n; i++) {
        char left[64];
        snprintf(left, sizeof left, "%c%c%s --%s%s%s", rows[i].letter ? '-' : ' ', rows[i].letter ? rows[i].letter : ' ',
                 rows[i].letter ? "," : " ", rows[i].name, rows[i].arg ? " " : "", rows[i].arg ? rows[i].arg : "");
        fprintf(f, "  %-30s %s\n", left, rows[i].help);
    }
}

void opt_help(const verb *v, FILE *f) {
    static common c;
    const opt *rows;
    fprintf(f, "usage: weir %s\n\n%s.\n", v->usage, v->summary);
    if (v->text) fprintf(f, "\n%s\n", v->text);
    size_t n = v->options(&rows);
    fprintf(f, "\noptions:\n");
    help_rows(rows, n, f);
    n = opt_common_rows(&rows, &c);
    help_rows(rows, n, f);
    fprintf(f, "\nexample:\n");
    for (const char *line = v->example; *line;) {
        int len = (int)strcspn(line, "\n");
        fprintf(f, "  %.*s\n", len, line);
        line += len + (line[len] == '\n');
    }
}
