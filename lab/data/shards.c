/* Tar shards in the WebDataset layout: neighbouring files KEY.jpg or KEY.png and KEY.cls make one sample; other files of
 * a key are passed over. A key is the path up to the first dot of its last part. */
#include "data.h"
#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 300
#define FILE_MAX ((size_t)256 << 20)

typedef struct shard {
    weir_dataset *d;
    struct archive *a;
    w_archive_file file;
    const char *path;
    char key[KEY_MAX];       /* of the sample being put together; "" at first */
    char what[KEY_MAX + 300]; /* "shard: key", for messages */
    bool have_image, have_label;
    w_image image;
    int64_t label;
} shard;

static weir_status finish_sample(shard *s, weir_error *e) {
    if (s->key[0] && s->have_image != s->have_label)
        return w_fail(e, WEIR_BAD_INPUT, "%s: %s", s->what, s->have_image ? "no .cls with its class" : "no .jpg or .png");
    bool whole = s->have_image;
    s->have_image = s->have_label = false;
    return whole ? w_dataset_add_image(s->d, &s->image, s->label, 1.0 / 255, s->what, e) : WEIR_OK;
}

/* The bytes of the current file; *out is freed with w_free by the caller. */
static weir_status read_file(shard *s, size_t max, uint8_t **out, size_t *size, struct archive_entry *entry, weir_error *e) {
    int64_t claimed = archive_entry_size(entry);
    if (claimed < 0 || (uint64_t)claimed > max)
        return w_fail(e, WEIR_BAD_INPUT, "%s: a file of %lld bytes; expected at most %zu", s->what, (long long)claimed, max);
    *size = (size_t)claimed;
    *out = w_alloc(s->d->ctx, *size);
    if (!*out) return w_oom(e, *size, s->what);
    for (size_t have = 0; have < *size;) {
        la_ssize_t r = archive_read_data(s->a, *out + have, *size - have);
        if (r > 0) {
            have += (size_t)r;
            continue;
        }
        w_free(s->d->ctx, *out, *size);
        if (r < 0) return w_archive_fail(s->a, s->path, s->key, e);
        return w_fail(e, WEIR_BAD_INPUT, "%s: ends early", s->what);
    }
    return WEIR_OK;
}

static weir_status take_label(shard *s, struct archive_entry *entry, weir_error *e) {
    uint8_t *data;
    size_t size;
    if (s->have_label) return w_fail(e, WEIR_BAD_INPUT, "%s: two classes", s->what);
    W_TRY(read_file(s, 64, &data, &size, entry, e));
    char text[65], *end = text;
    memcpy(text, data, size);
    text[size] = 0;
    w_free(s->d->ctx, data, size);
    s->label = strtol(text, &end, 10);
    while (isspace((unsigned char)*end)) end++;
    if (!isdigit((unsigned char)text[0]) || *end || strlen(text) != size)
        return w_fail(e, WEIR_BAD_INPUT, "%s: .cls is not a class number", s->what);
    s->have_label = true;
    return WEIR_OK;
}

static weir_status take_image(shard *s, struct archive_entry *entry, weir_error *e) {
    uint8_t *data;
    size_t size;
    if (s->have_image) return w_fail(e, WEIR_BAD_INPUT, "%s: two images", s->what);
    W_TRY(read_file(s, FILE_MAX, &data, &size, entry, e));
    weir_status status = w_image_decode(s->d->ctx, data, size, s->what, &s->image, e);
    w_free(s->d->ctx, data, size);
    s->have_image = status == WEIR_OK;
    return status;
}

static weir_status new_key(shard *s, const char *name, size_t len, weir_error *e) {
    W_TRY(finish_sample(s, e));
    W_TRY(w_dataset_tick(s->d, e));
    memcpy(s->key, name, len);
    s->key[len] = 0;
    snprintf(s->what, sizeof s->what, "%.280s: %s", s->path, s->key);
    return WEIR_OK;
}

static weir_status take_entry(shard *s, struct archive_entry *entry, weir_error *e) {
    const char *name = archive_entry_pathname(entry);
    if (!name || archive_entry_filetype(entry) != AE_IFREG) return WEIR_OK;
    const char *slash = strrchr(name, '/'), *dot = strchr(slash ? slash : name, '.');
    if (!dot || dot == name) return WEIR_OK;
    size_t len = (size_t)(dot - name);
    if (len >= KEY_MAX) return w_fail(e, WEIR_BAD_INPUT, "%s: a key of %zu characters", s->path, len);
    if (strlen(s->key) != len || memcmp(s->key, name, len) != 0) W_TRY(new_key(s, name, len, e));
    if (w_dataset_full(s->d)) return WEIR_OK;
    if (strcasecmp(dot, ".cls") == 0) return take_label(s, entry, e);
    bool image = strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0 || strcasecmp(dot, ".png") == 0;
    return image ? take_image(s, entry, e) : WEIR_OK;
}

static weir_status walk(shard *s, struct archive_entry *entry, weir_error *e) {
    while (!w_dataset_full(s->d)) {
        int r = archive_read_next_header2(s->a, entry);
        if (r == ARCHIVE_EOF) return finish_sample(s, e);
        if (r != ARCHIVE_OK) return w_archive_fail(s->a, s->path, "the next file", e);
        W_TRY(take_entry(s, entry, e));
    }
    return WEIR_OK;
}

static weir_status open_and_walk(shard *s, weir_error *e) {
    bool good = archive_read_support_filter_gzip(s->a) == ARCHIVE_OK &&
                archive_read_support_filter_xz(s->a) == ARCHIVE_OK &&
                archive_read_support_filter_zstd(s->a) == ARCHIVE_OK &&
                archive_read_support_format_tar(s->a) == ARCHIVE_OK &&
                w_archive_open(s->a, &s->file, s->path);
    if (!good) return w_archive_fail(s->a, s->path, "the archive", e);
    struct archive_entry *entry = archive_entry_new();
    if (!entry) return w_oom(e, 0, s->path);
    weir_status status = walk(s, entry, e);
    archive_entry_free(entry);
    return status;
}

weir_status w_read_shards(weir_dataset *d, weir_error *e) {
    for (size_t i = 0; i < d->options.npath && !w_dataset_full(d); i++) {
        shard s = {.d = d, .path = d->options.path[i], .a = archive_read_new(), .file = {-1, NULL}};
        if (!s.a) return w_oom(e, 0, s.path);
        weir_status status = open_and_walk(&s, e);
        w_image_drop(d->ctx, &s.image);
        archive_read_free(s.a);
        w_archive_close(&s.file);
        if (status != WEIR_OK) return status;
    }
    return WEIR_OK;
}
