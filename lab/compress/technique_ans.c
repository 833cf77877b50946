/* Entropy coding of weights in the file by range ANS (G3, arXiv 1311.2540). Costs no accuracy; decoded at load. */
#include "lab.h"

static const char *const keys[] = {NULL};

static weir_status apply(w_graph *g, const w_selection *s, const json_t *params, w_calibration *c, weir_error *e) {
    (void)params;
    (void)c;
    for (size_t i = 0; i < s->n; i++) {
        w_coding *coding;
        W_TRY(w_coding_edit(g, g->node[s->node[i]].in[1], &coding, e));
        coding->ans = true;
    }
    return WEIR_OK;
}

static weir_status ladder(const w_graph *g, w_id node, json_t *settings, weir_error *e) {
    (void)g;
    (void)node;
    return w_ladder_add(settings, json_object(), e);
}

const w_technique w_technique_ans = {
    .name = "ans", .row = "G3", .summary = "entropy-code the weights in the file", .keys = keys, .lossless = true, .blind = true,
    .takes = w_node_has_weights, .ladder = ladder, .apply = apply, .verdict = w_verdict_file_only};
