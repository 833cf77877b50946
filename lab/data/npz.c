/* The .npz format: a zip archive of .npy files, through libarchive. */
#include "data.h"
#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <string.h>

#define DEFLATE_MOST 1040 /* deflate cannot shrink further than about 1032 to 1 */

bool w_npz_is(const uint8_t *data, size_t size) {
    return size >= 22 && (memcmp(data, "PK\3\4", 4) == 0 || memcmp(data, "PK\5\6", 4) == 0);
}

static weir_status read_exact(struct archive *a, void *to, size_t n, const char *what, weir_error *e) {
    for (size_t have = 0; have < n;) {
        la_ssize_t r = archive_read_data(a, (char *)to + have, n - have);
        if (r < 0) return w_archive_fail(a, what, "the array", e);
        if (r == 0) return w_fail(e, WEIR_BAD_INPUT, "%s: ends early", what);
        have += (size_t)r;
    }
    return WEIR_OK;
}

static weir_status read_header(weir_context *ctx, struct archive *a, const char *what, w_npy *out, weir_error *e) {
    uint8_t prefix[W_NPY_PREFIX];
    size_t size;
    W_TRY(read_exact(a, prefix, sizeof prefix, what, e));
    W_TRY(w_npy_header_size(prefix, what, &size, e));
    uint8_t *all = w_alloc(ctx, size);
    if (!all) return w_oom(e, size, what);
    memcpy(all, prefix, sizeof prefix);
    weir_status s = read_exact(a, all + sizeof prefix, size - sizeof prefix, what, e);
    if (s == WEIR_OK) s = w_npy_parse(all, size, what, out, e);
    w_free(ctx, all, size);
    return s;
}

static weir_status visit(weir_context *ctx, struct archive *a, struct archive_entry *entry, const w_map *file, const char *path,
                         w_npz_fn fn, void *user, bool *stop, weir_error *e) {
    char name[200], what[600];
    const char *full = archive_entry_pathname(entry);
    if (!full || archive_entry_filetype(entry) != AE_IFREG) return WEIR_OK;
    size_t len = strlen(full);
    if (len > 4 && strcmp(full + len - 4, ".npy") == 0) len -= 4;
    if (len >= sizeof name) return w_fail(e, WEIR_BAD_INPUT, "%s: an array name of %zu characters", path, len);
    memcpy(name, full, len);
    name[len] = 0;
    snprintf(what, sizeof what, "%.380s: %s", path, name);
    w_npz_entry it = {.name = name, .a = a, .what = what};
    W_TRY(read_header(ctx, a, what, &it.npy, e));
    if (it.npy.bytes / DEFLATE_MOST > file->size)
        return w_fail(e, WEIR_BAD_INPUT, "%s: its shape says %zu bytes, more than the file can hold", what, it.npy.bytes);
    return fn(user, &it, stop, e);
}

static weir_status walk(weir_context *ctx, struct archive *a, struct archive_entry *entry, const w_map *file, const char *path,
                        w_npz_fn fn, void *user, weir_error *e) {
    bool good = archive_read_support_format_zip(a) == ARCHIVE_OK &&
                archive_read_open_memory(a, file->data, file->size) == ARCHIVE_OK;
    if (!good) return w_archive_fail(a, path, "the archive", e);
    for (bool stop = false; !stop;) {
        int r = archive_read_next_header2(a, entry);
        if (r == ARCHIVE_EOF) break;
        if (r != ARCHIVE_OK) return w_archive_fail(a, path, "the next array", e);
        W_TRY(visit(ctx, a, entry, file, path, fn, user, &stop, e));
    }
    return WEIR_OK;
}

weir_status w_npz_walk(weir_context *ctx, const w_map *file, const char *path, w_npz_fn fn, void *user, weir_error *e) {
    struct archive *a = archive_read_new();
    struct archive_entry *entry = archive_entry_new();
    weir_status s = a && entry ? walk(ctx, a, entry, file, path, fn, user, e) : w_oom(e, 0, path);
    archive_entry_free(entry);
    archive_read_free(a);
    return s;
}

weir_status w_npz_take(weir_context *ctx, const w_npz_entry *entry, weir_array *out, weir_error *e) {
    const w_npy *n = &entry->npy;
    weir_array got = {.type = n->type, .rank = n->rank, .bytes = n->bytes};
    memcpy(got.dims, n->dims, sizeof n->dims);
    got.data = w_alloc(ctx, n->bytes);
    if (!got.data) return w_oom(e, n->bytes, entry->what);
    char more;
    weir_status s = read_exact(entry->a, got.data, n->bytes, entry->what, e);
    la_ssize_t r = s == WEIR_OK ? archive_read_data(entry->a, &more, 1) : 0;
    if (r < 0) s = w_archive_fail(entry->a, entry->what, "the end", e);
    if (r > 0) s = w_fail(e, WEIR_BAD_INPUT, "%s: more data than its shape says", entry->what);
    if (s == WEIR_OK)
        *out = got;
    else
        weir_array_destroy(ctx, &got);
    return s;
}

struct wanted {
    weir_context *ctx;
    const char *name;
    weir_array *out;
    bool found;
};

static weir_status take_wanted(void *user, const w_npz_entry *entry, bool *stop, weir_error *e) {
    struct wanted *w = user;
    if (w->name && strcmp(w->name, entry->name) != 0) return WEIR_OK;
    *stop = w->found = true;
    return w_npz_take(w->ctx, entry, w->out, e);
}

weir_status w_npz_read(weir_context *ctx, const w_map *file, const char *path, const char *name, weir_array *out, weir_error *e) {
    struct wanted w = {.ctx = ctx, .name = name, .out = out};
    W_TRY(w_npz_walk(ctx, file, path, take_wanted, &w, e));
    if (w.found) return WEIR_OK;
    if (name) return w_fail(e, WEIR_BAD_INPUT, "%s: no array named \"%s\"", path, name);
    return w_fail(e, WEIR_BAD_INPUT, "%s: no arrays", path);
}
