/* The context: allocator with accounts, log, progress, cancel flag, CPU set, thread pool.
 *
 * Invariants: everything weir allocates for longer than one call goes through w_alloc of one context;
 * live is the sum of the sizes not yet freed, peak its maximum since the last reset. */
#ifndef W_CONTEXT_H
#define W_CONTEXT_H
#include "cpu.h"
#include "status.h"
#include "threads.h"

struct w_kernels; /* src/kernels/kernels.h */
struct w_backend; /* src/plan/backend.h */
struct w_machine; /* src/plan/machine.h */

struct weir_context {
    weir_allocator allocator;
    size_t live, peak;
    weir_log_fn log;
    void *log_user;
    weir_progress_fn progress;
    void *progress_user;
    const volatile int *cancel;
    uint32_t cpu;                     /* W_CPU_* flags in use */
    size_t l2_bytes;                  /* second cache of a core */
    int threads;
    w_pool *pool;
    const char *machine_file;         /* copied; NULL: cached or measured */
    bool plan_only;                   /* nothing runs: cpu may hold flags of the stored machine that this one lacks */
    const struct w_kernels *kernels;  /* set by src/api at creation; kernels for `cpu` */
    const struct w_backend *backend;  /* set by src/api at creation */
    struct w_machine *machine;        /* loaded on first use by w_machine_get */
};

/* The parts of weir_context_create that common can do: allocator, CPU, pool. src/api adds the rest. */
weir_status w_context_init(weir_context *ctx, const weir_context_options *o, weir_error *e);
void w_context_fini(weir_context *ctx);

void *w_alloc(weir_context *ctx, size_t size);                 /* 64-byte aligned, not cleared; NULL on failure */
void *w_calloc(weir_context *ctx, size_t n, size_t size);      /* overflow-checked, cleared */
void w_free(weir_context *ctx, void *p, size_t size);          /* NULL is allowed */
/* Grows *p from *cap elements to at least need (doubling); false on failure, *p unchanged. */
bool w_grow(weir_context *ctx, void **p, size_t elem, size_t *cap, size_t need);
void w_log(const weir_context *ctx, const char *fmt, ...) WEIR_PRINTF(2, 3);
void w_progress(const weir_context *ctx, const char *what, double done, double total);
bool w_cancelled(const weir_context *ctx);
#endif
