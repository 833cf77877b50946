/* The page: sections, figures, tables. Written whole or not at all; text that comes from files goes through page_text only.
 *
 * The body is collected in memory, so that the list of sections stands before them. The markup is well-formed XML. */
#ifndef WEIR_REPORT_PAGE_H
#define WEIR_REPORT_PAGE_H
#include "report_pic.h"

#define PAGE_SECTIONS 24
typedef struct page {
    FILE *f;                                   /* the body */
    char *body;
    size_t size;
    const char *title, *lead;
    const char *svg;                           /* folder for the pictures, or NULL */
    struct { const char *id, *title; } section[PAGE_SECTIONS];
    size_t nsection;
    int bad;                                   /* exit code of the first failure, told already */
} page;

int page_open(page *p, const char *svg_dir, const char *title, const char *lead); /* 0 or an exit code after a message */
int page_close(page *p, const char *path);     /* path NULL: pictures only. 0 or an exit code after a message */
void page_text(page *p, const char *s);        /* escaped */
void page_section(page *p, const char *id, const char *title);
extern const char page_style[], svg_style[];   /* report_style.c */

/* One picture. Drawn at `wide`, and at `narrow` for narrow screens where that is not 0; `id` names the file of --svg. */
typedef struct figure {
    const char *id, *title, *alt;              /* alt: what the picture says, for who cannot see it */
    draw_fn draw;
    const void *data;
    double wide, narrow;
} figure;
void page_figure(page *p, const figure *f);
void page_cell(page *p, const figure *f);     /* one of small multiples: the drawing names itself */
void page_picture(page *p, const figure *f);  /* only the file of --svg */
#define WIDE 880
#define NARROW 360
#define HALF 400

/* Tables. Columns: names starting with '<' are left-aligned text. */
void table_begin(page *p, const char *caption, const char *const *columns, size_t n);
void table_row(page *p);                       /* begins a row; table_row_end closes it */
void table_row_end(page *p);
void table_name(page *p, const char *s);       /* first cell of a row */
void table_text(page *p, const char *s);       /* wraps */
void table_num(page *p, const char *s);        /* a number, as printed */
void table_end(page *p);

/* Shared sections (report_made.c). */
void made_section(page *p, const json_t *d);   /* command, machine, versions */
#endif
