/* compulsory.c: what an ideal machine must move: each weight in use, each input and each output, once, in the stored type. */
#include "planner.h"
#include <stdlib.h>

/* Operands that say what to do rather than give numbers to work on: they are read at plan time. */
static bool is_setting(const w_node *n, uint32_t i) {
    switch (n->op) {
    case W_OP_Reshape: case W_OP_Squeeze: case W_OP_Unsqueeze: case W_OP_Expand: case W_OP_Slice: case W_OP_Pad:
    case W_OP_Clip: case W_OP_Split: case W_OP_ReduceMean: case W_OP_ReduceSum: case W_OP_ReduceMax: case W_OP_ReduceMin:
    case W_OP_Dropout: case W_OP_QuantizeLinear: case W_OP_DequantizeLinear: return i > 0;
    case W_OP_Shape: case W_OP_ConstantOfShape: return true;
    default: return false;
    }
}

/* Calls fn once for every weight in use. */
static bool each_weight(const w_graph *g, void (*fn)(const w_graph *g, w_id v, void *arg), void *arg) {
    bool *seen = calloc(g->nvalue + 1, sizeof *seen);
    if (!seen)
        return false;
    for (size_t k = 0; k < g->nnode; k++) {
        const w_node *n = &g->node[k];
        for (uint32_t i = 0; n->op != W_OP_NONE && i < n->nin; i++) {
            w_id v = n->in[i];
            if (v == W_NONE || g->value[v].kind != W_VALUE_CONST || seen[v] || is_setting(n, i))
                continue;
            seen[v] = true;
            fn(g, v, arg);
        }
    }
    free(seen);
    return true;
}

static void add_bytes(const w_graph *g, w_id v, void *arg) { *(double *)arg += (double)w_value_bytes(g, v); }

static void add_type_bytes(const w_graph *g, w_id v, void *arg) {
    if (g->value[v].type <= WEIR_BOOL)
        ((double *)arg)[g->value[v].type] += (double)w_value_bytes(g, v);
}

weir_status w_weight_bytes(const w_graph *g, double by_type[WEIR_BOOL + 1], weir_error *e) {
    for (int t = 0; t <= WEIR_BOOL; t++)
        by_type[t] = 0;
    return each_weight(g, add_type_bytes, by_type) ? WEIR_OK : w_oom(e, g->nvalue, "the count of weights");
}

static void add_count(const w_graph *g, w_id v, void *arg) {
    if (g->value[v].type != WEIR_S64 && g->value[v].type != WEIR_BOOL)
        *(int64_t *)arg += W_MAX(w_shape_count(&g->value[v].shape), 0);
}

int64_t w_weight_count(const w_graph *g) {
    int64_t n = 0;
    return each_weight(g, add_count, &n) ? n : -1;
}

double w_compulsory_bytes(const w_graph *g) {
    double bytes = 0;
    if (!each_weight(g, add_bytes, &bytes))
        return -1;
    for (size_t i = 0; i < g->ninput; i++)
        bytes += (double)w_value_bytes(g, g->input[i]);
    for (size_t i = 0; i < g->noutput; i++)
        bytes += (double)w_value_bytes(g, g->output[i]);
    return bytes;
}

double w_step_compulsory(const w_plan *p, const w_step *s) {
    const w_node *n = &p->graph->node[s->node];
    double bytes = 0;
    for (uint32_t i = 0; i < s->nin; i++) {
        bool again = is_setting(n, i);
        for (uint32_t j = 0; j < i; j++)
            again |= s->in[j].value == s->in[i].value;
        bytes += again ? 0 : (double)s->in[i].bytes;
    }
    for (uint32_t i = 0; i < s->nout; i++)
        bytes += (double)s->out[i].bytes;
    return bytes;
}
