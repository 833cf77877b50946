/* The arena over time: a rectangle per buffer, from its first to its last step, at its offset. Colours are those of types. */
#include "report_draw.h"
#include <math.h>
#include <string.h>

/* The step whose result the value is, or NULL. */
static const json_t *maker_of(const json_t *steps, const char *value) {
    size_t i, k;
    json_t *s, *o;
    json_array_foreach(steps, i, s)
        json_array_foreach(json_object_get(s, "out"), k, o)
            if (!strcmp(jstr(o, "name"), value)) return s;
    return NULL;
}

static const char *type_of(const json_t *steps, const char *value) {
    return jstr(json_array_get(jget(maker_of(steps, value), "out"), 0), "type");
}

static const char *step_label(double v, char buf[32]) {
    snprintf(buf, 32, "%.0f", v + 1);
    return buf;
}

typedef struct place { double x0, y0, x1, y1; } place;

static bool place_of(const json_t *b, const axis *x, const axis *y, place *p) {
    double first = jnum(b, "first"), last = jnum(b, "last"), offset = jnum(b, "offset"), bytes = jnum(b, "bytes");
    if (!isfinite(first) || !isfinite(last) || !isfinite(offset) || !(bytes > 0)) return false;
    *p = (place){axis_at(x, first - 0.5), axis_at(y, offset + bytes), axis_at(x, last + 0.5), axis_at(y, offset)};
    return true;
}

static void buffer(pic *c, const arena_pic *d, const json_t *b, const axis *x, const axis *y) {
    char tip[400], size[32];
    const char *name = jstr(b, "value");
    place p;
    if (!place_of(b, x, y, &p)) return;
    snprintf(tip, sizeof tip, "%.200s: %s, steps %.0f to %.0f", *name ? name : "scratch", human_bytes(jnum(b, "bytes"), size), jnum(b, "first") + 1, jnum(b, "last") + 1);
    pic_tip(c, "", tip);
    pic_rect(c, *name ? precision_class[precision_of(type_of(d->steps, name))] : "scratch", p.x0 + 0.5, p.y0 + 0.5, fmax(p.x1 - p.x0 - 1, 1), fmax(p.y1 - p.y0 - 1, 0.5), 0);
    pic_end(c);
}

/* The step that fills the buffer, where its name fits; a buffer that takes over another's bytes leaves the name to that one. */
static void label(pic *c, const arena_pic *d, const json_t *b, const axis *x, const axis *y) {
    const char *maker = jstr(maker_of(d->steps, jstr(b, "value")), "name");
    place p;
    if (!*maker || json_is_integer(jget(b, "shared")) || !place_of(b, x, y, &p)) return;
    double room = p.x1 - p.x0 - 10;
    if (p.y1 - p.y0 < 17 || text_width(maker, false) > 1.5 * room) return;
    pic_text(c, "", p.x0 + 5, (p.y0 + p.y1) / 2 + 4, LEFT, room, maker);
}

/* Swatches of the types that the buffers have. */
static double legend(pic *c, const arena_pic *d) {
    const char *cls[P_COUNT + 1], *name[P_COUNT + 1];
    bool seen[P_COUNT + 1] = {false};
    size_t i, n = 0;
    json_t *b;
    json_array_foreach(json_object_get(d->arena, "buffers"), i, b) seen[*jstr(b, "value") ? precision_of(type_of(d->steps, jstr(b, "value"))) : P_COUNT] = true;
    for (int k = 0; k <= P_COUNT; k++) {
        if (!seen[k]) continue;
        cls[n] = k == P_COUNT ? "scratch" : precision_class[k];
        name[n++] = k == P_COUNT ? "scratch" : precision_name[k];
    }
    return n ? pic_legend(c, 0, 0, c->w, cls, name, n) : 0;
}

void draw_arena(pic *c, const void *data) {
    const arena_pic *d = data;
    size_t i;
    json_t *b;
    double at = legend(c, d);
    axis x = {.lo = -0.5, .hi = (double)d->nstep - 0.5, .from = 62, .to = c->w - 6}, y = {.lo = 0, .hi = d->top, .from = at + 250, .to = at + 26};
    if (!axis_round(&y) || d->nstep == 0) {
        pic_text(c, "d", 0, at + 12, LEFT, c->w, "This plan needs no arena.");
        c->h = at + 20;
        return;
    }
    axis_draw_y(c, &y, x.from, x.to, tick_bytes, "offset in the arena");
    axis_draw_x(c, &x, y.from, y.from, step_label, "step");
    json_array_foreach(json_object_get(d->arena, "buffers"), i, b) buffer(c, d, b, &x, &y);
    json_array_foreach(json_object_get(d->arena, "buffers"), i, b) label(c, d, b, &x, &y);
    double size = jnum(d->arena, "bytes");
    if (size > 0) pic_line(c, "ink dash", x.from, axis_at(&y, size), x.to, axis_at(&y, size));
    pic_line(c, "axis", x.from, y.from, x.to, y.from);
    c->h = y.from + 40;
}
