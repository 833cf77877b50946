/* The pool under the thread sanitizer: jobs whose tiles keep apart are clean, from job
 * to job and back to the caller; with the argument "race" two tiles write one place, and the sanitizer must end the program.
 *
 * usage: test_pool_race [race] */
#include "threads.h"
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define TILES 64
#define EACH 100

typedef struct work { int cell[TILES], sum[TILES], shared; atomic_int there; } work;

static void fill(void *arg, size_t i) { ((work *)arg)->cell[i] += (int)i; }

/* Reads what other threads wrote in the job before. */
static void gather(void *arg, size_t thread, size_t i) {
    work *w = arg;
    (void)thread;
    w->sum[i] = 0;
    for (size_t k = 0; k < TILES; k++) w->sum[i] += w->cell[k];
}

/* Two tiles that are there at the same time, so on two threads, which nothing orders. */
static void collide(void *arg, size_t i) {
    work *w = arg;
    atomic_fetch_add_explicit(&w->there, 1, memory_order_relaxed);
    while (atomic_load_explicit(&w->there, memory_order_relaxed) % 2) sched_yield();
    w->shared += (int)i;
}

int main(int argc, char **argv) {
    static work w;
    w_pool *p = w_pool_create(3);
    if (!p) return 1;
    for (int k = 1; k <= EACH; k++) {
        w_pool_for(p, fill, &w, TILES);
        w_pool_for_thread(p, gather, &w, TILES);
        for (size_t i = 0; i < TILES; i++) {
            if (w.sum[i] == k * TILES * (TILES - 1) / 2) continue;
            printf("job %d, tile %zu: sum %d\n", k, i, w.sum[i]);
            return 1;
        }
        if (argc > 1 && strcmp(argv[1], "race") == 0) w_pool_for(p, collide, &w, 2);
    }
    w_pool_destroy(p);
    printf("%d jobs\n", 2 * EACH);
    return 0;
}
