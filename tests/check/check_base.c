/* What all checks share: random numbers, guarded memory, failure counts, timing. */
#include "check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

uint64_t check_random(check *c) {
    c->state ^= c->state >> 12;
    c->state ^= c->state << 25;
    c->state ^= c->state >> 27;
    return c->state * UINT64_C(0x2545F4914F6CDD1D);
}
int64_t check_range(check *c, int64_t lo, int64_t hi) { return lo + (int64_t)((check_random(c) >> 11) % (uint64_t)(hi - lo + 1)); }
float check_unit(check *c) { return (float)((double)(check_random(c) >> 11) * 0x1p-52 - 1.0); }

float check_value(check *c, int kind, float huge, float tiny, int rare) {
    float u = check_unit(c);
    switch (kind) {
    case VALUE_INTEGER: return (float)check_range(c, -8, 8);
    case VALUE_HUGE: return u < 0 ? -huge : huge;
    case VALUE_TINY: return u * tiny;
    case VALUE_SPECIAL:
        switch (check_range(c, 0, rare)) {
        case 0: return INFINITY;
        case 1: return -INFINITY;
        case 2: return NAN;
        default: return u;
        }
    default: return u;
    }
}

void check_fail(check *c, const char *fmt, ...) {
    if (c->failures++) return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->first, sizeof c->first, fmt, ap);
    va_end(ap);
}

#define READ_BYTES ((size_t)256 << 20) /* far more than caches hold */
#define MAX_BLOCKS 64
static struct block { void *base; size_t size; } blocks[MAX_BLOCKS];
static size_t nblocks;

void *check_guarded(check *c, size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = (bytes + page - 1) / page * page + (bytes ? 0 : page);
    uint8_t *base = mmap(NULL, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || nblocks == MAX_BLOCKS || mprotect(base + page, inner, PROT_READ | PROT_WRITE)) {
        fprintf(stderr, "weir-check: no memory for a guarded block of %zu bytes\n", bytes);
        exit(WEIR_NO_RESOURCE);
    }
    blocks[nblocks++] = (struct block){base, inner + 2 * page};
    return check_random(c) & 1 << 20 ? base + page : base + page + inner - bytes;
}

void check_release_all(void) {
    while (nblocks) {
        nblocks--;
        munmap(blocks[nblocks].base, blocks[nblocks].size);
    }
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double check_time(void (*call)(void *), void *arg) {
    double best = 1e9, start = now();
    for (int round = 0; round < 5 || (now() - start < 0.06 && round < 100000); round++) {
        double t = now();
        int n = 1;
        call(arg);
        double d = now() - t;
        if (d < 2e-6) { /* the clock is too coarse for one call */
            n = 20;
            t = now();
            for (int i = 0; i < n; i++) call(arg);
            d = (now() - t) / n;
        }
        if (d < best) best = d;
    }
    return best;
}

static void read_all(void *arg) {
    enum { WIDE = 8 };
    typedef uint64_t pair __attribute__((vector_size(16)));
    const pair *p = *(pair **)arg;
    pair sum[WIDE] = {0};
    for (size_t i = 0; i < READ_BYTES / sizeof(pair); i += WIDE)
        for (size_t k = 0; k < WIDE; k++) sum[k] |= p[i + k];
    for (size_t k = 1; k < WIDE; k++) sum[0] |= sum[k];
    __asm__ volatile("" : : "m"(sum[0]));
}

double check_read_speed(void) {
    static double speed;
    if (speed > 0) return speed;
    void *p = aligned_alloc(64, READ_BYTES);
    if (!p) exit(WEIR_NO_RESOURCE);
    memset(p, 1, READ_BYTES);
    speed = (double)READ_BYTES * 1e-9 / check_time(read_all, &p);
    free(p);
    return speed;
}

void check_print_speed(const check *c, const char *shape, double seconds, double macs, double bytes, double peak) {
    printf("  %-32s %-34s %9.2f us %8.2f Gmac/s %8.2f GB/s", c->kernel, shape, seconds * 1e6, macs / seconds * 1e-9,
           bytes / seconds * 1e-9);
    if (peak > 0) printf("  %5.1f %% of peak", 100.0 * macs / seconds * 1e-9 / peak);
    printf("\n");
}
