/* weir-check [--bench] [--cpu NAME] [--seed N] [--kernel TEXT]: runs the check of every kernel that the CPU set allows.
 * Last line: 'N passed, N failed, N skipped'; a kernel outside the CPU set is skipped. Exit 1 if one failed. */
#include "check.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct totals { int passed, failed, skipped; } totals;

static void report(const check *c, totals *t) {
    if (c->failures) {
        t->failed++;
        printf("FAIL %s: %zu of %zu cases; first: %s\n", c->kernel, c->failures, c->cases, c->first);
    } else {
        t->passed++;
        printf("ok   %s: %zu cases\n", c->kernel, c->cases);
    }
    fflush(stdout);
}

static check begin(const char *kernel, uint32_t flags, const check *base) {
    check c = *base;
    c.kernel = kernel;
    if (c.bench) {
        c.peak_f32 = check_peak(flags, false);
        c.peak_u8 = check_peak(flags, true);
    }
    c.state = base->seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    return c;
}

static void run_all(const check *base, uint32_t cpu, const char *only, totals *t) {
#define W_KERNEL(kind, name, flags, mr, nr, pack) \
    if (!only || strstr(#name, only)) { \
        if (((flags) & ~cpu) == 0) { \
            check c = begin(#name, flags, base); \
            check_##kind(&c, w_##name, mr, nr, pack); \
            report(&c, t); \
        } else { \
            t->skipped++; \
            printf("skip %s: the CPU set lacks its instructions\n", #name); \
        } \
    }
#include "kernels.inc"
#undef W_KERNEL
}

int main(int argc, char **argv) {
    check base = {.seed = (uint64_t)time(NULL)};
    const char *cpu_name = getenv("WEIR_CPU"), *only = NULL;
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (!strcmp(argv[i], "--bench")) base.bench = true;
        else if (!strcmp(argv[i], "--cpu") && more) cpu_name = argv[++i];
        else if (!strcmp(argv[i], "--seed") && more) base.seed = strtoull(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--kernel") && more) only = argv[++i];
        else {
            fprintf(stderr, "weir-check: unknown argument '%s'; expected --bench, --cpu NAME, --seed N or --kernel TEXT\n", argv[i]);
            return WEIR_USAGE;
        }
    }
    uint32_t cpu;
    weir_error e;
    if (w_cpu_cap(w_cpu_detect(), cpu_name, &cpu, &e)) {
        fprintf(stderr, "weir-check: %s\n", e.message);
        return WEIR_USAGE;
    }
    w_kernels k;
    w_kernels_init(&k, cpu);
    printf("seed %" PRIu64 ", CPU set %s\n", base.seed, w_cpu_name(cpu));
    totals t = {0};
    run_all(&base, cpu, only, &t);
    printf("%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped);
    return t.failed ? WEIR_UNMET : WEIR_OK;
}
