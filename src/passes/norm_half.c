/* Half precision: a graph whose activations are f16 or bf16 computes in f32, with a Cast at each border. Constants stay
 * in their half type (readers convert), so that the file mapping is used as it is. */
#include "passutil.h"

enum { ONNX_FLOAT = 1, ONNX_FLOAT16 = 10, ONNX_BFLOAT16 = 16 };

typedef struct widener {
    w_graph *g;
    w_uses uses;
    w_redirect wide; /* half borders to their f32 twins */
    bool *computes;  /* per value: something other than a Cast reads it */
} widener;

static bool is_half(w_type t) { return t == WEIR_F16 || t == WEIR_BF16; }

static weir_status add_cast(w_graph *g, w_id from, w_id to, int64_t type, weir_error *e) {
    w_cast_attr *attr = w_op_attr_new(g, W_OP_Cast);
    if (!attr) return w_oom(e, sizeof *attr, "a Cast");
    attr->to = type;
    return w_graph_add_node(g, W_OP_Cast, "", &from, 1, &to, 1, attr, NULL, e);
}

/* The f32 value that takes the place of a border value inside the graph. */
static weir_status add_twin(widener *w, w_id half, w_id *twin, weir_error *e) {
    w_graph *g = w->g;
    W_TRY(w_graph_add_derived(g, w_value_name(g, half), ".f32", twin, e));
    g->value[*twin].type = WEIR_F32;
    g->value[*twin].shape = g->value[half].shape;
    w_redirect_set(&w->wide, half, *twin);
    return WEIR_OK;
}

/* The output keeps its name and type, made by a Cast from its twin. One that a Cast of the file makes is such a border
 * already, unless the graph computes with it as well. */
static weir_status widen_output(widener *w, w_id output, weir_error *e) {
    w_graph *g = w->g;
    w_node *n = w_producer(g, output);
    w_type t = g->value[output].type;
    if (!n || !is_half(t) || (n->op == W_OP_Cast && !w->computes[output])) return WEIR_OK;
    if (n->op == W_OP_Cast) ((w_cast_attr *)n->attr)->to = ONNX_FLOAT;
    w_id twin, k = g->value[output].producer;
    W_TRY(add_twin(w, output, &twin, e));
    for (uint32_t i = 0; i < n->nout; i++)
        if (n->out[i] == output) n->out[i] = twin;
    g->value[twin].producer = k;
    g->value[output].producer = W_NONE;
    return WEIR_OK;
}

/* Inner casts to half would bring half activations back. */
static void widen_casts(widener *w, size_t nnode) {
    for (size_t k = 0; k < nnode; k++) {
        const w_node *n = &w->g->node[k];
        if (n->op != W_OP_Cast || w->uses.output[n->out[0]]) continue;
        w_cast_attr *attr = n->attr;
        if (is_half(w_type_from_onnx(attr->to))) attr->to = ONNX_FLOAT;
    }
}

static weir_status widen(widener *w, weir_error *e) {
    w_graph *g = w->g;
    size_t nnode = g->nnode;
    widen_casts(w, nnode);
    for (size_t i = 0; i < g->ninput; i++) {
        w_id twin, x = g->input[i];
        if (is_half(g->value[x].type) && w->computes[x]) W_TRY(add_twin(w, x, &twin, e));
    }
    for (size_t i = 0; i < g->noutput; i++) W_TRY(widen_output(w, g->output[i], e));
    for (size_t k = 0; k < nnode; k++)
        for (uint32_t i = 0; i < g->node[k].nin; i++) g->node[k].in[i] = w_redirect_of(&w->wide, g->node[k].in[i]);
    for (size_t v = 0; v < w->wide.n; v++) {
        w_id twin = w->wide.to[v];
        if (twin == v) continue;
        if (g->value[v].kind == W_VALUE_INPUT) W_TRY(add_cast(g, (w_id)v, twin, ONNX_FLOAT, e));
        else W_TRY(add_cast(g, twin, (w_id)v, g->value[v].type == WEIR_F16 ? ONNX_FLOAT16 : ONNX_BFLOAT16, e));
    }
    W_TRY(w_graph_toposort(g, e));
    return w_pass_infer(g, e);
}

weir_status w_norm_half(w_graph *g, weir_error *e) {
    bool any = false;
    for (size_t v = 0; v < g->nvalue; v++) any |= g->value[v].kind != W_VALUE_CONST && is_half(g->value[v].type);
    if (!any) return WEIR_OK;
    w_arena a;
    w_arena_init(&a, g->ctx);
    widener w = {.g = g, .computes = w_arena_array(&a, W_MAX(g->nvalue, 1), 1)};
    weir_status s = w.computes ? WEIR_OK : w_oom(e, g->nvalue, "widening");
    if (s == WEIR_OK) s = w_graph_uses(g, &a, &w.uses, e);
    if (s == WEIR_OK) s = w_redirect_init(g, &a, &w.wide, e);
    for (size_t k = 0; s == WEIR_OK && k < g->nnode; k++)
        for (uint32_t i = 0; i < g->node[k].nin; i++)
            if (g->node[k].op != W_OP_Cast && g->node[k].in[i] != W_NONE) w.computes[g->node[k].in[i]] = true;
    if (s == WEIR_OK) s = widen(&w, e);
    w_arena_fini(&a);
    return s;
}
