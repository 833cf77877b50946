/* The page and its pictures, shared by the reports. Text that comes from files goes through page_text only. */
#ifndef WEIR_REPORT_PAGE_H
#define WEIR_REPORT_PAGE_H
#include "cli.h"

typedef struct page { FILE *f; char *text; size_t size; const char *path; } page; /* f collects the text in memory */
int page_open(page *p, const char *path, const char *title); /* 0 or an exit code after a message */
int page_close(page *p);                                      /* writes PATH; 0 or an exit code */
void page_text(page *p, const char *s);                       /* escaped */
void page_machine(page *p, const json_t *d);                  /* command line, version */

/* Grouped horizontal bars on a log-free common scale: one row a label, one bar a series. */
typedef struct bar_row { const char *label; double value[2]; } bar_row;
void svg_bars(page *p, const char *title, const char *unit, const bar_row *rows, size_t n, const char *const *series, int nseries);
/* Roofline on log axes: points at (intensity, achieved), under the roof of one bandwidth and one peak. */
typedef struct roof_point { const char *label; double intensity, gmacs; int series; } roof_point;
typedef struct roof { double gbs, peak; const char *name; } roof;
void svg_roofline(page *p, const roof *roofs, int nroofs, const roof_point *points, size_t n, const char *const *series, int nseries);
#endif
