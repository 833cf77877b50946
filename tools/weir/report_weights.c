/* Histograms of one layer: weights before above the line and after below it, each to its own height; the error under them. */
#include "report_draw.h"
#include <math.h>

#define UP 44
#define ERROR 26

static double count_at(const json_t *counts, size_t i) { return json_number_value(json_array_get(counts, i)); }

static double largest(const json_t *counts) {
    double top = 0;
    for (size_t i = 0; i < json_array_size(counts); i++) top = fmax(top, count_at(counts, i));
    return top;
}

/* One path over all bins: from the line `base` up (or down) and back. */
static void shape(pic *c, const char *cls, const json_t *counts, double base, double height, bool down) {
    size_t n = json_array_size(counts);
    double top = largest(counts), step = n ? c->w / (double)n : 0;
    if (!(top > 0)) return;
    fprintf(c->f, "<path class=\"%s\" d=\"M0 %.1f", cls, base);
    for (size_t i = 0; i < n; i++) {
        double v = count_at(counts, i), h = v > 0 ? fmax(v / top * height, 1) : 0;
        fprintf(c->f, "V%.1fH%.1f", down ? base + h : base - h, step * (double)(i + 1));
    }
    fprintf(c->f, "V%.1fZ\"/>", base);
}

static void range(pic *c, double lo, double hi, double y) {
    char a[32], b[32];
    if (!isfinite(lo) || !isfinite(hi)) return;
    double wa = text_width(human_number(lo, a), false), wb = text_width(human_number(hi, b), false), zero = hi > lo ? -lo / (hi - lo) * c->w : -1;
    pic_text(c, "d", 0, y, LEFT, c->w / 2, a);
    pic_text(c, "d", c->w, y, RIGHT, c->w / 2, b);
    if (lo < 0 && hi > 0 && zero > wa + 12 && zero < c->w - wb - 12) pic_text(c, "d", zero, y, MIDDLE, 20, "0");
}

static double share(const json_t *l, const char *side) {
    char a[32], b[32];
    snprintf(a, sizeof a, "zeros.%s", side);
    snprintf(b, sizeof b, "count.%s", side);
    return 100 * jnum(l, a) / jnum(l, b);
}

static void head(pic *c, const json_t *l) {
    char text[160], a[32];
    double n = jnum(l, "count.before") > 0 ? jnum(l, "count.before") : jnum(l, "count.after"), z = share(l, "after");
    pic_text(c, "b", 0, 12, LEFT, c->w, jstr(l, "name"));
    snprintf(text, sizeof text, "%s weights", human_count(n, a));
    if (isfinite(z) && z >= 0.5) snprintf(text, sizeof text, "%s weights, %.0f %% zero after", human_count(n, a), z);
    pic_text(c, "d", 0, 29, LEFT, c->w, text);
}

void draw_weights(pic *c, const void *data) {
    const json_t *l = data;
    double base = 40 + UP, y = base + UP + 14;
    char text[96], a[32];
    head(c, l);
    shape(c, "old", jget(l, "before"), base, UP, false);
    shape(c, "new", jget(l, "after"), base, UP, true);
    pic_line(c, "axis", 0, base, c->w, base);
    pic_text(c, "d halo", 0, 40 + 12, LEFT, c->w / 2, json_is_array(jget(l, "before")) ? "before" : "not there before");
    pic_text(c, "d halo", 0, base + UP - 4, LEFT, c->w / 2, json_is_array(jget(l, "after")) ? "after" : "gone after");
    range(c, jnum(l, "lo"), jnum(l, "hi"), y);
    if (json_is_array(jget(l, "error.counts"))) {
        y += 10 + ERROR;
        shape(c, "err", jget(l, "error.counts"), y, ERROR, false);
        pic_line(c, "axis", 0, y, c->w, y);
        range(c, jnum(l, "error.lo"), jnum(l, "error.hi"), y + 15);
        snprintf(text, sizeof text, "error, rms %s", human_number(jnum(l, "error.rms"), a));
        pic_text(c, "d", 0, y + 32, LEFT, c->w, text);
        y += 32;
    } else {
        pic_text(c, "d", 0, y + 24, LEFT, c->w, "error: the shape changed");
        y += 24 + 10 + ERROR + 8;
    }
    c->h = y + 6;
}

void draw_weights_all(pic *c, const void *data) {
    const json_t *list = data;
    double cell = (c->w - 3 * 24) / 4, y = 0, low = 0;
    size_t i;
    json_t *l;
    json_array_foreach(list, i, l) {
        pic one = {.f = c->f, .w = cell};
        if (i % 4 == 0 && i) y += low + 20, low = 0;
        fprintf(c->f, "<g transform=\"translate(%.1f,%.1f)\">", (double)(i % 4) * (cell + 24), y);
        draw_weights(&one, l);
        pic_end(c);
        low = fmax(low, one.h);
    }
    c->h = y + low;
}
