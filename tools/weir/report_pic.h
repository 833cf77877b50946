/* Pictures: SVG drawn into memory, so that one drawing serves the page (inline, in the page's colours) and a file of its own.
 *
 * Coordinates are CSS pixels at scale 1. All text is 12 pixels; `room` is the width that a text may take: longer ones lose
 * their middle. Text is measured by the advance widths of a wide font, so that it fits in narrower ones too. */
#ifndef WEIR_REPORT_PIC_H
#define WEIR_REPORT_PIC_H
#include "cli.h"

typedef struct pic { FILE *f; double w, h; } pic; /* w is given, the drawing sets h */
typedef void (*draw_fn)(pic *c, const void *data);
typedef enum anchor { LEFT, MIDDLE, RIGHT } anchor;

double text_width(const char *s, bool bold);
void put_text(FILE *f, const char *s);                /* escaped for HTML and XML, control characters replaced */
/* Classes: "" ink, "d" dim, "b" bold. Returns the width taken. */
double pic_text(pic *c, const char *cls, double x, double y, anchor a, double room, const char *s);
void pic_rect(pic *c, const char *cls, double x, double y, double w, double h, double r);
void pic_line(pic *c, const char *cls, double x0, double y0, double x1, double y1);
void pic_tip(pic *c, const char *open, const char *tip); /* <g> with a <title>; close with pic_end */
void pic_end(pic *c);
/* Swatches with names in one or more lines from (x, y); returns the y below. class[i] is that of the swatch. */
double pic_legend(pic *c, double x, double y, double room, const char *const *cls, const char *const *name, size_t n);

/* Axes (report_axes.c). */
typedef struct axis { double lo, hi, from, to; bool log; } axis; /* values lo..hi lie at pixels from..to */
double axis_at(const axis *a, double v);
size_t axis_ticks(const axis *a, size_t want, double *out, size_t max);
void axis_widen(axis *a, double v);                   /* NaN and, on log axes, v <= 0 are passed over */
bool axis_round(axis *a);                             /* outwards to whole ticks or decades; false: nothing was seen */
typedef const char *(*label_fn)(double v, char buf[32]);
void axis_draw_x(pic *c, const axis *a, double top, double bottom, label_fn f, const char *name);
void axis_draw_y(pic *c, const axis *a, double left, double right, label_fn f, const char *name);

/* Numbers for people (report_format.c). */
const char *human_ms(double ms, char buf[32]);        /* "85.3 µs", "1.27 ms" */
const char *human_points(double p, char buf[32]);     /* "0.12", with a true minus */
const char *human_number(double v, char buf[32]);      /* three significant digits */
const char *human_whole(double v, char buf[32]);       /* "10,000" */
const char *tick_bytes(double bytes, char buf[32]);    /* of round numbers: "20 kB" */
const char *tick_ms(double ms, char buf[32]);
const char *human_times(double ratio, char buf[32]);  /* "5.3×" */
#endif
