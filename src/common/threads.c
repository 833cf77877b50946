/* The kept thread pool, over pthreadpool. n tiles are cut into one contiguous range per thread, always the same one, so
 * that a thread finds its tiles in its own cache from step to step; pthreadpool may run a late thread's range on
 * another one, which keeps the range's number and therefore its scratch.
 *
 * pthreadpool orders what is written before a job, in it and after it, but Debian's is compiled without the thread sanitizer,
 * which then sees neither. In a build with that sanitizer two atomics of each job say the same in a way that it sees; they
 * order nothing between the parts of a job, so that a race between two tiles stays one. */
#include "threads.h"
#include <pthreadpool.h>
#include <stdlib.h>

#ifdef __SANITIZE_THREAD__
#define W_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define W_TSAN 1
#endif
#endif
#ifdef W_TSAN
#include <stdatomic.h>
#define TSAN_FIELD atomic_int begun, ended[TSAN_PARTS];
#define TSAN_PARTS 1024 /* parts end each on their own atomic: one for all would order them */
#define TSAN_BEGIN(j) atomic_store_explicit(&(j)->begun, 1, memory_order_release)
#define TSAN_ENTER(j) (void)atomic_load_explicit(&(j)->begun, memory_order_acquire)
#define TSAN_LEAVE(j, part) atomic_store_explicit(&(j)->ended[(part) % TSAN_PARTS], 1, memory_order_release)
#define TSAN_END(j)                                                                                      \
    for (size_t tsan_i = 0; tsan_i < (j)->parts; tsan_i++)                                               \
        (void)atomic_load_explicit(&(j)->ended[tsan_i % TSAN_PARTS], memory_order_acquire)
#else
#define TSAN_FIELD
#define TSAN_BEGIN(j) (void)0
#define TSAN_ENTER(j) (void)0
#define TSAN_LEAVE(j, part) (void)0
#define TSAN_END(j) (void)0
#endif

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
    TSAN_FIELD
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
    struct job *j = arg;
    TSAN_ENTER(j);
    run_range(j, part, range_start(j, part), range_start(j, part + 1));
    TSAN_LEAVE(j, part);
}

static void run_job(w_pool *p, struct job *j) {
    j->parts = w_pool_threads(p) < j->n ? w_pool_threads(p) : j->n;
    if (j->parts <= 1) {
        run_range(j, 0, 0, j->n);
        return;
    }
    TSAN_BEGIN(j);
    pthreadpool_parallelize_1d(p->threads, run_part, j, j->parts, 0);
    TSAN_END(j);
}

void w_pool_for(w_pool *p, w_task_fn fn, void *arg, size_t n) {
    run_job(p, &(struct job){.fn = fn, .arg = arg, .n = n});
}

void w_pool_for_thread(w_pool *p, w_task_thread_fn fn, void *arg, size_t n) {
    run_job(p, &(struct job){.fn_thread = fn, .arg = arg, .n = n});
}
