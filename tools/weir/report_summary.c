/* The summary that a manager can read: three sentences and a few big numbers. */
#include "report_sections.h"
#include <math.h>
#include <string.h>

static void card(page *p, const char *name, const char *value, const char *note) {
    fprintf(p->f, "<div class=\"card-n\"><dt>%s</dt><dd class=\"big\">", name);
    page_text(p, value);
    fputs("</dd><dd class=\"note\">", p->f);
    page_text(p, note);
    fputs("</dd></div>", p->f);
}

typedef struct gain { double x, y; } gain; /* before, after */
static gain gain_of(const json_t *d, const char *key) {
    char a[64], b[64];
    snprintf(a, sizeof a, "baseline.%s", key);
    snprintf(b, sizeof b, "optimized.%s", key);
    return (gain){jnum(d, a), jnum(d, b)};
}
static bool known(gain g) { return g.x > 0 && g.y > 0; }

/* "5.3× smaller", or "1.2× larger", or "the same". */
static const char *ratio(gain g, const char *less, const char *more, char buf[64]) {
    char t[32];
    double r = g.x / g.y;
    if (fabs(r - 1) < 0.005) return "unchanged";
    snprintf(buf, 64, "%s %s", human_times(r > 1 ? r : 1 / r, t), r > 1 ? less : more);
    return buf;
}

static void gain_card(page *p, const char *name, gain g, const char *less, const char *more, label_fn f, const char *note) {
    char value[32], text[160], a[32], b[32];
    if (!known(g)) return;
    double r = g.x / g.y;
    snprintf(text, sizeof text, "%s: %s to %s%s", r >= 1 ? less : more, f(g.x, a), f(g.y, b), note);
    card(p, name, human_times(r >= 1 ? r : 1 / r, value), text);
}

static void sentence_gain(page *p, const json_t *d) {
    gain file = gain_of(d, "file_bytes"), ms = gain_of(d, "latency_ms"), dram = gain_of(d, "bytes.dram");
    char r[64], a[32], b[32];
    int n = 0;
    if (!known(file) && !known(ms) && !known(dram)) return;
    fputs("<p>", p->f);
    if (known(file)) n++, fprintf(p->f, "The file is %s (%s to %s)", ratio(file, "smaller", "larger", r), human_bytes(file.x, a), human_bytes(file.y, b));
    if (known(ms)) fprintf(p->f, "%s one input is %s (%s to %s)", n++ ? "," : "Computing", ratio(ms, "faster", "slower", r), human_ms(ms.x, a), human_ms(ms.y, b));
    if (known(dram)) fprintf(p->f, "%s %s bytes come from memory", n ? ", and" : "In a cold run", ratio(dram, "fewer", "more", r));
    fputs(".</p>\n", p->f);
}

static void sentence_cost(page *p, const json_t *d, bool looked) {
    double drop = jnum(d, "drop_points"), x = jnum(d, "baseline.top1"), y = jnum(d, "optimized.top1");
    char a[32];
    if (!isfinite(drop)) return;
    if (fabs(drop) < 0.005) fputs("<p>Top-1 accuracy did not change", p->f);
    else fprintf(p->f, "<p>Top-1 accuracy %s by %s points", drop > 0 ? "fell" : "rose", human_points(fabs(drop), a));
    if (looked && isfinite(x) && isfinite(y)) fprintf(p->f, ", from %.2f %% to %.2f %%, on %s images that the search had never seen.</p>\n", x, y, human_whole(jnum(d, "baseline.n"), a));
    else fputs(" on the search’s own samples; nothing was verified (dry run).</p>\n", p->f);
}

static void sentence_certainty(page *p, const json_t *d, bool looked) {
    double upper = jnum(d, "drop_upper95"), allowed = jnum(d, "max_drop");
    bool met = json_is_true(jget(d, "met"));
    char a[32], b[32];
    if (!isfinite(upper)) return;
    fprintf(p->f, "<p>With 95 %% confidence the drop is at most %s points", human_points(upper, a));
    if (isfinite(allowed)) fprintf(p->f, "; %s were allowed", human_points(allowed, b));
    if (!looked) fputs(", <span class=\"bad\">to be verified</span>.</p>\n", p->f);
    else fputs(met ? ", so <span class=\"ok\">the accuracy budget is met ✓</span>.</p>\n" : ", so <span class=\"bad\">the accuracy budget is not met ✗</span> and no model was written.</p>\n", p->f);
}

void optimize_summary(page *p, const json_t *d) {
    bool looked = jnum(d, "verifications") > 0;
    char a[32], b[32], note[120];
    fputs("<div class=\"lede\">\n", p->f);
    sentence_gain(p, d);
    sentence_cost(p, d, looked);
    sentence_certainty(p, d, looked);
    fputs("</div>\n<dl class=\"cards\">", p->f);
    gain_card(p, "File", gain_of(d, "file_bytes"), "smaller", "larger", human_bytes, "");
    gain_card(p, "Time, one input", gain_of(d, "latency_ms"), "faster", "slower", human_ms, "");
    gain_card(p, "Memory traffic", gain_of(d, "bytes.dram"), "fewer", "more", human_bytes, ", cold");
    gain_card(p, "Working memory", gain_of(d, "arena.bytes"), "less", "more", human_bytes, "");
    if (looked && isfinite(jnum(d, "optimized.top1"))) {
        snprintf(a, sizeof a, "%.2f %%", jnum(d, "optimized.top1"));
        if (isfinite(jnum(d, "baseline.top1"))) snprintf(note, sizeof note, "%.2f %% before", jnum(d, "baseline.top1"));
        else snprintf(note, sizeof note, "after");
        card(p, "Top-1 accuracy", a, note);
    }
    if (isfinite(jnum(d, "drop_upper95"))) {
        snprintf(a, sizeof a, "≤ %s", human_points(jnum(d, "drop_upper95"), b));
        snprintf(note, sizeof note, "points lost, 95 %% sure%s%s%s", isfinite(jnum(d, "max_drop")) ? "; " : "", isfinite(jnum(d, "max_drop")) ? human_points(jnum(d, "max_drop"), b) : "",
                 isfinite(jnum(d, "max_drop")) ? " allowed" : "");
        card(p, "Certainty", a, note);
    }
    fputs("</dl>\n", p->f);
}

static const json_t *slowest(const json_t *steps, double *share) {
    const json_t *best = NULL;
    double sum = 0, top = -1;
    size_t i;
    json_t *s;
    json_array_foreach(steps, i, s) {
        double ms = jnum(s, "ms");
        if (!(ms >= 0)) continue;
        sum += ms;
        if (ms > top) top = ms, best = s;
    }
    *share = sum > 0 ? 100 * top / sum : NAN;
    return best;
}

void profile_summary(page *p, const json_t *d) {
    double share, ms = jnum(d, "latency_median_ms"), bound = jnum(d, "bound_ms"), part = jnum(d, "fraction_of_bound"), dram = jnum(d, "bytes.dram"), least = jnum(d, "bytes.compulsory");
    const json_t *slow = slowest(jget(d, "steps"), &share);
    char a[32], b[32], note[160];
    fputs("<div class=\"lede\">\n<p>", p->f);
    if (isfinite(ms)) fprintf(p->f, "One run takes %s; this machine could do the plan in %s at best. ", human_ms(ms, a), human_ms(bound, b));
    else if (isfinite(bound)) fprintf(p->f, "This machine could do the plan in %s at best. ", human_ms(bound, b));
    if (dram > 0) fprintf(p->f, "A cold run moves %s between memory and caches; no machine could do with less than %s.", human_bytes(dram, a), human_bytes(least, b));
    fputs("</p>\n", p->f);
    if (slow && isfinite(share)) {
        fputs("<p>Most time goes into ", p->f);
        page_text(p, jstr(slow, "name"));
        fprintf(p->f, ": %.0f %% of it.</p>\n", share);
    }
    fputs("</div>\n<dl class=\"cards\">", p->f);
    if (isfinite(ms)) {
        snprintf(note, sizeof note, "median of %s runs, threads: %s", human_whole(jnum(d, "iterations"), a), human_whole(jnum(d, "threads"), b));
        card(p, "Time, one run", human_ms(ms, a), note);
    }
    if (isfinite(part)) {
        snprintf(a, sizeof a, "%.0f %%", 100 * part);
        snprintf(note, sizeof note, "%s is the machine's best", human_ms(bound, b));
        card(p, "Of the bound", a, note);
    }
    snprintf(note, sizeof note, "%s compulsory", human_bytes(least, b));
    if (dram >= 0) card(p, "Memory traffic, cold", human_bytes(dram, a), note);
    if (jnum(d, "macs") > 0) card(p, "Multiply-adds", human_count(jnum(d, "macs"), a), "a run");
    if (jnum(d, "arena_bytes") >= 0) {
        snprintf(note, sizeof note, "%s at least", human_bytes(jnum(d, "arena_lower_bound"), b));
        card(p, "Working memory", human_bytes(jnum(d, "arena_bytes"), a), note);
    }
    fputs("</dl>\n", p->f);
}
