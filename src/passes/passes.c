/* The fixed lists of passes. Debug builds verify the graph after each. */
#include "passes.h"

const w_pass w_passes_list[] = {
    {"fold", w_pass_fold},           {"normalise", w_pass_normalise}, {"infer", w_pass_infer}, {"late", w_pass_late},
    {"batchnorm", w_pass_batchnorm}, {"fuse", w_pass_fuse},           {"qdq", w_pass_qdq},     {"cse", w_pass_cse},
    {"dce", w_pass_dce},             {"affine", w_pass_affine},       {"tables", w_pass_tables},        {"attention", w_pass_attention}, {"layout", w_pass_layout},   {NULL, NULL},
};

static weir_status run_one(w_graph *g, w_pass_fn pass, weir_error *e) {
    W_TRY(pass(g, e));
#ifndef NDEBUG
    weir_error why;
    if (w_graph_verify(g, &why) != WEIR_OK) {
        const char *name = "?";
        for (const w_pass *p = w_passes_list; p->name; p++)
            if (p->run == pass) name = p->name;
        return w_fail(e, WEIR_INTERNAL, "pass %s broke the graph: %s", name, why.message);
    }
#endif
    return WEIR_OK;
}

static weir_status run_all(w_graph *g, const w_pass_fn *list, size_t n, weir_error *e) {
    for (size_t i = 0; i < n; i++) W_TRY(run_one(g, list[i], e));
    return WEIR_OK;
}

/* Rounds until one takes no node away: what one pass frees (a bias behind a folded normalisation, say) the next round
 * finds. Chains longer than the bound stay correct, only less tidy. */
weir_status w_passes_canonical(w_graph *g, weir_error *e) {
    enum { MAX_ROUNDS = 8 };
    static const w_pass_fn round[] = {w_pass_fold, w_pass_normalise, w_pass_infer, w_pass_late, w_pass_batchnorm,
                                      w_pass_fuse, w_pass_qdq,       w_pass_cse,   w_pass_dce};
    W_TRY(w_graph_toposort(g, e));
    size_t before = 0;
    for (int i = 0; i < MAX_ROUNDS && (i == 0 || g->nnode < before); i++) {
        before = g->nnode;
        W_TRY(run_all(g, round, W_COUNT(round), e));
    }
    W_TRY(w_pass_infer(g, e));
    return w_graph_verify(g, e);
}

weir_status w_passes_plan(w_graph *g, weir_error *e) {
    static const w_pass_fn after[] = {w_pass_affine, w_pass_tables, w_pass_attention, w_pass_dce, w_pass_layout, w_pass_dce, w_pass_infer};
    W_TRY(w_passes_canonical(g, e));
    W_TRY(run_all(g, after, W_COUNT(after), e));
    return w_graph_verify(g, e);
}
