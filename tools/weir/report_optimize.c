/* The report of weir optimize: what was gained, what it cost, where the bytes go before and after. */
#include "report_sections.h"
#include <math.h>

static void effort(page *p, const json_t *d) {
    if (!(jnum(d, "trials") >= 0) || !(jnum(d, "seconds") >= 0)) return;
    fprintf(p->f, "<p class=\"dim\">The search ran %.0f trials in %.0f s and looked %.0f time%s at the evaluation data.</p>\n", jnum(d, "trials"), jnum(d, "seconds"),
            fmax(jnum(d, "verifications"), 0), jnum(d, "verifications") == 1 ? "" : "s");
}

void optimize_page(page *p, const json_t *d) {
    const json_t *a = jget(d, "baseline"), *b = jget(d, "optimized"), *sa = jget(a, "steps"), *sb = jget(b, "steps");
    page_section(p, "summary", "Summary");
    optimize_summary(p, d);
    effort(p, d);
    recipe_section(p, d);
    pareto_section(p, d);
    page_section(p, "bytes", "Where the bytes go");
    fputs("<p>Bytes that cross each level of the memory hierarchy in one run, before and after.</p>\n", p->f);
    levels_bars(p, a, b);
    if (json_array_size(sa) || json_array_size(sb)) steps_bytes(p, sa, sb);
    network_section(p, a, b);
    if (json_array_size(sa) || json_array_size(sb)) {
        page_section(p, "time", "Where the time goes");
        steps_time(p, sa, sb);
        fputs("<p>A step under the slope waits for memory, one under a flat line for arithmetic; how far below it lies is what its kernel leaves on the table. Bytes are "
              "those of a cold run, times those of warm ones: a step whose weights stay in a cache may lie above the slope.</p>\n", p->f);
        steps_roofline(p, sa, sb, jget(d, "machine"), jnum(a, "threads"));
    }
    weights_section(p, d);
    memory_section(p, a, b);
    verdicts_section(p, "Verdicts on the network before", sa);
    sensitivity_section(p, d);
    if (!json_array_size(sa) && !json_array_size(sb)) return;
    page_section(p, "ledger", "The ledger");
    ledger_table(p, "Before, step by step", sa);
    ledger_table(p, "After, step by step", sb);
}
