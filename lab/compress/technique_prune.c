/* Unstructured magnitude pruning (E1), by plain magnitude or by what the loss of a weight costs at the layer's output
 * (optimal brain surgeon, as SparseGPT applies it, arXiv 2301.00774). */
#include "lab.h"
#include <string.h>

static const char *const methods[] = {"magnitude", "obs", NULL};
static const char *const keys[] = {"density", "method", "bias_correction", NULL};

static float density_of(const w_weights *w) {
    size_t n = (size_t)w->rows * w->cols, nonzero = 0;
    for (size_t i = 0; i < n; i++) nonzero += w->w[i] != 0;
    return n ? (float)nonzero / (float)n : 1;
}

typedef struct prune { w_graph *g; const w_graph *origin; w_calibration *c; double density; bool obs, correct; } prune;

/* Weights of a layer, in all its parts. */
static double layer_weights(const w_graph *g, const char *layer) {
    double n = 0;
    for (w_id i = 0; i < g->nnode; i++)
        if (w_node_has_weights(g, &g->node[i]) && !strcmp(w_node_layer(g, &g->node[i]), layer)) n += w_node_weight_count(g, i);
    return n;
}

/* The share of the layer's weights of today that makes the asked share of those that it had before the recipe: what
 * earlier rules took out counts as pruned, so that the costs of both rules nearly add up. */
static float share_today(const prune *p, w_id node) {
    const char *layer = w_node_layer(p->g, &p->g->node[node]);
    double today = layer_weights(p->g, layer), before = layer_weights(p->origin, layer);
    return (float)(before > today ? W_MIN(p->density * before / today, 1.0) : p->density);
}

static weir_status prune_node(const prune *p, w_id node, weir_error *e) {
    w_weights w;
    w_coding *coding;
    w_hessian *h = NULL;
    W_TRY(w_weights_get(p->g, node, &w, e));
    float *before = w_weights_copy(p->g, &w);
    if (!before) return w_oom(e, (size_t)w.rows * w.cols * sizeof *before, "weights");
    if (p->obs) W_TRY(w_calibration_hessian(p->c, w_node_label(p->g, &p->g->node[node]), &h, e));
    w_feedback f = {.density = share_today(p, node)};
    W_TRY(w_feedback_round(p->g->ctx, &w, h, &f, NULL, e));
    W_TRY(w_weights_put(p->g, &w, e));
    W_TRY(w_coding_edit(p->g, w.value, &coding, e));
    coding->density = density_of(&w);
    return p->correct && p->c ? w_bias_correct(p->g, &w, before, p->c, e) : WEIR_OK;
}

static weir_status apply(w_graph *g, const w_selection *s, const json_t *params, w_calibration *c, weir_error *e) {
    const char *method;
    prune p = {.g = g, .origin = s->origin, .c = c};
    W_TRY(w_param_num(params, "density", 0.5, 0, 1, &p.density, e));
    W_TRY(w_param_str(params, "method", "magnitude", methods, &method, e));
    W_TRY(w_param_bool(params, "bias_correction", true, &p.correct, e));
    p.obs = strcmp(method, "obs") == 0;
    if (p.obs && !c) return w_fail(e, WEIR_USAGE, "pruning by 'obs' needs calibration data (--train or --data)");
    for (size_t i = 0; i < s->n; i++) W_TRY(prune_node(&p, s->node[i], e));
    return WEIR_OK;
}

#define SPARSE_FROM 2000   /* weights: below it positions cost what zeros save */
#define DEEP_FROM 20000    /* weights: below it densities under 0.3 are not tried */

static weir_status ladder(const w_graph *g, w_id node, json_t *settings, weir_error *e) {
    static const double density[] = {0.75, 0.55, 0.4, 0.3, 0.2, 0.14, 0.1, 0.07, 0.05, 0.035};
    double weights = w_node_weight_count(g, node);
    for (size_t i = 0; i < W_COUNT(density) && weights >= SPARSE_FROM; i++)
        if (density[i] >= 0.3 || weights >= DEEP_FROM)
            W_TRY(w_ladder_add(settings, json_pack("{s:f,s:s}", "density", density[i], "method", "obs"), e));
    return WEIR_OK;
}

static bool takes(const w_graph *g, const w_node *n) { return w_node_has_weights(g, n) && g->value[n->in[1]].type != WEIR_S8; }

static bool needs_data(const json_t *params) {
    const char *method = json_string_value(json_object_get(params, "method"));
    return method && strcmp(method, "obs") == 0;
}

const w_technique w_technique_prune = {
    .name = "prune", .row = "E1", .summary = "set the weights that matter least to zero", .keys = keys, .needs_data = needs_data,
    .draft = "{\"method\": \"magnitude\", \"bias_correction\": false}", .takes = takes, .ladder = ladder,
    .apply = apply, .verdict = w_verdict_file_only};
