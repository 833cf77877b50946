/* Random valid models, each through all differentials (rg_check.c). The same seeds give the same models everywhere.
 *   random-graphs [--scratch DIR] [--write DIR] [--set NAME]... [--print] [--whole] FIRST COUNT
 * --write: each model, as weir writes it again, with inputs and results, for comparison with other engines
 * --set: these CPU sets instead of all that the machine has; --print: the models; --whole: a failing one is not made smaller */
#include "cpu.h"
#include "machine.h"
#include "rg.h"
#include "weir.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_REASONS = 200, MOST_FAILURES = 25 };
typedef struct reason { char text[200]; int n; } reason;
typedef struct tally { int graphs, nodes, refused, failed, dropped, outputs, loose, nreason, op[64], nop; const char *name[64]; reason reason[MOST_REASONS]; } tally;

static void count_ops(tally *t, const rg_graph *g) {
    t->graphs++;
    t->nodes += g->nnode;
    for (int k = 0; k < g->nnode; k++) {
        int i = 0;
        while (i < t->nop && strcmp(t->name[i], g->node[k].op) != 0) i++;
        if (i == 64) continue;
        if (i == t->nop) t->name[t->nop++] = g->node[k].op;
        t->op[i]++;
    }
}

/* Reasons of refusals without the names and numbers that differ from graph to graph. */
static void count_reason(tally *t, const char *message) {
    char text[200] = {0};
    size_t n = 0;
    const char *s = strstr(message, ": ");
    for (s = s ? s + 2 : message; *s && n + 1 < sizeof text; s++) {
        bool digit = *s >= '0' && *s <= '9';
        if (digit && n && text[n - 1] == '#') continue;
        text[n++] = digit ? '#' : *s;
    }
    for (int i = 0; i < t->nreason; i++)
        if (strcmp(t->reason[i].text, text) == 0) {
            t->reason[i].n++;
            return;
        }
    if (t->nreason == MOST_REASONS) return;
    memcpy(t->reason[t->nreason].text, text, sizeof text);
    t->reason[t->nreason++].n = 1;
}

static void print_tally(const tally *t) {
    printf("operators:");
    for (int i = 0; i < t->nop; i++) printf(" %s %d", t->name[i], t->op[i]);
    printf("\n");
    for (int i = 0; i < t->nreason; i++) printf("refused %5d: %s\n", t->reason[i].n, t->reason[i].text);
    printf("%d graphs, %d nodes, %d outputs, %d outputs with loose bounds, %d refused, %d too large, %d failed\n", t->graphs, t->nodes, t->outputs,
           t->loose, t->refused, t->dropped, t->failed);
}

static void report_failure(rg_graph *g, const rg_setup *setup, const rg_report *r, bool whole) {
    rg_report last = *r;
    int nodes = g->nnode;
    if (!whole) {
        rg_shrink(g, setup, r->what);
        rg_check(g, setup, &last);
    }
    printf("seed %llu, %s: %s\n", (unsigned long long)g->seed, r->what, r->message);
    if (!whole) printf("  %d of %d nodes are enough: %s\n", g->nnode, nodes, last.message);
    rg_print(g);
    printf("  again: random-graphs %llu 1\n", (unsigned long long)g->seed);
    fflush(stdout);
}

static void run_seed(rg_graph *g, uint64_t seed, const rg_setup *setup, bool print, bool whole, tally *t) {
    rg_report r;
    rg_generate(g, seed);
    if (g->failed || g->noutput == 0) {
        t->dropped++;
        rg_release(g);
        return;
    }
    if (print) printf("seed %llu\n", (unsigned long long)seed), rg_print(g), fflush(stdout);
    count_ops(t, g);
    bool good = rg_check(g, setup, &r);
    t->outputs += r.outputs, t->loose += r.loose;
    if (!good && r.refused) {
        t->refused++;
        count_reason(t, r.message);
    } else if (!good) {
        t->failed++;
        report_failure(g, setup, &r, whole);
    }
    rg_release(g);
}

/* ---- contexts ---- */

static bool has_set(const char *name) {
    uint32_t flags;
    return w_cpu_cap(w_cpu_detect(), name, &flags, NULL) == WEIR_OK && strcmp(w_cpu_name(flags), name) == 0;
}

static bool make_context(const char *set, int threads, const char *machine, weir_context **out) {
    weir_context_options o = weir_context_options_default();
    const w_machine *m;
    weir_error e;
    o.cpu = set, o.threads = threads, o.machine_file = machine;
    weir_status s = weir_context_create(&o, out, &e);
    if (s == WEIR_OK && machine) s = w_machine_get(*out, false, &m, &e); /* now, so that it counts as no leak later */
    if (s == WEIR_OK) return true;
    fprintf(stderr, "random-graphs: %s\n", e.message);
    return false;
}

/* One machine model for all contexts: what it says does not change results, and measuring takes its time. */
static bool make_machine(const char *path) {
    weir_context *ctx;
    weir_document *doc;
    weir_error e;
    if (!make_context("ref", 1, NULL, &ctx)) return false;
    bool good = weir_machine(ctx, 0, &doc, &e) == WEIR_OK;
    FILE *f = good ? fopen(path, "w") : NULL;
    if (f) {
        good = fputs(weir_document_text(doc), f) >= 0;
        good &= fclose(f) == 0;
    }
    if (good) weir_document_destroy(doc);
    weir_context_destroy(ctx);
    if (!good || !f) fprintf(stderr, "random-graphs: no machine model in %s\n", path);
    return good && f;
}

static bool add_set(rg_setup *s, const char *name, const char *machine) {
    if (s->nset == 5 || !has_set(name)) return true;
    rg_set *set = &s->set[s->nset];
    set->name = name;
    if (!make_context(name, 1, machine, &set->one) || !make_context(name, 2, machine, &set->two)) return false;
    s->nset++;
    return true;
}

typedef struct arguments { const char *scratch, *write, *set[5]; int nset; bool print, whole; uint64_t first; int count; } arguments;

static bool read_arguments(int argc, char **argv, arguments *a) {
    *a = (arguments){.scratch = "."};
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        bool last = i + 1 == argc;
        if (strcmp(argv[i], "--print") == 0) a->print = true;
        else if (strcmp(argv[i], "--whole") == 0) a->whole = true;
        else if (!last && strcmp(argv[i], "--scratch") == 0) a->scratch = argv[++i];
        else if (!last && strcmp(argv[i], "--write") == 0) a->write = argv[++i];
        else if (!last && a->nset < 5 && strcmp(argv[i], "--set") == 0) a->set[a->nset++] = argv[++i];
        else return false;
    }
    if (argc - i != 2) return false;
    a->first = strtoull(argv[i], NULL, 10);
    a->count = atoi(argv[i + 1]);
    return a->count > 0;
}

static bool set_up(const arguments *a, rg_setup *s, char *machine, size_t n) {
    static const char *const all[] = {"ref", "avx2", "avxvnni", "avx512", "vnni", "neon", "dotprod", "i8mm"};
    *s = (rg_setup){.scratch = a->scratch, .write = a->write};
    snprintf(machine, n, "%s/machine-%d.json", a->scratch, (int)getpid());
    if (!make_machine(machine)) return false;
    for (int i = 0; i < (a->nset ? a->nset : (int)W_COUNT(all)); i++)
        if (!add_set(s, a->nset ? a->set[i] : all[i], machine)) return false;
    return s->nset > 0;
}

int main(int argc, char **argv) {
    static tally t;
    static rg_graph g;
    setvbuf(stdout, NULL, _IOLBF, 1 << 12);
    arguments a;
    rg_setup s;
    char machine[1100];
    if (!read_arguments(argc, argv, &a)) {
        fprintf(stderr, "usage: random-graphs [--scratch DIR] [--write DIR] [--set NAME]... [--print] [--whole] FIRST COUNT\n");
        return WEIR_USAGE;
    }
    if (!set_up(&a, &s, machine, sizeof machine)) return WEIR_UNMET;
    for (int i = 0; i < a.count && t.failed < MOST_FAILURES; i++) run_seed(&g, a.first + (uint64_t)i, &s, a.print, a.whole, &t);
    printf("CPU sets:");
    for (int i = 0; i < s.nset; i++) {
        printf(" %s", s.set[i].name);
        weir_context_destroy(s.set[i].one);
        weir_context_destroy(s.set[i].two);
    }
    printf("\n");
    print_tally(&t);
    unlink(machine);
    return t.failed ? WEIR_UNMET : WEIR_OK;
}
