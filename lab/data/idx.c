/* IDX: images [N,H,W] and labels [N] of bytes, big-endian counts in front (yann.lecun.com/exdb/mnist). */
#include "data.h"
#include <stdio.h>

typedef struct header {
    uint32_t dims[3];
} header;

static weir_status read_header(w_stream *s, int rank, const char *kind, header *h, weir_error *e) {
    uint8_t b[16];
    W_TRY(w_stream_read(s, b, 4 + 4 * (size_t)rank, "the IDX header", e));
    if (b[0] || b[1] || b[2] != 8 || b[3] != rank)
        return w_fail(e, WEIR_BAD_INPUT, "%s: starts with %02x%02x%02x%02x; expected an IDX file of %s (0000080%d)",
                      s->path, b[0], b[1], b[2], b[3], kind, rank);
    for (int i = 0; i < rank; i++) {
        const uint8_t *p = b + 4 + 4 * i;
        h->dims[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    }
    return WEIR_OK;
}

typedef struct bytes { uint8_t *p; size_t cap; } bytes;

/* The room grows with what has come: a header may claim anything. */
static weir_status read_raw(weir_dataset *d, w_stream *images, size_t n, const char *what, bytes *raw, weir_error *e) {
    for (size_t have = 0; have < n;) {
        size_t step = W_MIN(n - have, W_MAX(have, (size_t)1 << 16));
        if (!w_grow(d->ctx, (void **)&raw->p, 1, &raw->cap, have + step)) return w_oom(e, have + step, images->path);
        W_TRY(w_stream_read(images, raw->p + have, step, what, e));
        have += step;
    }
    return WEIR_OK;
}

static weir_status read_image(weir_dataset *d, w_stream *images, const header *h, bytes *raw, uint8_t label, weir_error *e) {
    char what[400];
    snprintf(what, sizeof what, "%.300s: image %zu", images->path, d->n);
    size_t n = (size_t)h->dims[1] * h->dims[2];
    W_TRY(read_raw(d, images, n, what, raw, e));
    w_image m;
    W_TRY(w_image_alloc(d->ctx, (int)h->dims[1], (int)h->dims[2], 1, what, &m, e));
    for (size_t i = 0; i < n; i++) m.pixel[i] = raw->p[i];
    return w_dataset_add_image(d, &m, label, 1.0 / 255, what, e);
}

static weir_status read_pairs(weir_dataset *d, w_stream *images, w_stream *labels, const header *h, weir_error *e) {
    bytes raw = {NULL, 0};
    uint8_t label;
    weir_status s = WEIR_OK;
    for (uint32_t i = 0; i < h->dims[0] && s == WEIR_OK && !w_dataset_full(d); i++) {
        s = w_dataset_tick(d, e);
        if (s == WEIR_OK) s = w_stream_read(labels, &label, 1, "the labels", e);
        if (s == WEIR_OK) s = read_image(d, images, h, &raw, label, e);
    }
    w_free(d->ctx, raw.p, raw.cap);
    if (s != WEIR_OK || d->n < h->dims[0]) return s;
    W_TRY(w_stream_end(images, e));
    return w_stream_end(labels, e);
}

static weir_status read_both(weir_dataset *d, w_stream *images, w_stream *labels, weir_error *e) {
    header h = {{0}}, l = {{0}};
    W_TRY(read_header(images, 3, "images", &h, e));
    W_TRY(read_header(labels, 1, "labels", &l, e));
    if (h.dims[0] != l.dims[0])
        return w_fail(e, WEIR_BAD_INPUT, "%s holds %u images, %s %u labels", images->path, h.dims[0], labels->path, l.dims[0]);
    if (!h.dims[1] || !h.dims[2] || h.dims[1] > W_IMAGE_SIDE_MAX || h.dims[2] > W_IMAGE_SIDE_MAX)
        return w_fail(e, WEIR_BAD_INPUT, "%s: images of %ux%u pixels; expected sides of 1 to %d", images->path, h.dims[1],
                      h.dims[2], W_IMAGE_SIDE_MAX);
    return read_pairs(d, images, labels, &h, e);
}

weir_status w_read_idx(weir_dataset *d, weir_error *e) {
    const w_data_options *o = &d->options;
    if (o->npath != 2)
        return w_fail(e, WEIR_USAGE, "idx data takes two files, images and labels (idx:IMAGES,LABELS); %zu given", o->npath);
    w_stream images, labels;
    W_TRY(w_stream_open(&images, o->path[0], e));
    weir_status s = w_stream_open(&labels, o->path[1], e);
    if (s == WEIR_OK) {
        s = read_both(d, &images, &labels, e);
        w_stream_close(&labels);
    }
    w_stream_close(&images);
    return s;
}
