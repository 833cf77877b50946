/* Cross-layer equalisation (D2; Nagel et al., arXiv 1906.04721, section 4.1): between two layers joined by functions with
 * f(s x) = s f(x), s > 0, a channel may be divided by s in the first and multiplied by s in the second without changing any
 * answer. s = sqrt(r1 / r2), r the largest weight of the channel on either side, makes both sides equal, so that neither
 * wastes the steps of an 8-bit scale; chains of layers are walked until nothing moves.
 *
 * The values between are other values afterwards, and get other names: statistics of the float network are not theirs. */
#include "lab.h"
#include <math.h>
#include <string.h>

#define ROUNDS 40
#define STILL 1e-3f        /* of log s: nothing moves any more */
#define FARTHEST 8         /* operators between two layers */

static const char *const keys[] = {NULL};

typedef struct pair {
    w_id a, b;             /* nodes */
    w_id through[FARTHEST];/* nodes between */
    uint32_t n, channels;
} pair;

typedef struct equaliser {
    w_graph *g;
    w_uses uses;
    w_weights *weights;    /* by node; rows 0: not read yet */
    float **shift;         /* by node: what its bias is multiplied with, per row */
    bool *selected;
    const char *why;       /* the last layer left alone, and why */
} equaliser;

/* ---- which layers ---- */

static bool takes(const w_graph *g, const w_node *n) {
    return w_node_has_weights(g, n) && g->value[n->in[1]].type != WEIR_S8 && g->value[n->in[0]].kind != W_VALUE_CONST;
}

static const w_epilogue *epilogue_of(const w_node *n) {
    switch (n->op) {
    case W_OP_Conv: return &((const w_conv_attr *)n->attr)->ep;
    case W_OP_Gemm: return &((const w_gemm_attr *)n->attr)->ep;
    default: return &((const w_matmul_attr *)n->attr)->ep;
    }
}

static bool homogeneous(const w_epilogue *ep) {
    return ep->act == W_ACT_NONE || ep->act == W_ACT_RELU || (ep->act == W_ACT_LEAKY && ep->a >= 0);
}

static const char *refuse_first(const w_graph *g, const w_node *n) {
    const w_epilogue *ep = epilogue_of(n);
    if (ep->act == W_ACT_CLIP) return "its Clip has fixed bounds, which cannot be scaled channel by channel";
    if (!homogeneous(ep)) return "its activation does not scale with its input";
    if (n->nin > 3 && n->in[3] != W_NONE) return "it adds a residual, whose scale others share";
    if (n->nin <= 2 || n->in[2] == W_NONE) return NULL;
    const w_value *bias = &g->value[n->in[2]];
    if (bias->kind != W_VALUE_CONST) return "its bias is computed";
    return bias->shape.rank <= 1 ? NULL : "its bias is a matrix";
}

static bool passes_scale(const w_node *n) {
    switch (n->op) {
    case W_OP_Relu: case W_OP_Identity: case W_OP_Flatten: case W_OP_Reshape: case W_OP_Squeeze: return true;
    case W_OP_LeakyRelu: return ((const w_alpha_attr *)n->attr)->alpha >= 0;
    case W_OP_MaxPool: case W_OP_AveragePool: return n->nout == 1 && homogeneous(&((const w_pool_attr *)n->attr)->ep);
    case W_OP_GlobalAveragePool: case W_OP_GlobalMaxPool: return homogeneous(&((const w_gpool_attr *)n->attr)->ep);
    default: return false;
    }
}

/* Channels of v are whole runs of the second layer's columns: the image's own axis, or flattened whole. */
static bool columns_follow(const w_graph *g, const w_node *a, const w_node *b, uint32_t channels, bool flattened) {
    const w_value *x = &g->value[b->in[0]];
    if (b->op == W_OP_Conv) return !flattened && x->shape.rank == 4 && x->shape.dim[1] == channels;
    if (b->op == W_OP_Gemm && ((const w_gemm_attr *)b->attr)->transA) return false;
    if (x->shape.rank != 2 || x->shape.dim[1] <= 0 || x->shape.dim[1] % channels) return false;
    return a->op == W_OP_Conv || (!flattened && x->shape.dim[1] == channels);
}

static w_id next_node(const equaliser *q, w_id v) {
    return v < q->uses.n && q->uses.count[v] == 1 && !q->uses.output[v] ? q->uses.only[v] : W_NONE;
}

/* The layer that alone reads a's result, however far it is. */
static bool find_pair(equaliser *q, w_id a, pair *p) {
    const w_graph *g = q->g;
    const w_node *n = &g->node[a];
    bool flattened = false;
    const w_value *w = &g->value[n->in[1]];
    bool t = n->op == W_OP_MatMul || (n->op == W_OP_Gemm && !((const w_gemm_attr *)n->attr)->transB);
    *p = (pair){.a = a, .channels = (uint32_t)w->shape.dim[t ? 1 : 0]};
    if ((q->why = refuse_first(g, n))) return false;
    for (w_id k = next_node(q, n->out[0]); k != W_NONE; k = next_node(q, g->node[k].out[0])) {
        const w_node *b = &g->node[k];
        w_id from = p->n ? g->node[p->through[p->n - 1]].out[0] : n->out[0];
        if (takes(g, b) && b->in[0] == from) {
            p->b = k;
            if (q->selected[k] && columns_follow(g, n, b, p->channels, flattened)) return true;
            q->why = q->selected[k] ? "the next layer's inputs do not follow its channels" : "the next layer is not selected";
            return false;
        }
        if (!passes_scale(b) || p->n == FARTHEST) break;
        flattened |= b->op == W_OP_Flatten || b->op == W_OP_Reshape || b->op == W_OP_Squeeze;
        p->through[p->n++] = k;
    }
    q->why = "no other layer alone reads its result";
    return false;
}

/* ---- scaling ---- */

static weir_status load(equaliser *q, w_id node, weir_error *e) {
    if (q->weights[node].rows) return WEIR_OK;
    W_TRY(w_weights_get(q->g, node, &q->weights[node], e));
    uint32_t rows = q->weights[node].rows;
    q->shift[node] = w_arena_array(&q->g->arena, rows, sizeof(float));
    if (!q->shift[node]) return w_oom(e, rows * sizeof(float), "equalisation");
    for (uint32_t r = 0; r < rows; r++) q->shift[node][r] = 1;
    return WEIR_OK;
}

/* The weights that read input channel c: rows r0 ... r1 - 1, columns c0 ... c1 - 1. */
typedef struct patch { uint32_t r0, r1, c0, c1; } patch;

static patch patch_of(const w_weights *w, uint32_t channels, uint32_t c) {
    uint32_t per = channels / w->groups, group = c / per, rows = w->rows / w->groups, run = w->cols / per;
    return (patch){group * rows, (group + 1) * rows, c % per * run, (c % per + 1) * run};
}

static float largest(const w_weights *w, const patch *p) {
    float top = 0;
    for (uint32_t r = p->r0; r < p->r1; r++)
        for (uint32_t c = p->c0; c < p->c1; c++) top = fmaxf(top, fabsf(w->w[(size_t)r * w->cols + c]));
    return top;
}

static void scale_by(w_weights *w, const patch *p, float s) {
    for (uint32_t r = p->r0; r < p->r1; r++)
        for (uint32_t c = p->c0; c < p->c1; c++) w->w[(size_t)r * w->cols + c] *= s;
}

/* Returns how far the farthest channel moved, as |log s|. */
static float equalise(equaliser *q, const pair *p) {
    w_weights *a = &q->weights[p->a], *b = &q->weights[p->b];
    float far = 0;
    for (uint32_t c = 0; c < p->channels; c++) {
        patch row = {c, c + 1, 0, a->cols}, col = patch_of(b, p->channels, c);
        float r1 = largest(a, &row), r2 = largest(b, &col), s = sqrtf(r1 / r2);
        if (!(r1 > 0) || !(r2 > 0) || !isfinite(s) || !(s > 1e-6f)) continue;
        scale_by(a, &row, 1 / s);
        scale_by(b, &col, s);
        q->shift[p->a][c] /= s;
        far = fmaxf(far, fabsf(logf(s)));
    }
    return far;
}

/* ---- back into the graph ---- */

static weir_status scale_bias(equaliser *q, w_id node, weir_error *e) {
    const w_node *n = &q->g->node[node];
    uint32_t rows = q->weights[node].rows;
    float *bias, *delta = w_arena_array(&q->g->arena, rows, sizeof *delta);
    size_t count;
    if (n->nin <= 2 || n->in[2] == W_NONE) return WEIR_OK;
    if (!delta) return w_oom(e, rows * sizeof *delta, "equalisation");
    W_TRY(w_const_f32(q->g, n->in[2], &q->g->arena, &bias, &count, e));
    float beta = n->op == W_OP_Gemm ? ((const w_gemm_attr *)n->attr)->beta : 1;
    for (uint32_t r = 0; r < rows; r++) delta[r] = bias[count == 1 ? 0 : r] * (q->shift[node][r] - 1) * beta;
    return w_bias_add(q->g, node, delta, rows, e);
}

/* A node without a name is called like its first value: it keeps that name when the value changes its own. */
static weir_status rename_result(w_graph *g, w_id node, weir_error *e) {
    w_id v = g->node[node].out[0];
    const char *label = w_node_label(g, &g->node[node]), *name;
    W_TRY(w_graph_intern(g, label, strlen(label), &g->node[node].name, e));
    for (int i = 1;; i++) {
        name = i == 1 ? w_arena_printf(&g->arena, "%s.equalised", w_value_name(g, v))
                      : w_arena_printf(&g->arena, "%s.equalised.%d", w_value_name(g, v), i);
        if (!name) return w_oom(e, 64, "a name");
        if (w_graph_find(g, name) == W_NONE) return w_graph_rename(g, v, name, e);
    }
}

static weir_status finish(equaliser *q, const pair *p, size_t n, weir_error *e) {
    for (w_id k = 0; k < q->g->nnode; k++) {
        if (!q->weights[k].rows) continue;
        W_TRY(w_weights_put(q->g, &q->weights[k], e));
        W_TRY(scale_bias(q, k, e));
    }
    for (size_t i = 0; i < n; i++) {
        W_TRY(rename_result(q->g, p[i].a, e));
        for (uint32_t k = 0; k < p[i].n; k++) W_TRY(rename_result(q->g, p[i].through[k], e));
    }
    return WEIR_OK;
}

static weir_status begin(equaliser *q, const w_selection *s, weir_error *e) {
    w_arena *a = &q->g->arena;
    size_t n = q->g->nnode;
    q->weights = w_arena_array(a, n, sizeof *q->weights);
    q->shift = w_arena_array(a, n, sizeof *q->shift);
    q->selected = w_arena_array(a, n, sizeof *q->selected);
    if (!q->weights || !q->shift || !q->selected) return w_oom(e, n * sizeof *q->weights, "equalisation");
    for (size_t i = 0; i < s->n; i++) q->selected[s->node[i]] = true;
    return w_graph_uses(q->g, a, &q->uses, e);
}

static weir_status apply(w_graph *g, const w_selection *s, const json_t *params, w_calibration *c, weir_error *e) {
    equaliser q = {.g = g};
    (void)params, (void)c;
    W_TRY(begin(&q, s, e));
    pair *p = w_arena_array(&g->arena, s->n, sizeof *p);
    size_t n = 0;
    if (!p) return w_oom(e, s->n * sizeof *p, "equalisation");
    for (size_t i = 0; i < s->n; i++) n += find_pair(&q, s->node[i], &p[n]);
    if (n == 0)
        return w_fail(e, WEIR_BAD_INPUT, "no two of the layers can be equalised; '%s': %s",
                      w_node_label(g, &g->node[s->node[s->n - 1]]), q.why);
    for (size_t i = 0; i < n; i++) {
        W_TRY(load(&q, p[i].a, e));
        W_TRY(load(&q, p[i].b, e));
    }
    float far = INFINITY;
    for (int round = 0; round < ROUNDS && far > STILL; round++) {
        far = 0;
        for (size_t i = 0; i < n; i++) far = fmaxf(far, equalise(&q, &p[i]));
    }
    return finish(&q, p, n, e);
}

const w_technique w_technique_equalise = {
    .name = "equalise", .row = "D2", .summary = "balance the weights of neighbouring layers for 8-bit scales", .keys = keys,
    .reshapes = true, .blind = true, .takes = takes, .apply = apply, .verdict = w_verdict_equalise};
