/* Images to samples: resize, crop, scale, normalise, layout.
 *
 * Resizing is bilinear; when shrinking, the triangle grows with the step, so that no pixel is left out. */
#include "data.h"
#include <math.h>
#include <string.h>

size_t w_image_bytes(const w_image *m) { return (size_t)m->h * (size_t)m->w * (size_t)m->c * sizeof(float); }

void w_image_drop(weir_context *ctx, w_image *m) {
    w_free(ctx, m->pixel, w_image_bytes(m));
    m->pixel = NULL;
}

weir_status w_image_alloc(weir_context *ctx, int h, int w, int c, const char *what, w_image *m, weir_error *e) {
    *m = (w_image){.h = h, .w = w, .c = c};
    size_t bytes = w_image_bytes(m); /* sides below 2^16 and few channels: no overflow */
    if (h < 1 || w < 1 || h > W_IMAGE_SIDE_MAX || w > W_IMAGE_SIDE_MAX || bytes > W_IMAGE_BYTES_MAX)
        return w_fail(e, WEIR_BAD_INPUT, "%s: %dx%d pixels are too many", what, h, w);
    m->pixel = w_alloc(ctx, bytes);
    return m->pixel ? WEIR_OK : w_oom(e, bytes, what);
}

/* ---- resizing ------------------------------------------------------------------------------ */

/* Output i of n_out along a line of n_in pixels `stride` apart, `c` channels each. */
static void weigh(const float *from, int n_in, int n_out, int i, size_t stride, int c, float *to) {
    double step = (double)n_in / n_out, reach = fmax(step, 1), centre = (i + 0.5) * step;
    int lo = W_MAX((int)floor(centre - reach), 0), hi = W_MIN((int)ceil(centre + reach), n_in);
    double sum = 0, acc[4] = {0};
    for (int k = lo; k < hi; k++) {
        double weight = 1 - fabs(k + 0.5 - centre) / reach;
        if (weight <= 0) continue;
        sum += weight;
        for (int ch = 0; ch < c; ch++) acc[ch] += weight * from[(size_t)k * stride + (size_t)ch];
    }
    for (int ch = 0; ch < c; ch++) to[ch] = (float)(acc[ch] / sum);
}

static void resize_rows(const w_image *m, w_image *to) {
    for (int y = 0; y < m->h; y++)
        for (int x = 0; x < to->w; x++)
            weigh(m->pixel + (size_t)y * (size_t)m->w * (size_t)m->c, m->w, to->w, x, (size_t)m->c, m->c,
                  to->pixel + ((size_t)y * (size_t)to->w + (size_t)x) * (size_t)m->c);
}

static void resize_columns(const w_image *m, w_image *to) {
    size_t row = (size_t)m->w * (size_t)m->c;
    for (int y = 0; y < to->h; y++)
        for (int x = 0; x < m->w; x++)
            weigh(m->pixel + (size_t)x * (size_t)m->c, m->h, to->h, y, row, m->c,
                  to->pixel + (size_t)y * row + (size_t)x * (size_t)m->c);
}

static weir_status replace(weir_context *ctx, w_image *m, int h, int w, void (*fill)(const w_image *, w_image *),
                           const char *what, weir_error *e) {
    w_image to;
    W_TRY(w_image_alloc(ctx, h, w, m->c, what, &to, e));
    fill(m, &to);
    w_image_drop(ctx, m);
    *m = to;
    return WEIR_OK;
}

static void crop_centre(const w_image *m, w_image *to) {
    size_t top = (size_t)(m->h - to->h) / 2, left = (size_t)(m->w - to->w) / 2, row = (size_t)to->w * (size_t)m->c;
    for (size_t y = 0; y < (size_t)to->h; y++)
        memcpy(to->pixel + y * row, m->pixel + ((top + y) * (size_t)m->w + left) * (size_t)m->c, row * sizeof(float));
}

weir_status w_image_fit(weir_context *ctx, const w_data_options *o, w_image *m, const char *what, weir_error *e) {
    if (o->resize_h) {
        double by = (double)o->resize_h / W_MIN(m->h, m->w);
        int h = o->resize_w ? o->resize_h : (int)lround(fmin(m->h * by, 1e6));
        int w = o->resize_w ? o->resize_w : (int)lround(fmin(m->w * by, 1e6));
        if (w != m->w) W_TRY(replace(ctx, m, m->h, w, resize_rows, what, e));
        if (h != m->h) W_TRY(replace(ctx, m, h, m->w, resize_columns, what, e));
    }
    if (!o->crop) return WEIR_OK;
    if (o->crop > m->h || o->crop > m->w)
        return w_fail(e, WEIR_BAD_INPUT, "%s: %dx%d pixels; \"crop\" takes %d (use \"resize\")", what, m->h, m->w, o->crop);
    return replace(ctx, m, o->crop, o->crop, crop_centre, what, e);
}

/* ---- samples ------------------------------------------------------------------------------- */

weir_status w_normaliser(const w_data_options *o, int channels, double default_scale, float *mul, float *add, weir_error *e) {
    size_t c = (size_t)channels;
    if ((o->nmean > 1 && o->nmean != c) || (o->nstd > 1 && o->nstd != c))
        return w_fail(e, WEIR_BAD_INPUT, "%s: %d channels, but \"mean\" has %zu and \"std\" %zu numbers", o->path[0],
                      channels, o->nmean, o->nstd);
    double scale = isnan(o->scale) ? default_scale : o->scale;
    for (size_t i = 0; i < c; i++) {
        double mean = o->nmean ? o->mean[o->nmean > 1 ? i : 0] : 0;
        double std = o->nstd ? o->std[o->nstd > 1 ? i : 0] : 1;
        mul[i] = (float)(scale / std);
        add[i] = (float)(-mean / std);
    }
    return WEIR_OK;
}

static weir_status to_sample(weir_dataset *d, const w_image *m, int64_t label, double default_scale, const char *what,
                             weir_error *e) {
    float mul[W_CHANNELS_MAX], add[W_CHANNELS_MAX], *to;
    W_TRY(w_normaliser(&d->options, m->c, default_scale, mul, add, e));
    bool last = d->options.channels_last;
    int64_t chw[3] = {m->c, m->h, m->w}, hwc[3] = {m->h, m->w, m->c};
    W_TRY(w_dataset_shape_is(d, last ? hwc : chw, 3, what, e));
    W_TRY(w_dataset_append(d, label, what, &to, e));
    size_t area = (size_t)m->h * (size_t)m->w, c = (size_t)m->c;
    for (size_t ch = 0; ch < c; ch++)
        for (size_t i = 0; i < area; i++) to[last ? i * c + ch : ch * area + i] = m->pixel[i * c + ch] * mul[ch] + add[ch];
    return WEIR_OK;
}

/* A grey image among coloured ones gets three equal channels; a coloured one among grey ones is refused by its shape. */
static weir_status match_channels(weir_dataset *d, w_image *m, const char *what, weir_error *e) {
    if (d->rank != 3 || m->c != 1 || d->shape[d->options.channels_last ? 2 : 0] != 3) return WEIR_OK;
    w_image to;
    W_TRY(w_image_alloc(d->ctx, m->h, m->w, 3, what, &to, e));
    for (size_t i = 0; i < (size_t)m->h * (size_t)m->w * 3; i++) to.pixel[i] = m->pixel[i / 3];
    w_image_drop(d->ctx, m);
    *m = to;
    return WEIR_OK;
}

weir_status w_dataset_add_image(weir_dataset *d, w_image *m, int64_t label, double default_scale, const char *what,
                                weir_error *e) {
    weir_status s = w_image_fit(d->ctx, &d->options, m, what, e);
    if (s == WEIR_OK) s = match_channels(d, m, what, e);
    if (s == WEIR_OK) s = to_sample(d, m, label, default_scale, what, e);
    w_image_drop(d->ctx, m);
    return s;
}
