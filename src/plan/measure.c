/* measure.c: times the loops of measure_loops.c at every level, for one thread and for all.
 *
 * Each figure is the best of several short runs: what else runs on the machine can only slow a run down. The block of a
 * level fits it with room and does not fit the level above. Blocks come from the C library, not from the context: they
 * are gone before the call returns and are no part of a model's peak. */
#include "machine_parts.h"
#include "timing.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_SECONDS 0.0015
#define RUNS_MAX 60
#define BUDGET 0.05      /* seconds for one figure */
#define BUDGET_BUSY 0.2  /* the same where threads seem to wait for cores that others use */
#define BLOCK_MAX ((size_t)128 << 20)

typedef struct job {
    void (*stream)(void *block, size_t bytes, size_t times);
    void (*peak)(size_t times);
    uint8_t *block;
    size_t bytes, times; /* per thread */
} job;

typedef struct bench {
    weir_context *ctx;
    w_machine *m;
    w_loops loops;
    uint8_t *block;
    size_t block_bytes;
    int done, total;
} bench;

static void run_part(void *arg, size_t index) {
    const job *j = arg;
    if (j->stream)
        j->stream(j->block + index * j->bytes, j->bytes, j->times);
    else
        j->peak(j->times);
}

static double timed(const bench *b, job *j, int threads) {
    double start = w_now();
    if (threads == 1)
        run_part(j, 0);
    else
        w_pool_for(b->ctx->pool, run_part, j, (size_t)threads);
    return w_now() - start;
}

/* Turns per second, all threads together. `hoped`: what n times one thread would give; far from it, the cores were busy
 * with something else and more runs are tried. */
static double best_rate(const bench *b, job *j, int threads, double hoped) {
    double best = 0, start = w_now(), spent = 0;
    j->times = 1;
    while (timed(b, j, threads) < RUN_SECONDS / 2 && j->times < SIZE_MAX / 4)
        j->times *= 2;
    for (int i = 0; spent < BUDGET || (i < RUNS_MAX && best < 0.7 * hoped && spent < BUDGET_BUSY); i++) {
        double rate = (double)j->times * threads / timed(b, j, threads);
        best = W_MAX(best, rate);
        spent = w_now() - start;
    }
    return best;
}

/* A block that fits the level, and where possible is at least twice the one above. */
static size_t level_block(const w_machine *m, int level) {
    size_t own = m->level[level].bytes, above = level == W_L1 ? 0 : m->level[level - 1].bytes;
    size_t bytes = level == W_DRAM ? 4 * above : W_MAX(own / 2, W_MIN(2 * above, own / 4 * 3));
    return W_MAX(W_MIN(bytes, BLOCK_MAX) / 4096 * 4096, 4096);
}

static void measure_level(bench *b, int level) {
    w_level *l = &b->m->level[level];
    for (int many = 0; many < 2; many++)
        for (int write = 0; write < 2; write++) {
            int threads = many ? b->m->threads : 1;
            double *out = write ? &l->write_gbs[many] : &l->read_gbs[many];
            job j = {.stream = write ? b->loops.write : b->loops.read, .block = b->block};
            j.bytes = level_block(b->m, level);
            if (level >= W_LLC || j.bytes * (size_t)threads > b->block_bytes)
                j.bytes = W_MAX(j.bytes / (size_t)threads / 4096 * 4096, 4096);
            double hoped = many && level < W_LLC ? threads * out[-1] / (1e-9 * (double)j.bytes) : 0;
            *out = threads == 1 && many ? out[-1] : 1e-9 * (double)j.bytes * best_rate(b, &j, threads, hoped);
            if (many)
                *out = W_MAX(*out, out[-1]);
            w_progress(b->ctx, "measuring the machine", ++b->done, b->total);
        }
}

static void measure_peak(bench *b, int what) {
    double *out = b->m->gops[what];
    for (int many = 0; many < 2; many++) {
        int threads = many ? b->m->threads : 1;
        job j = {.peak = b->loops.peak[what]};
        double scale = 1e-9 * b->loops.macs[what];
        if (j.peak)
            out[many] = many && threads == 1 ? out[0] : scale * best_rate(b, &j, threads, many ? threads * out[0] / scale : 0);
        if (many)
            out[1] = W_MAX(out[0], out[1]);
        w_progress(b->ctx, "measuring the machine", ++b->done, b->total);
    }
}

static void clock_part(size_t times) { w_loop_clock(times); }
static void nothing(size_t times) { (void)times; }

static void measure_clock(bench *b) {
    job j = {.peak = clock_part};
    if (w_loop_clock(1))
        b->m->ghz = 1e-9 * W_CLOCK_ADDS * best_rate(b, &j, 1, 0);
}

/* The cost of opening and closing one parallel region, and of reaching one step through its pointer. */
static void measure_overheads(bench *b) {
    enum { CALLS = 300 };
    double region = 1, step = 1, start = w_now();
    job j = {.peak = nothing, .times = 0};
    void (*volatile call)(void *, size_t) = run_part;
    do {
        region = W_MIN(region, timed(b, &j, b->m->threads));
        double t1 = w_now();
        for (int k = 0; k < CALLS; k++)
            call(&j, 0);
        double t2 = w_now();
        step = W_MIN(step, (t2 - t1) / CALLS);
    } while (w_now() - start < BUDGET);
    b->m->barrier_us = b->m->threads > 1 ? 1e6 * region : 0;
    b->m->step_us = 1e6 * step;
}

static void set_capacities(const w_topology *t, w_machine *m) {
    m->level[W_L1].bytes = t->l1d ? t->l1d : 32 << 10;
    m->level[W_L2].bytes = W_MAX(t->l2 ? t->l2 : (size_t)512 << 10, m->level[W_L1].bytes);
    m->level[W_LLC].bytes = W_MAX(t->llc ? t->llc : (size_t)8 << 20, m->level[W_L2].bytes);
    m->llc_victim = t->llc_victim;
}

static weir_status measure_all(bench *b, weir_error *e) {
    for (int l = 0; l < W_LEVELS + W_PEAKS; l++) {
        if (w_cancelled(b->ctx))
            return w_fail(e, WEIR_INTERRUPTED, "interrupted while measuring the machine");
        if (l < W_LEVELS)
            measure_level(b, l);
        else
            measure_peak(b, l - W_LEVELS);
    }
    measure_clock(b);
    measure_overheads(b);
    if (b->m->level[W_L1].read_gbs[1] < 0.6 * b->m->threads * b->m->level[W_L1].read_gbs[0])
        w_log(b->ctx, "the cores were busy while the machine was measured; measure again (weir machine --refresh) on a quiet one");
    return WEIR_OK;
}

weir_status w_machine_measure(weir_context *ctx, const w_topology *t, w_machine *m, weir_error *e) {
    bench b = {.ctx = ctx, .m = m, .total = 4 * W_LEVELS + 2 * W_PEAKS};
    set_capacities(t, m);
    w_loops_for(ctx->cpu, &b.loops);
    b.block_bytes = W_MAX(level_block(m, W_DRAM), (size_t)m->threads * level_block(m, W_L2));
    b.block = aligned_alloc(4096, b.block_bytes);
    if (!b.block)
        return w_oom(e, b.block_bytes, "measuring the machine");
    memset(b.block, 1, b.block_bytes);
    weir_status s = measure_all(&b, e);
    free(b.block);
    return s;
}

double w_machine_now(const weir_context *ctx, const w_machine *m) {
    const double seconds = 20e-6;
    w_loops l;
    w_loops_for(ctx->cpu, &l);
    double turns = seconds * w_machine_peak(m, W_PEAK_F32, 1) / l.macs[W_PEAK_F32];
    if (ctx->machine_file || strcmp(m->isa, w_cpu_name(ctx->cpu)) || turns < 1)
        return 0;
    double start = w_now();
    l.peak[W_PEAK_F32]((size_t)turns);
    return seconds / W_MAX(w_now() - start, 1e-9);
}
