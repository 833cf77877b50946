/* Data sets from arrays: one .npz with images and labels, or two files, samples first.
 *
 * In an .npz the samples are the array "images", "x" or "data", else the first float or 8-bit array of rank 2 or more;
 * the labels are "labels", "y" or "targets", else the first integer array of rank 1. Samples are taken to be in the
 * layout that the options name; [N,H,W] gets an axis of one channel. */
#include "data.h"
#include <stdio.h>
#include <string.h>

typedef struct found {
    weir_context *ctx;
    char name[200];
    int rank; /* how well the name fits: 2 by name, 1 by type, 0 nothing yet */
} found;

typedef struct finder {
    found samples, labels;
} finder;

static void offer(found *f, const char *name, const char *const *wanted, bool fits) {
    int rank = fits ? 1 : 0;
    for (; *wanted; wanted++)
        if (strcmp(*wanted, name) == 0) rank = 2;
    if (rank <= f->rank) return;
    f->rank = rank;
    snprintf(f->name, sizeof f->name, "%s", name);
}

static weir_status look(void *user, const w_npz_entry *entry, bool *stop, weir_error *e) {
    static const char *const sample_names[] = {"images", "x", "data", NULL}, *const label_names[] = {"labels", "y", "targets", NULL};
    finder *f = user;
    const w_npy *n = &entry->npy;
    bool is_float = w_type_is_float(n->type);
    offer(&f->samples, entry->name, sample_names, n->rank >= 2 && (is_float || n->type == WEIR_U8));
    offer(&f->labels, entry->name, label_names, n->rank == 1 && !is_float);
    return WEIR_OK;
}

static weir_status load_npz(weir_context *ctx, const w_map *map, const char *path, weir_array *x, weir_array *y, weir_error *e) {
    finder f = {.samples = {.rank = 0}, .labels = {.rank = 0}};
    W_TRY(w_npz_walk(ctx, map, path, look, &f, e));
    if (!f.samples.rank || !f.labels.rank)
        return w_fail(e, WEIR_BAD_INPUT, "%s: no %s; expected arrays \"images\" and \"labels\", or \"x\" and \"y\"", path,
                      f.samples.rank ? "labels" : "samples");
    W_TRY(w_npz_read(ctx, map, path, f.samples.name, x, e));
    return w_npz_read(ctx, map, path, f.labels.name, y, e);
}

static weir_status load(weir_dataset *d, weir_array *x, weir_array *y, weir_error *e) {
    const w_data_options *o = &d->options;
    if (o->npath == 2) {
        W_TRY(weir_array_read(d->ctx, o->path[0], NULL, x, e));
        return weir_array_read(d->ctx, o->path[1], NULL, y, e);
    }
    if (o->npath != 1) return w_fail(e, WEIR_USAGE, "npz data takes one .npz file or two .npy files; %zu given", o->npath);
    w_map map;
    W_TRY(w_map_open(d->ctx, o->path[0], &map, e));
    weir_status s = w_npz_is(map.data, map.size) ? load_npz(d->ctx, &map, o->path[0], x, y, e)
                                                : w_fail(e, WEIR_BAD_INPUT, "%s: not an .npz file", o->path[0]);
    w_map_close(d->ctx, &map);
    return s;
}

/* The shape of one sample, with a channel axis put in for [N,H,W]. */
static int sample_shape(const weir_dataset *d, const weir_array *x, int64_t *shape) {
    int rank = 0;
    bool plane = x->rank == 3, last = d->options.channels_last;
    if (plane && !last) shape[rank++] = 1;
    for (int i = 1; i < x->rank; i++) shape[rank++] = x->dims[i];
    if (plane && last) shape[rank++] = 1;
    return rank;
}

/* Images that are to be resized or cropped go the way of decoded ones. */
static weir_status add_as_image(weir_dataset *d, const float *from, const int64_t *shape, int64_t label,
                                double default_scale, const char *what, weir_error *e) {
    bool last = d->options.channels_last;
    int64_t c = shape[last ? 2 : 0], h = shape[last ? 0 : 1], w = shape[last ? 1 : 2];
    if (c > 4 || h > W_IMAGE_SIDE_MAX || w > W_IMAGE_SIDE_MAX)
        return w_fail(e, WEIR_BAD_INPUT, "%s: \"resize\" and \"crop\" take images of 1 to 4 channels", what);
    w_image m;
    W_TRY(w_image_alloc(d->ctx, (int)h, (int)w, (int)c, what, &m, e));
    size_t area = (size_t)h * (size_t)w;
    for (size_t i = 0; i < area; i++)
        for (size_t ch = 0; ch < (size_t)c; ch++)
            m.pixel[i * (size_t)c + ch] = from[last ? i * (size_t)c + ch : ch * area + i];
    return w_dataset_add_image(d, &m, label, default_scale, what, e);
}

static weir_status add_array(weir_dataset *d, const float *from, const int64_t *shape, int rank, size_t n, int64_t label,
                             double default_scale, const char *what, weir_error *e) {
    float mul[W_CHANNELS_MAX], add[W_CHANNELS_MAX], *to;
    bool last = d->options.channels_last, per_channel = d->options.nmean > 1 || d->options.nstd > 1;
    size_t channels = per_channel ? (size_t)shape[last ? rank - 1 : 0] : 1;
    if (channels > W_CHANNELS_MAX) return w_fail(e, WEIR_BAD_INPUT, "%s: more than %d channels", what, W_CHANNELS_MAX);
    W_TRY(w_normaliser(&d->options, (int)channels, default_scale, mul, add, e));
    W_TRY(w_dataset_shape_is(d, shape, rank, what, e));
    W_TRY(w_dataset_append(d, label, what, &to, e));
    size_t area = n / channels;
    for (size_t i = 0; i < n; i++) {
        size_t ch = channels == 1 ? 0 : last ? i % channels : i / area;
        to[i] = from[i] * mul[ch] + add[ch];
    }
    return WEIR_OK;
}

typedef struct job {
    const weir_array *x, *y;
    int64_t shape[8];
    int rank;
    size_t elems;
    float *one; /* a sample as float */
} job;

static weir_status add_samples(weir_dataset *d, const job *j, weir_error *e) {
    const w_data_options *o = &d->options;
    bool fit = (o->resize_h || o->crop) && j->rank == 3;
    double scale = j->x->type == WEIR_U8 ? 1.0 / 255 : 1;
    if ((o->resize_h || o->crop) && j->rank != 3)
        return w_fail(e, WEIR_BAD_INPUT, "%s: \"resize\" and \"crop\" take images", o->path[0]);
    for (int64_t i = 0; i < j->x->dims[0] && !w_dataset_full(d); i++) {
        char what[400];
        snprintf(what, sizeof what, "%.300s: sample %lld", o->path[0], (long long)i);
        W_TRY(w_dataset_tick(d, e));
        w_type_to_float(j->x->type, (const char *)j->x->data + (size_t)i * j->elems * w_type_size(j->x->type), j->elems, j->one);
        int64_t label = w_type_to_int(j->y->type, j->y->data, (size_t)i);
        W_TRY(fit ? add_as_image(d, j->one, j->shape, label, scale, what, e)
                  : add_array(d, j->one, j->shape, j->rank, j->elems, label, scale, what, e));
    }
    return WEIR_OK;
}

static weir_status convert(weir_dataset *d, const weir_array *x, const weir_array *y, weir_error *e) {
    const char *path = d->options.path[0];
    job j = {.x = x, .y = y, .elems = 1};
    if (x->rank < 2 || x->rank > 7) return w_fail(e, WEIR_BAD_INPUT, "%s: samples of rank %d; expected 2 to 7", path, x->rank);
    if (y->rank != 1 || y->dims[0] != x->dims[0] || w_type_is_float(y->type))
        return w_fail(e, WEIR_BAD_INPUT, "%s: the labels are not %lld integers, one a sample", path, (long long)x->dims[0]);
    j.rank = sample_shape(d, x, j.shape);
    for (int i = 0; i < j.rank; i++) j.elems *= (size_t)j.shape[i]; /* the array is in memory: no overflow */
    if (j.elems == 0 || j.elems > W_IMAGE_BYTES_MAX / sizeof(float))
        return w_fail(e, WEIR_BAD_INPUT, "%s: samples of %zu values; expected 1 to %zu", path, j.elems, W_IMAGE_BYTES_MAX / sizeof(float));
    j.one = w_alloc(d->ctx, j.elems * sizeof(float));
    if (!j.one) return w_oom(e, j.elems * sizeof(float), path);
    weir_status s = add_samples(d, &j, e);
    w_free(d->ctx, j.one, j.elems * sizeof(float));
    return s;
}

weir_status w_read_npz(weir_dataset *d, weir_error *e) {
    weir_array x = {0}, y = {0};
    weir_status s = load(d, &x, &y, e);
    if (s == WEIR_OK) s = convert(d, &x, &y, e);
    weir_array_destroy(d->ctx, &x);
    weir_array_destroy(d->ctx, &y);
    return s;
}
