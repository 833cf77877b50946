/* A file as a stream of bytes, unpacked by libarchive when it is gzip, zstd or xz. */
#include "data.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES (1u << 16)

weir_status w_archive_fail(struct archive *a, const char *path, const char *what, weir_error *e) {
    int code = archive_errno(a);
    const char *text = archive_error_string(a);
    if (code == ENOMEM || !text) return w_oom(e, 0, path); /* what is wrong with the file always has a text */
    return w_fail(e, WEIR_BAD_INPUT, "%s: cannot read %s: %s", path, what, text);
}

static la_ssize_t read_file(struct archive *a, void *data, const void **bytes) {
    const w_archive_file *f = data;
    ssize_t n;
    do n = read(f->fd, f->bytes, READ_BYTES);
    while (n < 0 && errno == EINTR);
    if (n < 0) archive_set_error(a, errno, "%s", strerror(errno));
    *bytes = f->bytes;
    return n;
}

bool w_archive_open(struct archive *a, w_archive_file *f, const char *path) {
    *f = (w_archive_file){open(path, O_RDONLY | O_CLOEXEC), malloc(READ_BYTES)};
    if (f->fd < 0) archive_set_error(a, errno, "%s", strerror(errno));
    else if (!f->bytes) archive_set_error(a, ENOMEM, "no memory");
    return f->fd >= 0 && f->bytes &&
           archive_read_set_read_callback(a, read_file) == ARCHIVE_OK &&
           archive_read_set_callback_data(a, f) == ARCHIVE_OK &&
           archive_read_open1(a) == ARCHIVE_OK;
}

void w_archive_close(w_archive_file *f) {
    if (f->fd >= 0) close(f->fd);
    free(f->bytes);
    *f = (w_archive_file){-1, NULL};
}

weir_status w_stream_open(w_stream *s, const char *path, weir_error *e) {
    *s = (w_stream){.a = archive_read_new(), .file = {-1, NULL}, .path = path};
    if (!s->a) return w_oom(e, 0, path);
    struct archive_entry *entry = archive_entry_new(); /* of our own: libarchive does not look whether it got one */
    bool good = entry &&
                archive_read_support_filter_gzip(s->a) == ARCHIVE_OK &&
                archive_read_support_filter_xz(s->a) == ARCHIVE_OK &&
                archive_read_support_filter_zstd(s->a) == ARCHIVE_OK &&
                archive_read_support_format_raw(s->a) == ARCHIVE_OK &&
                w_archive_open(s->a, &s->file, path) &&
                archive_read_next_header2(s->a, entry) == ARCHIVE_OK;
    archive_entry_free(entry);
    if (good) return WEIR_OK;
    weir_status status = w_archive_fail(s->a, path, "the file", e);
    w_stream_close(s);
    return status;
}

weir_status w_stream_read(w_stream *s, void *to, size_t n, const char *what, weir_error *e) {
    for (size_t have = 0; have < n;) {
        la_ssize_t r = archive_read_data(s->a, (char *)to + have, n - have);
        if (r < 0) return w_archive_fail(s->a, s->path, what, e);
        if (r == 0) return w_fail(e, WEIR_BAD_INPUT, "%s: ends inside %s", s->path, what);
        have += (size_t)r;
    }
    return WEIR_OK;
}

weir_status w_stream_end(w_stream *s, weir_error *e) {
    char one;
    la_ssize_t r = archive_read_data(s->a, &one, 1);
    if (r < 0) return w_archive_fail(s->a, s->path, "the end", e);
    return r == 0 ? WEIR_OK : w_fail(e, WEIR_BAD_INPUT, "%s: more data than its header says", s->path);
}

void w_stream_close(w_stream *s) {
    if (s->a) archive_read_free(s->a);
    s->a = NULL;
    w_archive_close(&s->file);
}
