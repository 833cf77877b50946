/* The page: escaping, sections, tables. */
#include "report_page.h"
#include <stdlib.h>
#include <string.h>

static int no_memory(void) {
    fprintf(stderr, "weir: out of memory for the report\n");
    return 4;
}

int page_open(page *p, const char *svg_dir, const char *title, const char *lead) {
    *p = (page){.title = title, .lead = lead, .svg = svg_dir};
    p->f = open_memstream(&p->body, &p->size);
    if (p->f) return 0;
    return no_memory();
}

static void put_nav(FILE *f, const page *p) {
    fputs("<nav aria-label=\"Sections\"><ul>", f);
    for (size_t i = 0; i < p->nsection; i++) fprintf(f, "<li><a href=\"#%s\">%s</a></li>", p->section[i].id, p->section[i].title);
    fputs("</ul></nav>\n", f);
}

static int put_page(const page *p, const char *path) {
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (!f) return no_memory();
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>"
          "<link rel=\"icon\" href=\"data:,\"/><title>", f);
    put_text(f, p->title);
    fprintf(f, "</title><style>%s%s</style></head>\n<body><header><p class=\"kind\">", page_style, svg_style);
    put_text(f, p->lead);
    fputs("</p><h1>", f);
    put_text(f, p->title);
    fputs("</h1></header>\n", f);
    put_nav(f, p);
    fputs("<main>\n", f);
    fwrite(p->body, 1, p->size, f);
    fputs("</main></body></html>\n", f);
    bool bad = ferror(f);
    bad = fclose(f) != 0 || bad;
    int rc = bad || !text ? no_memory() : save_file(path, text, n);
    free(text);
    return rc;
}

int page_close(page *p, const char *path) {
    if (p->nsection) fputs("</section>\n", p->f);
    bool bad = ferror(p->f);
    bad = fclose(p->f) != 0 || bad;
    if ((bad || !p->body) && !p->bad) p->bad = no_memory(); /* closing may lose the text without a word */
    if (!p->bad && path) p->bad = put_page(p, path);
    free(p->body);
    return p->bad;
}

void page_text(page *p, const char *s) { put_text(p->f, s); }

void page_section(page *p, const char *id, const char *title) {
    if (p->nsection) fputs("</section>\n", p->f);
    if (p->nsection < PAGE_SECTIONS) {
        p->section[p->nsection].id = id;
        p->section[p->nsection++].title = title;
    }
    fprintf(p->f, "<section id=\"%s\"><h2>%s</h2>\n", id, title);
}

/* ---- tables -------------------------------------------------------------------------------- */

void table_begin(page *p, const char *caption, const char *const *columns, size_t n) {
    fputs("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"", p->f);
    page_text(p, caption);
    fputs("\"><table><caption><span>", p->f);
    page_text(p, caption);
    fputs("</span></caption><thead><tr>", p->f);
    for (size_t i = 0; i < n; i++)
        fprintf(p->f, "<th scope=\"col\"%s>%s</th>", *columns[i] == '<' ? " class=\"l\"" : "", columns[i] + (*columns[i] == '<'));
    fputs("</tr></thead><tbody>", p->f);
}

void table_row(page *p) { fputs("\n<tr>", p->f); }

void table_row_end(page *p) { fputs("</tr>", p->f); }

void table_name(page *p, const char *s) {
    fputs("<th scope=\"row\">", p->f);
    page_text(p, s);
    fputs("</th>", p->f);
}

void table_text(page *p, const char *s) {
    fprintf(p->f, "<td class=\"%s\">", strlen(s) > 40 ? "w" : "l");
    page_text(p, s);
    fputs("</td>", p->f);
}

void table_num(page *p, const char *s) {
    fputs("<td>", p->f);
    page_text(p, strcmp(s, "-") ? s : "–");
    fputs("</td>", p->f);
}

void table_end(page *p) { fputs("</tbody></table></div>\n", p->f); }
