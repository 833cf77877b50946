/* The kept thread pool, over pthreadpool. n tiles are cut into one contiguous range per thread, always the same one, so
 * that a thread finds its tiles in its own cache from step to step; pthreadpool may run a late thread's range on
 * another one, which keeps the range's number and therefore its scratch. */
#include "threads.h"
#include <pthreadpool.h>
#include <stdlib.h>

struct w_pool {
    pthreadpool_t threads; /* NULL: one thread */
    size_t n;
};

w_pool *w_pool_create(size_t threads) {
    w_pool *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->n = threads > 1 ? threads : 1;
    if (p->n == 1) return p;
    p->threads = pthreadpool_create(p->n);
    if (p->threads) return p;
    free(p);
    return NULL;
}

void w_pool_destroy(w_pool *p) {
    if (!p) return;
    if (p->threads) pthreadpool_destroy(p->threads);
    free(p);
}

size_t w_pool_threads(const w_pool *p) { return p ? p->n : 1; }

struct job {
    w_task_fn fn;
    w_task_thread_fn fn_thread;
    void *arg;
    size_t n, parts;
};

static void run_range(const struct job *j, size_t part, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        if (j->fn)
            j->fn(j->arg, i);
        else
            j->fn_thread(j->arg, part, i);
    }
}

/* The first n % parts ranges are one tile longer. */
static size_t range_start(const struct job *j, size_t part) {
    size_t extra = j->n % j->parts;
    return part * (j->n / j->parts) + (part < extra ? part : extra);
}

static void run_part(void *arg, size_t part) {
    const struct job *j = arg;
    run_range(j, part, range_start(j, part), range_start(j, part + 1));
}

static void run_job(w_pool *p, struct job *j) {
    j->parts = w_pool_threads(p) < j->n ? w_pool_threads(p) : j->n;
    if (j->parts <= 1)
        run_range(j, 0, 0, j->n);
    else
        pthreadpool_parallelize_1d(p->threads, run_part, j, j->parts, 0);
}

void w_pool_for(w_pool *p, w_task_fn fn, void *arg, size_t n) {
    run_job(p, &(struct job){.fn = fn, .arg = arg, .n = n});
}

void w_pool_for_thread(w_pool *p, w_task_thread_fn fn, void *arg, size_t n) {
    run_job(p, &(struct job){.fn_thread = fn, .arg = arg, .n = n});
}
