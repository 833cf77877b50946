/* The report of weir profile. Its tables and pictures of steps also serve the report of optimize. */
#include "report.h"
#include "report_steps.h"
#include <math.h>
#include <stdlib.h>

void steps_table(page *p, const json_t *steps) {
    static const char *const levels[] = {"bytes.l1", "bytes.l2", "bytes.llc", "bytes.dram"};
    size_t i;
    json_t *s;
    char b[32];
    fprintf(p->f, "<div class=scroll><table><tr><th>step<th class=l>operator<th class=l>kernel<th>ms<th>bound<th>of it<th class=l>by<th>MACs<th>L1<th>L2<th>LLC<th>DRAM</tr>");
    json_array_foreach(steps, i, s) {
        fprintf(p->f, "<tr><td>");
        page_text(p, jstr(s, "name"));
        fprintf(p->f, "<td class=l>");
        page_text(p, jstr(s, "op"));
        fprintf(p->f, "<td class=l>");
        page_text(p, jstr(s, "kernel"));
        fprintf(p->f, "<td>%.4f<td>%.4f<td>%.0f %%<td class=l>", jnum(s, "ms"), jnum(s, "bound_ms"), 100 * jnum(s, "fraction_of_bound"));
        page_text(p, jstr(s, "bound_by"));
        fprintf(p->f, "<td>%s", human_count(jnum(s, "macs"), b));
        for (int k = 0; k < 4; k++) fprintf(p->f, "<td>%s", human_bytes(jnum(s, levels[k]), b));
        fprintf(p->f, "</tr>");
    }
    fprintf(p->f, "</table></div>\n");
}

void steps_verdicts(page *p, const json_t *steps) {
    size_t i, k;
    json_t *s, *v;
    char b[32];
    fprintf(p->f, "<div class=scroll><table><tr><th>step<th class=l>technique<th>saves<th>DRAM bytes<th class=l>why not</tr>");
    json_array_foreach(steps, i, s) json_array_foreach(jget(s, "verdict"), k, v) {
        fprintf(p->f, "<tr><td>");
        page_text(p, k ? "" : jstr(s, "name"));
        fprintf(p->f, "<td class=l>");
        page_text(p, jstr(v, "technique"));
        fprintf(p->f, "<td>%.4f ms<td>%s<td class=w>", jnum(v, "saves_ms"), human_bytes(jnum(v, "saves_bytes"), b));
        page_text(p, jstr(v, "why_not"));
        fprintf(p->f, "</tr>");
    }
    fprintf(p->f, "</table></div>\n");
}

size_t steps_points(const json_t *steps, int series, roof_point *out, size_t max) {
    size_t i, n = 0;
    json_t *s;
    json_array_foreach(steps, i, s) {
        double ms = jnum(s, "ms");
        if (n == max || !(ms > 0) || !(jnum(s, "macs") > 0)) continue;
        out[n++] = (roof_point){jstr(s, "name"), jnum(s, "intensity"), jnum(s, "macs") / ms / 1e6, series};
    }
    return n;
}

int machine_roofs(const json_t *machine, double threads, roof out[2]) {
    static const char *const key[] = {"peak_gmacs.f32", "peak_gmacs.int8"}, *const name[] = {"f32 peak", "int8 peak"};
    size_t at = threads > 1 ? 1 : 0;
    int n = 0;
    double gbs = json_number_value(json_array_get(jget(machine, "levels.dram.read_gbs"), at));
    for (int k = 0; k < 2; k++) {
        double peak = json_number_value(json_array_get(jget(machine, key[k]), at));
        if (gbs > 0 && peak > 0) out[n++] = (roof){gbs, peak, name[k]};
    }
    return n;
}

int report_profile(const char *path, const char *model, const json_t *d, const json_t *machine) {
    static roof_point points[512];
    static bar_row rows[512];
    static const char *const one[] = {"measured"}, *const two[] = {"measured", "bound"};
    page p;
    char title[400];
    size_t i, n = 0;
    json_t *s;
    snprintf(title, sizeof title, "Where the bytes of %s go", model);
    int bad = page_open(&p, path, title);
    if (bad) return bad;
    fprintf(p.f, "<p>One run takes %.4f ms (median of %.0f); the machine's bound for this plan is %.4f ms.</p>", jnum(d, "latency_median_ms"),
            jnum(d, "iterations"), jnum(d, "bound_ms"));
    json_array_foreach(jget(d, "steps"), i, s)
        if (n < 512) rows[n++] = (bar_row){jstr(s, "name"), {jnum(s, "ms"), jnum(s, "bound_ms")}};
    fprintf(p.f, "<h2>Time of each step against its bound</h2>");
    svg_bars(&p, "time per step", "ms", rows, n, two, 2);
    fprintf(p.f, "<h2>Roofline</h2>");
    roof roofs[2];
    int nroofs = machine_roofs(machine, jnum(d, "threads"), roofs);
    svg_roofline(&p, roofs, nroofs, points, steps_points(jget(d, "steps"), 0, points, 512), one, 1);
    fprintf(p.f, "<h2>The ledger</h2>");
    steps_table(&p, jget(d, "steps"));
    fprintf(p.f, "<h2>Verdicts</h2>");
    steps_verdicts(&p, jget(d, "steps"));
    page_machine(&p, d);
    return page_close(&p);
}
