/* System calls that write, failing on request: to be preloaded into any program.
 *
 * Counted are the calls that change files below the folder WEIR_IO_UNDER: opening for writing, write, truncate, sync, close
 * of a file that was written, rename, mkdir. WEIR_IO_FAIL=N lets the N-th fail with the error WEIR_IO_ERRNO; with
 * WEIR_IO_FOREVER=1 all after it too, as on a disk that stays full or a file system that has turned read-only. unlink always
 * works: it needs no room. WEIR_IO_COUNT=FILE gets the number of counted calls at exit. A write that fails with ENOSPC first
 * takes half of its bytes, as a disk that fills up does. */
#undef _FILE_OFFSET_BITS /* both names of each call are defined here */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILES 1024

static long count, fail_at;
static int error_code;
static bool forever_;
static char under[PATH_MAX];
static bool watched[FILES];

__attribute__((constructor)) static void from_environment(void) {
    const char *n = getenv("WEIR_IO_FAIL"), *code = getenv("WEIR_IO_ERRNO"), *folder = getenv("WEIR_IO_UNDER");
    fail_at = n ? atol(n) : 0;
    error_code = code ? atoi(code) : ENOSPC;
    forever_ = getenv("WEIR_IO_FOREVER") != NULL;
    if (folder && strlen(folder) < sizeof under) strcpy(under, folder);
}

__attribute__((destructor)) static void to_file(void) {
    const char *path = getenv("WEIR_IO_COUNT");
    int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
    char text[24], *at = text + sizeof text;
    if (fd < 0) return;
    do {
        *--at = (char)('0' + count % 10);
        count /= 10;
    } while (count);
    syscall(SYS_write, fd, at, (size_t)(text + sizeof text - at));
    syscall(SYS_close, fd);
}

static bool below(const char *path) { return under[0] && path && strncmp(path, under, strlen(under)) == 0; }
static bool seen(int fd) { return fd >= 0 && fd < FILES && watched[fd]; }

static bool refuse(void) {
    long k = ++count;
    if (fail_at == 0 || k < fail_at || (k > fail_at && !forever_)) return false;
    errno = error_code;
    return true;
}

static int open_file(int folder, const char *path, int flags, mode_t mode) {
    bool writes = below(path) && (flags & O_ACCMODE) != O_RDONLY;
    if (writes && refuse()) return -1;
    int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
    if (fd >= 0 && fd < FILES) watched[fd] = writes;
    return fd;
}

#define MODE(flags)                                        \
    mode_t mode = 0;                                       \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {               \
        va_list ap;                                        \
        va_start(ap, flags);                               \
        mode = va_arg(ap, mode_t);                         \
        va_end(ap);                                        \
    }

int open(const char *path, int flags, ...) { MODE(flags) return open_file(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_file(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE(flags) return open_file(folder, path, flags, mode); }

/* -2: go on with the call. */
static ssize_t fail_write(int fd, size_t size, size_t *half) {
    *half = 0;
    if (!seen(fd) || !refuse()) return -2;
    if (error_code == ENOSPC) *half = size / 2;
    return -1;
}

ssize_t write(int fd, const void *data, size_t size) {
    size_t half;
    if (fail_write(fd, size, &half) == -2) return syscall(SYS_write, fd, data, size);
    if (half) syscall(SYS_write, fd, data, half);
    errno = error_code;
    return -1;
}

static ssize_t write_at(int fd, const void *data, size_t size, off_t at) {
    size_t half;
    if (fail_write(fd, size, &half) == -2) return syscall(SYS_pwrite64, fd, data, size, at);
    if (half) syscall(SYS_pwrite64, fd, data, half, at);
    errno = error_code;
    return -1;
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return write_at(fd, data, size, at); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { return write_at(fd, data, size, at); }

static int truncate_to(int fd, off_t size) { return seen(fd) && refuse() ? -1 : (int)syscall(SYS_ftruncate, fd, size); }
int ftruncate(int fd, off_t size) { return truncate_to(fd, size); }
int ftruncate64(int fd, off64_t size) { return truncate_to(fd, size); }

int fsync(int fd) { return seen(fd) && refuse() ? -1 : (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return seen(fd) && refuse() ? -1 : (int)syscall(SYS_fdatasync, fd); }

/* A close that fails has closed all the same. */
int close(int fd) {
    bool bad = seen(fd) && refuse();
    if (seen(fd)) watched[fd] = false;
    int rc = (int)syscall(SYS_close, fd);
    if (!bad) return rc;
    errno = error_code;
    return -1;
}

int rename(const char *from, const char *to) { return below(to) && refuse() ? -1 : (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to); }
int mkdir(const char *path, mode_t mode) { return below(path) && refuse() ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode); }
