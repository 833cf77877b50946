/* The printer. Names only, no ids, so that a print survives compaction:
 *
 *     input x f32[N,1,28,28]
 *     const w f32[6,1,5,5]
 *     const b f32[2] = {0.5, 1}
 *     conv1: y u8[N,6,24,24]nhwc q(0.02,128) = Conv(x, w, -, r) kernel_shape=[5,5]
 *     output y */
#include "graph.h"

enum { FEW = 8 }; /* constants with at most so many elements are printed with their data */

static void print_shape(const w_graph *g, const w_shape *s, w_text *t) {
    if (!s->known) {
        w_text_add(t, "[?]");
        return;
    }
    w_text_add(t, "[");
    for (unsigned i = 0; i < s->rank && i < W_MAX_RANK; i++) {
        size_t symbol = s->dim[i] < 0 ? (size_t)(-(s->dim[i] + 1)) : 0;
        if (i) w_text_add(t, ",");
        if (s->dim[i] >= 0) w_text_add(t, "%lld", (long long)s->dim[i]);
        else w_text_add(t, "%s", symbol < g->nsymbol ? g->symbol[symbol] : "?");
    }
    w_text_add(t, "]");
}

static void print_storage(const w_value *v, w_text *t) {
    const w_quant *q = v->quant;
    if (v->layout == W_NHWC) w_text_add(t, "nhwc");
    if (q && q->n == 1) w_text_add(t, " q(%g,%d)", (double)q->scale[0], q->zero[0]);
    if (q && q->n > 1) w_text_add(t, " q(axis %d, %u: %g,%d...)", q->axis, q->n, (double)q->scale[0], q->zero[0]);
    if (v->coding)
        w_text_add(t, " coded(%s%u,%g)", v->coding->ans ? "ans," : "", v->coding->ncodebook, (double)v->coding->density);
}

static void print_value(const w_graph *g, w_id id, w_text *t) {
    const w_value *v = &g->value[id];
    w_text_add(t, "%s %s", w_value_name(g, id), w_type_name(v->type));
    print_shape(g, &v->shape, t);
    print_storage(v, t);
}

/* Quantised constants are printed as real numbers. */
static void print_data(const w_graph *g, w_id id, w_text *t) {
    int64_t count = w_shape_count(&g->value[id].shape);
    if (count < 0 || count > FEW) return;
    w_arena a;
    w_arena_init(&a, g->ctx);
    float *x;
    size_t n;
    if (w_const_f32(g, id, &a, &x, &n, NULL) != WEIR_OK) t->bad = true;
    else {
        w_text_add(t, " = {");
        for (size_t i = 0; i < n; i++) w_text_add(t, "%s%g", i ? ", " : "", (double)x[i]);
        w_text_add(t, "}");
    }
    w_arena_fini(&a);
}

static void print_node(const w_graph *g, const w_node *n, w_text *t) {
    w_text_add(t, "%s:", w_node_label(g, n));
    for (uint32_t i = 0; i < n->nout; i++) {
        w_text_add(t, i ? ", " : " ");
        if (n->out[i] == W_NONE) w_text_add(t, "-");
        else print_value(g, n->out[i], t);
    }
    w_text_add(t, " = %s(", w_ops_vt.op_name(n->op));
    for (uint32_t i = 0; i < n->nin; i++)
        w_text_add(t, "%s%s", i ? ", " : "", n->in[i] == W_NONE ? "-" : w_value_name(g, n->in[i]));
    w_text_add(t, ")");
    if (n->attr) w_ops_vt.attr_print(g, n, t);
    w_text_add(t, "\n");
}

void w_graph_print(const w_graph *g, w_text *t) {
    for (size_t i = 0; i < g->ninput; i++) {
        w_text_add(t, "input ");
        print_value(g, g->input[i], t);
        w_text_add(t, "\n");
    }
    for (size_t v = 0; v < g->nvalue; v++) {
        if (g->value[v].kind != W_VALUE_CONST) continue;
        w_text_add(t, "const ");
        print_value(g, (w_id)v, t);
        print_data(g, (w_id)v, t);
        w_text_add(t, "\n");
    }
    for (size_t k = 0; k < g->nnode; k++)
        if (g->node[k].op) print_node(g, &g->node[k], t);
    for (size_t i = 0; i < g->noutput; i++) w_text_add(t, "output %s\n", w_value_name(g, g->output[i]));
}
