/* Fuzz target: data files. The first byte picks the reader: arrays and images by content, IDX (the rest split in two by
 * the second byte), or the JSON form of a data set. Readers take paths, so that the bytes go through memory files. */
#include "data.h"
#include "../robust/fuzz.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int memory_file(const uint8_t *data, size_t size, char *path, size_t cap) {
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0) abort();
    if (write(fd, data, size) != (ssize_t)size) abort();
    snprintf(path, cap, "/proc/self/fd/%d", fd);
    return fd;
}

static void read_array(weir_context *ctx, const uint8_t *data, size_t size) {
    char path[40];
    weir_array a;
    int fd = memory_file(data, size, path, sizeof path);
    if (weir_array_read(ctx, path, NULL, &a, NULL) == WEIR_OK) weir_array_destroy(ctx, &a);
    close(fd);
}

static void read_set(weir_context *ctx, const char *spec) {
    weir_dataset *d;
    if (weir_dataset_open(ctx, spec, &d, NULL) == WEIR_OK) weir_dataset_destroy(d);
}

static void read_idx(weir_context *ctx, const uint8_t *data, size_t size) {
    if (size == 0) return;
    char images[40], labels[40], spec[100];
    size_t cut = W_MIN((size_t)data[0], size - 1);
    int a = memory_file(data + 1 + cut, size - 1 - cut, images, sizeof images);
    int b = memory_file(data + 1, cut, labels, sizeof labels);
    snprintf(spec, sizeof spec, "idx:%s,%s", images, labels);
    read_set(ctx, spec);
    close(a);
    close(b);
}

static void read_named(weir_context *ctx, const char *format, const uint8_t *data, size_t size) {
    char path[40], spec[100];
    int fd = memory_file(data, size, path, sizeof path);
    snprintf(spec, sizeof spec, "%s%s", format, path);
    read_set(ctx, spec);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static weir_context *ctx;
    weir_context_options o = weir_context_options_default();
    o.threads = 1;
    if (!ctx && weir_context_create(&o, &ctx, NULL) != WEIR_OK) abort();
    if (size == 0) return 0;
    size_t before = weir_context_live_bytes(ctx);
    switch (data[0] % 5) {
    case 0: read_array(ctx, data + 1, size - 1); break;
    case 1: read_idx(ctx, data + 1, size - 1); break;
    case 2: read_named(ctx, "npz:", data + 1, size - 1); break;
    case 3: read_named(ctx, "tar:", data + 1, size - 1); break;
    default: read_named(ctx, "", data + 1, size - 1); break;
    }
    if (weir_context_live_bytes(ctx) != before) abort();
    return 0;
}
