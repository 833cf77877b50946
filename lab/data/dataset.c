/* Data sets in memory: blocks of float32 samples and their labels. */
#include "data.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)4 << 20)

bool w_dataset_full(const weir_dataset *d) { return d->options.limit && d->n >= d->options.limit; }

weir_status w_dataset_tick(const weir_dataset *d, weir_error *e) {
    if (w_cancelled(d->ctx)) return w_fail(e, WEIR_INTERRUPTED, "interrupted while reading data");
    if (d->n % 1024 == 0) w_progress(d->ctx, "reading data", (double)d->n, (double)d->options.limit);
    return WEIR_OK;
}

static void shape_text(const int64_t *shape, int rank, char *out, size_t size) {
    size_t at = 0;
    out[0] = 0;
    for (int i = 0; i < rank && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%" PRId64, i ? "x" : "", shape[i]);
}

static weir_status first_shape(weir_dataset *d, const int64_t *shape, int rank, const char *what, weir_error *e) {
    size_t elems = 1, bytes;
    for (int i = 0; i < rank; i++)
        if (shape[i] <= 0 || !w_mul_size(elems, (size_t)shape[i], &elems)) elems = 0;
    if (elems == 0 || rank > 8 || !w_mul_size(elems, sizeof(float), &bytes) || bytes > W_IMAGE_BYTES_MAX) {
        char text[200];
        shape_text(shape, W_MIN(rank, 8), text, sizeof text);
        return w_fail(e, WEIR_BAD_INPUT, "%s: a sample of shape %s; expected 1 to %zu values", what, text,
                      W_IMAGE_BYTES_MAX / sizeof(float));
    }
    d->rank = rank;
    memcpy(d->shape, shape, (size_t)rank * sizeof *shape);
    d->elems = elems;
    d->per_block = W_MAX(BLOCK_BYTES / bytes, 1);
    return WEIR_OK;
}

weir_status w_dataset_shape_is(weir_dataset *d, const int64_t *shape, int rank, const char *what, weir_error *e) {
    if (d->rank == 0) return first_shape(d, shape, rank, what, e);
    if (rank == d->rank && memcmp(shape, d->shape, (size_t)rank * sizeof *shape) == 0) return WEIR_OK;
    char got[200], want[200];
    shape_text(shape, rank, got, sizeof got);
    shape_text(d->shape, d->rank, want, sizeof want);
    return w_fail(e, WEIR_BAD_INPUT, "%s: shape %s; expected %s like the first sample (use \"resize\" and \"crop\")", what,
                  got, want);
}

static size_t block_bytes(const weir_dataset *d) { return d->per_block * d->elems * sizeof(float); }

weir_status w_dataset_append(weir_dataset *d, int64_t label, const char *what, float **out, weir_error *e) {
    if (label < 0 || label > INT32_MAX)
        return w_fail(e, WEIR_BAD_INPUT, "%s: class %" PRId64 "; expected 0 or more", what, label);
    if (!w_grow(d->ctx, (void **)&d->label, sizeof *d->label, &d->label_cap, d->n + 1))
        return w_oom(e, d->n * sizeof *d->label, "labels");
    if (d->n / d->per_block == d->nblock) {
        if (!w_grow(d->ctx, (void **)&d->block, sizeof *d->block, &d->block_cap, d->nblock + 1))
            return w_oom(e, 0, "samples");
        float *block = w_alloc(d->ctx, block_bytes(d));
        if (!block) return w_oom(e, block_bytes(d), "samples");
        d->block[d->nblock++] = block;
    }
    *out = d->block[d->n / d->per_block] + d->n % d->per_block * d->elems;
    d->label[d->n++] = (int32_t)label;
    return WEIR_OK;
}

static weir_status read_all(weir_dataset *d, weir_error *e) {
    static weir_status (*const reader[])(weir_dataset *, weir_error *) = {
        [W_DATA_IDX] = w_read_idx, [W_DATA_NPZ] = w_read_npz, [W_DATA_TAR] = w_read_shards};
    W_TRY(reader[d->options.format](d, e));
    if (d->n == 0) return w_fail(e, WEIR_BAD_INPUT, "%s: no samples", d->options.path[0]);
    w_progress(d->ctx, "reading data", (double)d->n, (double)d->n);
    return WEIR_OK;
}

weir_status weir_dataset_open(weir_context *context, const char *spec, weir_dataset **out, weir_error *error) {
    *out = NULL;
    weir_dataset *d = w_calloc(context, 1, sizeof *d);
    if (!d) return w_oom(error, sizeof *d, "a data set");
    d->ctx = context;
    weir_status s = w_data_options_parse(context, spec, &d->options, error);
    if (s == WEIR_OK) s = read_all(d, error);
    if (s == WEIR_OK)
        *out = d;
    else
        weir_dataset_destroy(d);
    return s;
}

void weir_dataset_destroy(weir_dataset *dataset) {
    if (!dataset) return;
    weir_context *ctx = dataset->ctx;
    for (size_t i = 0; i < dataset->nblock; i++) w_free(ctx, dataset->block[i], block_bytes(dataset));
    w_free(ctx, dataset->block, dataset->block_cap * sizeof *dataset->block);
    w_free(ctx, dataset->label, dataset->label_cap * sizeof *dataset->label);
    w_data_options_drop(&dataset->options);
    w_free(ctx, dataset, sizeof *dataset);
}

size_t weir_dataset_count(const weir_dataset *dataset) { return dataset->n; }

const int64_t *weir_dataset_shape(const weir_dataset *dataset, int *rank) {
    *rank = dataset->rank;
    return dataset->shape;
}

const float *weir_dataset_sample(const weir_dataset *dataset, size_t index) {
    return dataset->block[index / dataset->per_block] + index % dataset->per_block * dataset->elems;
}

int weir_dataset_label(const weir_dataset *dataset, size_t index) { return dataset->label[index]; }
