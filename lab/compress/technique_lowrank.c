/* Low rank (F1): a dense or pointwise layer of weights W becomes two, of weights B and A with AB close to W (Denton et al.,
 * arXiv 1404.0736), where close means at the layer's outputs on calibration data, not in the weights alone.
 *
 * The second factor is the old node: it keeps label, bias, residual and activation. The first is new, labelled
 * LABEL.lowrank, has neither bias nor activation, and takes over how inputs are read (strides, pads, transA). */
#include "lowrank.h"
#include <string.h>

static const char *const keys[] = {"rank", "share", "energy", "weighting", "bias_correction", NULL};
static const char *const weightings[] = {"activations", "none", NULL};
#define MAX_MOMENTS 4096   /* inputs whose second moments are worth holding: 64 MB, and twice that to factor them */

typedef struct lowrank_params {
    uint32_t rank;          /* 0: not asked for */
    double share;           /* of the largest rank that saves in the layer before the recipe; 0: not asked for */
    double energy;
    bool weighted, correct;
} lowrank_params;

/* One layer on its way: weights as a matrix, its factors, and where they go. */
typedef struct split {
    w_graph *g;
    const w_graph *origin;  /* before the recipe; NULL: g */
    w_calibration *c;
    const lowrank_params *p;
    w_arena tmp;
    w_hessian *h;           /* NULL: not weighted */
    w_weights w;
    bool half;              /* weights are f16, and the factors will be */
    uint32_t rank;
    float *first, *second;  /* rank x cols, rows x rank */
} split;

/* ---- what it takes ---- */

static bool all_one(const w_ints *v) {
    for (uint32_t i = 0; i < v->n; i++)
        if (v->v[i] != 1) return false;
    return true;
}

bool w_lowrank_takes(const w_graph *g, const w_node *n) {
    if (!w_node_has_weights(g, n) || g->value[n->in[1]].type == WEIR_S8 || g->value[n->in[0]].kind == W_VALUE_CONST) return false;
    if (n->op != W_OP_Conv) return true;
    const w_conv_attr *a = n->attr;
    return a->group == 1 && g->value[n->in[1]].shape.rank == 4 && all_one(&a->kernel_shape);
}

void w_lowrank_dims(const w_graph *g, const w_node *n, uint32_t *rows, uint32_t *cols) {
    const int64_t *d = g->value[n->in[1]].shape.dim;
    bool t = n->op == W_OP_MatMul || (n->op == W_OP_Gemm && !((const w_gemm_attr *)n->attr)->transB);
    *rows = (uint32_t)d[t ? 1 : 0];
    *cols = (uint32_t)d[t ? 0 : 1];
}

/* ---- which rank ---- */

static weir_status check_rank(const split *s, const char *label, uint32_t rank, uint32_t limit, weir_error *e) {
    uint32_t full = W_MIN(s->w.rows, s->w.cols);
    if (rank <= limit && rank > 0) return WEIR_OK;
    if (s->p->rank)
        return w_fail(e, WEIR_BAD_INPUT, "node '%s': rank %u of %u saves no multiply-adds over %u x %u weights, %u would be the most that does",
                      label, rank, full, s->w.rows, s->w.cols, limit);
    return w_fail(e, WEIR_BAD_INPUT, "node '%s': rank %u of %u would be needed for %g of the energy, from %u on it saves no multiply-adds",
                  label, rank, full, s->p->energy, limit + 1);
}

/* Whole vectors of the kernels; 0 where not even one saves. */
static uint32_t rank_of_share(double share, uint32_t limit) {
    return W_MAX((uint32_t)(share * limit) / W_LOWRANK_VECTOR, (uint32_t)(limit >= W_LOWRANK_VECTOR)) * W_LOWRANK_VECTOR;
}

/* A share is of the layer that the recipe began with, as pruning's density is: what channels took from it costs no second
 * time. 0: nothing is saved any more, the layer stays. */
static uint32_t shared_rank(const split *s, const char *label, uint32_t limit) {
    uint32_t rows = s->w.rows, cols = s->w.cols;
    w_id before = s->origin ? w_node_by_label(s->origin, label) : W_NONE;
    if (before != W_NONE && w_lowrank_takes(s->origin, &s->origin->node[before])) w_lowrank_dims(s->origin, &s->origin->node[before], &rows, &cols);
    uint32_t rank = rank_of_share(s->p->share, w_lowrank_limit(rows, cols));
    return rank <= limit ? rank : 0;
}

static weir_status decompose(split *s, const char *label, w_spectrum *x, weir_error *e) {
    if (s->p->weighted && s->w.cols > MAX_MOMENTS)
        return w_fail(e, WEIR_BAD_INPUT, "node '%s': %u inputs are too many for their second moments (at most %d): use \"weighting\": \"none\"",
                      label, s->w.cols, MAX_MOMENTS);
    if (s->p->weighted) W_TRY(w_calibration_hessian(s->c, label, &s->h, e));
    bool informed = s->h && s->h->rows > 0;
    return w_spectrum_of(s->w.w, s->w.rows, s->w.cols, informed ? s->h->h[0] : NULL, informed ? s->h->rows : 1, &s->tmp, x, e);
}

static void round_to_half(float *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = w_f16_to_f32(w_f32_to_f16(x[i]));
}

static weir_status find_factors(split *s, const char *label, weir_error *e) {
    w_spectrum x;
    uint32_t limit = w_lowrank_limit(s->w.rows, s->w.cols);
    s->rank = s->p->share > 0 ? shared_rank(s, label, limit) : s->p->rank;
    if (s->p->share > 0 && s->rank == 0) return WEIR_OK;
    if (s->p->rank) W_TRY(check_rank(s, label, s->p->rank, limit, e));
    W_TRY(decompose(s, label, &x, e));
    if (s->rank == 0) s->rank = w_lowrank_round(w_spectrum_rank(x.s, x.n, s->p->energy), limit);
    W_TRY(check_rank(s, label, s->rank, limit, e));
    s->first = w_arena_alloc_aligned(&s->g->arena, (size_t)s->rank * s->w.cols * sizeof(float));
    s->second = w_arena_alloc_aligned(&s->g->arena, (size_t)s->w.rows * s->rank * sizeof(float));
    if (!s->first || !s->second) return w_oom(e, (size_t)s->w.rows * s->w.cols * sizeof(float), "low-rank factors");
    W_TRY(w_spectrum_factors(&x, s->rank, &s->tmp, s->first, s->second, e));
    if (s->half) {
        round_to_half(s->first, (size_t)s->rank * s->w.cols);
        round_to_half(s->second, (size_t)s->w.rows * s->rank);
    }
    return WEIR_OK;
}

/* The bias takes up the mean error: what W makes of the mean input and AB does not. */
static weir_status correct_bias(split *s, w_id node, weir_error *e) {
    double *mean = w_arena_array(&s->tmp, s->w.cols, sizeof *mean), *inner = w_arena_array(&s->tmp, s->rank, sizeof *inner);
    float *delta = w_arena_array(&s->tmp, s->w.rows, sizeof *delta);
    if (!mean || !inner || !delta) return w_oom(e, s->w.cols * sizeof *mean, "bias correction");
    for (uint32_t c = 0; c < s->w.cols; c++) mean[c] = s->h->sum[0][c] / s->h->rows;
    for (uint32_t j = 0; j < s->rank; j++)
        for (uint32_t c = 0; c < s->w.cols; c++) inner[j] += s->first[(size_t)j * s->w.cols + c] * mean[c];
    for (uint32_t r = 0; r < s->w.rows; r++) {
        double d = 0;
        for (uint32_t c = 0; c < s->w.cols; c++) d += s->w.w[(size_t)r * s->w.cols + c] * mean[c];
        for (uint32_t j = 0; j < s->rank; j++) d -= s->second[(size_t)r * s->rank + j] * inner[j];
        delta[r] = (float)d * (s->g->node[node].op == W_OP_Gemm ? ((const w_gemm_attr *)s->g->node[node].attr)->alpha : 1);
    }
    return w_bias_add(s->g, node, delta, s->w.rows, e);
}

/* ---- the graph ---- */

/* x lying as the node's weights lay, in f32. */
static float *laid_out(const split *s, const float *x, uint32_t rows, uint32_t cols) {
    float *d = w_arena_alloc_aligned(&s->g->arena, (size_t)rows * cols * sizeof *d);
    for (uint32_t r = 0; d && r < rows; r++)
        for (uint32_t c = 0; c < cols; c++) d[s->w.transposed ? (size_t)c * rows + r : (size_t)r * cols + c] = x[(size_t)r * cols + c];
    return d;
}

static const void *as_half(w_graph *g, const float *x, size_t n) {
    uint16_t *h = w_arena_array(&g->arena, n, sizeof *h);
    for (size_t i = 0; h && i < n; i++) h[i] = w_f32_to_f16(x[i]);
    return h;
}

/* A factor as a constant in the type of the old weights. */
static weir_status add_factor(split *s, const char *suffix, const float *x, uint32_t rows, uint32_t cols, w_id *out, weir_error *e) {
    w_graph *g = s->g;
    const w_value old = g->value[s->w.value];
    size_t n = (size_t)rows * cols;
    const void *data = laid_out(s, x, rows, cols);
    if (data && s->half) data = as_half(g, data, n);
    if (!data) return w_oom(e, n * sizeof(float), "low-rank factors");
    W_TRY(w_graph_add_derived(g, w_value_name(g, s->w.value), suffix, out, e));
    w_value *v = &g->value[*out];
    v->kind = W_VALUE_CONST;
    v->type = s->half ? WEIR_F16 : WEIR_F32;
    v->shape = (w_shape){.rank = old.shape.rank, .known = true, .dim = {rows, cols, 1, 1}};
    if (s->w.transposed) v->shape.dim[0] = cols, v->shape.dim[1] = rows;
    v->data = data;
    return WEIR_OK;
}

/* What the first factor reads is read as before; the second one sees it in plain order. */
static void share_attributes(uint16_t op, void *first, void *second) {
    if (op == W_OP_Conv) {
        w_conv_attr *a = first, *b = second;
        a->ep = (w_epilogue){0};
        for (uint32_t i = 0; i < b->strides.n; i++) b->strides.v[i] = 1;
        for (uint32_t i = 0; i < b->dilations.n; i++) b->dilations.v[i] = 1;
        for (uint32_t i = 0; i < b->pads.n; i++) b->pads.v[i] = 0;
    } else if (op == W_OP_Gemm) {
        w_gemm_attr *a = first, *b = second;
        a->ep = (w_epilogue){0};
        a->alpha = 1;
        b->transA = 0;
    } else {
        ((w_matmul_attr *)first)->ep = (w_epilogue){0};
    }
}

static weir_status rewire(split *s, w_id node, weir_error *e) {
    w_graph *g = s->g;
    uint16_t op = g->node[node].op;
    w_id in[2] = {g->node[node].in[0]}, second, inner, made;
    char *name = w_arena_printf(&g->arena, "%s.lowrank", w_node_label(g, &g->node[node]));
    void *a = w_op_attr_clone(g, op, g->node[node].attr), *b = w_op_attr_clone(g, op, g->node[node].attr);
    if (!name || !a || !b) return w_oom(e, 64, "a node");
    W_TRY(add_factor(s, ".first", s->first, s->rank, s->w.cols, &in[1], e));
    W_TRY(add_factor(s, ".second", s->second, s->w.rows, s->rank, &second, e));
    W_TRY(w_graph_add_derived(g, name, "", &inner, e));
    share_attributes(op, a, b);
    W_TRY(w_graph_add_node(g, op, name, in, 2, &inner, 1, a, &made, e));
    W_TRY(w_op_get(op)->infer(g, &g->node[made], e));
    w_node *n = &g->node[node];
    const char *layer = w_node_layer(g, n);
    W_TRY(w_graph_intern(g, layer, strlen(layer), &g->node[made].part_of, e));
    n->in[0] = inner;
    n->in[1] = second;
    n->attr = b;
    return WEIR_OK;
}

static weir_status split_node(w_graph *g, w_id node, const w_graph *origin, const lowrank_params *p, w_calibration *c, weir_error *e) {
    split s = {.g = g, .origin = origin, .c = c, .p = p, .half = g->value[g->node[node].in[1]].type == WEIR_F16};
    w_arena_init(&s.tmp, g->ctx);
    weir_status st = w_weights_get(g, node, &s.w, e);
    if (st == WEIR_OK) st = find_factors(&s, w_node_label(g, &g->node[node]), e);
    if (st == WEIR_OK && s.rank && p->correct && s.h && s.h->rows > 0) st = correct_bias(&s, node, e);
    if (st == WEIR_OK && s.rank) st = rewire(&s, node, e); /* 0: the layer stays */
    w_arena_fini(&s.tmp);
    return st;
}

static weir_status read_params(const json_t *params, lowrank_params *p, weir_error *e) {
    double rank;
    const char *weighting;
    W_TRY(w_param_num(params, "rank", 0, 1, 1e6, &rank, e));
    W_TRY(w_param_num(params, "share", 0, 0, 1, &p->share, e));
    W_TRY(w_param_num(params, "energy", 0.99, 0, 1, &p->energy, e));
    W_TRY(w_param_str(params, "weighting", weightings[0], weightings, &weighting, e));
    W_TRY(w_param_bool(params, "bias_correction", true, &p->correct, e));
    if (!!json_object_get(params, "rank") + !!json_object_get(params, "share") + !!json_object_get(params, "energy") > 1)
        return w_fail(e, WEIR_BAD_INPUT, "'rank', 'share' and 'energy' exclude each other");
    if (json_object_get(params, "share") && p->share == 0) return w_fail(e, WEIR_BAD_INPUT, "'share' must be more than 0");
    if (rank != (uint32_t)rank) return w_fail(e, WEIR_BAD_INPUT, "'rank' must be a whole number");
    p->rank = (uint32_t)rank;
    p->weighted = weighting == weightings[0];
    return WEIR_OK;
}

static weir_status apply(w_graph *g, const w_selection *s, const json_t *params, w_calibration *c, weir_error *e) {
    lowrank_params p;
    W_TRY(read_params(params, &p, e));
    if (p.weighted && !c) return w_fail(e, WEIR_USAGE, "lowrank weighted by activations needs calibration data (--train or --data)");
    for (size_t i = 0; i < s->n; i++) W_TRY(split_node(g, s->node[i], s->origin, &p, c, e));
    return w_graph_toposort(g, e); /* the first factors were appended at the end */
}

/* As shares: a rank may save nothing after a rule that made the layer smaller. */
static weir_status ladder(const w_graph *g, w_id node, json_t *settings, weir_error *e) {
    static const double share[] = {0.8, 0.6, 0.45, 0.3, 0.2};
    uint32_t rows, cols, last = 0;
    w_lowrank_dims(g, &g->node[node], &rows, &cols);
    uint32_t limit = w_lowrank_limit(rows, cols);
    for (size_t i = 0; i < W_COUNT(share); i++) {
        uint32_t rank = rank_of_share(share[i], limit);
        if (rank == 0 || rank == last) continue;
        last = rank;
        W_TRY(w_ladder_add(settings, json_pack("{s:f}", "share", share[i]), e));
    }
    return WEIR_OK;
}

static bool needs_data(const json_t *params) {
    const char *weighting = json_string_value(json_object_get(params, "weighting"));
    return !weighting || strcmp(weighting, weightings[0]) == 0;
}

const w_technique w_technique_lowrank = {
    .name = "lowrank", .row = "F1", .summary = "split dense and pointwise layers into two of low rank", .keys = keys,
    .draft = "{\"weighting\": \"none\", \"bias_correction\": false}", .needs_data = needs_data, .reshapes = true, .takes = w_lowrank_takes, .apply = apply, .ladder = ladder, .verdict = w_verdict_lowrank};
