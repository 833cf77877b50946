/* affine: factors and terms of a channel in front of convolutions move into their weights and biases. For plans only: fuse looks
 * for factors such as a hard-swish's sixth first.
 *
 * W (s x + t) + b = (W s) x + (W t + b), where no window reaches into padding if there is a t. In front of padded windows
 * s x + t is s (x + t / s): the factor moves, one addition stays. */
#include "passutil.h"
#include <math.h>
#include <string.h>

typedef struct mover {
    w_graph *g;
    w_arena *a;  /* for one node */
    size_t left; /* bytes of new weights still allowed */
} mover;

/* A constant of an Add or Mul: one number a channel. */
typedef struct term {
    w_id x, c, y; /* y = x op c */
    double *by;   /* [channels]; NULL: no such node */
    size_t channels;
} term;

static weir_status term_of(const mover *o, const w_node *n, uint16_t op, term *t, weir_error *e) {
    const w_graph *g = o->g;
    *t = (term){.x = W_NONE};
    if (n->op != op || n->nin != 2 || n->in[0] == n->in[1] || !w_epilogue_free(n)) return WEIR_OK;
    *t = (term){.x = n->in[w_is_const(g, n->in[0])], .c = n->in[!w_is_const(g, n->in[0])], .y = n->out[0]};
    const w_value *x = &g->value[t->x], *y = &g->value[t->y];
    if (w_is_const(g, t->x) || x->shape.rank != 4 || x->shape.dim[1] <= 0 || !w_shape_equal(&x->shape, &y->shape) || x->quant || y->quant)
        return WEIR_OK;
    t->channels = (size_t)x->shape.dim[1];
    return w_const_by_channel(g, t->c, t->x, t->channels, o->a, &t->by, e);
}

/* How often a node reads v. */
static uint32_t reads(const w_node *n, w_id v) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < n->nin; i++) count += n->in[i] == v;
    return count;
}

static uint32_t uses(const w_graph *g, w_id v) {
    uint32_t count = 0;
    for (size_t i = 0; i < g->noutput; i++) count += g->output[i] == v;
    for (size_t k = 0; k < g->nnode; k++) count += reads(&g->node[k], v);
    return count;
}

static bool padded(const w_node *n) {
    const w_conv_attr *at = n->attr;
    for (unsigned i = 0; i < at->pads.n; i++)
        if (at->pads.v[i] != 0) return true;
    return strcmp(at->auto_pad, "NOTSET") != 0; /* not turned into pads yet */
}

/* A convolution of v whose weights may change. */
static bool changeable(const w_graph *g, const w_node *n, w_id v) {
    w_id bias = w_input_of(n, 2);
    return n->op == W_OP_Conv && n->in[0] == v && reads(n, v) == 1 && w_is_plain(g, n->in[1]) && !g->value[n->out[0]].quant &&
           (bias == W_NONE || (w_is_plain(g, bias) && g->value[bias].shape.rank == 1));
}

/* Whether all that reads v is such, and without padding if `inside`. */
static bool only_convolutions(const mover *o, w_id v, bool inside) {
    const w_graph *g = o->g;
    size_t bytes = 0;
    for (size_t i = 0; i < g->noutput; i++)
        if (g->output[i] == v) return false;
    for (size_t k = 0; k < g->nnode; k++) {
        const w_node *n = &g->node[k];
        if (!reads(n, v)) continue;
        if (!changeable(g, n, v) || (inside && padded(n))) return false;
        bytes += w_value_bytes(g, n->in[1]);
    }
    return bytes > 0 && bytes <= o->left;
}

/* Elements of W[o][i][window]: the input channel that they belong to. */
typedef struct window { size_t outputs, per_group, size, outputs_of_group; } window;
static window window_of(const w_graph *g, const w_node *n) {
    const w_shape *w = &g->value[n->in[1]].shape;
    size_t group = (size_t)((const w_conv_attr *)n->attr)->group, size = 1;
    for (unsigned i = 2; i < w->rank; i++) size *= (size_t)w->dim[i];
    return (window){(size_t)w->dim[0], (size_t)w->dim[1], size, (size_t)w->dim[0] / group};
}
static size_t channel_of(const window *w, size_t at) {
    return at / w->size / w->per_group / w->outputs_of_group * w->per_group + at / w->size % w->per_group;
}

static weir_status scale(mover *o, w_node *n, const term *s, weir_error *e) {
    w_graph *g = o->g;
    w_id w = n->in[1];
    window win = window_of(g, n);
    w_shape shape = g->value[w].shape;
    float *x;
    size_t count;
    W_TRY(w_const_f32(g, w, &g->arena, &x, &count, e));
    for (size_t i = 0; i < count; i++) x[i] = (float)(x[i] * s->by[channel_of(&win, i)]);
    o->left -= W_MIN(o->left, count * sizeof *x);
    return w_const_update(g, w, uses(g, w) == 1, &shape, x, &n->in[1], e);
}

static weir_status shift(mover *o, w_node *n, const term *t, weir_error *e) {
    w_graph *g = o->g;
    window win = window_of(g, n);
    float *w, *old = NULL, *x = w_arena_array(&g->arena, win.outputs, sizeof *x);
    double *sum = w_arena_array(o->a, win.outputs, sizeof *sum);
    w_id b = w_input_of(n, 2), like = b == W_NONE ? t->c : b;
    size_t count, m;
    if (!x || !sum) return w_oom(e, win.outputs * sizeof *sum, "a bias");
    W_TRY(w_const_f32(g, n->in[1], o->a, &w, &count, e));
    if (b != W_NONE) W_TRY(w_const_f32(g, b, o->a, &old, &m, e));
    for (size_t i = 0; i < count; i++) sum[i / win.size / win.per_group] += w[i] * t->by[channel_of(&win, i)];
    for (size_t j = 0; j < win.outputs; j++) x[j] = (float)(sum[j] + (old ? (double)old[j] : 0));
    w_shape shape = w_shape_1d((int64_t)win.outputs);
    W_TRY(w_node_widen(g, n, 3, e));
    return w_const_update(g, like, b != W_NONE && uses(g, b) == 1, &shape, x, &n->in[2], e);
}

typedef weir_status (*move_fn)(mover *o, w_node *n, const term *t, weir_error *e);

/* Moves t into the readers of v; where v is what t makes, they read its input from then on. */
static weir_status into_readers(mover *o, w_id v, const term *t, move_fn move, weir_error *e) {
    w_graph *g = o->g;
    for (size_t k = 0; k < g->nnode; k++) {
        if (!reads(&g->node[k], v)) continue;
        W_TRY(move(o, &g->node[k], t, e));
        if (v == t->y) g->node[k].in[0] = t->x;
    }
    return WEIR_OK;
}

/* Mul, then Add in front of padded windows: the Add takes t / s. */
static weir_status swap(mover *o, w_id k, const term *s, weir_error *e) {
    w_graph *g = o->g;
    term t = {.x = W_NONE};
    size_t at = 0;
    while (at < g->nnode && !reads(&g->node[at], s->y)) at++;
    if (at == g->nnode || uses(g, s->y) != 1) return WEIR_OK;
    W_TRY(term_of(o, &g->node[at], W_OP_Add, &t, e));
    if (!t.by || t.x != s->y || !only_convolutions(o, t.y, false)) return WEIR_OK;
    float *x = w_arena_array(&g->arena, t.channels, sizeof *x);
    if (!x) return w_oom(e, t.channels * sizeof *x, "a term");
    for (size_t i = 0; i < t.channels; i++) {
        x[i] = (float)(t.by[i] / s->by[i]);
        if (!isfinite(x[i])) return WEIR_OK;
    }
    bool one = true;
    for (size_t i = 1; i < t.channels; i++) one &= x[i] == x[0];
    w_shape shape = {.rank = 3, .known = true, .dim = {one ? 1 : (int64_t)t.channels, 1, 1}};
    w_node *n = &g->node[at];
    W_TRY(w_const_update(g, t.c, uses(g, t.c) == 1, &shape, x, &n->in[n->in[1] == t.c], e));
    n->in[n->in[1] == s->y] = s->x;
    W_TRY(into_readers(o, t.y, s, scale, e));
    w_node_kill(g, k);
    return WEIR_OK;
}

static weir_status move_node(mover *o, w_id k, weir_error *e) {
    w_graph *g = o->g;
    term t;
    W_TRY(term_of(o, &g->node[k], W_OP_Mul, &t, e));
    bool factor = t.by != NULL;
    if (!factor) W_TRY(term_of(o, &g->node[k], W_OP_Add, &t, e));
    if (!t.by) return WEIR_OK;
    if (!only_convolutions(o, t.y, !factor)) return factor ? swap(o, k, &t, e) : WEIR_OK;
    W_TRY(into_readers(o, t.y, &t, factor ? scale : shift, e));
    w_node_kill(g, k);
    return WEIR_OK;
}

/* From the end: a term that moves leaves the factor in front of it beside the convolution. */
weir_status w_pass_affine(w_graph *g, weir_error *e) {
    w_arena a;
    mover o = {.g = g, .a = &a, .left = w_weights_allowed(g)};
    weir_status s = WEIR_OK;
    for (size_t k = g->nnode; s == WEIR_OK && k-- > 0;) {
        w_arena_init(&a, g->ctx);
        s = move_node(&o, (w_id)k, e);
        w_arena_fini(&a);
    }
    return s;
}
