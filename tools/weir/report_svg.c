/* Pictures as inline SVG, in the page's colours. */
#include "report_page.h"
#include <math.h>
#include <string.h>

#define WIDTH 900
#define LABEL 210

static void short_text(page *p, const char *s, size_t max) {
    char buf[80];
    size_t n = strlen(s);
    if (n <= max) snprintf(buf, sizeof buf, "%s", s);
    else snprintf(buf, sizeof buf, "%.*s…%s", (int)(max / 2), s, s + n - (max - max / 2 - 1));
    page_text(p, buf);
}

static void legend(page *p, int x, int y, const char *const *series, int n) {
    for (int k = 0; k < n; k++) {
        fprintf(p->f, "<rect x=%d y=%d width=11 height=11 class=s%d /><text x=%d y=%d>", x + 130 * k, y, k, x + 130 * k + 16, y + 10);
        page_text(p, series[k]);
        fprintf(p->f, "</text>");
    }
}

void svg_bars(page *p, const char *title, const char *unit, const bar_row *rows, size_t n, const char *const *series, int nseries) {
    double top = 0;
    int step = 8 + 13 * nseries, height = 34 + (int)n * step;
    char buf[32];
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < nseries; k++)
            if (rows[i].value[k] > top) top = rows[i].value[k];
    fprintf(p->f, "<svg viewBox=\"0 0 %d %d\" role=img aria-label=\"", WIDTH, height);
    page_text(p, title);
    fprintf(p->f, "\">");
    legend(p, LABEL, 4, series, nseries);
    for (size_t i = 0; i < n; i++) {
        int y = 26 + (int)i * step;
        fprintf(p->f, "<text x=%d y=%d text-anchor=end>", LABEL - 8, y + 11);
        short_text(p, rows[i].label, 30);
        fprintf(p->f, "</text>");
        for (int k = 0; k < nseries; k++) {
            double v = rows[i].value[k];
            if (!isfinite(v)) continue;
            double w = top > 0 ? v / top * (WIDTH - LABEL - 90) : 0;
            if (!strcmp(unit, "B")) human_bytes(v, buf);
            else snprintf(buf, sizeof buf, "%.4g %s", v, unit);
            fprintf(p->f, "<rect x=%d y=%d width=%.1f height=11 rx=2 class=s%d /><text x=%.1f y=%d class=dim>%s</text>", LABEL, y + 13 * k, fmax(w, 1), k,
                    LABEL + w + 6, y + 13 * k + 10, buf);
        }
    }
    fprintf(p->f, "</svg>\n");
}

typedef struct axes { double x0, x1, y0, y1; int left, right, topy, bottom; } axes;
static double ax(const axes *a, double x) { return a->left + (log10(x) - a->x0) / (a->x1 - a->x0) * (a->right - a->left); }
static double ay(const axes *a, double y) { return a->bottom - (log10(y) - a->y0) / (a->y1 - a->y0) * (a->bottom - a->topy); }

static void grid(page *p, const axes *a, const char *xname, const char *yname) {
    for (int d = (int)ceil(a->x0); d <= a->x1; d++)
        fprintf(p->f, "<path class=grid d=\"M%.1f %dV%d\"/><text class=dim x=%.1f y=%d text-anchor=middle>%g</text>", ax(a, pow(10, d)), a->topy, a->bottom,
                ax(a, pow(10, d)), a->bottom + 15, pow(10, d));
    for (int d = (int)ceil(a->y0); d <= a->y1; d++)
        fprintf(p->f, "<path class=grid d=\"M%d %.1fH%d\"/><text class=dim x=%d y=%.1f text-anchor=end>%g</text>", a->left, ay(a, pow(10, d)), a->right,
                a->left - 5, ay(a, pow(10, d)) + 4, pow(10, d));
    fprintf(p->f, "<text x=%d y=%d text-anchor=middle>", (a->left + a->right) / 2, a->bottom + 34);
    page_text(p, xname);
    fprintf(p->f, "</text><text x=%d y=%d>", a->left, a->topy - 8);
    page_text(p, yname);
    fprintf(p->f, "</text>");
}

static void widen(double v, double *lo, double *hi) {
    if (!(v > 0) || !isfinite(v)) return;
    *lo = fmin(*lo, floor(log10(v)));
    *hi = fmax(*hi, ceil(log10(v)));
}

void svg_roofline(page *p, const roof *roofs, int nroofs, const roof_point *points, size_t n, const char *const *series, int nseries) {
    axes a = {.x0 = 9, .x1 = -9, .y0 = 9, .y1 = -9, .left = 60, .right = WIDTH - 20, .topy = 40, .bottom = 360};
    for (size_t i = 0; i < n; i++) widen(points[i].intensity, &a.x0, &a.x1), widen(points[i].gmacs, &a.y0, &a.y1);
    for (int k = 0; k < nroofs; k++) widen(roofs[k].peak, &a.y0, &a.y1), widen(roofs[k].peak / roofs[k].gbs, &a.x0, &a.x1);
    if (a.x1 <= a.x0 || a.y1 <= a.y0) return;
    fprintf(p->f, "<svg viewBox=\"0 0 %d 400\" role=img aria-label=\"roofline\">", WIDTH);
    legend(p, 240, 4, series, nseries);
    grid(p, &a, "multiply-adds per DRAM byte (cold)", "GMAC/s");
    for (int k = 0; k < nroofs; k++) {
        double x0 = pow(10, a.x0), ridge = roofs[k].peak / roofs[k].gbs, y0 = fmax(roofs[k].gbs * x0, pow(10, a.y0));
        x0 = y0 / roofs[k].gbs;
        fprintf(p->f, "<path class=l%d stroke-width=2 d=\"M%.1f %.1fL%.1f %.1fH%d\"/><text class=dim x=%d y=%.1f text-anchor=end>", k, ax(&a, x0), ay(&a, y0),
                ax(&a, ridge), ay(&a, roofs[k].peak), a.right, a.right, ay(&a, roofs[k].peak) - 5);
        page_text(p, roofs[k].name);
        fprintf(p->f, "</text>");
    }
    for (size_t i = 0; i < n; i++) {
        if (!(points[i].intensity > 0) || !(points[i].gmacs > 0)) continue;
        fprintf(p->f, "<circle cx=%.1f cy=%.1f r=4.5 class=s%d fill-opacity=.75><title>", ax(&a, points[i].intensity), ay(&a, points[i].gmacs), points[i].series);
        page_text(p, points[i].label);
        fprintf(p->f, "</title></circle>");
    }
    fprintf(p->f, "</svg>\n");
}
