/* What the fuzz targets of the lab's readers share. Each reader either takes the bytes in place (a heap block of exactly
 * their size, so that a sanitizer sees every read past the end) or, where it takes a path, through a memory file. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H
#include "fuzz.h"
#include "robust.h"
#include "data.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct fuzz_file { int fd; char path[40]; } fuzz_file;

static inline fuzz_file fuzz_file_open(const uint8_t *data, size_t size) {
    fuzz_file f = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};
    if (f.fd < 0 || (size && write(f.fd, data, size) != (ssize_t)size)) abort();
    snprintf(f.path, sizeof f.path, "/proc/self/fd/%d", f.fd);
    return f;
}
static inline void fuzz_file_close(const fuzz_file *f) { close(f->fd); }

static inline weir_context *fuzz_context(size_t *live) {
    static weir_context *ctx;
    if (!ctx && !(ctx = robust_context())) abort();
    *live = weir_context_live_bytes(ctx);
    return ctx;
}

/* A status that input may cause, with its message, and nothing left allocated. Wrong usage is what a data format of a later
 * day gives. */
static inline void fuzz_check(const weir_context *ctx, size_t live, weir_status s, const weir_error *e) {
    if (s == WEIR_USAGE ? !e->message[0] : !robust_allowed(s, e)) abort();
    if (weir_context_live_bytes(ctx) != live) abort();
}

static inline int fuzz_set(const char *spec) {
    size_t live;
    weir_error e = {0};
    weir_dataset *d;
    weir_context *ctx = fuzz_context(&live);
    weir_status s = weir_dataset_open(ctx, spec, &d, &e);
    if (s == WEIR_OK) weir_dataset_destroy(d);
    fuzz_check(ctx, live, s, &e);
    return 0;
}
#endif
