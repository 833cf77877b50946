/* Writing .npy and .npz. The zip goes through libarchive into an output that appears whole or not at all; entries are
 * stored, not deflated, and carry no time, so that equal arrays make equal files. */
#include "data.h"
#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <string.h>

static la_ssize_t to_out(struct archive *a, void *user, const void *data, size_t n) {
    (void)a;
    w_out_write(user, data, n);
    return (la_ssize_t)n;
}

static weir_status zip_failed(struct archive *a, const char *path, weir_error *e) {
    const char *text = archive_error_string(a);
    return w_fail(e, WEIR_NO_RESOURCE, "%s: cannot write the archive: %s", path, text ? text : "out of memory");
}

static bool put_all(struct archive *a, const void *data, size_t n) {
    for (size_t done = 0; done < n;) {
        la_ssize_t r = archive_write_data(a, (const char *)data + done, n - done);
        if (r <= 0) return false;
        done += (size_t)r;
    }
    return true;
}

static weir_status put_array(struct archive *a, struct archive_entry *entry, const char *path, const weir_array *array,
                             const char *name, weir_error *e) {
    uint8_t header[W_NPY_HEADER_MAX];
    size_t size;
    char file[300];
    W_TRY(w_npy_format(array, name, header, &size, e));
    if (snprintf(file, sizeof file, "%s.npy", name) >= (int)sizeof file)
        return w_fail(e, WEIR_USAGE, "%s: the array name \"%.60s...\" is too long", path, name);
    archive_entry_clear(entry);
    archive_entry_set_pathname(entry, file);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, 315532800, 0); /* 1980, the first day that zip knows */
    archive_entry_set_size(entry, (la_int64_t)(size + array->bytes));
    bool good = archive_write_header(a, entry) == ARCHIVE_OK && put_all(a, header, size) &&
                put_all(a, array->data, array->bytes) && archive_write_finish_entry(a) == ARCHIVE_OK;
    return good ? WEIR_OK : zip_failed(a, path, e);
}

static weir_status put_arrays(struct archive *a, const char *path, const weir_array *arrays, const char *const *names, size_t n,
                              weir_error *e) {
    struct archive_entry *entry = archive_entry_new();
    if (!entry) return w_oom(e, 0, path);
    weir_status s = WEIR_OK;
    for (size_t i = 0; i < n && s == WEIR_OK; i++) s = put_array(a, entry, path, &arrays[i], names[i], e);
    archive_entry_free(entry);
    return s;
}

static weir_status write_zip(w_out *o, const char *path, const weir_array *arrays, const char *const *names, size_t n,
                             weir_error *e) {
    struct archive *a = archive_write_new();
    if (!a) return w_oom(e, 0, path);
    bool good = archive_write_set_format_zip(a) == ARCHIVE_OK && archive_write_zip_set_compression_store(a) == ARCHIVE_OK &&
                archive_write_set_bytes_in_last_block(a, 1) == ARCHIVE_OK &&
                archive_write_open(a, o, NULL, to_out, NULL) == ARCHIVE_OK;
    weir_status s = good ? put_arrays(a, path, arrays, names, n, e) : zip_failed(a, path, e);
    if (s == WEIR_OK && archive_write_close(a) != ARCHIVE_OK) s = zip_failed(a, path, e);
    archive_write_free(a);
    return s;
}

weir_status w_npz_write(weir_context *ctx, const char *path, const weir_array *arrays, const char *const *names, size_t n,
                        weir_error *e) {
    w_out *o;
    W_TRY(w_out_open(ctx, path, &o, e));
    weir_status s = write_zip(o, path, arrays, names, n, e);
    if (s == WEIR_OK) return w_out_commit(o, e);
    w_out_abort(o);
    return s;
}
