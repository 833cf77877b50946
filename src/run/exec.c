/* The executor: a short walk over a plan.
 *
 * All memory (arena, input and output buffers) is allocated by w_exec_create and known before, w_exec_bytes; a run
 * allocates nothing. The cancel flag is read between steps. */
#include "run.h"
#include "timing.h"
#include <string.h>

/* One block: the w_exec, then the two pointer tables, then the step times. */
static size_t header_bytes(const w_plan *p, bool profile) {
    return sizeof(w_exec) + (p->graph->ninput + p->graph->noutput) * sizeof(void *) +
           (profile ? p->nstep * sizeof(double) : 0);
}

static size_t buffer_bytes(const w_plan *p, w_id value) { return W_MAX(w_value_bytes(p->graph, value), (size_t)1); }

static size_t arena_bytes(const w_plan *p) { return W_MAX(p->arena_bytes, (size_t)1); }

size_t w_exec_bytes(const w_plan *p, bool profile) {
    size_t n = header_bytes(p, profile) + arena_bytes(p);
    for (size_t i = 0; i < p->graph->ninput; i++) n += buffer_bytes(p, p->graph->input[i]);
    for (size_t i = 0; i < p->graph->noutput; i++) n += buffer_bytes(p, p->graph->output[i]);
    return n;
}

static bool alloc_buffers(w_exec *x, void **buffer, const w_id *value, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t bytes = buffer_bytes(x->plan, value[i]);
        buffer[i] = w_alloc(x->plan->ctx, bytes);
        if (!buffer[i]) return false;
        memset(buffer[i], 0, bytes);
    }
    return true;
}

weir_status w_exec_create(w_plan *p, bool profile, w_exec **out, weir_error *e) {
    const w_graph *g = p->graph;
    w_exec *x = w_calloc(p->ctx, 1, header_bytes(p, profile));
    *out = NULL;
    if (!x) return w_oom(e, header_bytes(p, profile), "a session");
    x->plan = p;
    x->input = (void **)(x + 1);
    x->output = x->input + g->ninput;
    if (profile) x->step_seconds = (double *)(void *)(x->output + g->noutput);
    x->arena = w_alloc(p->ctx, arena_bytes(p));
    if (!x->arena || !alloc_buffers(x, x->input, g->input, g->ninput) ||
        !alloc_buffers(x, x->output, g->output, g->noutput)) {
        w_exec_destroy(x);
        return w_oom(e, w_exec_bytes(p, profile), "a session: arena, inputs and outputs");
    }
    memset(x->arena, 0, arena_bytes(p));
    *out = x;
    return WEIR_OK;
}

void w_exec_destroy(w_exec *x) {
    if (!x) return;
    const w_plan *p = x->plan;
    for (size_t i = 0; i < p->graph->ninput; i++)
        if (x->input[i]) w_free(p->ctx, x->input[i], buffer_bytes(p, p->graph->input[i]));
    for (size_t i = 0; i < p->graph->noutput; i++)
        if (x->output[i]) w_free(p->ctx, x->output[i], buffer_bytes(p, p->graph->output[i]));
    if (x->arena) w_free(p->ctx, x->arena, arena_bytes(p));
    w_free(p->ctx, x, header_bytes(p, x->step_seconds != NULL));
}

static void run_timed(w_exec *x, const w_bindings *b, size_t i) {
    double start = w_now();
    x->plan->step[i].impl->run(&x->plan->step[i], b);
    x->step_seconds[i] += w_now() - start;
}

weir_status w_exec_run(w_exec *x, weir_error *e) {
    const w_plan *p = x->plan;
    if (p->ctx->plan_only) return w_fail(e, WEIR_USAGE, "this context only plans: nothing runs in it");
    const w_bindings b = {p->ctx, x->arena, x->input, x->output, p->ctx->pool};
    for (size_t i = 0; i < p->nstep; i++) {
        if (w_cancelled(p->ctx))
            return w_fail(e, WEIR_INTERRUPTED, "%s: interrupted before step %zu of %zu",
                          p->graph->source ? p->graph->source : "model", i, p->nstep);
        if (x->step_seconds) run_timed(x, &b, i);
        else p->step[i].impl->run(&p->step[i], &b);
    }
    x->runs++;
    return WEIR_OK;
}
