/* The Pareto front: each recipe of the front by what it takes and what it costs. */
#include "report_draw.h"
#include <math.h>
#include <string.h>

#define BEFORE_WIDTH 60    /* of the label "before" and its mark */
#define SPREAD 4 /* between least and most, from which on the axis is logarithmic */

static double cost(const json_t *p) { return jnum(p, "drop_points"); }
static bool is_chosen(const json_t *p) { return json_is_true(json_object_get(p, "chosen")); }

static bool scales(const pic *c, const pareto *d, axis *x, axis *y) {
    size_t i;
    json_t *p;
    *x = (axis){.lo = 1, .hi = 0, .from = 44, .to = c->w - 14};
    *y = (axis){.lo = 0, .hi = 0, .from = 300, .to = 40};
    bool any = false;
    json_array_foreach(d->list, i, p) {
        if (!isfinite(jnum(p, d->key)) || !isfinite(cost(p))) continue;
        any = true;
        axis_widen(x, jnum(p, d->key));
        axis_widen(y, cost(p));
        if (is_chosen(p) && jnum(p, "drop_upper95") < 4 * fmax(d->budget, cost(p))) axis_widen(y, jnum(p, "drop_upper95"));
    }
    axis_widen(x, d->base);
    axis_widen(y, d->budget);
    x->log = x->lo > 0 && x->hi > SPREAD * x->lo;
    return any && axis_round(x) && axis_round(y);
}

static const char *families(const json_t *p, char *buf, size_t cap) {
    size_t i, n = 0;
    json_t *f;
    *buf = 0;
    json_array_foreach(json_object_get(p, "families"), i, f)
        if (json_is_string(f) && n < cap) n += (size_t)snprintf(buf + n, cap - n, "%s%s", i ? ", " : "", json_string_value(f));
    return buf;
}

static void point(pic *c, const pareto *d, const json_t *p, const axis *x, const axis *y) {
    char tip[400], list[200], a[32], b[32];
    double px = axis_at(x, jnum(p, d->key)), py = axis_at(y, cost(p)), hi = jnum(p, "drop_upper95");
    if (!isfinite(px) || !isfinite(py)) return;
    snprintf(tip, sizeof tip, "%s: %s, %s points", families(p, list, sizeof list), d->label(jnum(p, d->key), a), human_points(cost(p), b));
    pic_tip(c, "", tip);
    if (isfinite(hi) && is_chosen(p)) pic_line(c, "axis", px, py, px, fmax(axis_at(y, fmin(hi, y->hi)), y->to));
    fprintf(c->f, "<circle class=\"new\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", px, py);
    pic_end(c);
}

/* What was tried and beaten: small and hollow, where the axes of the front reach. */
static void beaten(pic *c, const pareto *d, const axis *x, const axis *y) {
    size_t i;
    json_t *p;
    json_array_foreach(d->all, i, p) {
        double v = jnum(p, d->key);
        if (!(v >= x->lo && v <= x->hi && cost(p) >= y->lo && cost(p) <= y->hi)) continue;
        fprintf(c->f, "<circle class=\"old\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"/>", axis_at(x, v), axis_at(y, cost(p)));
    }
}

/* The steps of the front, left to right: what is the least drop at no more than this much? */
static void front(pic *c, const pareto *d, const axis *x, const axis *y) {
    double at = -INFINITY, low = INFINITY;
    bool open = false;
    for (;;) {
        const json_t *next = NULL;
        size_t i;
        json_t *p;
        json_array_foreach(d->list, i, p) {
            double v = jnum(p, d->key);
            if (!isfinite(v) || !(cost(p) < low) || v < at) continue;
            if (!next || v < jnum(next, d->key) || (v == jnum(next, d->key) && cost(p) < cost(next))) next = p;
        }
        if (!next) break;
        double px = axis_at(x, jnum(next, d->key)), py = axis_at(y, cost(next));
        if (open) fprintf(c->f, "H%.1fV%.1f", px, py);
        else fprintf(c->f, "<path class=\"newl\" d=\"M%.1f %.1f", px, py);
        open = true;
        at = jnum(next, d->key);
        low = cost(next);
    }
    if (open) fputs("\"/>", c->f);
}

static void chosen(pic *c, const pareto *d, const axis *x, const axis *y) {
    size_t i;
    json_t *p;
    json_array_foreach(d->list, i, p) {
        double px = axis_at(x, jnum(p, d->key)), py = axis_at(y, cost(p));
        if (!is_chosen(p) || !isfinite(px) || !isfinite(py)) continue;
        fprintf(c->f, "<circle class=\"ring\" cx=\"%.1f\" cy=\"%.1f\" r=\"8\"/>", px, py);
        bool left = px > (x->from + x->to) / 2;
        pic_text(c, "b halo", px + (left ? -13 : 13), py < y->to + 12 ? py + 18 : py - 6, left ? RIGHT : LEFT, 120, "chosen");
    }
}

void draw_pareto(pic *c, const void *data) {
    const pareto *d = data;
    axis x, y;
    char text[64], b[32];
    if (!scales(c, d, &x, &y)) {
        pic_text(c, "d", 0, 12, LEFT, c->w, "The search kept no points of its front.");
        c->h = 20;
        return;
    }
    axis_draw_x(c, &x, y.to, y.from, d->tick, d->axis);
    axis_draw_y(c, &y, x.from, x.to, human_points, "drop of top-1, points");
    if (isfinite(d->budget)) {
        double by = axis_at(&y, d->budget);
        pic_line(c, "mark dash", x.from, by, x.to, by);
        snprintf(text, sizeof text, "allowed %s", human_points(d->budget, b));
        pic_text(c, "m halo", x.to, by < y.to + 16 ? by + 14 : by - 5, RIGHT, 160, text);
    }
    beaten(c, d, &x, &y);
    front(c, d, &x, &y);
    size_t i;
    json_t *p;
    json_array_foreach(d->list, i, p) point(c, d, p, &x, &y);
    if (isfinite(d->base)) {
        double bx = axis_at(&x, d->base), by = axis_at(&y, 0);
        pic_rect(c, "old", bx - 4, by - 4, 8, 8, 0);
        bool left = bx - BEFORE_WIDTH > x.from; /* else over the scale; and higher, since the chosen one may be this */
        pic_text(c, "d halo", left ? bx - 8 : bx + 8, left ? by - 6 : by - 20, left ? RIGHT : LEFT, 100, "before");
    }
    chosen(c, d, &x, &y);
    c->h = y.from + 42;
}
