/* Files: read-only mappings, and outputs that appear whole or not at all.
 *
 * An output lives under PATH.tmp-PID until commit has written, synced and renamed it. A PATH that exists and is no
 * regular file (/dev/null, a pipe) is written in place: replacing a device by a file would harm the machine. */
#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER ((size_t)256 << 10)

static weir_status bad_file(weir_error *e, const char *path, const char *doing, int code) {
    bool room = code == ENOSPC || code == EDQUOT || code == EFBIG || code == ENOMEM || code == EMFILE || code == ENFILE;
    return w_fail(e, room ? WEIR_NO_RESOURCE : WEIR_BAD_INPUT, "%s: cannot %s: %s", path, doing, strerror(code));
}

/* ---- reading ------------------------------------------------------------------------------- */

static ssize_t read_some(int fd, void *to, size_t n) {
    ssize_t r;
    do {
        r = read(fd, to, W_MIN(n, (size_t)1 << 30));
    } while (r < 0 && errno == EINTR);
    return r;
}

/* Pipes and the like: read to the end, then keep exactly what was read. */
static weir_status read_stream(weir_context *ctx, int fd, const char *path, w_map *out, weir_error *e) {
    void *buf = NULL;
    size_t cap = 0, size = 0;
    weir_status s = WEIR_OK;
    for (;;) {
        if (!w_grow(ctx, &buf, 1, &cap, size + BUFFER)) {
            s = w_oom(e, size + BUFFER, path);
            break;
        }
        ssize_t r = read_some(fd, (char *)buf + size, cap - size);
        if (r < 0) s = bad_file(e, path, "read", errno);
        if (r <= 0) break;
        size += (size_t)r;
    }
    void *exact = s == WEIR_OK && size ? w_alloc(ctx, size) : NULL;
    if (s == WEIR_OK && size && !exact) s = w_oom(e, size, path);
    if (exact) memcpy(exact, buf, size);
    w_free(ctx, buf, cap);
    *out = (w_map){.data = exact, .size = exact ? size : 0};
    return s;
}

static weir_status map_fd(weir_context *ctx, int fd, const char *path, w_map *out, weir_error *e) {
    struct stat st;
    if (fstat(fd, &st) != 0) return bad_file(e, path, "read", errno);
    if (S_ISDIR(st.st_mode)) return bad_file(e, path, "read", EISDIR);
    if (!S_ISREG(st.st_mode)) return read_stream(ctx, fd, path, out, e);
    if (st.st_size == 0) return WEIR_OK;
    if ((uintmax_t)st.st_size > PTRDIFF_MAX) return bad_file(e, path, "map", EFBIG);
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) return bad_file(e, path, "map", errno);
    *out = (w_map){p, (size_t)st.st_size, true};
    return WEIR_OK;
}

weir_status w_map_open(weir_context *ctx, const char *path, w_map *out, weir_error *e) {
    *out = (w_map){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return bad_file(e, path, "open", errno);
    weir_status s = map_fd(ctx, fd, path, out, e);
    close(fd);
    return s;
}

void w_map_close(weir_context *ctx, w_map *m) {
    void *p = (void *)(uintptr_t)m->data;
    if (m->mapped)
        munmap(p, m->size);
    else
        w_free(ctx, p, m->size);
    *m = (w_map){0};
}

void w_map_forget(const w_map *m, size_t offset, size_t size) {
    if (!m->mapped || offset > m->size) return;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t from = W_ALIGN_UP(offset, page), to = (offset + W_MIN(size, m->size - offset)) / page * page;
    if (from < to) (void)madvise((char *)(uintptr_t)m->data + from, to - from, MADV_DONTNEED);
}

/* ---- writing ------------------------------------------------------------------------------- */

struct w_out {
    weir_context *ctx;
    char *path, *temp; /* temp NULL: written in place */
    size_t path_size, temp_size;
    int fd, error;     /* errno of the first failure */
    uint64_t written;  /* bytes accepted so far */
    size_t fill;
    uint8_t buffer[BUFFER];
};

static void out_free(w_out *o) {
    weir_context *ctx = o->ctx;
    w_free(ctx, o->temp, o->temp_size);
    w_free(ctx, o->path, o->path_size);
    w_free(ctx, o, sizeof *o);
}

static bool out_names(w_out *o, const char *path, bool in_place) {
    o->path_size = strlen(path) + 1;
    o->path = w_alloc(o->ctx, o->path_size);
    if (!o->path) return false;
    memcpy(o->path, path, o->path_size);
    if (in_place) return true;
    size_t size = o->path_size + 32;
    o->temp = w_alloc(o->ctx, size);
    if (!o->temp) return false;
    o->temp_size = size;
    snprintf(o->temp, size, "%s.tmp-%ld", path, (long)getpid());
    return true;
}

/* A temporary file of the same name can only be what an earlier process with our number left behind. */
static int open_temp(const char *temp) {
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, fd = open(temp, flags, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;
    unlink(temp);
    return open(temp, flags, 0666);
}

weir_status w_out_open(weir_context *ctx, const char *path, w_out **out, weir_error *e) {
    *out = NULL;
    struct stat st;
    bool exists = stat(path, &st) == 0;
    if (exists && S_ISDIR(st.st_mode)) return bad_file(e, path, "write", EISDIR);
    w_out *o = w_calloc(ctx, 1, sizeof *o);
    if (!o) return w_oom(e, sizeof *o, path);
    o->ctx = ctx;
    if (!out_names(o, path, exists && !S_ISREG(st.st_mode))) {
        out_free(o);
        return w_oom(e, 0, path);
    }
    o->fd = o->temp ? open_temp(o->temp) : open(path, O_WRONLY | O_CLOEXEC);
    if (o->fd < 0) {
        weir_status s = bad_file(e, path, "write", errno);
        out_free(o);
        return s;
    }
    *out = o;
    return WEIR_OK;
}

static void out_send(w_out *o, const uint8_t *data, size_t size) {
    while (size && !o->error) {
        ssize_t n = write(o->fd, data, W_MIN(size, (size_t)1 << 30));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            o->error = n < 0 ? errno : EIO;
            return;
        }
        data += n;
        size -= (size_t)n;
    }
}

static void out_flush(w_out *o) {
    out_send(o, o->buffer, o->fill);
    o->fill = 0;
}

void w_out_write(w_out *o, const void *data, size_t size) {
    if (size == 0) return;
    o->written += size;
    if (size > BUFFER - o->fill) out_flush(o);
    if (size > BUFFER) {
        out_send(o, data, size);
        return;
    }
    memcpy(o->buffer + o->fill, data, size);
    o->fill += size;
}

uint64_t w_out_tell(const w_out *o) { return o->written; }

void w_out_pad(w_out *o, size_t align) {
    static const uint8_t zero[64];
    for (uint64_t n = W_ALIGN_UP(o->written, align) - o->written; n;) {
        size_t step = (size_t)W_MIN(n, sizeof zero);
        w_out_write(o, zero, step);
        n -= step;
    }
}

/* The new name must be on disk too; a folder that cannot be synced (some file systems) is no failure. */
static void sync_folder(const char *path) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) + 1 : 0;
    if (n >= sizeof folder) return;
    memcpy(folder, path, n);
    folder[n] = 0;
    int fd = open(n ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

static void note(w_out *o, bool ok) {
    if (!ok && !o->error) o->error = errno;
}

weir_status w_out_commit(w_out *o, weir_error *e) {
    out_flush(o);
    if (o->temp && !o->error) note(o, fsync(o->fd) == 0);
    note(o, close(o->fd) == 0);
    if (o->temp && !o->error) note(o, rename(o->temp, o->path) == 0);
    weir_status s = o->error ? bad_file(e, o->path, "write", o->error) : WEIR_OK;
    if (o->temp && o->error)
        unlink(o->temp);
    else if (o->temp)
        sync_folder(o->path);
    out_free(o);
    return s;
}

void w_out_abort(w_out *o) {
    if (!o) return;
    close(o->fd);
    if (o->temp) unlink(o->temp);
    out_free(o);
}
