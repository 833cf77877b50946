/* compulsory.c: what an ideal machine must move: each weight in use, what the outputs depend on of each input, and each output,
 * once, in the stored type. What a node reads of an operand is what its access map says; where the map covers more than is
 * read (or the data decide), no more than one element for each element that is made counts: a lower bound stays one. */
#include "planner.h"
#include "op_util.h"
#include <stdlib.h>

/* Operands that say what to do rather than give numbers to work on, or that others absorb: they are read at plan time. */
static bool is_setting(const w_node *n, uint32_t i) {
    switch (n->op) {
    case W_OP_Reshape: case W_OP_Squeeze: case W_OP_Unsqueeze: case W_OP_Expand: case W_OP_Slice: case W_OP_Pad:
    case W_OP_Clip: case W_OP_Split: case W_OP_ReduceMean: case W_OP_ReduceSum: case W_OP_ReduceMax: case W_OP_ReduceMin:
    case W_OP_Dropout: case W_OP_QuantizeLinear: case W_OP_DequantizeLinear: return i > 0;
    case W_OP_Shape: case W_OP_ConstantOfShape: return true;
    case W_OP_BatchNormalization: return i > 2; /* an affine map, which two numbers a channel say */
    default: return false;
    }
}

/* Bytes of constant v that node n reads as its operand i: a Gather or a Slice picks no more than it makes. */
static double constant_read(const w_graph *g, const w_node *n, uint32_t i, w_id v) {
    double all = (double)w_value_bytes(g, v);
    bool picks = (n->op == W_OP_Gather || n->op == W_OP_Slice) && i == 0;
    int64_t made = picks ? w_shape_count(&g->value[n->out[0]].shape) : -1;
    return made < 0 ? all : W_MIN(all, (double)made * (double)w_type_size(g->value[v].type));
}

/* Bytes that are read of every value that is a weight in use, -1 for all others; the caller frees them. NULL: out of memory. */
static double *weights_read(const w_graph *g) {
    double *read = malloc((g->nvalue + 1) * sizeof *read);
    for (size_t v = 0; read && v < g->nvalue; v++)
        read[v] = -1;
    for (size_t k = 0; read && k < g->nnode; k++) {
        const w_node *n = &g->node[k];
        for (uint32_t i = 0; n->op != W_OP_NONE && i < n->nin; i++) {
            w_id v = n->in[i];
            if (v != W_NONE && g->value[v].kind == W_VALUE_CONST && !is_setting(n, i))
                read[v] = W_MIN((double)w_value_bytes(g, v), W_MAX(read[v], 0.0) + constant_read(g, n, i, v));
        }
    }
    return read;
}

weir_status w_weight_bytes(const w_graph *g, double by_type[WEIR_BOOL + 1], weir_error *e) {
    double *read = weights_read(g);
    if (!read)
        return w_oom(e, g->nvalue * sizeof *read, "the count of weights");
    for (int t = 0; t <= WEIR_BOOL; t++)
        by_type[t] = 0;
    for (w_id v = 0; v < g->nvalue; v++)
        if (read[v] >= 0 && g->value[v].type <= WEIR_BOOL)
            by_type[g->value[v].type] += (double)w_value_bytes(g, v);
    free(read);
    return WEIR_OK;
}

int64_t w_weight_count(const w_graph *g) {
    double *read = weights_read(g);
    int64_t n = read ? 0 : -1;
    for (w_id v = 0; read && v < g->nvalue; v++)
        if (read[v] >= 0 && g->value[v].type != WEIR_S64 && g->value[v].type != WEIR_BOOL)
            n += W_MAX(w_shape_count(&g->value[v].shape), 0);
    free(read);
    return n;
}

/* What must be there of a value: at least `count` elements, somewhere in the box. */
typedef struct part { w_box box; double count; } part;

static void make_larger(part *p, const w_box *box, double count) {
    if (count > p->count)
        *p = (part){*box, count};
}

/* The part of operand i that makes `out` of result o. */
static part part_read(const w_graph *g, const w_node *n, uint32_t o, const part *out, uint32_t i) {
    part p = {0};
    if (out->count <= 0 || is_setting(n, i))
        return p;
    w_tag tag = w_op_get(n->op)->map(g, n, o, &out->box, i, &p.box);
    p.count = tag == W_UNUSED ? 0 : (double)w_box_count(&p.box);
    if (tag != W_EXACT || out->count < (double)w_box_count(&out->box))
        p.count = W_MIN(p.count, out->count);
    return p;
}

/* Bytes of the graph inputs that outputs depend on; of several readers the one that needs most counts. */
static bool input_bytes(const w_graph *g, double *bytes) {
    part *need = calloc(g->nvalue + 1, sizeof *need);
    if (!need)
        return false;
    for (size_t i = 0; i < g->noutput; i++)
        if (w_box_whole(&g->value[g->output[i]].shape, W_EXACT, &need[g->output[i]].box) == W_EXACT)
            need[g->output[i]].count = (double)w_box_count(&need[g->output[i]].box);
    for (size_t k = g->nnode; k-- > 0;) {
        const w_node *n = &g->node[k];
        for (uint32_t o = 0; n->op != W_OP_NONE && o < n->nout; o++)
            for (uint32_t i = 0; n->out[o] != W_NONE && i < n->nin; i++) {
                if (n->in[i] == W_NONE)
                    continue;
                part p = part_read(g, n, o, &need[n->out[o]], i);
                make_larger(&need[n->in[i]], &p.box, p.count);
            }
    }
    for (size_t i = 0; i < g->ninput; i++)
        *bytes += need[g->input[i]].count * (double)w_type_size(g->value[g->input[i]].type);
    free(need);
    return true;
}

double w_compulsory_bytes(const w_graph *g) {
    double bytes = 0, *read = weights_read(g);
    for (size_t v = 0; read && v < g->nvalue; v++)
        bytes += W_MAX(read[v], 0.0);
    free(read);
    if (!read || !input_bytes(g, &bytes))
        return -1;
    for (size_t i = 0; i < g->noutput; i++)
        bytes += (double)w_value_bytes(g, g->output[i]);
    return bytes;
}

/* Bytes of operand i that node n reads to make all of its results. */
static double operand_bytes(const w_graph *g, const w_node *n, uint32_t i) {
    part most = {0};
    for (uint32_t o = 0; o < n->nout; o++) {
        part whole;
        if (n->out[o] == W_NONE || w_box_whole(&g->value[n->out[o]].shape, W_EXACT, &whole.box) != W_EXACT)
            continue;
        whole.count = (double)w_box_count(&whole.box);
        part p = part_read(g, n, o, &whole, i);
        make_larger(&most, &p.box, p.count);
    }
    return most.count * (double)w_type_size(g->value[n->in[i]].type);
}

double w_step_compulsory(const w_plan *p, const w_step *s) {
    const w_node *n = &p->graph->node[s->node];
    double bytes = 0;
    for (uint32_t i = 0; i < s->nin; i++) {
        bool again = s->in[i].place == W_PLACE_NONE || is_setting(n, i);
        for (uint32_t j = 0; j < i; j++)
            again |= s->in[j].value == s->in[i].value;
        if (s->in[i].pitch)
            bytes -= (double)s->in[i].bytes; /* neither read nor written: it is there */
        else
            bytes += again ? 0 : W_MIN((double)s->in[i].bytes, operand_bytes(p->graph, n, i));
    }
    for (uint32_t i = 0; i < s->nout; i++)
        bytes += (double)s->out[i].bytes;
    return bytes;
}
