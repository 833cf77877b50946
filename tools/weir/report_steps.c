/* Plan steps: the ledger table, and bars and roofline over steps, of one plan or of two side by side. */
#include "report_sections.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const sides[] = {"before", "after"}, *const level[] = {"bytes.l1", "bytes.l2", "bytes.llc", "bytes.dram"},
                  *const level_name[] = {"L1", "L2", "LLC", "DRAM"};

void ledger_table(page *p, const char *caption, const json_t *steps) {
    static const char *const columns[] = {"<step", "<operator", "time", "bound", "of it", "<by", "MACs", "L1", "L2", "LLC", "DRAM", "<kernel"};
    size_t i;
    json_t *s;
    char b[32];
    if (!json_array_size(steps)) return;
    table_begin(p, caption, columns, 12);
    json_array_foreach(steps, i, s) {
        table_row(p);
        table_name(p, jstr(s, "name"));
        table_text(p, jstr(s, "op"));
        table_num(p, human_ms(jnum(s, "ms"), b));
        table_num(p, human_ms(jnum(s, "bound_ms"), b));
        if (isfinite(jnum(s, "fraction_of_bound"))) snprintf(b, sizeof b, "%.0f %%", 100 * jnum(s, "fraction_of_bound"));
        else snprintf(b, sizeof b, "-");
        table_num(p, b);
        table_text(p, jstr(s, "bound_by"));
        table_num(p, human_count(jnum(s, "macs"), b));
        for (int k = 0; k < 4; k++) table_num(p, human_bytes(jnum(s, level[k]), b));
        table_text(p, jstr(s, "kernel"));
        table_row_end(p);
    }
    table_end(p);
}

static const json_t *step_named(const json_t *steps, const char *name) {
    size_t i;
    json_t *s;
    json_array_foreach(steps, i, s)
        if (!strcmp(jstr(s, "name"), name)) return s;
    return NULL;
}

/* Steps of both plans by name; each may have steps that the other lacks. paths: of the columns. */
static bool pair_steps(const json_t *before, const json_t *after, const char *const *paths, int n, bars *b) {
    size_t i;
    json_t *s;
    b->row = calloc(json_array_size(before) + json_array_size(after) + 1, sizeof *b->row);
    if (!b->row) return false;
    json_array_foreach(before, i, s) {
        const json_t *t = step_named(after, jstr(s, "name"));
        bar_row *r = &b->row[b->n++];
        r->label = jstr(s, "name");
        for (int k = 0; k < n; k++) r->v[k][0] = jnum(s, paths[k]), r->v[k][1] = t ? jnum(t, paths[k]) : NAN;
    }
    json_array_foreach(after, i, s) {
        if (step_named(before, jstr(s, "name"))) continue;
        bar_row *r = &b->row[b->n++];
        r->label = jstr(s, "name");
        for (int k = 0; k < n; k++) r->v[k][0] = NAN, r->v[k][1] = jnum(s, paths[k]);
    }
    return true;
}

static void out_of_memory(page *p) {
    if (!p->bad) p->bad = (fprintf(stderr, "weir: out of memory for the report\n"), 4);
}

void steps_bytes(page *p, const json_t *before, const json_t *after) {
    bars b = {.columns = 4, .series = after ? 2 : 1, .name = {sides[0], sides[1]}, .label = human_bytes};
    for (int k = 0; k < 4; k++) b.column[k] = level_name[k];
    if (!pair_steps(before, after, level, 4, &b)) {
        out_of_memory(p);
        return;
    }
    page_figure(p, &(figure){"bytes-per-layer", "Planned bytes per layer and memory level (cold)",
                             "Bars for every step of the plan in four columns: bytes at L1, L2, the last-level cache and DRAM. The ledger tables hold the same numbers.",
                             draw_bars, &b, WIDE, NARROW});
    free(b.row);
}

void steps_time(page *p, const json_t *before, const json_t *after) {
    static const char *const paths[] = {"ms"};
    bars b = {.columns = 1, .series = 2, .name = {after ? sides[0] : "bound of the machine", after ? sides[1] : "measured"}, .label = human_ms};
    if (!pair_steps(before, after, paths, 1, &b)) {
        out_of_memory(p);
        return;
    }
    for (size_t i = 0; !after && i < b.n; i++) b.row[i].v[0][1] = b.row[i].v[0][0], b.row[i].v[0][0] = jnum(json_array_get(before, i), "bound_ms");
    page_figure(p, &(figure){"time-per-layer", after ? "Measured time per layer" : "Time per layer against the machine's bound",
                             "Two bars for every step of the plan. The ledger tables hold the same numbers.", draw_bars, &b, WIDE, NARROW});
    free(b.row);
}

static size_t points(const json_t *steps, int series, roof_point *out) {
    size_t i, n = 0;
    json_t *s;
    json_array_foreach(steps, i, s) {
        double ms = jnum(s, "ms"), macs = jnum(s, "macs");
        if (ms > 0 && macs > 0) out[n++] = (roof_point){jstr(s, "name"), jnum(s, "intensity"), macs / ms / 1e6, ms, series};
    }
    return n;
}

void steps_roofline(page *p, const json_t *before, const json_t *after, const json_t *machine, double threads) {
    static const char *const key[] = {"peak_gmacs.f32", "peak_gmacs.int8"}, *const name[] = {"f32 peak", "int8 peak"};
    size_t at = threads > 1 ? 1 : 0;
    double gbs = json_number_value(json_array_get(jget(machine, "levels.dram.read_gbs"), at));
    roofline r = {.name = {sides[0], sides[1]}, .series = after ? 2 : 1};
    for (int k = 0; k < 2; k++) {
        double peak = json_number_value(json_array_get(jget(machine, key[k]), at));
        if (gbs > 0 && peak > 0) r.roof[r.nroof++] = (roof){gbs, peak, name[k]};
    }
    r.point = calloc(json_array_size(before) + json_array_size(after) + 1, sizeof *r.point);
    if (!r.point) {
        out_of_memory(p);
        return;
    }
    r.n = points(before, 0, r.point);
    r.n += points(after, 1, r.point + r.n);
    page_figure(p, &(figure){"roofline", "Roofline",
                             "Each step with multiply-adds as a point: multiply-adds per DRAM byte against multiply-adds per second, under the slope of the "
                             "memory bandwidth and the peaks of the processor in f32 and int8.",
                             draw_roofline, &r, WIDE, NARROW});
    free(r.point);
}

void levels_bars(page *p, const json_t *before, const json_t *after) {
    static const char *const name[] = {"L1 (loads, stores)", "L2", "last-level cache", "DRAM"};
    bar_row row[4];
    bars b = {.row = row, .n = 4, .columns = 1, .series = after ? 2 : 1, .name = {sides[0], sides[1]}, .label = human_bytes};
    for (int k = 0; k < 4; k++) row[k] = (bar_row){name[k], {{jnum(before, level[k]), after ? jnum(after, level[k]) : NAN}}};
    page_figure(p, &(figure){"bytes-per-level", "Planned bytes per memory level (cold)", "Bars for L1, L2, the last-level cache and DRAM.", draw_bars, &b, WIDE, NARROW});
}
