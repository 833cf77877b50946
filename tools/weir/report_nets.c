/* Networks and arenas: of one plan, or of two side by side on the same scales. */
#include "report_sections.h"
#include <math.h>

static void caption(page *p, const json_t *side, const char *when) {
    char a[32], b[32], c[32];
    size_t i;
    json_t *x;
    double sum = 0, size = jnum(side, "arena.bytes"), low = jnum(side, "arena.lower_bound");
    json_array_foreach(jget(side, "arena.buffers"), i, x) sum += fmax(jnum(x, "bytes"), 0);
    if (!(size > 0)) return;
    fprintf(p->f, "<p class=\"dim\">%s: %zu buffers of %s share an arena of %s", when, json_array_size(jget(side, "arena.buffers")), human_bytes(sum, a), human_bytes(size, b));
    if (low > 0) fprintf(p->f, size <= low ? ", the smallest possible" : "; no order could need less than %s", human_bytes(low, c));
    fputs(".</p>\n", p->f);
}

static void one_arena(page *p, const char *id, const char *title, const json_t *side, double top, size_t nstep) {
    arena_pic a = {jget(side, "arena"), jget(side, "steps"), top, nstep};
    page_figure(p, &(figure){id, title, "Buffers as rectangles: from left to right the steps during which they live, from bottom to top their bytes in the arena.", draw_arena, &a, HALF, 0});
}

void memory_section(page *p, const json_t *before, const json_t *after) {
    size_t n = json_array_size(jget(before, "steps"));
    double top = jnum(before, "arena.bytes");
    if (!json_is_array(jget(before, "arena.buffers"))) return;
    if (after) top = fmax(top, jnum(after, "arena.bytes"));
    if (after && json_array_size(jget(after, "steps")) > n) n = json_array_size(jget(after, "steps"));
    page_section(p, "memory", "Memory over time");
    fputs("<p>Every intermediate result is a rectangle: it lives from its first to its last step, at a fixed place in one arena.</p>\n<div class=\"pair\">", p->f);
    one_arena(p, after ? "arena-before" : "arena", after ? "Arena before" : "Arena", before, top, n);
    if (after) one_arena(p, "arena-after", "Arena after", after, top, n);
    fputs("</div>\n", p->f);
    caption(p, before, after ? "Before" : "Here");
    if (after) caption(p, after, "After");
}

static void one_network(page *p, const char *id, const char *title, const json_t *side, double scale) {
    char alt[200];
    graph_pic g = {jget(side, "steps"), scale};
    snprintf(alt, sizeof alt, "The network as boxes from top to bottom: %zu steps with their type and bytes, and arrows where one reads another. The ledger tables list the same steps.",
             json_array_size(jget(side, "steps")));
    page_figure(p, &(figure){id, title, alt, draw_graph, &g, HALF, 0});
}

void network_section(page *p, const json_t *before, const json_t *after) {
    if (!json_array_size(jget(before, "steps"))) return;
    double scale = graph_scale(jget(before, "steps"));
    if (after) scale = fmin(scale, graph_scale(jget(after, "steps")));
    page_section(p, "network", after ? "The network before and after" : "The network");
    fputs("<p>One box per step, in the order of the plan, coloured by the type it computes in. The bar in it is as long as the bytes that "
          "the step must move at least: its operands and its result, once.", p->f);
    fputs(after ? " Both networks are drawn on one scale.</p>\n<div class=\"pair\">" : "</p>\n<div class=\"pair\">", p->f);
    one_network(p, after ? "network-before" : "network", after ? "Network before" : "Network", before, scale);
    if (after) one_network(p, "network-after", "Network after", after, scale);
    fputs("</div>\n", p->f);
}
