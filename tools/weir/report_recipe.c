/* The recipe in words with what each rule cost and saved, the front it was chosen from, the weights it changed, and what the
 * search had measured. */
#include "report_sections.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put_nodes(page *p, const json_t *nodes) {
    size_t i, n = json_array_size(nodes);
    json_t *x;
    if (json_is_string(nodes)) {
        fputs("the layers that match <code>", p->f);
        page_text(p, json_string_value(nodes));
        fputs("</code>", p->f);
        return;
    }
    if (n > 3) fprintf(p->f, "%zu layers: ", n);
    json_array_foreach(nodes, i, x) {
        if (i) fputs(i + 1 < n ? ", " : " and ", p->f);
        page_text(p, json_is_string(x) ? json_string_value(x) : "?");
    }
}

/* Parameters that the words above them did not use, as "key value". */
static void put_rest(page *p, const json_t *rule, const char *used) {
    const char *key;
    json_t *v;
    char word[80], b[32];
    bool first = true;
    json_object_foreach((json_t *)(uintptr_t)rule, key, v) {
        snprintf(word, sizeof word, " %.60s ", key);
        if (strstr(" technique nodes cost ", word) || strstr(used, word) || !(json_is_string(v) || json_is_number(v) || json_is_boolean(v))) continue;
        fputs(first ? " (" : ", ", p->f);
        page_text(p, key);
        fputc(' ', p->f);
        page_text(p, json_is_string(v) ? json_string_value(v) : json_is_number(v) ? human_number(json_number_value(v), b) : json_is_true(v) ? "yes" : "no");
        first = false;
    }
    if (!first) fputc(')', p->f);
}

static void put_words(page *p, const json_t *r) {
    const char *t = jstr(r, "technique"), *used = " ";
    if (!strcmp(t, "int8")) {
        fputs("Compute in 8-bit integers", p->f);
        if (jnum(r, "bits") < 8) fprintf(p->f, ", weights of %.0f bits", jnum(r, "bits")), used = " bits ";
    } else if (!strcmp(t, "prune") && jnum(r, "density") < 1) {
        fprintf(p->f, "Set %.3g %% of the weights to zero", 100 * (1 - jnum(r, "density"))), used = " density ";
    } else if (!strcmp(t, "cluster") && jnum(r, "codebook") > 0) {
        fprintf(p->f, "Let the weights share %.0f values", jnum(r, "codebook")), used = " codebook ";
    } else if (!strcmp(t, "ans")) {
        fputs("Entropy-code the weights in the file", p->f);
    } else if (!strcmp(t, "channels") && jnum(r, "keep") <= 1) {
        fprintf(p->f, "Remove %.3g %% of the channels", 100 * (1 - jnum(r, "keep"))), used = " keep ";
    } else if (!strcmp(t, "lowrank")) {
        fputs("Split into two thin layers", p->f);
        if (jnum(r, "rank") > 0) fprintf(p->f, " of rank %.0f", jnum(r, "rank")), used = " rank ";
        if (jnum(r, "share") > 0) fprintf(p->f, ", with %.3g %% of the rank that breaks even", 100 * jnum(r, "share")), used = " share ";
    } else if (!strcmp(t, "equalise")) {
        fputs("Balance the ranges of channels between neighbouring layers", p->f);
    } else page_text(p, *t ? technique_title(t) : "A rule without a technique");
    put_rest(p, r, used);
    fputs(": ", p->f);
    put_nodes(p, jget(r, "nodes"));
    fputc('.', p->f);
}

void recipe_section(page *p, const json_t *d) {
    static const char *const columns[] = {"<rule", "drop, points", "divergence, nats", "saved in the file", "saved time"};
    size_t i;
    json_t *r;
    char b[32];
    bool timed = false;
    if (!json_array_size(jget(d, "recipe"))) return;
    json_array_foreach(jget(d, "recipe"), i, r) timed = timed || isfinite(jnum(r, "cost.saved_ms"));
    page_section(p, "recipe", "The recipe");
    fputs("<p>What was done, rule by rule, with what each cost and saved when it was measured alone on search samples. The costs of rules together are less "
          "or more than their sum; the summary holds the whole.</p>\n", p->f);
    table_begin(p, "Rules in the order in which they are applied", columns, timed ? 5 : 4);
    json_array_foreach(jget(d, "recipe"), i, r) {
        table_row(p);
        fputs("<td class=\"w\">", p->f);
        put_words(p, r);
        fputs("</td>", p->f);
        table_num(p, human_points(jnum(r, "cost.drop_points"), b));
        if (isfinite(jnum(r, "cost.kl"))) snprintf(b, sizeof b, "%.4f", jnum(r, "cost.kl"));
        else snprintf(b, sizeof b, "-");
        table_num(p, b);
        table_num(p, human_bytes(jnum(r, "cost.saved_bytes"), b));
        if (timed) table_num(p, human_ms(jnum(r, "cost.saved_ms"), b));
        table_row_end(p);
    }
    table_end(p);
    char *text = json_dumps(json_object_get(d, "recipe"), JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    if (!text) return;
    fputs("<details><summary>The rules as JSON, for <code>weir compress --recipe</code></summary><pre><code>{\"version\": 1, \"rules\": ", p->f);
    page_text(p, text);
    fputs("}</code></pre></details>\n", p->f);
    free(text);
}

void pareto_section(page *p, const json_t *d) {
    static const char *const columns[] = {"<recipe of", "time, predicted", "DRAM bytes", "file", "drop, points", "at most (95 %)", "<"};
    const json_t *list = jget(d, "pareto");
    size_t i, k;
    json_t *x, *f;
    char b[32];
    if (!json_array_size(list)) return;
    pareto time = {list, jget(d, "joint_trials"), "predicted_ms", "predicted time of one input", jnum(d, "baseline.predicted_ms"), jnum(d, "max_drop"), human_ms, tick_ms};
    pareto file = {list, jget(d, "joint_trials"), "file_bytes", "bytes of the file", jnum(d, "baseline.file_bytes"), jnum(d, "max_drop"), human_bytes, tick_bytes};
    page_section(p, "front", "What the search could choose from");
    fputs("<p>Each point is a recipe; further left takes less, further down costs less accuracy. The line joins those that nothing beats in both; small hollow ones were tried and beaten. The thin "
          "stroke over the chosen one reaches up to what its drop may be with 95 % confidence.</p>\n<div class=\"pair\">", p->f);
    page_figure(p, &(figure){"front-time", "Time against accuracy", "Recipes by predicted time and drop of top-1. The table below holds the same numbers.", draw_pareto, &time, HALF, 0});
    page_figure(p, &(figure){"front-file", "File against accuracy", "Recipes by bytes of the file and drop of top-1. The table below holds the same numbers.", draw_pareto, &file, HALF, 0});
    fputs("</div>\n", p->f);
    table_begin(p, "Recipes on the front", columns, 7);
    json_array_foreach(list, i, x) {
        table_row(p);
        fputs("<th scope=\"row\">", p->f);
        json_array_foreach(jget(x, "families"), k, f) fputs(k ? ", " : "", p->f), page_text(p, json_is_string(f) ? technique_title(json_string_value(f)) : "?");
        fputs(json_array_size(jget(x, "families")) ? "</th>" : "nothing that loses</th>", p->f);
        table_num(p, human_ms(jnum(x, "predicted_ms"), b));
        table_num(p, human_bytes(jnum(x, "dram_bytes"), b));
        table_num(p, human_bytes(jnum(x, "file_bytes"), b));
        table_num(p, human_points(jnum(x, "drop_points"), b));
        table_num(p, human_points(jnum(x, "drop_upper95"), b));
        table_text(p, json_is_true(jget(x, "chosen")) ? "chosen" : "");
        table_row_end(p);
    }
    table_end(p);
}

void weights_section(page *p, const json_t *d) {
    const json_t *list = jget(d, "weights");
    size_t i;
    json_t *l;
    if (!json_array_size(list)) return;
    page_section(p, "weights", "Weights and their errors");
    fputs("<p>Above the line how often each value occurred before, below it how often it occurs now, zeros left out, each side to its own height. Under it the "
          "error: what each weight changed by.</p>\n<div class=\"cells\">", p->f);
    json_array_foreach(list, i, l) {
        char alt[300];
        snprintf(alt, sizeof alt, "Histograms of the weights of %.200s before and after, and of their error.", jstr(l, "name"));
        page_cell(p, &(figure){"weights", jstr(l, "name"), alt, draw_weights, l, 216, 0});
    }
    fputs("</div>\n", p->f);
    page_picture(p, &(figure){"weights", "Weights before and after, and their errors", "Histograms per layer.", draw_weights_all, list, WIDE, 0});
}

/* "bits 6, density 0.3": the numbers of a setting. */
static void put_setting(page *p, const json_t *parameters) {
    const char *key;
    json_t *v;
    char b[32];
    bool first = true;
    json_object_foreach((json_t *)(uintptr_t)parameters, key, v) {
        if (!json_is_number(v)) continue;
        fputs(first ? "" : ", ", p->f);
        page_text(p, key);
        fprintf(p->f, " %s", human_number(json_number_value(v), b));
        first = false;
    }
    if (first) fputs("on", p->f);
}

/* The options of one technique on one layer, mild to harsh; the chosen one stands out. */
static void put_options(page *p, const json_t *options, const char *technique) {
    size_t i;
    json_t *o;
    char b[32];
    bool first = true;
    fputs("<td class=\"w\">", p->f);
    json_array_foreach(options, i, o) {
        bool chosen = json_is_true(jget(o, "chosen"));
        if (strcmp(jstr(o, "technique"), technique)) continue;
        fputs(first ? "" : "; ", p->f);
        fputs(chosen ? "<strong>" : "", p->f);
        put_setting(p, jget(o, "parameters"));
        if (isfinite(jnum(o, "drop_points"))) fprintf(p->f, ": %s", human_points(jnum(o, "drop_points"), b));
        fputs(chosen ? " ✓</strong>" : "", p->f);
        first = false;
    }
    fputs("</td>", p->f);
}

static bool seen_before(const json_t *options, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (!strcmp(jstr(json_array_get(options, i), "technique"), jstr(json_array_get(options, at), "technique"))) return true;
    return false;
}

void sensitivity_section(page *p, const json_t *d) {
    static const char *const columns[] = {"<layer", "weights", "<technique", "<settings, each with its drop in points; ✓ chosen"};
    const json_t *layers = jget(d, "layers");
    size_t i, k;
    json_t *l, *o;
    char b[32];
    bool any = false;
    json_array_foreach(layers, i, l) any = any || json_array_size(jget(l, "options")) > 0;
    if (!any) return;
    page_section(p, "sensitivity", "What each layer bears");
    fputs("<p>Settings that were tried on a layer alone, from mild to harsh, with the drop of top-1 on the search samples.</p>\n", p->f);
    table_begin(p, "Settings by layer and technique", columns, 4);
    json_array_foreach(layers, i, l) json_array_foreach(jget(l, "options"), k, o) {
        if (seen_before(jget(l, "options"), k)) continue;
        table_row(p);
        table_name(p, k ? "" : jstr(l, "name"));
        table_num(p, k ? "" : human_count(jnum(l, "weights"), b));
        table_text(p, technique_title(jstr(o, "technique")));
        put_options(p, jget(l, "options"), jstr(o, "technique"));
        table_row_end(p);
    }
    table_end(p);
}
