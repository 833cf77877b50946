/* The report of weir optimize: what was gained, what it cost, where the bytes go before and after. */
#include "report.h"
#include "report_steps.h"
#include <math.h>
#include <string.h>

static const char *const sides[] = {"before", "after"};

static void card(page *p, const char *name, const char *value, const char *note) {
    fprintf(p->f, "<div class=card><span class=dim>%s</span><b>%s</b>%s</div>", name, value, note);
}

static void ratio_card(page *p, const char *name, const json_t *d, const char *path, bool bytes) {
    char a[40], b[40], value[40], note[100], key[64];
    snprintf(key, sizeof key, "baseline.%s", path);
    double x = jnum(d, key);
    snprintf(key, sizeof key, "optimized.%s", path);
    double y = jnum(d, key);
    if (!(x > 0) || !(y > 0)) return;
    if (bytes) snprintf(note, sizeof note, "%s to %s", human_bytes(x, a), human_bytes(y, b));
    else snprintf(note, sizeof note, "%.4f to %.4f ms", x, y);
    snprintf(value, sizeof value, "%.2fx less", x / y);
    card(p, name, value, note);
}

static void summary(page *p, const json_t *d) {
    bool looked = jnum(d, "verifications") > 0, met = json_is_true(jget(d, "met"));
    fprintf(p->f, "<p>%s. Top-1 drops by %.2f points on %s; with 95 %% confidence by at most %.2f, and %.2f were allowed.</p><div class=cards>",
            !looked ? "<span class=bad>Not verified (dry run)</span>" : met ? "<span class=ok>The accuracy budget is met</span>" : "<span class=bad>The accuracy budget is not met</span>",
            jnum(d, "drop_points"), looked ? "the evaluation data" : "the search samples", jnum(d, "drop_upper95"), jnum(d, "max_drop"));
    ratio_card(p, "file", d, "file_bytes", true);
    ratio_card(p, "latency, batch 1", d, "latency_ms", false);
    ratio_card(p, "DRAM bytes, cold", d, "bytes.dram", true);
    ratio_card(p, "L2 bytes, cold", d, "bytes.l2", true);
    if (looked) {
        char value[40], note[60];
        snprintf(value, sizeof value, "%.2f %%", jnum(d, "optimized.top1"));
        snprintf(note, sizeof note, "before %.2f %%, on %.0f samples", jnum(d, "baseline.top1"), jnum(d, "baseline.n"));
        card(p, "top-1", value, note);
    }
    fprintf(p->f, "</div>\n");
}

static void levels(page *p, const json_t *d) {
    static const char *const name[] = {"L1 (by instructions)", "L2", "last-level cache", "DRAM"};
    static const char *const key[] = {"l1", "l2", "llc", "dram"};
    bar_row rows[4];
    char a[64], b[64];
    for (int i = 0; i < 4; i++) {
        snprintf(a, sizeof a, "baseline.bytes.%s", key[i]);
        snprintf(b, sizeof b, "optimized.bytes.%s", key[i]);
        rows[i] = (bar_row){name[i], {jnum(d, a), jnum(d, b)}};
    }
    fprintf(p->f, "<h2>Planned bytes per level of the memory hierarchy</h2>");
    svg_bars(p, "planned bytes per level", "B", rows, 4, sides, 2);
}

/* Steps of both plans by name: the optimised plan may have more (borders) or fewer. */
static size_t pair_steps(const json_t *d, const char *path, bar_row *rows, size_t max) {
    size_t i, k, n = 0;
    json_t *s, *t;
    json_array_foreach(jget(d, "baseline.steps"), i, s) {
        if (n == max) break;
        rows[n] = (bar_row){jstr(s, "name"), {jnum(s, path), NAN}};
        json_array_foreach(jget(d, "optimized.steps"), k, t)
            if (!strcmp(jstr(s, "name"), jstr(t, "name"))) rows[n].value[1] = jnum(t, path);
        n++;
    }
    json_array_foreach(jget(d, "optimized.steps"), k, t) {
        bool old = false;
        for (size_t j = 0; j < n && !old; j++) old = !strcmp(rows[j].label, jstr(t, "name"));
        if (!old && n < max) rows[n++] = (bar_row){jstr(t, "name"), {NAN, jnum(t, path)}};
    }
    return n;
}

static void rungs(page *p, const json_t *list) {
    size_t i;
    json_t *r;
    json_array_foreach(list, i, r) {
        fprintf(p->f, "%s", i ? "; " : "");
        if (jnum(r, "density") < 1) fprintf(p->f, "%.3g", jnum(r, "density"));
        else fprintf(p->f, "%.0f bit", jnum(r, "bits"));
        fprintf(p->f, ": %.4f / %+.2f", jnum(r, "kl"), jnum(r, "drop_points"));
    }
}

static void recipe(page *p, const json_t *d) {
    size_t i, k;
    json_t *r, *n, *l;
    char b[32];
    fprintf(p->f, "<h2>The recipe</h2><p>Each rule with what it cost alone, measured on %s, and what it saved in the file.</p>"
                  "<div class=scroll><table><tr><th>technique<th class=l>nodes<th class=l>setting<th>drop, points<th>divergence<th>saved</tr>", "search samples");
    json_array_foreach(jget(d, "recipe"), i, r) {
        fprintf(p->f, "<tr><td>");
        page_text(p, jstr(r, "technique"));
        fprintf(p->f, "<td class=w>");
        json_array_foreach(json_object_get(r, "nodes"), k, n) {
            if (k) fprintf(p->f, ", ");
            page_text(p, json_string_value(n) ? json_string_value(n) : "");
        }
        fprintf(p->f, "<td class=l>");
        if (jget(r, "density")) fprintf(p->f, "density %.3g", jnum(r, "density"));
        if (jget(r, "bits")) fprintf(p->f, "%.0f-bit weights", jnum(r, "bits"));
        if (jget(r, "codebook")) fprintf(p->f, "%.0f shared values", jnum(r, "codebook"));
        if (jget(r, "cost")) fprintf(p->f, "<td>%+.2f<td>%.5f<td>%s", jnum(r, "cost.drop_points"), jnum(r, "cost.kl"), human_bytes(jnum(r, "cost.saved_bytes"), b));
        else fprintf(p->f, "<td>0<td>0<td>-");
        fprintf(p->f, "</tr>");
    }
    fprintf(p->f, "</table></div><h2>Sensitivity</h2><p>Every setting that was tried on a layer alone: divergence of the class probabilities in nats / drop in points.</p>"
                  "<div class=scroll><table><tr><th>layer<th>weights<th>chosen<th class=l>bits<th class=l>density</tr>");
    json_array_foreach(jget(d, "layers"), i, l) {
        fprintf(p->f, "<tr><td>");
        page_text(p, jstr(l, "name"));
        fprintf(p->f, "<td>%s<td>%.0f bit, %.3g<td class=w>", human_count(jnum(l, "weights"), b), jnum(l, "bits"), jnum(l, "density"));
        rungs(p, jget(l, "bits_ladder"));
        fprintf(p->f, "<td class=w>");
        rungs(p, jget(l, "density_ladder"));
        fprintf(p->f, "</tr>");
    }
    fprintf(p->f, "</table></div>\n");
}

static void pictures(page *p, const json_t *d, const json_t *machine) {
    static bar_row rows[512];
    static roof_point points[1024];
    levels(p, d);
    fprintf(p->f, "<h2>Bytes between L2 and the last-level cache, per step (cold)</h2>");
    svg_bars(p, "LLC bytes per step", "B", rows, pair_steps(d, "bytes.llc", rows, 512), sides, 2);
    fprintf(p->f, "<h2>Time per step</h2>");
    svg_bars(p, "time per step", "ms", rows, pair_steps(d, "ms", rows, 512), sides, 2);
    size_t n = steps_points(jget(d, "baseline.steps"), 0, points, 512);
    n += steps_points(jget(d, "optimized.steps"), 1, points + n, 512);
    roof roofs[2];
    int k = machine_roofs(machine, jnum(d, "baseline.threads"), roofs);
    fprintf(p->f, "<h2>Roofline</h2><p>Each point is a layer, at what was measured; the lines are what this machine can do with float and with 8-bit integers.</p>");
    svg_roofline(p, roofs, k, points, n, sides, 2);
}

int report_optimize(const char *path, const char *model, const json_t *d, const json_t *machine) {
    page p;
    char title[400];
    snprintf(title, sizeof title, "%s, optimised", model);
    int bad = page_open(&p, path, title);
    if (bad) return bad;
    summary(&p, d);
    pictures(&p, d, machine);
    recipe(&p, d);
    fprintf(p.f, "<h2>The ledger, before</h2>");
    steps_table(&p, jget(d, "baseline.steps"));
    fprintf(p.f, "<h2>The ledger, after</h2>");
    steps_table(&p, jget(d, "optimized.steps"));
    fprintf(p.f, "<h2>Verdicts on the network before</h2>");
    steps_verdicts(&p, jget(d, "baseline.steps"));
    fprintf(p.f, "<p class=dim>%.0f trials in %.0f s, %.0f looks at the evaluation data.</p>", jnum(d, "trials"), jnum(d, "seconds"), jnum(d, "verifications"));
    page_machine(&p, d);
    return page_close(&p);
}
