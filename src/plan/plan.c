/* plan.c: from a graph to a plan, one stage after the other. */
#include "planner.h"
#include <stdlib.h>

#define SPARE_SHARE 0.08             /* of the weights in use, by which packed ones may be larger ... */
#define SPARE_BYTES (6.0 * (1 << 20)) /* ... besides so much */

static weir_status set_spare(w_plan *p, weir_error *e) {
    double by_type[WEIR_BOOL + 1];
    W_TRY(w_weight_bytes(p->graph, by_type, e));
    p->spare_bytes = SPARE_BYTES;
    for (int t = 0; t <= WEIR_BOOL; t++)
        p->spare_bytes += SPARE_SHARE * by_type[t];
    return WEIR_OK;
}

static weir_status build(w_plan *p, w_graph *g, const weir_session_options *so, weir_error *e) {
    const w_machine *m; /* first of all, so that measuring it is over before the model takes memory */
    W_TRY(w_machine_get(p->ctx, false, &m, e));
    W_TRY(w_plan_bind(g, so, e));
    W_TRY(w_passes_plan(g, e));
    W_TRY(w_plan_own_outputs(g, e));
    W_TRY(set_spare(p, e));
    bool *is_step = calloc(g->nnode + 1, sizeof *is_step);
    if (!is_step)
        return w_oom(e, g->nnode, "the plan");
    weir_status s = w_plan_place(p, is_step, e);
    if (s == WEIR_OK)
        s = w_plan_choose(p, is_step, e);
    free(is_step);
    W_TRY(s);
    if (!p->options.keep_all)
        W_TRY(w_plan_order(p, e));
    return w_plan_memory(p, e);
}

weir_status w_plan_create(const w_graph *g, const weir_session_options *so, const w_plan_options *po, w_plan **out, weir_error *e) {
    *out = NULL;
    weir_context *ctx = g->ctx;
    w_plan *p = w_calloc(ctx, 1, sizeof *p);
    if (!p)
        return w_oom(e, sizeof *p, "a plan");
    p->ctx = ctx;
    p->options = *po;
    if (p->options.threads <= 0)
        p->options.threads = ctx->threads;
    w_arena_init(&p->arena_mem, ctx);
    w_graph *bound = NULL;
    weir_status s = w_graph_clone(g, &bound, e);
    if (s == WEIR_OK) {
        p->graph = bound;
        s = build(p, bound, so, e);
    }
    if (s != WEIR_OK) {
        w_plan_destroy(p);
        return s;
    }
    *out = p;
    return WEIR_OK;
}

void w_plan_destroy(w_plan *p) {
    if (!p)
        return;
    weir_context *ctx = p->ctx;
    w_arena_fini(&p->arena_mem);
    w_graph_destroy((w_graph *)p->graph);
    w_free(ctx, p, sizeof *p);
}
