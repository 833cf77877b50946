/* Bars: labels at the left on wide pictures and above the bars on narrow ones. */
#include "report_draw.h"
#include <math.h>

#define BAR 11
#define PITCH 15
#define GAP 24

typedef struct frame { const bars *b; bool narrow; double label, column, bar, row; } frame;

static frame make_frame(const pic *c, const bars *b) {
    frame f = {.b = b, .narrow = c->w < 600};
    double number = f.narrow && b->columns > 1 ? 0 : 70;
    f.label = f.narrow ? 0 : 210;
    f.column = (c->w - f.label + GAP) / b->columns;
    f.bar = f.column - GAP - number;
    f.row = b->series * PITCH + (f.narrow ? 18 : 0) + 8;
    return f;
}

static double largest(const bars *b, int column) {
    double top = 0;
    for (size_t i = 0; i < b->n; i++)
        for (int s = 0; s < b->series; s++)
            if (b->row[i].v[column][s] > top) top = b->row[i].v[column][s];
    return top;
}

static double heads(pic *c, const frame *f, double y) {
    char buf[32], text[96];
    if (!f->b->column[0]) return y;
    for (int k = 0; k < f->b->columns; k++) {
        double x = f->label + k * f->column, room = f->column - GAP + 8;
        pic_text(c, "b", x, y + 12, LEFT, room, f->b->column[k]);
        if (f->narrow && f->b->columns > 1) {
            snprintf(text, sizeof text, "to %s", f->b->label(largest(f->b, k), buf));
            pic_text(c, "d", x, y + 28, LEFT, room, text);
        }
    }
    return y + (f->narrow && f->b->columns > 1 ? 40 : 24);
}

static void bar(pic *c, const frame *f, double x, double y, double v, double top, bool hollow) {
    char buf[32];
    if (!isfinite(v)) return;
    double w = top > 0 ? v / top * f->bar : 0;
    if (hollow) pic_rect(c, "old", x + 0.5, y + 0.5, fmax(w - 1, 1), BAR - 1, 0);
    else pic_rect(c, "new", x, y, fmax(w, v > 0 ? 1.5 : 0), BAR, 0);
    if (!f->narrow || f->b->columns == 1) pic_text(c, "d", x + w + 6, y + 10, LEFT, 70, f->b->label(v, buf));
}

void draw_bars(pic *c, const void *data) {
    static const char *const cls[] = {"old", "new"};
    frame f = make_frame(c, data);
    const bars *b = f.b;
    double y = 0, top[BAR_COLUMNS];
    if (b->series == 2) y = pic_legend(c, f.label, y, c->w - f.label, cls, b->name, 2);
    y = heads(c, &f, y);
    for (int k = 0; k < b->columns; k++) top[k] = largest(b, k);
    for (size_t i = 0; i < b->n; i++, y += f.row) {
        const bar_row *r = &b->row[i];
        double at = y + (f.narrow ? 18 : 0);
        if (!f.narrow && b->columns > 1 && i % 2 == 0) pic_rect(c, "band", 0, y - 4, c->w, f.row, 0);
        if (f.narrow) pic_text(c, "", 0, y + 12, LEFT, c->w, r->label);
        else pic_text(c, "", f.label - 12, y + b->series * PITCH / 2.0 + 2, RIGHT, f.label - 16, r->label);
        for (int k = 0; k < b->columns; k++)
            for (int s = 0; s < b->series; s++) bar(c, &f, f.label + k * f.column, at + s * PITCH, r->v[k][s], top[k], b->series == 2 && s == 0);
        fputc('\n', c->f);
    }
    c->h = y;
}
