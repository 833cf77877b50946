/* plan_text.c: the plan as the table that people read, one line a step, refusals beneath. */
#include "planner.h"
#include <stdio.h>
#include <string.h>

enum { NAME, OP, KERNEL, TILE, PLACE, MACS, BYTES, L1, L2, LLC, DRAM, BOUND, BY, COLUMNS };
static const char *const heads[COLUMNS] = {"step", "op", "kernel", "tile", "at", "macs", "compulsory", "l1", "l2", "llc", "dram", "bound", "by"};
#define CELL 96

typedef struct row { char cell[COLUMNS][CELL]; } row;

static void put_count(char *out, double v) {
    static const char *const unit[] = {"", "k", "M", "G", "T"};
    int u = 0;
    while (v >= 9999.5 && u < 4) {
        v /= 1000;
        u++;
    }
    snprintf(out, CELL, v < 100 && u > 0 ? "%.1f%s" : "%.0f%s", v, unit[u]);
}

/* Where the result goes: "@1024" in the arena, "out 0" in an output buffer. */
static void put_place(char *out, const w_step *s) {
    const w_loc *l = s->nout ? &s->out[0] : NULL;
    if (l && l->place == W_PLACE_ARENA)
        snprintf(out, CELL, "@%zu", l->offset);
    else if (l && l->place == W_PLACE_OUTPUT)
        snprintf(out, CELL, "out %u", l->index);
    else
        snprintf(out, CELL, "-");
}

static void fill_row(const w_plan *p, const w_step *s, row *r) {
    static const char *const by[] = {"L1", "L2", "LLC", "DRAM", "compute"};
    const w_node *n = &p->graph->node[s->node];
    snprintf(r->cell[NAME], CELL, "%s", w_node_label(p->graph, n));
    snprintf(r->cell[OP], CELL, "%s", w_op_get(n->op)->name);
    snprintf(r->cell[KERNEL], CELL, "%s", s->kernel ? s->kernel : "");
    snprintf(r->cell[TILE], CELL, "%s", s->tile ? s->tile : "");
    put_place(r->cell[PLACE], s);
    put_count(r->cell[MACS], (double)s->macs);
    put_count(r->cell[BYTES], s->bytes.compulsory);
    for (int l = 0; l < W_LEVELS; l++)
        put_count(r->cell[L1 + l], s->bytes.level[l]);
    snprintf(r->cell[BOUND], CELL, "%.1f us", 1e6 * s->bound_s);
    snprintf(r->cell[BY], CELL, "%s", by[s->bound_by]);
}

static void print_row(w_text *t, const row *r, const int *width) {
    for (int c = 0; c < COLUMNS; c++)
        w_text_add(t, c < MACS || c == BY ? "%-*s%s" : "%*s%s", width[c], r->cell[c], c == COLUMNS - 1 ? "\n" : "  ");
}

static void widen(const row *r, int *width) {
    for (int c = 0; c < COLUMNS; c++)
        width[c] = W_MAX(width[c], (int)strlen(r->cell[c]));
}

static void print_totals(w_text *t, const w_plan *p) {
    char c[W_LEVELS + 1][CELL];
    for (int l = 0; l < W_LEVELS; l++)
        put_count(c[l], p->bytes.level[l]);
    put_count(c[W_LEVELS], p->bytes.compulsory);
    w_text_add(t, "total: compulsory %s, planned (cold) l1 %s, l2 %s, llc %s, dram %s bytes; bound %.1f us warm, %.1f us cold\n",
               c[W_LEVELS], c[0], c[1], c[2], c[3], 1e6 * p->bound_s, 1e6 * p->bound_cold_s);
    w_text_add(t, "arena: %zu bytes, lower bound %zu (%s); %s, %d thread%s\n", p->arena_bytes, p->arena_lower_bound,
               p->arena_bound_proof, w_cpu_name(p->ctx->cpu), p->options.threads, p->options.threads == 1 ? "" : "s");
}

static void print_all(w_text *t, const w_plan *p) {
    row r = {0};
    int width[COLUMNS] = {0};
    for (int c = 0; c < COLUMNS; c++)
        snprintf(r.cell[c], CELL, "%s", heads[c]);
    widen(&r, width);
    for (size_t i = 0; i < p->nstep; i++) {
        row s;
        fill_row(p, &p->step[i], &s);
        widen(&s, width);
    }
    print_row(t, &r, width);
    for (size_t i = 0; i < p->nstep; i++) {
        fill_row(p, &p->step[i], &r);
        print_row(t, &r, width);
        for (uint32_t k = 0; k < p->step[i].nrefusals; k++)
            w_text_add(t, "    not %s\n", p->step[i].refusals[k]);
    }
    print_totals(t, p);
}

weir_status w_plan_text(const w_plan *p, weir_document **out, weir_error *e) {
    w_text t;
    w_text_init(&t, p->ctx);
    print_all(&t, p);
    *out = t.bad ? NULL : w_document_text(t.s ? t.s : "");
    w_text_fini(&t);
    return *out ? WEIR_OK : w_oom(e, 0, "the text of a plan");
}
