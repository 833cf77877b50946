/* What the search may change: the nodes for which a technique offers settings, after --only, --exclude, --techniques
 * and --set. */
#include "search.h"
#include <string.h>

static weir_status wanted(const w_search *s, const char *label, bool *out, weir_error *e) {
    bool hit;
    *out = true;
    if (s->o->only) W_TRY(w_pattern_matches(s->o->only, "--only", label, out, e));
    if (*out && s->o->exclude) {
        W_TRY(w_pattern_matches(s->o->exclude, "--exclude", label, &hit, e));
        *out = !hit;
    }
    return WEIR_OK;
}

/* The name at the start of a list, and its length. */
static const w_technique *first_of(const char *list, size_t *n) {
    *n = strcspn(list, ",");
    for (size_t k = 0; w_techniques[k]; k++)
        if (strlen(w_techniques[k]->name) == *n && memcmp(w_techniques[k]->name, list, *n) == 0) return w_techniques[k];
    return NULL;
}

static weir_status check_techniques(const char *list, weir_error *e) {
    char names[200];
    for (size_t n; list; list = list[n] ? list + n + 1 : NULL)
        if (!first_of(list, &n))
            return w_fail(e, WEIR_USAGE, "--techniques '%.*s': expected some of %s", (int)W_MIN(n, (size_t)80), list, w_technique_names(names));
    return WEIR_OK;
}

static bool is_listed(const char *list, const w_technique *t) {
    if (!list) return true;
    for (size_t n; list; list = list[n] ? list + n + 1 : NULL)
        if (first_of(list, &n) == t) return true;
    return false;
}

static weir_status fill_ladder(w_search *s, w_layer *l, size_t k, weir_error *e) {
    const w_technique *t = w_techniques[k];
    json_t *list = json_array();
    if (!list || json_array_append_new(s->settings, list)) return w_oom(e, 0, "the search");
    W_TRY(t->ladder(s->model->graph, l->node, list, e));
    size_t n = W_MIN(json_array_size(list), (size_t)100);
    w_rung *rung = w_arena_array(&s->arena, n + 1, sizeof *rung);
    if (!rung) return w_oom(e, n * sizeof *rung, "the search");
    for (size_t i = 0; i < n; i++) rung[i].params = json_array_get(list, i);
    if (n) l->ladder[k] = (w_ladder){.technique = t, .rung = rung, .n = n};
    return WEIR_OK;
}

static weir_status fill_layer(w_search *s, w_layer *l, weir_error *e) {
    const w_graph *g = s->model->graph;
    const w_node *n = &g->node[l->node];
    bool fixed;
    W_TRY(w_set_rules(s, l, &fixed, e));
    for (size_t k = 0; w_techniques[k]; k++) {
        const w_technique *t = w_techniques[k];
        if (t->ladder && !l->ladder[k].technique && (t->lossless || !fixed) && is_listed(s->o->techniques, t) && t->takes(g, n)) W_TRY(fill_ladder(s, l, k, e));
    }
    return WEIR_OK;
}

static bool has_options(const w_layer *l) {
    for (size_t k = 0; k < W_LADDERS; k++)
        if (l->ladder[k].technique) return true;
    return false;
}

weir_status w_search_layers(w_search *s, weir_error *e) {
    const w_graph *g = s->model->graph;
    size_t techniques = 0;
    while (w_techniques[techniques]) techniques++;
    if (techniques > W_LADDERS) return w_fail(e, WEIR_INTERNAL, "%zu techniques, the search holds %d", techniques, W_LADDERS);
    W_TRY(check_techniques(s->o->techniques, e));
    s->layer = w_arena_array(&s->arena, g->nnode + 1, sizeof *s->layer);
    s->settings = json_array();
    if (!s->layer || !s->settings) return w_oom(e, g->nnode * sizeof *s->layer, "the search");
    for (w_id i = 0; i < g->nnode; i++) {
        const w_node *n = &g->node[i];
        bool take;
        if (n->op == W_OP_NONE) continue;
        W_TRY(wanted(s, w_node_label(g, n), &take, e));
        w_layer *l = &s->layer[s->nlayer];
        *l = (w_layer){.node = i, .label = w_node_label(g, n), .weights = w_node_has_weights(g, n) ? w_node_weight_count(g, i) : 0};
        if (take) W_TRY(fill_layer(s, l, e));
        s->nlayer += has_options(l);
    }
    if (s->nlayer == 0) return w_fail(e, WEIR_USAGE, "%s: no layer with weights is left to change: none matches, or the search has no settings of the techniques for it", g->source);
    return WEIR_OK;
}
