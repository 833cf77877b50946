/* Figures: a drawing in the page, wide and narrow, and as a file of its own. */
#include "report_page.h"
#include <stdlib.h>

typedef struct drawn { char *body; size_t size; double w, h; } drawn;

static int no_memory(void) {
    fprintf(stderr, "weir: out of memory for a picture\n");
    return 4;
}

static bool draw(const figure *fig, double width, drawn *d) {
    pic c = {.w = width};
    *d = (drawn){.w = width};
    c.f = open_memstream(&d->body, &d->size);
    if (!c.f) return false;
    fig->draw(&c, fig->data);
    d->h = c.h;
    bool bad = ferror(c.f);
    bad = fclose(c.f) != 0 || bad;
    return !bad && d->body;
}

static void put_inline(page *p, const figure *fig, const drawn *d, const char *cls) {
    fprintf(p->f, "<svg class=\"%s\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", cls, d->w, d->h);
    page_text(p, fig->alt);
    fputs("\">", p->f);
    fwrite(d->body, 1, d->size, p->f);
    fputs("</svg>\n", p->f);
}

/* DIR/ID.svg, with its own title, style and margin. */
static int put_file(const page *p, const figure *fig, const drawn *d) {
    char path[4096], *text = NULL;
    size_t n = 0;
    if (snprintf(path, sizeof path, "%s/%s.svg", p->svg, fig->id) >= (int)sizeof path) return usage("the path of --svg is too long");
    FILE *f = open_memstream(&text, &n);
    if (!f) return no_memory();
    fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" role=\"img\" aria-labelledby=\"t d\"><title id=\"t\">",
            d->w + 32, d->h + 64, d->w + 32, d->h + 64);
    put_text(f, fig->title);
    fputs("</title><desc id=\"d\">", f);
    put_text(f, fig->alt);
    fprintf(f, "</desc><style>%s</style><rect class=\"ground\" width=\"100%%\" height=\"100%%\"/><g transform=\"translate(16,16)\">", svg_style);
    pic c = {.f = f, .w = d->w};
    pic_text(&c, "b", 0, 12, LEFT, d->w, fig->title);
    fputs("<g transform=\"translate(0,32)\">", f);
    fwrite(d->body, 1, d->size, f);
    fputs("</g></g></svg>\n", f);
    bool bad = ferror(f);
    bad = fclose(f) != 0 || bad;
    int rc = bad ? no_memory() : save_file(path, text, n);
    free(text);
    return rc;
}

/* In the page with class cls (NULL: not), and as a file where files are wanted. */
static void put(page *p, const figure *fig, double width, const char *cls, bool file) {
    drawn d;
    bool ok = draw(fig, width, &d);
    if (ok && cls) put_inline(p, fig, &d, cls);
    if (ok && file && p->svg && !p->bad) p->bad = put_file(p, fig, &d);
    free(d.body);
    if (!ok && !p->bad) p->bad = no_memory();
}

void page_figure(page *p, const figure *fig) {
    fputs("<figure><figcaption>", p->f);
    page_text(p, fig->title);
    fputs("</figcaption>\n", p->f);
    put(p, fig, fig->wide, fig->narrow > 0 ? "wide" : "one", true);
    if (fig->narrow > 0) put(p, fig, fig->narrow, "narrow", false);
    fputs("</figure>\n", p->f);
}

void page_cell(page *p, const figure *fig) { put(p, fig, fig->wide, "cell", false); }

void page_picture(page *p, const figure *fig) {
    if (p->svg) put(p, fig, fig->wide, NULL, true);
}
