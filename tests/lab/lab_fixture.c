#include "lab_fixture.h"
#include "graph_text.h"
#include <string.h>

weir_context *ctx;
weir_model *model;
weir_dataset *data;
w_calibration *cal;
const char *model_path;
size_t calibration_samples = 256;

int open_context(void **state) {
    weir_context_options o = weir_context_options_default();
    weir_error e = {0};
    o.threads = 1;
    if (weir_context_create(&o, &ctx, &e) == WEIR_OK) return 0;
    print_error("%s\n", e.message);
    return -1;
}

int close_context(void **state) {
    weir_context_destroy(ctx);
    return 0;
}

int open_network(void **state) {
    weir_error e = {0};
    if (open_context(state) != 0) return -1;
    w_samples s = {.n = calibration_samples};
    if (weir_model_open(ctx, model_path, &model, &e) == WEIR_OK && weir_dataset_open(ctx, "fashion-mnist", &data, &e) == WEIR_OK) {
        s.data = data;
        if (w_calibration_create(model, &s, &cal, &e) == WEIR_OK) return 0;
    }
    print_error("%s\n", e.message);
    return -1;
}

int close_network(void **state) {
    w_calibration_destroy(cal);
    weir_dataset_destroy(data);
    weir_model_destroy(model);
    size_t left = weir_context_live_bytes(ctx);
    weir_context_destroy(ctx);
    return left <= sizeof(w_machine) + 1024 ? 0 : -1; /* the machine model belongs to the context */
}

w_paired compare_with_network(const weir_model *m, size_t n) {
    weir_error e = {0};
    w_outputs a, b;
    w_samples s = {.data = data, .first = 1000, .n = n};
    assert_int_equal(w_outputs_run(model, &s, &a, &e), WEIR_OK);
    if (w_outputs_run(m, &s, &b, &e) != WEIR_OK) fail_msg("%s", e.message);
    w_paired p = w_paired_compare(&a, &b);
    w_outputs_fini(ctx, &a);
    w_outputs_fini(ctx, &b);
    return p;
}

w_id node_labelled(const w_graph *g, const char *label) {
    for (w_id i = 0; i < g->nnode; i++)
        if (g->node[i].op != W_OP_NONE && strcmp(w_node_label(g, &g->node[i]), label) == 0) return i;
    fail_msg("no node '%s'", label);
    return W_NONE;
}

w_graph *canonical_graph(const char *text) {
    weir_error e = {0};
    w_graph *g;
    if (text_graph(ctx, text, &g, &e) != WEIR_OK || w_passes_canonical(g, &e) != WEIR_OK) fail_msg("%s", e.message);
    return g;
}
