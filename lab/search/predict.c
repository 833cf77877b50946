/* What a run of a network costs, before it runs: the plan's bounds, and a fixed cost for each step. */
#include "search.h"

weir_status w_predict(const weir_model *model, double *seconds, double *dram_bytes, weir_error *e) {
    weir_session_options so = weir_session_options_default();
    w_plan_options po = {.threads = 1};
    w_plan *p;
    const w_machine *m;
    W_TRY(w_machine_get(model->ctx, false, &m, e));
    W_TRY(w_plan_create(model->graph, &so, &po, &p, e));
    *seconds = p->bound_s + 1e-6 * m->step_us * (double)p->nstep;
    *dram_bytes = p->bytes.level[W_DRAM];
    w_plan_destroy(p);
    return WEIR_OK;
}
