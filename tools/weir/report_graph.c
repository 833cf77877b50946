/* The network of a plan: a card per step, coloured by its type, with a bar as long as the
 * bytes that the step must move. */
#include "report_draw.h"
#include <math.h>
#include <string.h>

#define CARD 46
#define ROW 64
#define LANE 9

const char *const precision_class[P_COUNT] = {"f32", "f16", "i8"}, *const precision_name[P_COUNT] = {"f32 and others", "f16, bf16", "int8"};

precision precision_of(const char *type) {
    if (!strcmp(type, "s8") || !strcmp(type, "u8")) return P_I8;
    return !strcmp(type, "f16") || !strcmp(type, "bf16") ? P_F16 : P_F32;
}

static const char *step_type(const json_t *s) {
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(s, "in"), i, o)
        if (i && !strcmp(jstr(o, "place"), "const")) return jstr(o, "type");
    return jstr(json_array_get(json_object_get(s, "out"), 0), "type");
}

precision step_precision(const json_t *s) { return precision_of(step_type(s)); }

typedef struct frame { layout l; double lanes, cell[3], y0, scale; } frame; /* cell[k]: width of a card in a row of k */

static void make_frame(frame *f, double width) {
    f->lanes = f->l.lanes ? 8 + LANE * fmin((double)f->l.lanes, 6) : 0;
    f->cell[1] = width - f->lanes;
    f->cell[2] = (f->cell[1] - 10) / 2;
}

double graph_scale(const json_t *steps) {
    frame f = {.scale = INFINITY};
    size_t i;
    json_t *s;
    if (!layout_make(steps, &f.l)) return 0;
    make_frame(&f, HALF);
    json_array_foreach(steps, i, s) {
        double bytes = jnum(s, "bytes.compulsory");
        if (bytes > 0) f.scale = fmin(f.scale, f.cell[f.l.width[f.l.row[i]]] / bytes);
    }
    layout_free(&f.l);
    return isfinite(f.scale) ? f.scale : 0;
}

static double card_x(const frame *f, size_t i) { return (double)f->l.col[i] * (f->cell[2] + 10); }
static double card_y(const frame *f, size_t i) { return f->y0 + (double)f->l.row[i] * ROW; }
static double card_w(const frame *f, size_t i) { return f->cell[f->l.width[f->l.row[i]]]; }

static void card(pic *c, const frame *f, const json_t *s, size_t i) {
    char line[160], size[32], tip[500], cls[32];
    double x = card_x(f, i), y = card_y(f, i), w = card_w(f, i), bytes = jnum(s, "bytes.compulsory");
    precision p = step_precision(s);
    const char *op = strrchr(jstr(s, "op"), '.') ? strrchr(jstr(s, "op"), '.') + 1 : jstr(s, "op");
    snprintf(line, sizeof line, "%.60s · %s · %s", op, p == P_I8 ? "int8" : step_type(s), human_bytes(bytes, size));
    snprintf(tip, sizeof tip, "%.200s, %s, %.100s", jstr(s, "name"), line, jstr(s, "kernel"));
    pic_tip(c, "", tip);
    snprintf(cls, sizeof cls, "card %s", precision_class[p]);
    pic_rect(c, cls, x + 0.5, y + 0.5, w - 1, CARD - 1, 4);
    snprintf(cls, sizeof cls, "%sb", precision_class[p]);
    if (bytes > 0) pic_rect(c, cls, x + 4, y + CARD - 8, fmax(fmin(bytes * f->scale, w) - 8, 2), 4, 0);
    pic_text(c, "b", x + 8, y + 17, LEFT, w - 16, jstr(s, "name"));
    pic_text(c, "d", x + 8, y + 32, LEFT, w - 16, line);
    pic_end(c);
}

static void arrow(pic *c, const char *cls, double x, double y) { fprintf(c->f, "<path class=\"%s\" d=\"M%.1f %.1fl-4 -6h8z\"/>", cls, x, y); }

static void draw_link(pic *c, const frame *f, const link *k) {
    double x0 = card_x(f, k->from) + card_w(f, k->from) / 2, y0 = card_y(f, k->from) + CARD, x1 = card_x(f, k->to) + card_w(f, k->to) / 2, y1 = card_y(f, k->to);
    if (!k->skip) {
        if (x0 == x1) fprintf(c->f, "<path class=\"wire\" d=\"M%.1f %.1fV%.1f\"/>", x0, y0, y1 - 4);
        else fprintf(c->f, "<path class=\"wire\" d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f\"/>", x0, y0, x0, y0 + 9, x1, y1 - 12, x1, y1 - 4);
        arrow(c, "tip", x1, y1);
        return;
    }
    double lane = f->cell[1] + 8 + LANE * (double)(k->lane % 6), a = y0 + 6, b = y1 - 9;
    x0 += 18;
    x1 += 18;
    fprintf(c->f, "<path class=\"skip\" d=\"M%.1f %.1fV%.1fQ%.1f %.1f %.1f %.1fH%.1fQ%.1f %.1f %.1f %.1fV%.1fQ%.1f %.1f %.1f %.1fH%.1fQ%.1f %.1f %.1f %.1f\"/>", x0, y0, a - 4, x0, a,
            x0 + 4, a, lane - 5, lane, a, lane, a + 5, b - 5, lane, b, lane - 5, b, x1 + 4, x1, b, x1, b + 4);
    arrow(c, "tipn", x1, y1);
}

static double legend(pic *c, const json_t *steps) {
    const char *cls[P_COUNT], *name[P_COUNT];
    bool seen[P_COUNT] = {false};
    size_t i, n = 0;
    json_t *s;
    json_array_foreach(steps, i, s) seen[step_precision(s)] = true;
    for (int k = 0; k < P_COUNT; k++)
        if (seen[k]) cls[n] = precision_class[k], name[n++] = precision_name[k];
    return n ? pic_legend(c, 0, 0, c->w, cls, name, n) : 0;
}

void draw_graph(pic *c, const void *data) {
    const graph_pic *d = data;
    frame f = {.y0 = legend(c, d->steps), .scale = d->scale};
    size_t i;
    json_t *s;
    if (!layout_make(d->steps, &f.l)) {
        c->h = f.y0;
        return;
    }
    make_frame(&f, c->w);
    json_array_foreach(d->steps, i, s) card(c, &f, s, i);
    for (i = 0; i < f.l.nlink; i++) draw_link(c, &f, &f.l.link[i]);
    c->h = f.y0 + (double)f.l.rows * ROW - (ROW - CARD) + 2;
    layout_free(&f.l);
}
