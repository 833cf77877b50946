/* Axes: scales, ticks at round numbers, grid lines and labels that keep clear of each other. */
#include "report_pic.h"
#include <math.h>

double axis_at(const axis *a, double v) {
    double t = a->log ? (log10(v) - log10(a->lo)) / (log10(a->hi) - log10(a->lo)) : (v - a->lo) / (a->hi - a->lo);
    return a->from + t * (a->to - a->from);
}

void axis_widen(axis *a, double v) {
    if (!isfinite(v) || (a->log && v <= 0)) return;
    if (!(a->lo <= a->hi)) a->lo = a->hi = v;
    a->lo = fmin(a->lo, v);
    a->hi = fmax(a->hi, v);
}

/* 1, 2 or 5 times a power of ten, about `want` of them in the span. */
static double nice_step(double span, double want) {
    double raw = span / want, p = pow(10, floor(log10(raw))), m = raw / p;
    return p * (m < 1.5 ? 1 : m < 3.5 ? 2 : m < 7.5 ? 5 : 10);
}

bool axis_round(axis *a) {
    if (!(a->lo <= a->hi)) return false;
    if (a->log) {
        a->lo = pow(10, floor(log10(a->lo) + 1e-9));
        a->hi = pow(10, ceil(log10(a->hi) - 1e-9));
        if (a->hi <= a->lo) a->hi = a->lo * 10;
        return true;
    }
    if (a->hi <= a->lo) a->hi = a->lo + (a->lo != 0 ? fabs(a->lo) : 1);
    double s = nice_step(a->hi - a->lo, 5);
    a->lo = floor(a->lo / s + 1e-9) * s;
    a->hi = ceil(a->hi / s - 1e-9) * s;
    return true;
}

size_t axis_ticks(const axis *a, size_t want, double *out, size_t max) {
    size_t n = 0;
    if (a->log) {
        double decades = log10(a->hi / a->lo), every = fmax(1, ceil(decades / (double)want));
        for (double d = round(log10(a->lo)); d <= log10(a->hi) + 1e-9 && n < max; d += every) out[n++] = pow(10, d);
        return n;
    }
    double s = nice_step(a->hi - a->lo, (double)want);
    for (double v = ceil(a->lo / s - 1e-9) * s; v <= a->hi + s * 1e-6 && n < max; v += s) out[n++] = fabs(v) < s * 1e-6 ? 0 : v;
    return n;
}

void axis_draw_x(pic *c, const axis *a, double top, double bottom, label_fn f, const char *name) {
    double tick[32], free_from = -1e9;
    char buf[32];
    size_t n = axis_ticks(a, (size_t)fmax(2, fabs(a->to - a->from) / 80), tick, 32);
    for (size_t i = 0; i < n; i++) {
        double x = axis_at(a, tick[i]);
        const char *s = f(tick[i], buf);
        double w = text_width(s, false), at = fmin(fmax(x, w / 2), c->w - w / 2);
        pic_line(c, "grid", x, top, x, bottom);
        if (at - w / 2 < free_from) continue;
        pic_text(c, "d", at, bottom + 19, MIDDLE, 200, s);
        free_from = at + w / 2 + 8;
    }
    pic_text(c, "", (a->from + a->to) / 2, bottom + 37, MIDDLE, fabs(a->to - a->from), name);
}

void axis_draw_y(pic *c, const axis *a, double left, double right, label_fn f, const char *name) {
    double tick[32];
    char buf[32];
    size_t n = axis_ticks(a, (size_t)fmax(2, fabs(a->to - a->from) / 50), tick, 32);
    for (size_t i = 0; i < n; i++) {
        double y = axis_at(a, tick[i]);
        pic_line(c, "grid", left, y, right, y);
        pic_text(c, "d", left - 6, y + 4, RIGHT, left, f(tick[i], buf));
    }
    pic_text(c, "", 0, fmin(a->from, a->to) - 14, LEFT, right, name);
}
