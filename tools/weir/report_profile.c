/* The report of weir profile, and, without times and verdicts, of weir plan. */
#include "report_sections.h"

static void refusals(page *p, const json_t *steps) {
    static const char *const columns[] = {"<step", "<kernel taken", "<refused before it, and why"};
    size_t i, k;
    json_t *s, *r;
    bool any = false;
    json_array_foreach(steps, i, s) {
        if (!json_array_size(jget(s, "refusals"))) continue;
        if (!any) table_begin(p, "Faster ways that were refused", columns, 3);
        any = true;
        table_row(p);
        table_name(p, jstr(s, "name"));
        table_text(p, jstr(s, "kernel"));
        fputs("<td class=\"w\">", p->f);
        json_array_foreach(jget(s, "refusals"), k, r) fputs(k ? "; " : "", p->f), page_text(p, json_is_string(r) ? json_string_value(r) : "?");
        fputs("</td>", p->f);
        table_row_end(p);
    }
    if (any) table_end(p);
}

void profile_page(page *p, const json_t *d) {
    const json_t *steps = jget(d, "steps");
    bool timed = jget(d, "latency_median_ms") != NULL;
    json_t *side = json_pack("{s:O,s:{s:o,s:o,s:o}}", "steps", steps, "arena", "bytes", json_incref(jget(d, "arena_bytes") ? jget(d, "arena_bytes") : json_null()),
                             "lower_bound", json_incref(jget(d, "arena_lower_bound") ? jget(d, "arena_lower_bound") : json_null()), "buffers",
                             json_incref(jget(d, "buffers") ? jget(d, "buffers") : json_null()));
    page_section(p, "summary", "Summary");
    profile_summary(p, d);
    if (json_array_size(steps) && timed) {
        page_section(p, "time", "Where the time goes");
        steps_time(p, steps, NULL);
        fputs("<p>A step under the slope waits for memory, one under a flat line for arithmetic; how far below it lies is what its kernel leaves on the table. Bytes are "
              "those of a cold run, times those of warm ones: a step whose weights stay in a cache may lie above the slope.</p>\n", p->f);
        steps_roofline(p, steps, NULL, jget(d, "machine"), jnum(d, "threads"));
    }
    page_section(p, "bytes", "Where the bytes go");
    levels_bars(p, d, NULL);
    if (json_array_size(steps)) steps_bytes(p, steps, NULL);
    if (side) network_section(p, side, NULL);
    if (side) memory_section(p, side, NULL);
    else if (!p->bad) p->bad = (fprintf(stderr, "weir: out of memory for the report\n"), 4);
    json_decref(side);
    verdicts_section(p, "Verdicts", steps);
    if (!json_array_size(steps)) return;
    page_section(p, "ledger", "The ledger");
    ledger_table(p, "Step by step", steps);
    refusals(p, steps);
}
