/* The page: style, escaping, writing whole or not at all. */
#include "report_page.h"
#include <stdlib.h>

static const char style[] =
    ":root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#59636e;--line:#d1d9e0;--a:#0969da;--b:#bc4c00;--ok:#1a7f37;--bad:#cf222e}"
    "@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--dim:#9198a1;--line:#3d444d;--a:#58a6ff;--b:#f0883e;--ok:#3fb950;--bad:#f85149}}"
    "*{box-sizing:border-box}body{margin:0 auto;padding:16px;max-width:1100px;background:var(--bg);color:var(--fg);"
    "font:16px/1.5 system-ui,sans-serif}h1{font-size:1.6em;margin:.4em 0}h2{font-size:1.2em;margin:1.8em 0 .4em;border-bottom:1px solid var(--line)}"
    "p{margin:.5em 0}.dim{color:var(--dim)}.ok{color:var(--ok);font-weight:600}.bad{color:var(--bad);font-weight:600}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.92em}"
    "th,td{padding:3px 10px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}"
    "th:first-child,td:first-child,td.l,th.l{text-align:left}td.w{white-space:normal;text-align:left;min-width:16em}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:1em 0}"
    ".card{border:1px solid var(--line);border-radius:8px;padding:10px 12px}.card b{display:block;font-size:1.35em}"
    "svg{display:block;max-width:100%;height:auto;margin:.5em 0}svg text{fill:var(--fg);font:12px system-ui,sans-serif}"
    "svg .dim{fill:var(--dim)}svg .grid{stroke:var(--line);fill:none}.s0{fill:var(--a)}.s1{fill:var(--b)}.l0{stroke:var(--a);fill:none}.l1{stroke:var(--b);fill:none}"
    "code{font-size:.9em;overflow-wrap:anywhere}";

/* The page is made in memory, so that nothing is on disk before it is whole. */
int page_open(page *p, const char *path, const char *title) {
    *p = (page){.path = path};
    p->f = open_memstream(&p->text, &p->size);
    if (!p->f) {
        fprintf(stderr, "weir: out of memory for the report\n");
        return 4;
    }
    fprintf(p->f, "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\"><title>");
    page_text(p, title);
    fprintf(p->f, "</title><style>%s</style><h1>", style);
    page_text(p, title);
    fprintf(p->f, "</h1>\n");
    return 0;
}

int page_close(page *p) {
    fprintf(p->f, "</html>\n");
    bool bad = ferror(p->f) != 0;
    bad = fclose(p->f) != 0 || bad;
    if (bad) fprintf(stderr, "weir: out of memory for the report\n");
    int rc = bad ? 4 : save_file(p->path, p->text, p->size);
    free(p->text);
    return rc;
}

void page_text(page *p, const char *s) {
    for (; *s; s++) {
        if (*s == '<') fputs("&lt;", p->f);
        else if (*s == '>') fputs("&gt;", p->f);
        else if (*s == '&') fputs("&amp;", p->f);
        else if (*s == '"') fputs("&quot;", p->f);
        else fputc(*s, p->f);
    }
}

void page_machine(page *p, const json_t *d) {
    fprintf(p->f, "<h2>How this was made</h2><p><code>");
    for (int i = 0; i < cli_argc; i++) {
        if (i) fputc(' ', p->f);
        page_text(p, cli_argv[i]);
    }
    fprintf(p->f, "</code></p><p class=dim>weir %s (%s), instruction set ", weir_version(), weir_commit());
    page_text(p, *jstr(d, "isa") ? jstr(d, "isa") : jstr(d, "cpu"));
    fprintf(p->f, ". Bytes are planned bytes from the ledger: caches empty before a run and flushed after (cold), unless a table says warm. "
                  "Times are medians on this machine and drift; compare them only inside one report.</p>\n");
}
