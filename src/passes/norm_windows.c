/* Conv and pooling: kernel_shape, strides, dilations filled in, auto_pad turned into pads. A SAME that strides over a
 * symbolic axis keeps its auto_pad until the axis is bound. */
#include "passutil.h"
#include <string.h>

typedef struct window {
    w_ints *kernel, *strides, *pads, *dilations;
    const char **auto_pad;
} window;

static weir_status fill(w_graph *g, w_ints *a, uint32_t n, int64_t value, weir_error *e) {
    if (a->present) return WEIR_OK;
    a->v = w_arena_array(&g->arena, n, sizeof *a->v);
    if (!a->v) return w_oom(e, n * sizeof *a->v, "attributes");
    for (uint32_t i = 0; i < n; i++) a->v[i] = value;
    a->n = n;
    a->present = true;
    return WEIR_OK;
}

/* Total padding of one axis for SAME; false when it depends on an unknown length. */
static bool same_total(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t *total) {
    int64_t span = (kernel - 1) * dilation + 1;
    if (stride == 1) return *total = span - 1, true;
    if (in < 0 || stride < 1) return false;
    int64_t out = (in + stride - 1) / stride;
    *total = W_MAX((out - 1) * stride + span - in, 0);
    return true;
}

static weir_status same_pads(w_graph *g, const window *w, const w_shape *x, bool lower, weir_error *e) {
    uint32_t n = x->rank - 2u;
    int64_t *pads = w_arena_array(&g->arena, 2 * (size_t)n, sizeof *pads);
    if (!pads) return w_oom(e, 2 * n * sizeof *pads, "attributes");
    for (uint32_t i = 0; i < n; i++) {
        int64_t total;
        if (!same_total(x->dim[2 + i], w->kernel->v[i], w->strides->v[i], w->dilations->v[i], &total)) return WEIR_OK;
        pads[i] = lower ? (total + 1) / 2 : total / 2;
        pads[n + i] = total - pads[i];
    }
    *w->pads = (w_ints){pads, 2 * n, true};
    *w->auto_pad = "NOTSET";
    return WEIR_OK;
}

static weir_status explicit_pads(w_graph *g, const window *w, const w_shape *x, weir_error *e) {
    const char *mode = *w->auto_pad;
    if (mode && !strncmp(mode, "SAME", 4)) return same_pads(g, w, x, !strcmp(mode, "SAME_LOWER"), e);
    if (mode && !strcmp(mode, "VALID")) *w->pads = (w_ints){0};
    *w->auto_pad = "NOTSET";
    return fill(g, w->pads, 2 * (x->rank - 2u), 0, e);
}

static bool usable(const w_ints *a, uint32_t n) { return !a->present || a->n == n; }

static weir_status fill_window(w_graph *g, const window *w, const w_shape *x, weir_error *e) {
    if (!x->known || x->rank < 3) return WEIR_OK;
    uint32_t n = x->rank - 2u;
    if (!w->kernel->present || w->kernel->n != n || !usable(w->strides, n) || !usable(w->dilations, n)) return WEIR_OK;
    W_TRY(fill(g, w->strides, n, 1, e));
    W_TRY(fill(g, w->dilations, n, 1, e));
    return explicit_pads(g, w, x, e);
}

static weir_status fill_conv(w_graph *g, w_node *n, weir_error *e) {
    w_conv_attr *a = n->attr;
    const w_shape *weights = &g->value[n->in[1]].shape;
    if (!a->kernel_shape.present && weights->known && weights->rank > 2 && w_shape_bound(weights)) {
        W_TRY(fill(g, &a->kernel_shape, weights->rank - 2u, 0, e));
        memcpy(a->kernel_shape.v, weights->dim + 2, a->kernel_shape.n * sizeof *a->kernel_shape.v);
    }
    window w = {&a->kernel_shape, &a->strides, &a->pads, &a->dilations, &a->auto_pad};
    return fill_window(g, &w, &g->value[n->in[0]].shape, e);
}

/* One window that covers the whole image is global pooling. */
static weir_status to_global(w_graph *g, w_node *n, weir_error *e) {
    w_pool_attr *a = n->attr;
    const w_shape *x = &g->value[n->in[0]].shape;
    if (!x->known || x->rank != 4 || !a->pads.present || a->kernel_shape.n != 2 || a->pads.n != 4) return WEIR_OK;
    bool whole = a->kernel_shape.v[0] == x->dim[2] && a->kernel_shape.v[1] == x->dim[3];
    for (uint32_t i = 0; i < 4; i++) whole &= a->pads.v[i] == 0;
    for (uint32_t i = 0; i < a->dilations.n; i++) whole &= a->dilations.v[i] == 1;
    if (!whole || (n->nout > 1 && n->out[1] != W_NONE)) return WEIR_OK;
    uint16_t op = n->op == W_OP_AveragePool ? W_OP_GlobalAveragePool : W_OP_GlobalMaxPool;
    w_gpool_attr *to = w_op_attr_new(g, op);
    if (!to) return w_oom(e, sizeof *to, "attributes");
    to->ep = a->ep;
    n->op = op;
    n->nout = 1;
    n->attr = to;
    return WEIR_OK;
}

weir_status w_norm_windows(w_graph *g, w_node *n, weir_error *e) {
    if (!n->attr) return WEIR_OK;
    if (n->op == W_OP_Conv || n->op == W_OP_ConvInteger) return fill_conv(g, n, e);
    if (n->op != W_OP_MaxPool && n->op != W_OP_AveragePool) return WEIR_OK;
    w_pool_attr *a = n->attr;
    window w = {&a->kernel_shape, &a->strides, &a->pads, &a->dilations, &a->auto_pad};
    W_TRY(fill_window(g, &w, &g->value[n->in[0]].shape, e));
    return to_global(g, n, e);
}
