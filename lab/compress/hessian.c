/* Second moments of a layer's inputs over the calibration samples: H = sum of x x^T over input patches x in the order in
 * which the weights lie (channel, kernel row, kernel column). Patches are taken at even steps, a multiple of the reduction
 * length: weights solved from fewer fit the patches instead of the network. Their number does not grow with the images. Running the network costs more than adding up: the layers that are
 * likely to be asked for next are measured in the same run, within a bound on memory. */
#include "calibration.h"
#include <string.h>

#define LEAST_PATCHES 8192
#define PATCHES_A_COLUMN 64 /* resnet8, three layers at keep 0.75: from 14 to 64, the drop went from 3.5 to 1.2 points */
#define BLOCK 4             /* patches added in one walk over the sums */
#define MAX_AHEAD ((size_t)192 << 20) /* bytes of second moments that nobody asked for yet */

typedef struct gather {
    w_id node;
    const w_graph *g;       /* the calibrated network's canonical graph */
    const w_node *n;
    const char *input;      /* name of the data input */
    w_hessian *h;
    float *patch;           /* [groups][BLOCK][k] */
    uint32_t held;          /* patches of the block that are filled */
    size_t stride, at;      /* every stride-th patch is taken */
} gather;

typedef struct gathers { gather *of; size_t n; } gathers;

/* h += sum of x x^T over a block of patches, lower triangle. */
static void add_block(float *restrict h, const float *restrict x, uint32_t k) {
    const float *a = x, *b = a + k, *c = b + k, *d = c + k;
    for (uint32_t i = 0; i < k; i++) {
        float p = a[i], q = b[i], r = c[i], s = d[i];
        float *restrict row = h + (size_t)i * k;
        if (p == 0 && q == 0 && r == 0 && s == 0) continue;
        for (uint32_t j = 0; j <= i; j++) row[j] += (p * a[j] + q * b[j]) + (r * c[j] + s * d[j]);
    }
}
_Static_assert(BLOCK == 4, "add_block is written out");

typedef struct window { int64_t kh, kw, sh, sw, ph, pw, dh, dw; } window;

static window window_of(const w_conv_attr *a) {
    return (window){a->kernel_shape.v[0], a->kernel_shape.v[1], a->strides.v[0],   a->strides.v[1],
                    a->pads.v[0],         a->pads.v[1],         a->dilations.v[0], a->dilations.v[1]};
}

static size_t element(const w_value *v, int64_t n, int64_t c, int64_t y, int64_t x) {
    const int64_t *d = v->shape.dim;
    if (v->layout == W_NHWC) return (size_t)(((n * d[2] + y) * d[3] + x) * d[1] + c);
    return (size_t)(((n * d[1] + c) * d[2] + y) * d[3] + x);
}

static void fill_patch(float *p, const w_value *v, const float *data, const window *w, int64_t n, int64_t c0, int64_t c1,
                       int64_t oy, int64_t ox) {
    for (int64_t c = c0; c < c1; c++)
        for (int64_t ky = 0; ky < w->kh; ky++)
            for (int64_t kx = 0; kx < w->kw; kx++) {
                int64_t y = oy * w->sh - w->ph + ky * w->dh, x = ox * w->sw - w->pw + kx * w->dw;
                bool in = y >= 0 && y < v->shape.dim[2] && x >= 0 && x < v->shape.dim[3];
                *p++ = in ? data[element(v, n, c, y, x)] : 0;
            }
}

static float *patch_at(const gather *ga, uint32_t group, uint32_t i) { return ga->patch + ((size_t)group * BLOCK + i) * ga->h->k; }

/* Adds the block; what is not filled counts as zero. */
static void flush(gather *ga) {
    uint32_t k = ga->h->k;
    for (uint32_t g = 0; g < ga->h->groups && ga->held; g++) {
        memset(patch_at(ga, g, ga->held), 0, (BLOCK - ga->held) * (size_t)k * sizeof(float));
        add_block(ga->h->h[g], patch_at(ga, g, 0), k);
        for (uint32_t p = 0; p < ga->held; p++)
            for (uint32_t i = 0; i < k; i++) ga->h->sum[g][i] += patch_at(ga, g, p)[i];
    }
    ga->h->rows += ga->held;
    ga->held = 0;
}

static void end_patch(gather *ga) {
    if (++ga->held == BLOCK) flush(ga);
}

static void conv_patches(gather *ga, const w_value *v, const float *data, const w_shape *out) {
    const w_conv_attr *a = ga->n->attr;
    window w = window_of(a);
    int64_t per = v->shape.dim[1] / a->group;
    for (int64_t n = 0; n < v->shape.dim[0]; n++)
        for (int64_t oy = 0; oy < out->dim[2]; oy++)
            for (int64_t ox = 0; ox < out->dim[3]; ox++) {
                if (ga->at++ % ga->stride) continue;
                for (uint32_t gr = 0; gr < ga->h->groups; gr++)
                    fill_patch(patch_at(ga, gr, ga->held), v, data, &w, n, gr * per, (gr + 1) * per, oy, ox);
                end_patch(ga);
            }
}

static void dense_rows(gather *ga, const float *data, size_t rows) {
    for (size_t r = 0; r < rows; r++) {
        if (ga->at++ % ga->stride) continue;
        memcpy(patch_at(ga, 0, ga->held), data + r * ga->h->k, ga->h->k * sizeof(float));
        end_patch(ga);
    }
}

static weir_status gather_value(gather *ga, const w_graph *pg, const w_value *v, const void *data, weir_error *e) {
    if (ga->n->op != W_OP_Conv) {
        dense_rows(ga, data, (size_t)w_shape_count(&v->shape) / ga->h->k);
        return WEIR_OK;
    }
    w_id out = w_graph_find(pg, w_value_name(ga->g, ga->n->out[0]));
    if (out == W_NONE) return w_fail(e, WEIR_INTERNAL, "node '%s' is not in the plan", w_node_label(ga->g, ga->n));
    conv_patches(ga, v, data, &pg->value[out].shape);
    return WEIR_OK;
}

static weir_status on_value(void *user, const w_graph *pg, w_id value, const void *data, weir_error *e) {
    gathers *all = user;
    for (size_t i = 0; i < all->n; i++)
        if (strcmp(w_value_name(pg, value), all->of[i].input) == 0) W_TRY(gather_value(&all->of[i], pg, &pg->value[value], data, e));
    return WEIR_OK;
}

static void mirror(w_hessian *h) {
    for (uint32_t g = 0; g < h->groups; g++)
        for (uint32_t i = 0; i < h->k; i++)
            for (uint32_t j = 0; j < i; j++) h->h[g][(size_t)j * h->k + i] = h->h[g][(size_t)i * h->k + j];
}

static weir_status hessian_new(w_calibration *c, uint32_t k, uint32_t groups, w_hessian **out, weir_error *e) {
    w_hessian *h = w_arena_alloc(&c->arena, sizeof *h);
    float **m = h ? w_arena_array(&c->arena, groups, sizeof *m) : NULL, **u = m ? w_arena_array(&c->arena, groups, sizeof *u) : NULL;
    double **sum = u ? w_arena_array(&c->arena, groups, sizeof *sum) : NULL;
    if (!sum) return w_oom(e, sizeof *h, "second moments");
    for (uint32_t i = 0; i < groups; i++) {
        m[i] = w_arena_array(&c->arena, (size_t)k * k, sizeof(float));
        sum[i] = w_arena_array(&c->arena, k, sizeof(double));
        if (!m[i] || !sum[i]) return w_oom(e, (size_t)k * k * 4, "second moments");
    }
    *h = (w_hessian){.k = k, .groups = groups, .h = m, .u = u, .sum = sum, .arena = &c->arena};
    *out = h;
    return WEIR_OK;
}

static size_t patches_a_sample(const w_graph *g, const w_node *n) {
    const w_shape *s = &g->value[n->out[0]].shape;
    return n->op == W_OP_Conv && s->rank == 4 ? (size_t)(s->dim[2] * s->dim[3]) : 1;
}

static uint32_t groups_of(const w_node *n) { return n->op == W_OP_Conv ? (uint32_t)((const w_conv_attr *)n->attr)->group : 1; }

static uint32_t reduction_of(const w_graph *g, const w_node *n) {
    const w_shape *ws = &g->value[n->in[1]].shape;
    const w_gemm_attr *gm = n->op == W_OP_Gemm ? n->attr : NULL;
    return n->op == W_OP_Conv ? (uint32_t)(ws->dim[1] * ws->dim[2] * ws->dim[3]) : (uint32_t)ws->dim[gm && gm->transB ? 1 : 0];
}

/* Its inputs can be gathered: a real activation, and a 2-D window if it is a convolution. */
static bool can_gather(const w_graph *g, const w_node *n) {
    if (n->op == W_OP_NONE || !w_node_has_weights(g, n)) return false;
    const w_value *in = &g->value[n->in[0]];
    return in->kind != W_VALUE_CONST && in->type == WEIR_F32 && (n->op != W_OP_Conv || in->shape.rank == 4);
}

/* The float network's node that reads the same thing, or W_NONE. */
static w_id in_root(const w_calibration *c, w_id id) {
    const w_graph *g = c->model->graph, *r = c->root ? c->root->model->graph : NULL;
    const w_node *n = &g->node[id];
    w_id at = r ? w_node_by_label(r, w_node_label(g, n)) : W_NONE;
    if (at == W_NONE || !can_gather(r, &r->node[at])) return W_NONE;
    const w_node *m = &r->node[at];
    bool same = m->op == n->op && groups_of(m) == groups_of(n) && reduction_of(r, m) == reduction_of(g, n) &&
                strcmp(w_value_name(r, m->in[0]), w_value_name(g, n->in[0])) == 0;
    return same ? at : W_NONE;
}

static weir_status gather_new(w_calibration *c, w_id id, gather *ga, weir_error *e) {
    const w_graph *g = c->model->graph;
    const w_node *n = &g->node[id];
    *ga = (gather){.node = id, .g = g, .n = n, .input = w_value_name(g, n->in[0])};
    W_TRY(hessian_new(c, reduction_of(g, n), groups_of(n), &ga->h, e));
    size_t block = (size_t)BLOCK * ga->h->groups * ga->h->k, want = W_MAX((size_t)LEAST_PATCHES, (size_t)PATCHES_A_COLUMN * ga->h->k);
    ga->patch = w_arena_array(&c->arena, block, sizeof(float));
    if (!ga->patch) return w_oom(e, block * sizeof(float), "second moments");
    ga->stride = W_MAX((size_t)1, c->samples.n * patches_a_sample(g, n) / want) | 1; /* odd: no beat with even widths */
    return WEIR_OK;
}

/* The layer asked for, and others that have none yet. */
static weir_status choose(w_calibration *c, w_id first, gathers *out, weir_error *e) {
    const w_graph *g = c->model->graph;
    size_t ahead = 0;
    out->of = w_arena_array(&c->arena, g->nnode, sizeof *out->of);
    if (!out->of) return w_oom(e, g->nnode * sizeof *out->of, "second moments");
    W_TRY(gather_new(c, first, &out->of[out->n++], e));
    for (w_id i = 0; i < g->nnode; i++) {
        if (i == first || c->hessian[i] || !can_gather(g, &g->node[i]) || in_root(c, i) != W_NONE) continue;
        size_t k = reduction_of(g, &g->node[i]), bytes = k * k * sizeof(float) * groups_of(&g->node[i]);
        if (bytes > MAX_AHEAD - ahead) continue;
        ahead += bytes;
        W_TRY(gather_new(c, i, &out->of[out->n++], e));
    }
    return WEIR_OK;
}

weir_status w_calibration_hessian(w_calibration *c, const char *label, w_hessian **out, weir_error *e) {
    const w_graph *g = c->model->graph;
    gathers all = {0};
    w_id id = w_node_by_label(g, label);
    if (id == W_NONE) return w_fail(e, WEIR_INTERNAL, "no node '%s' in the calibrated network", label);
    if (!can_gather(g, &g->node[id])) return w_fail(e, WEIR_BAD_INPUT, "node '%s': only layers with constant weights and a real activation (2-D windows) can be calibrated", label);
    if (in_root(c, id) != W_NONE) return w_calibration_hessian(c->root, label, out, e);
    if (!c->hessian[id]) {
        W_TRY(choose(c, id, &all, e));
        W_TRY(w_tap_run(c->model, &c->samples, on_value, &all, e));
        for (size_t i = 0; i < all.n; i++) {
            flush(&all.of[i]);
            mirror(all.of[i].h);
            c->hessian[all.of[i].node] = all.of[i].h;
        }
    }
    *out = c->hessian[id];
    return WEIR_OK;
}
