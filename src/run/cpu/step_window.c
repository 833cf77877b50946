/* Geometry of windows (step_window.h). */
#include "step_window.h"
#include <math.h>

static bool two(const w_ints *v, size_t missing, size_t *a, size_t *b) {
    *a = *b = missing;
    if (!v || v->n == 0) return true;
    if (v->n != 2 || v->v[0] < 0 || v->v[1] < 0) return false;
    *a = (size_t)v->v[0];
    *b = (size_t)v->v[1];
    return true;
}

bool w_window_of(const w_value *in, const w_value *out, const w_ints *kernel, const w_ints *strides, const w_ints *pads,
                 const w_ints *dilations, w_window *g) {
    if (in->shape.rank != 4 || out->shape.rank != 4 || w_shape_count(&in->shape) <= 0 || w_shape_count(&out->shape) <= 0)
        return false;
    if (!two(kernel, 0, &g->kh, &g->kw) || !two(strides, 1, &g->sh, &g->sw) || !two(dilations, 1, &g->dh, &g->dw))
        return false;
    if (pads && pads->n != 0 && pads->n != 4) return false;
    for (uint32_t i = 0; pads && i < pads->n; i++)
        if (pads->v[i] < 0) return false;
    g->pt = pads && pads->n ? (size_t)pads->v[0] : 0;
    g->pl = pads && pads->n ? (size_t)pads->v[1] : 0;
    g->c = (size_t)out->shape.dim[1];
    g->ih = (size_t)in->shape.dim[2];
    g->iw = (size_t)in->shape.dim[3];
    g->oh = (size_t)out->shape.dim[2];
    g->ow = (size_t)out->shape.dim[3];
    return g->kh > 0 && g->kw > 0 && g->sh > 0 && g->sw > 0 && g->dh > 0 && g->dw > 0;
}

#define TILE_BYTES (512u << 10)

size_t w_window_tile_rows(const w_window *g, size_t rows, size_t elem) {
    size_t line = g->iw * g->c * elem * g->sh, fit = W_MAX(TILE_BYTES / W_MAX(line, (size_t)1), (size_t)4);
    return W_MAX(W_MIN(fit, (rows + 3) / 4), (size_t)1);
}

/* Input rows [lo, hi) of one image that output rows [y0, y1) read. */
static void rows_read(const w_window *g, size_t y0, size_t y1, size_t *lo, size_t *hi) {
    size_t first = y0 * g->sh, last = (y1 - 1) * g->sh + (g->kh - 1) * g->dh + 1;
    *lo = W_MIN(first > g->pt ? first - g->pt : 0, g->ih);
    *hi = W_MIN(last > g->pt ? last - g->pt : 0, g->ih);
}

void w_touch_window(const w_window *g, size_t images, size_t tile_rows, size_t in_elem, size_t out_elem, const w_step *s,
                    w_touch *t) {
    size_t line = g->iw * g->c * in_elem, out_line = g->ow * g->c * out_elem;
    for (size_t r = 0; r < images * g->oh; r += tile_rows) {
        size_t end = W_MIN(r + tile_rows, images * g->oh);
        for (size_t y = r; y < end;) {
            size_t image = y / g->oh, stop = W_MIN(end, (image + 1) * g->oh), lo, hi;
            rows_read(g, y % g->oh, y % g->oh + (stop - y), &lo, &hi);
            if (hi > lo) w_touch_loc(t, &s->in[0], (image * g->ih + lo) * line, (hi - lo) * line, W_READ);
            y = stop;
        }
        w_touch_loc(t, &s->out[0], r * out_line, (end - r) * out_line, W_WRITE);
    }
}

/* Whether the range of the output's bytes bounds as the activation does: what lies beyond either rounds to the same end. */
static bool range_bounds(const w_epilogue *ep, const w_value *out) {
    bool relu = ep->act == W_ACT_RELU;
    if ((!relu && ep->act != W_ACT_CLIP) || out->type != WEIR_U8 || !out->quant) return false;
    w_requant q = w_requant_of(out);
    float a = relu ? 0.0f : ep->a, b = relu ? INFINITY : ep->b, lo = (float)-q.zero, hi = (float)(255 - q.zero);
    return q.inv_scale > 0 && a * q.inv_scale < lo + 0.5f && b * q.inv_scale > hi - 0.5f;
}

w_kepi w_kepi_of(const w_epilogue *ep, const w_value *out) {
    return range_bounds(ep, out) ? (w_kepi){.act = W_KACT_NONE} : (w_kepi){(int)ep->act, ep->a, ep->b};
}

w_requant w_requant_of(const w_value *out) {
    if (!out->quant) return (w_requant){1.0f, 0};
    return (w_requant){1.0f / out->quant->scale[0], out->quant->zero[0]};
}

w_target w_target_of(const w_epilogue *ep, const w_value *out) {
    w_requant q = w_requant_of(out);
    w_target to = {q.inv_scale, w_kepi_of(ep, out), 1.0f, q.zero};
    if (w_act_of_reals(to.ep.act)) {
        to.act_scale = to.unit;
        to.unit = 1.0f;
    } else if (to.ep.act == W_KACT_CLIP) {
        to.ep.a *= to.unit;
        to.ep.b *= to.unit;
    }
    return to;
}

weir_status w_bias_of(const w_plan *p, const w_step *s, float unit, w_arena *a, float **out, weir_error *e) {
    size_t n;
    *out = NULL;
    if (!w_step_in(p, s, 2)) return WEIR_OK;
    W_TRY(w_const_f32(p->graph, w_step_node(p, s)->in[2], a, out, &n, e));
    for (size_t i = 0; i < n; i++) (*out)[i] *= unit;
    return WEIR_OK;
}
