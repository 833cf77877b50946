/* The context: the accounted allocator, log, progress, cancelling, CPU set and thread pool.
 *
 * The account moves only where the allocator has said yes, by the size that the caller names; the caller names the same
 * size when it frees. One thread uses a context at a time, so plain counters do. */
#include "context.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define THREADS_MAX 1024

/* The C library's allocator; large blocks sit on huge page borders and ask for huge pages (advice: may be ignored). */
static void *libc_allocate(void *user, size_t size, size_t align) {
    (void)user;
    void *p = NULL;
    bool huge = size >= HUGE_PAGE;
    if (posix_memalign(&p, huge ? W_MAX(align, HUGE_PAGE) : align, size) != 0) return NULL;
    if (huge) (void)madvise(p, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
    return p;
}

static void libc_release(void *user, void *block, size_t size) {
    (void)user;
    (void)size;
    free(block);
}

void *w_alloc(weir_context *ctx, size_t size) {
    size_t live;
    if (!w_add_size(ctx->live, size, &live)) return NULL;
    void *p = ctx->allocator.allocate(ctx->allocator.user, W_MAX(size, 1), 64);
    if (!p) return NULL;
    ctx->live = live;
    ctx->peak = W_MAX(ctx->peak, live);
    return p;
}

void *w_calloc(weir_context *ctx, size_t n, size_t size) {
    size_t bytes;
    if (!w_mul_size(n, size, &bytes)) return NULL;
    void *p = w_alloc(ctx, bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

void w_free(weir_context *ctx, void *p, size_t size) {
    if (!p) return;
    ctx->live -= size;
    ctx->allocator.release(ctx->allocator.user, p, W_MAX(size, 1));
}

bool w_grow(weir_context *ctx, void **p, size_t elem, size_t *cap, size_t need) {
    if (need <= *cap) return true;
    size_t grown = *cap > SIZE_MAX / 2 ? need : W_MAX(*cap * 2, W_MAX(need, 8)), bytes;
    if (!w_mul_size(grown, elem, &bytes)) return false;
    void *q = w_alloc(ctx, bytes);
    if (!q) return false;
    if (*p) memcpy(q, *p, *cap * elem);
    w_free(ctx, *p, *cap * elem);
    *p = q;
    *cap = grown;
    return true;
}

void w_log(const weir_context *ctx, const char *fmt, ...) {
    if (!ctx->log) return;
    char line[1000];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (n >= 0) ctx->log(ctx->log_user, line);
}

void w_progress(const weir_context *ctx, const char *what, double done, double total) {
    if (ctx->progress) ctx->progress(ctx->progress_user, what, done, total);
}

bool w_cancelled(const weir_context *ctx) { return ctx->cancel && *ctx->cancel; }

static weir_status take_allocator(weir_context *ctx, const weir_allocator *a, weir_error *e) {
    if (!a->allocate != !a->release)
        return w_fail(e, WEIR_USAGE, "context: an allocator needs both allocate and release");
    ctx->allocator = a->allocate ? *a : (weir_allocator){libc_allocate, libc_release, NULL};
    return WEIR_OK;
}

/* A stored machine that is only planned for may have any set: src/api takes away what its model does not name. */
static weir_status take_cpu(weir_context *ctx, const weir_context_options *o, weir_error *e) {
    uint32_t have = o->plan_only && o->machine_file ? UINT32_MAX : w_cpu_detect();
    if (o->cpu) return w_cpu_cap(have, o->cpu, &ctx->cpu, e);
    const char *env = getenv("WEIR_CPU");
    weir_status s = w_cpu_cap(have, env, &ctx->cpu, e);
    return s == WEIR_OK ? s : w_fail_prefix(e, s, "WEIR_CPU");
}

static size_t second_cache(void) {
    enum { LEAST = 256 << 10, USUAL = 512 << 10, MOST = 16 << 20 };
    long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE); /* 0 or less: not told */
    return bytes <= 0 ? USUAL : (size_t)W_MAX(LEAST, W_MIN(bytes, MOST));
}

static weir_status take_threads(weir_context *ctx, int threads, weir_error *e) {
    if (threads < 0 || threads > THREADS_MAX)
        return w_fail(e, WEIR_USAGE, "context: %d threads; expected 0 (physical cores) to %d", threads, THREADS_MAX);
    w_topology t;
    if (threads == 0) w_topology_read(&t);
    ctx->threads = threads ? threads : W_MIN(t.cores, THREADS_MAX);
    ctx->pool = w_pool_create((size_t)ctx->threads);
    return ctx->pool ? WEIR_OK : w_oom(e, 0, "the thread pool");
}

static weir_status take_machine_file(weir_context *ctx, const char *path, weir_error *e) {
    if (!path) return WEIR_OK;
    size_t size = strlen(path) + 1;
    char *copy = w_alloc(ctx, size);
    if (!copy) return w_oom(e, size, "the machine file's name");
    memcpy(copy, path, size);
    ctx->machine_file = copy;
    return WEIR_OK;
}

weir_status w_context_init(weir_context *ctx, const weir_context_options *o, weir_error *e) {
    *ctx = (weir_context){.log = o->log,
                          .log_user = o->log_user,
                          .progress = o->progress,
                          .progress_user = o->progress_user,
                          .cancel = o->cancel};
    W_TRY(take_allocator(ctx, &o->allocator, e));
    ctx->plan_only = o->plan_only != 0;
    ctx->l2_bytes = second_cache();
    W_TRY(take_cpu(ctx, o, e));
    W_TRY(take_machine_file(ctx, o->machine_file, e));
    weir_status s = take_threads(ctx, o->threads, e);
    if (s != WEIR_OK) w_context_fini(ctx);
    return s;
}

void w_context_fini(weir_context *ctx) {
    w_pool_destroy(ctx->pool);
    ctx->pool = NULL;
    if (ctx->machine_file) w_free(ctx, (void *)(uintptr_t)ctx->machine_file, strlen(ctx->machine_file) + 1);
    ctx->machine_file = NULL;
}
