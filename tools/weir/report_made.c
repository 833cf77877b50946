/* How a report was made, and which report a document gets. */
#include "report.h"
#include "report_sections.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static void machine_table(page *p, const json_t *m) {
    static const char *const columns[] = {"<level", "size", "read, 1 thread", "read, all"}, *const peaks[] = {"<type", "peak, 1 thread", "peak, all"};
    const char *key;
    json_t *l;
    char b[32];
    if (json_is_object(jget(m, "levels"))) {
        table_begin(p, "The machine: bandwidth in GB/s", columns, 4);
        json_object_foreach(jget(m, "levels"), key, l) {
            table_row(p);
            table_name(p, key);
            table_num(p, jnum(l, "bytes") > 0 ? human_bytes(jnum(l, "bytes"), b) : "-");
            for (size_t k = 0; k < 2; k++) table_num(p, human_number(json_number_value(json_array_get(jget(l, "read_gbs"), k)), b));
            table_row_end(p);
        }
        table_end(p);
    }
    if (!json_is_object(jget(m, "peak_gmacs"))) return;
    table_begin(p, "The machine: multiply-adds, 10⁹ a second", peaks, 3);
    json_object_foreach(jget(m, "peak_gmacs"), key, l) {
        if (!json_is_array(l)) continue;
        table_row(p);
        table_name(p, key);
        for (size_t k = 0; k < 2; k++) table_num(p, human_number(json_number_value(json_array_get(l, k)), b));
        table_row_end(p);
    }
    table_end(p);
}

void made_section(page *p, const json_t *d) {
    size_t i;
    json_t *word;
    page_section(p, "made", "How this was made");
    if (json_is_array(jget(d, "command"))) {
        fputs("<p><code>", p->f);
        json_array_foreach(jget(d, "command"), i, word) {
            if (i) fputc(' ', p->f);
            page_text(p, json_is_string(word) ? json_string_value(word) : "?");
        }
        fputs("</code></p>\n", p->f);
    }
    fputs("<p>weir ", p->f);
    page_text(p, *jstr(d, "weir.version") ? jstr(d, "weir.version") : "of an unknown version");
    if (*jstr(d, "weir.commit")) fputs(", commit ", p->f), page_text(p, jstr(d, "weir.commit"));
    fputs(", on ", p->f);
    page_text(p, *jstr(d, "machine.cpu_model") ? jstr(d, "machine.cpu_model") : "an unknown processor");
    if (*jstr(d, "machine.isa")) fputs(" with the instruction set ", p->f), page_text(p, jstr(d, "machine.isa"));
    fputs(".</p>\n<p class=\"dim\">Bytes are planned bytes from the ledger, cold: caches empty before a run and flushed after. Times are medians on this "
          "machine and drift; compare them only inside one report.</p>\n", p->f);
    machine_table(p, jget(d, "machine"));
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static int make_folder(const char *dir) {
    struct stat st;
    if (mkdir(dir, 0777) == 0 || (errno == EEXIST && stat(dir, &st) == 0 && S_ISDIR(st.st_mode))) return 0;
    int code = errno;
    fprintf(stderr, "weir: the folder '%s' cannot be made: %s\n", dir, strerror(code));
    return code == ENOSPC || code == EDQUOT ? 4 : 3;
}

int report_write(const char *path, const char *svg, const json_t *d) {
    page p;
    char title[400], lead[400];
    const char *model = *jstr(d, "model") ? base_name(jstr(d, "model")) : "A network";
    bool optimized = json_is_object(jget(d, "baseline")) && json_is_object(jget(d, "optimized")), timed = jget(d, "latency_median_ms") != NULL;
    if (!optimized && !json_is_array(jget(d, "steps"))) {
        fprintf(stderr, "weir: a report is drawn from what optimize, profile or plan print with --json; this has no 'baseline' and no 'steps'\n");
        return 3;
    }
    int bad = svg ? make_folder(svg) : 0;
    if (bad) return bad;
    snprintf(title, sizeof title, "%.300s%s", model, optimized ? ", before and after" : timed ? ": bytes and time" : ": the plan");
    snprintf(lead, sizeof lead, "weir %s report · %.120s%s%.40s", optimized ? "optimize" : timed ? "profile" : "plan", jstr(d, "machine.cpu_model"),
             *jstr(d, "machine.isa") ? " · " : "", jstr(d, "machine.isa"));
    bad = page_open(&p, svg, title, lead);
    if (bad) return bad;
    if (optimized) optimize_page(&p, d);
    else profile_page(&p, d);
    made_section(&p, d);
    return page_close(&p, path);
}
