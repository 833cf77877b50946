/* A result as a file of its own: whole or not at all, as the library writes its outputs.
 *
 * The bytes lie in memory first; they go to PATH.tmp-PID, which is synced and renamed, or removed when anything fails. A PATH
 * that exists and is no regular file (/dev/stdout, a pipe) is written in place. */
#include "cli.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Exit code of a failed system call: 4 where there is no room, 3 where the place is wrong. */
static int cannot(const char *path, int code) {
    bool room = code == ENOSPC || code == EDQUOT || code == EFBIG || code == ENOMEM || code == EMFILE || code == ENFILE;
    fprintf(stderr, "weir: %s: cannot write: %s\n", path, strerror(code));
    return room ? 4 : 3;
}

/* 0 or an errno. */
static int send_all(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? errno : EIO;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

static int write_in_place(const char *path, const char *data, size_t size) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int bad = fd < 0 ? errno : send_all(fd, data, size);
    if (fd >= 0 && close(fd) != 0 && !bad) bad = errno;
    return bad;
}

static int write_temp(const char *temp, const char *path, const char *data, size_t size) {
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return errno;
    int bad = send_all(fd, data, size);
    if (!bad && fsync(fd) != 0) bad = errno;
    if (close(fd) != 0 && !bad) bad = errno;
    if (!bad && rename(temp, path) != 0) bad = errno;
    if (bad) unlink(temp);
    return bad;
}

int save_file(const char *path, const char *data, size_t size) {
    char temp[4200];
    struct stat st;
    bool exists = stat(path, &st) == 0;
    if (exists && S_ISDIR(st.st_mode)) return cannot(path, EISDIR);
    if (snprintf(temp, sizeof temp, "%s.tmp-%ld", path, (long)getpid()) >= (int)sizeof temp) return cannot(path, ENAMETOOLONG);
    int bad = exists && !S_ISREG(st.st_mode) ? write_in_place(path, data, size) : write_temp(temp, path, data, size);
    return bad ? cannot(path, bad) : 0;
}
