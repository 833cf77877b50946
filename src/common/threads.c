/* The kept thread pool. The tiles of a job are cut into one contiguous range a thread, its part, always the same one, so that a
 * thread finds its tiles in its own cache from step to step.
 *
 * A job is done when its parts are, whoever computed them: a thread that comes too late, because the system runs something else in
 * its place, finds its part taken by another and holds nobody up. What waits gives the core away to whatever else wants it, and
 * sleeps before long, so programs that share cores share them.
 *
 * Jobs are numbered from 1. Part i of job k is there to be taken while claim[i] is 2 k; 2 k + 1 means taken. Who takes it may read
 * the job until he has counted `left` down: until then the caller waits, so no other job begins. */
#include "threads.h"
#include "timing.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define PAUSES 256     /* of a core, between two offers of it to others: some microseconds */
#define CALLER_S 2e-4  /* that it waits before it sleeps */
#define WORKER_S 2e-3
#define LINE 64

struct job {
    w_task_fn fn;
    w_task_thread_fn fn_thread;
    void *arg;
    size_t n, parts;
};

typedef struct claim { _Alignas(LINE) atomic_uint_fast64_t state; } claim;
typedef struct worker { w_pool *pool; size_t part; pthread_t id; } worker;

struct w_pool {
    size_t n;                            /* threads, the caller among them */
    pthread_mutex_t callers;             /* one job at a time */
    const struct job *job;
    _Alignas(LINE) atomic_uint_fast64_t number; /* of the job */
    _Alignas(LINE) atomic_size_t left;   /* of its parts */
    pthread_mutex_t lock;                /* of what follows */
    pthread_cond_t begun, ended;
    atomic_size_t asleep;                /* workers */
    atomic_bool caller_asleep, stop;
    worker *worker;                      /* n - 1 */
    claim claim[];                       /* n */
};

/* ---- parts ---- */

/* The first n % parts ranges are one tile longer. */
static size_t range_start(const struct job *j, size_t part) {
    size_t extra = j->n % j->parts;
    return part * (j->n / j->parts) + (part < extra ? part : extra);
}

static void run_part(const struct job *j, size_t part) {
    for (size_t i = range_start(j, part), to = range_start(j, part + 1); i < to; i++) {
        if (j->fn) j->fn(j->arg, i);
        else j->fn_thread(j->arg, part, i);
    }
}

static void end_part(w_pool *p) {
    if (atomic_fetch_sub(&p->left, 1) > 1 || !atomic_load(&p->caller_asleep)) return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_signal(&p->ended);
    pthread_mutex_unlock(&p->lock);
}

/* Parts of job `number` that nobody has taken, the thread's own one first. */
static void take_parts(w_pool *p, uint_fast64_t number, size_t own) {
    for (size_t i = 0, part = own; i < p->n; i++, part = part + 1 < p->n ? part + 1 : 0) {
        uint_fast64_t open = 2 * number;
        if (!atomic_compare_exchange_strong(&p->claim[part].state, &open, 2 * number + 1)) continue;
        run_part(p->job, part);
        end_part(p);
    }
}

/* ---- waiting ---- */

static void pause_core(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

typedef bool ready_fn(const w_pool *p, uint_fast64_t seen);
static bool job_ended(const w_pool *p, uint_fast64_t seen) { return (void)seen, atomic_load(&p->left) == 0; }
static bool job_began(const w_pool *p, uint_fast64_t seen) { return atomic_load(&p->number) != seen || atomic_load(&p->stop); }

/* False: not within this time. */
static bool soon(const w_pool *p, ready_fn *ready, uint_fast64_t seen, double seconds) {
    double end = 0;
    for (;;) {
        for (int i = 0; i < PAUSES; i++) {
            if (ready(p, seen)) return true;
            pause_core();
        }
        double now = w_now();
        if (end == 0) end = now + seconds;
        if (now > end) return false;
        sched_yield();
    }
}

static void await_end(w_pool *p) {
    if (soon(p, job_ended, 0, CALLER_S)) return;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->caller_asleep, true);
    while (!job_ended(p, 0)) pthread_cond_wait(&p->ended, &p->lock);
    atomic_store(&p->caller_asleep, false);
    pthread_mutex_unlock(&p->lock);
}

static void await_begin(w_pool *p, uint_fast64_t seen) {
    if (soon(p, job_began, seen, WORKER_S)) return;
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->asleep, 1);
    while (!job_began(p, seen)) pthread_cond_wait(&p->begun, &p->lock);
    atomic_fetch_sub(&p->asleep, 1);
    pthread_mutex_unlock(&p->lock);
}

static void wake_workers(w_pool *p) {
    if (atomic_load(&p->asleep) == 0) return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->begun);
    pthread_mutex_unlock(&p->lock);
}

/* ---- threads ---- */

static void *work(void *arg) {
    const worker *w = arg;
    w_pool *p = w->pool;
    for (uint_fast64_t seen = 0;;) {
        await_begin(p, seen);
        if (atomic_load(&p->stop)) return NULL;
        seen = atomic_load(&p->number);
        take_parts(p, seen, w->part);
    }
}

w_pool *w_pool_create(size_t threads) {
    size_t n = threads > 1 ? threads : 1, size = sizeof(w_pool) + n * sizeof(claim);
    w_pool *p = aligned_alloc(LINE, (size + LINE - 1) / LINE * LINE);
    worker *workers = calloc(n, sizeof *workers);
    if (!p || !workers) {
        free(p);
        free(workers);
        return NULL;
    }
    *p = (w_pool){.n = 1, .worker = workers, .callers = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER,
                  .begun = PTHREAD_COND_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
    for (size_t i = 0; i < n; i++) atomic_init(&p->claim[i].state, 0);
    for (size_t i = 1; i < n; i++, p->n++) {
        workers[i - 1] = (worker){.pool = p, .part = i};
        if (pthread_create(&workers[i - 1].id, NULL, work, &workers[i - 1]) == 0) continue;
        w_pool_destroy(p);
        return NULL;
    }
    return p;
}

void w_pool_destroy(w_pool *p) {
    if (!p) return;
    atomic_store(&p->stop, true);
    wake_workers(p);
    for (size_t i = 0; i + 1 < p->n; i++) pthread_join(p->worker[i].id, NULL);
    pthread_mutex_destroy(&p->callers);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->begun);
    pthread_cond_destroy(&p->ended);
    free(p->worker);
    free(p);
}

size_t w_pool_threads(const w_pool *p) { return p ? p->n : 1; }

/* ---- jobs ---- */

static void begin(w_pool *p, const struct job *j) {
    uint_fast64_t number = atomic_load(&p->number) + 1;
    p->job = j;
    atomic_store(&p->left, j->parts);
    for (size_t i = 0; i < p->n; i++) atomic_store_explicit(&p->claim[i].state, 2 * number + (i >= j->parts), memory_order_relaxed);
    atomic_store(&p->number, number);
    wake_workers(p);
}

static void run_job(w_pool *p, struct job *j) {
    j->parts = w_pool_threads(p) < j->n ? w_pool_threads(p) : j->n;
    if (j->parts <= 1) {
        j->parts = 1;
        run_part(j, 0);
        return;
    }
    pthread_mutex_lock(&p->callers);
    begin(p, j);
    take_parts(p, atomic_load(&p->number), 0);
    await_end(p);
    pthread_mutex_unlock(&p->callers);
}

void w_pool_for(w_pool *p, w_task_fn fn, void *arg, size_t n) {
    run_job(p, &(struct job){.fn = fn, .arg = arg, .n = n});
}

void w_pool_for_thread(w_pool *p, w_task_thread_fn fn, void *arg, size_t n) {
    run_job(p, &(struct job){.fn_thread = fn, .arg = arg, .n = n});
}
