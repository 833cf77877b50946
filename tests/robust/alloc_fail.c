/* An allocator in front of the C library's (or the sanitizer's): counts, and fails on request.
 *
 * Linked into a test it takes the place of malloc for everything in the process. As a preloaded library it is driven by
 * WEIR_FAIL_ALLOC=N (the N-th allocation of the process fails, those after it succeed; 0: none) and WEIR_COUNT_ALLOC=FILE,
 * which gets the number of allocations at exit. */
#include "alloc_fail.h"
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define W_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define W_ASAN 1
#endif
#endif

#ifdef W_ASAN
#define REAL(f) __interceptor_##f
void *__interceptor_memalign(size_t align, size_t size);
#else
#define REAL(f) __libc_##f
void *__libc_memalign(size_t align, size_t size);
#endif
void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t n, size_t size);
void *REAL(realloc)(void *p, size_t size);
void REAL(free)(void *p);

static atomic_long count, live, fail_at;
static atomic_bool forever_, happened;
static bool (*decide)(void);

void alloc_fail_ask(bool (*fn)(void)) { decide = fn; }

void alloc_fail_at(long n, bool forever) {
    forever_ = forever;
    happened = false;
    count = 0;
    fail_at = n;
}

long alloc_fail_count(void) { return count; }
bool alloc_fail_happened(void) { return happened; }
long alloc_live(void) { return live; }

static bool refuse(void) {
    long k = ++count, at = fail_at;
    if (decide && decide()) {
        errno = ENOMEM;
        return true;
    }
    if (at == 0 || k < at || (k > at && !forever_)) return false;
    happened = true;
    errno = ENOMEM;
    return true;
}

static void *note(void *p) {
    if (p) live++;
    return p;
}

void *malloc(size_t size) { return refuse() ? NULL : note(REAL(malloc)(size)); }
void *calloc(size_t n, size_t size) { return refuse() ? NULL : note(REAL(calloc)(n, size)); }

void *realloc(void *p, size_t size) {
    if (!p) return malloc(size);
    if (refuse()) return NULL;
    void *q = REAL(realloc)(p, size);
    if (!q && size == 0) live--;
    return q;
}

void *memalign(size_t align, size_t size);
void *memalign(size_t align, size_t size) { return refuse() ? NULL : note(REAL(memalign)(align, size)); }
void *aligned_alloc(size_t align, size_t size) { return memalign(align, size); }

int posix_memalign(void **out, size_t align, size_t size) {
    void *p = memalign(align, size);
    if (!p) return ENOMEM;
    *out = p;
    return 0;
}

void free(void *p) {
    if (!p) return;
    live--;
    REAL(free)(p);
}

__attribute__((constructor)) static void from_environment(void) {
    const char *n = getenv("WEIR_FAIL_ALLOC");
    if (n) alloc_fail_at(atol(n), false);
}

__attribute__((destructor)) static void to_file(void) {
    const char *path = getenv("WEIR_COUNT_ALLOC");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
    char text[24], *at = text + sizeof text;
    long n = count;
    if (fd < 0) return;
    do {
        *--at = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    if (write(fd, at, (size_t)(text + sizeof text - at)) < 0) errno = 0;
    close(fd);
}
