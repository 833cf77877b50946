/* The roofline (Williams, Waterman and Patterson, CACM 52, 2009): what was reached against what the machine can do. */
#include "report_draw.h"
#include <math.h>
#include <string.h>

#define NAMES 5

typedef struct box { double x0, y0, x1, y1; } box;
typedef struct taken { box b[512]; size_t n; } taken;

static bool free_box(const taken *t, box b) {
    for (size_t i = 0; i < t->n; i++)
        if (b.x0 < t->b[i].x1 && t->b[i].x0 < b.x1 && b.y0 < t->b[i].y1 && t->b[i].y0 < b.y1) return false;
    return true;
}

static void take(taken *t, box b) {
    if (t->n < sizeof t->b / sizeof t->b[0]) t->b[t->n++] = b;
}

static bool usable(const roof_point *p) { return isfinite(p->intensity) && isfinite(p->gmacs) && p->intensity > 0 && p->gmacs > 0; }

static bool scales(const pic *c, const roofline *r, axis *x, axis *y) {
    *x = (axis){.lo = 1, .hi = 0, .from = 44, .to = c->w - 8, .log = true};
    *y = (axis){.lo = 1, .hi = 0, .from = c->w < 600 ? 330 : 400, .to = 62, .log = true};
    for (size_t i = 0; i < r->n; i++) {
        if (!usable(&r->point[i])) continue;
        axis_widen(x, r->point[i].intensity);
        axis_widen(y, r->point[i].gmacs);
    }
    for (int k = 0; k < r->nroof; k++) {
        axis_widen(x, r->roof[k].peak / r->roof[k].gbs);
        axis_widen(y, r->roof[k].peak);
    }
    return axis_round(x) && axis_round(y);
}

static void draw_roof(pic *c, const roof *r, const axis *x, const axis *y, int k, taken *t) {
    char text[96], buf[32];
    double y0 = fmax(r->gbs * x->lo, y->lo), x0 = y0 / r->gbs, ridge = fmin(r->peak / r->gbs, x->hi), ry = axis_at(y, r->peak);
    fprintf(c->f, "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1f\"/>", k ? "newl" : "oldl", axis_at(x, x0), axis_at(y, y0), axis_at(x, ridge), ry, x->to, ry);
    snprintf(text, sizeof text, "%s, %s GMAC/s", r->name, human_number(round(r->peak * 10) / 10, buf));
    double w = text_width(text, false);
    box b = {x->to - w, ry - 18, x->to, ry - 2};
    if (!free_box(t, b)) b.y0 += 20, b.y1 += 20;
    pic_text(c, "halo", x->to, b.y1 - 3, RIGHT, 400, text);
    take(t, b);
}

static void mark(pic *c, const roof_point *p, double x, double y) {
    char tip[400], a[32], b[32];
    snprintf(tip, sizeof tip, "%.200s: %s GMAC/s at %s multiply-adds per byte", p->label, human_number(p->gmacs, a), human_number(p->intensity, b));
    pic_tip(c, "", tip);
    if (p->series == 0) fprintf(c->f, "<circle class=\"old\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", x, y);
    else pic_rect(c, "new", x - 4, y - 4, 8, 8, 0);
    pic_end(c);
}

/* Names the slowest steps of the last series where there is room beside their marks. */
static void names(pic *c, const roofline *r, const axis *x, const axis *y, taken *t) {
    bool done[512] = {false};
    double room = c->w < 600 ? 130 : 200;
    for (int k = 0; k < NAMES; k++) {
        const roof_point *best = NULL;
        for (size_t i = 0; i < r->n && i < 512; i++)
            if (!done[i] && usable(&r->point[i]) && r->point[i].series == r->series - 1 && (!best || r->point[i].ms > best->ms)) best = &r->point[i];
        if (!best) return;
        done[best - r->point] = true;
        double px = axis_at(x, best->intensity), py = axis_at(y, best->gmacs), w = fmin(text_width(best->label, false), room);
        box at[] = {{px + 8, py - 8, px + 8 + w, py + 8}, {px - 8 - w, py - 8, px - 8, py + 8}, {px - w / 2, py + 6, px + w / 2, py + 22}, {px - w / 2, py - 22, px + w / 2, py - 6}};
        for (size_t i = 0; i < 4; i++) {
            if (at[i].x0 < x->from + 2 || at[i].x1 > x->to || at[i].y1 > y->from || at[i].y0 < y->to || !free_box(t, at[i])) continue;
            pic_text(c, "halo", at[i].x0, at[i].y1 - 4, LEFT, room, best->label);
            take(t, at[i]);
            break;
        }
    }
}

void draw_roofline(pic *c, const void *data) {
    static const char *const cls[] = {"old", "new"};
    const roofline *r = data;
    axis x, y;
    taken t = {.n = 0};
    if (!scales(c, r, &x, &y)) {
        pic_text(c, "d", 0, 12, LEFT, c->w, "No step with multiply-adds and a measured time.");
        c->h = 20;
        return;
    }
    if (r->series == 2) pic_legend(c, 0, 0, c->w, cls, r->name, 2);
    axis_draw_x(c, &x, y.to, y.from, human_number, "multiply-adds per DRAM byte (cold)");
    axis_draw_y(c, &y, x.from, x.to, human_number, "GMAC/s");
    for (size_t i = 0; i < r->n; i++)
        if (usable(&r->point[i])) take(&t, (box){axis_at(&x, r->point[i].intensity) - 5, axis_at(&y, r->point[i].gmacs) - 5, axis_at(&x, r->point[i].intensity) + 5, axis_at(&y, r->point[i].gmacs) + 5});
    for (int k = 0; k < r->nroof; k++) draw_roof(c, &r->roof[k], &x, &y, k, &t);
    for (size_t i = 0; i < r->n; i++)
        if (usable(&r->point[i])) mark(c, &r->point[i], axis_at(&x, r->point[i].intensity), axis_at(&y, r->point[i].gmacs));
    names(c, r, &x, &y, &t);
    c->h = y.from + 42;
}
