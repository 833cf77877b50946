/* The kept thread pool. Work is a range of tiles; tile i always computes the same thing,
 * so results do not depend on the number of threads. */
#ifndef W_THREADS_H
#define W_THREADS_H
#include <stddef.h>
typedef struct w_pool w_pool;
typedef void (*w_task_fn)(void *arg, size_t index);
typedef void (*w_task_thread_fn)(void *arg, size_t thread, size_t index); /* thread < w_pool_threads: for per-thread scratch */
w_pool *w_pool_create(size_t threads);   /* NULL on failure; 1 thread makes no threads */
void w_pool_destroy(w_pool *p);
size_t w_pool_threads(const w_pool *p);
/* Runs fn for 0 <= index < n, blocking; contiguous ranges per thread. n == 1 or one thread runs inline. p may be NULL. */
void w_pool_for(w_pool *p, w_task_fn fn, void *arg, size_t n);
void w_pool_for_thread(w_pool *p, w_task_thread_fn fn, void *arg, size_t n);
#endif
