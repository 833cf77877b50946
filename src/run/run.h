/* The executor: a short walk over a plan, and the session that owns its memory. */
#ifndef W_RUN_H
#define W_RUN_H
#include "backend.h"

typedef struct w_exec {
    w_plan *plan;
    uint8_t *arena;            /* plan->arena_bytes, context's allocator */
    void **input, **output;    /* 64-byte aligned session buffers, ONNX row-major */
    double *step_seconds;      /* summed; NULL without profile */
    uint64_t runs;
} w_exec;
weir_status w_exec_create(w_plan *p /* borrowed */, bool profile, w_exec **out, weir_error *e);
void w_exec_destroy(w_exec *x);
weir_status w_exec_run(w_exec *x, weir_error *e);
/* Bytes that w_exec_create will allocate: known before anything runs. */
size_t w_exec_bytes(const w_plan *p, bool profile);
#endif
