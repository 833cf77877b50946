/* batchnorm: an affine map per channel behind a Conv or Gemm moves into its weights and bias. The map is an inference
 * BatchNormalization, or a multiplication by a constant per channel. Alone they stay.
 *
 * y = s * (W x + b) + t with s = scale / sqrt(var + eps), t = beta - s * mean, computed in double precision. */
#include "passutil.h"
#include <math.h>

typedef struct affine { double *s, *t; size_t n; } affine;

typedef struct folder {
    w_graph *g;
    w_uses uses;
    size_t left; /* bytes of new weights still allowed */
} folder;

/* Producer of v whose constant weights may be scaled per output channel. */
static w_node *scalable(const w_graph *g, const w_uses *uses, w_id v) {
    w_node *p = v == W_NONE || v >= uses->n || uses->count[v] != 1 ? NULL : w_producer(g, v);
    if (!p || (p->op != W_OP_Conv && p->op != W_OP_Gemm) || !w_epilogue_free(p) || g->value[v].quant) return NULL;
    w_id bias = w_input_of(p, 2);
    if (!w_is_plain(g, p->in[1]) || w_input_of(p, 3) != W_NONE) return NULL;
    if (bias != W_NONE && (!w_is_plain(g, bias) || g->value[bias].shape.rank != 1)) return NULL;
    const w_gemm_attr *a = p->attr;
    if (p->op == W_OP_Gemm && (a->alpha != 1 || a->beta != 1)) return NULL;
    return p;
}

/* Channels lie along this axis of the weights. */
static unsigned weight_axis(const w_node *p) { return p->op == W_OP_Gemm && !((w_gemm_attr *)p->attr)->transB ? 1 : 0; }

static weir_status new_affine(w_arena *a, size_t n, affine *f, weir_error *e) {
    f->n = n;
    f->s = w_arena_array(a, W_MAX(n, 1), sizeof *f->s);
    f->t = w_arena_array(a, W_MAX(n, 1), sizeof *f->t);
    return f->s && f->t ? WEIR_OK : w_oom(e, 2 * n * sizeof *f->s, "batch normalisation");
}

/* f->n stays 0 when the node cannot be folded. */
static weir_status affine_of_bn(const w_graph *g, const w_node *n, size_t channels, w_arena *a, affine *f, weir_error *e) {
    float *p[4];
    const w_bn_attr *attr = n->attr;
    if (!attr || attr->training_mode || n->nin < 5) return WEIR_OK;
    for (unsigned i = 0; i < 4; i++) {
        size_t m;
        if (!w_is_plain(g, n->in[1 + i])) return WEIR_OK;
        W_TRY(w_const_f32(g, n->in[1 + i], a, &p[i], &m, e));
        if (m != channels) return WEIR_OK;
    }
    for (size_t i = 0; i < channels; i++)
        if (!(p[3][i] + attr->epsilon > 0)) return WEIR_OK;
    W_TRY(new_affine(a, channels, f, e));
    for (size_t i = 0; i < channels; i++) {
        f->s[i] = p[0][i] / sqrt((double)p[3][i] + attr->epsilon);
        f->t[i] = p[1][i] - f->s[i] * p[2][i];
    }
    return WEIR_OK;
}

/* A constant [C,1,1] (or a scalar) beside a Conv output, [C] beside a Gemm output. */
static weir_status affine_of_mul(const w_graph *g, const w_node *n, w_id x, w_id c, size_t channels, w_arena *a, affine *f, weir_error *e) {
    if (!w_epilogue_free(n) || !w_shape_equal(&g->value[x].shape, &g->value[n->out[0]].shape)) return WEIR_OK;
    double *s = NULL;
    W_TRY(w_const_by_channel(g, c, x, channels, a, &s, e));
    if (!s) return WEIR_OK;
    W_TRY(new_affine(a, channels, f, e));
    f->s = s;
    return WEIR_OK;
}

static weir_status scale_weights(w_graph *g, const w_uses *uses, w_node *p, const affine *f, weir_error *e) {
    w_id w = p->in[1];
    float *x;
    size_t n, inner = 1;
    W_TRY(w_const_f32(g, w, &g->arena, &x, &n, e));
    w_shape shape = g->value[w].shape;
    for (unsigned i = weight_axis(p) + 1; i < shape.rank; i++) inner *= (size_t)shape.dim[i];
    for (size_t i = 0; i < n; i++) x[i] = (float)(x[i] * f->s[i / inner % f->n]);
    return w_const_update(g, w, w < uses->n && uses->count[w] == 1, &shape, x, &p->in[1], e);
}

/* Without a bias the shift becomes one, named after `after`. */
static weir_status shift_bias(w_graph *g, const w_uses *uses, w_node *p, const affine *f, w_id after, weir_error *e) {
    w_id b = w_input_of(p, 2);
    bool shift = b != W_NONE;
    for (size_t i = 0; i < f->n; i++) shift |= f->t[i] != 0;
    if (!shift) return WEIR_OK;
    float *old = NULL, *x = w_arena_array(&g->arena, f->n, sizeof *x);
    size_t n;
    if (!x) return w_oom(e, f->n * sizeof *x, "a bias");
    if (b != W_NONE) W_TRY(w_const_f32(g, b, &g->arena, &old, &n, e));
    for (size_t i = 0; i < f->n; i++) x[i] = (float)(f->t[i] + (old ? old[i] * f->s[i] : 0));
    w_shape shape = w_shape_1d((int64_t)f->n);
    W_TRY(w_node_widen(g, p, 3, e));
    if (b != W_NONE) return w_const_update(g, b, b < uses->n && uses->count[b] == 1, &shape, x, &p->in[2], e);
    return w_const_update(g, after, after < uses->n && uses->count[after] == 1, &shape, x, &p->in[2], e);
}

/* Folds node k, which maps x and is described by its constant `shift`, into the producer of x. */
static weir_status fold_into(folder *o, w_id k, w_id x, w_arena *a, weir_error *e) {
    w_graph *g = o->g;
    const w_uses *uses = &o->uses;
    w_node *n = &g->node[k], *p = scalable(g, uses, x);
    if (!p) return WEIR_OK;
    const w_shape *w = &g->value[p->in[1]].shape;
    size_t channels = (size_t)w->dim[weight_axis(p)];
    w_id bias = w_input_of(p, 2), c = n->op == W_OP_BatchNormalization ? n->in[2] : n->in[n->in[0] == x];
    affine f = {0};
    if (!channels || (bias != W_NONE && g->value[bias].shape.dim[0] != (int64_t)channels)) return WEIR_OK;
    if (n->op == W_OP_BatchNormalization) W_TRY(affine_of_bn(g, n, channels, a, &f, e));
    else W_TRY(affine_of_mul(g, n, x, c, channels, a, &f, e));
    size_t bytes = (size_t)w_shape_count(w) * sizeof(float);
    if (!f.n || bytes > o->left) return WEIR_OK;
    o->left -= bytes;
    W_TRY(scale_weights(g, uses, p, &f, e));
    W_TRY(shift_bias(g, uses, p, &f, c, e));
    w_id y = n->out[0], pk = g->value[x].producer;
    w_node_kill(g, k);
    w_node_retarget(g, pk, y);
    return WEIR_OK;
}

static weir_status fold_node(folder *o, w_id k, weir_error *e) {
    const w_node *n = &o->g->node[k];
    w_arena a;
    w_arena_init(&a, o->g->ctx);
    weir_status s = WEIR_OK;
    if (n->op == W_OP_BatchNormalization && (n->nout < 2 || n->out[1] == W_NONE)) s = fold_into(o, k, n->in[0], &a, e);
    else if (n->op == W_OP_Mul && n->in[0] != n->in[1]) s = fold_into(o, k, n->in[w_is_const(o->g, n->in[0])], &a, e);
    w_arena_fini(&a);
    return s;
}

weir_status w_pass_batchnorm(w_graph *g, weir_error *e) {
    w_arena a;
    w_arena_init(&a, g->ctx);
    folder o = {.g = g, .left = w_weights_allowed(g)};
    weir_status s = w_graph_uses(g, &a, &o.uses, e);
    for (size_t k = 0; s == WEIR_OK && k < g->nnode; k++) s = fold_node(&o, (w_id)k, e);
    w_arena_fini(&a);
    return s;
}
