/* The table of techniques, in the order in which their rules apply best. */
#include "lab.h"
#include <stdio.h>
#include <string.h>

const w_technique *const w_techniques[] = {&w_technique_equalise, &w_technique_channels, &w_technique_lowrank, &w_technique_prune,
                                           &w_technique_cluster, &w_technique_int8, &w_technique_ans, NULL};

const w_technique *w_technique_find(const char *name) {
    for (size_t i = 0; w_techniques[i]; i++)
        if (strcmp(w_techniques[i]->name, name) == 0) return w_techniques[i];
    return NULL;
}

weir_status w_ladder_add(json_t *settings, json_t *rung, weir_error *e) {
    return rung && json_array_append_new(settings, rung) == 0 ? WEIR_OK : w_oom(e, 0, "the settings of a layer");
}

w_id w_node_by_label(const w_graph *g, const char *label) {
    for (w_id i = 0; i < g->nnode; i++)
        if (g->node[i].op != W_OP_NONE && strcmp(w_node_label(g, &g->node[i]), label) == 0) return i;
    return W_NONE;
}

const char *w_node_layer(const w_graph *g, const w_node *n) {
    return n->part_of == W_NONE ? w_node_label(g, n) : w_graph_name(g, n->part_of);
}

double w_node_weight_count(const w_graph *g, w_id node) { return (double)w_shape_count(&g->value[g->node[node].in[1]].shape); }

const char *w_verdict_file_only(const w_plan *p, const w_step *s, const w_machine *m, w_arena *a, double *saves_s,
                                double *saves_bytes) {
    (void)p, (void)s, (void)m, (void)a;
    *saves_s = *saves_bytes = 0;
    return "file only: the file and its loading shrink; the kernels read dense weights";
}

const char *w_verdict_equalise(const w_plan *p, const w_step *s, const w_machine *m, w_arena *a, double *saves_s, double *saves_bytes) {
    (void)p, (void)s, (void)m, (void)a;
    *saves_s = *saves_bytes = 0;
    return "saves nothing by itself: it keeps more of the answers in 8 bits";
}

const char *w_technique_names(char text[200]) {
    size_t n = 0;
    for (size_t i = 0; w_techniques[i] && n < 200; i++) n += (size_t)snprintf(text + n, 200 - n, "%s%s", i ? ", " : "", w_techniques[i]->name);
    return text;
}
