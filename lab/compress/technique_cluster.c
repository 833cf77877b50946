/* Weight sharing by k-means (G1, Deep Compression, arXiv 1510.00149): every weight of a layer becomes one of a few shared
 * values. Zeros of a pruned layer stay zero and take no centroid from the others. */
#include "lab.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 40

static const char *const keys[] = {"codebook", "bias_correction", NULL};

static int compare_float(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Starts half way between even spacing, which serves the few large weights that matter most (as the paper does), and
 * quantiles, without which heavy tails leave most centroids alone: lenet5's accuracy drops by a point with the first. */
static void start(const float *x, size_t n, float *centre, uint32_t k) {
    for (uint32_t i = 0; i < k; i++) {
        float even = k > 1 ? x[0] + (x[n - 1] - x[0]) * (float)i / (float)(k - 1) : x[n / 2];
        centre[i] = (even + x[(size_t)(((double)i + 0.5) / k * (double)n)]) / 2;
    }
}

/* Lloyd's algorithm on sorted numbers: a centroid owns a run, so one round is one walk. */
static void kmeans(const float *x, size_t n, float *centre, uint32_t k) {
    start(x, n, centre, k);
    for (int round = 0; round < ROUNDS; round++) {
        size_t at = 0;
        float moved = 0;
        for (uint32_t i = 0; i < k; i++) {
            float edge = i + 1 < k ? (centre[i] + centre[i + 1]) / 2 : INFINITY;
            double sum = 0;
            size_t first = at;
            while (at < n && x[at] <= edge) sum += x[at++];
            if (at == first) continue;
            float to = (float)(sum / (double)(at - first));
            moved = fmaxf(moved, fabsf(to - centre[i]));
            centre[i] = to;
        }
        if (moved == 0) break;
    }
}

static uint32_t nearest(const float *centre, uint32_t k, float x) {
    uint32_t lo = 0, hi = k - 1;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (x > (centre[mid] + centre[mid + 1]) / 2) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

/* Sorted nonzero weights; n of them. */
static float *sorted_nonzero(weir_context *ctx, const w_weights *w, size_t *n) {
    size_t all = (size_t)w->rows * w->cols;
    float *x = w_alloc(ctx, all * sizeof *x);
    *n = 0;
    for (size_t i = 0; x && i < all; i++)
        if (w->w[i] != 0) x[(*n)++] = w->w[i];
    if (x) qsort(x, *n, sizeof *x, compare_float);
    return x;
}

static void snap(w_weights *w, const float *centre, uint32_t k) {
    for (size_t i = 0; i < (size_t)w->rows * w->cols; i++)
        if (w->w[i] != 0) w->w[i] = centre[nearest(centre, k, w->w[i])];
}

/* Codebook = the centroids in use, and 0 when a weight is zero; distinct and sorted. */
static uint32_t codebook_of(const w_weights *w, const float *centre, uint32_t k, float *book) {
    size_t all = (size_t)w->rows * w->cols;
    bool zero = false;
    uint32_t n = 0;
    for (size_t i = 0; i < all && !zero; i++) zero = w->w[i] == 0;
    for (uint32_t i = 0; i < k; i++) book[n++] = centre[i];
    if (zero) book[n++] = 0;
    qsort(book, n, sizeof *book, compare_float);
    uint32_t distinct = 0;
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || book[i] != book[distinct - 1]) book[distinct++] = book[i];
    return distinct;
}

static weir_status cluster_node(w_graph *g, w_id node, uint32_t k, bool correct, w_calibration *c, weir_error *e) {
    w_weights w;
    w_coding *coding;
    W_TRY(w_weights_get(g, node, &w, e));
    size_t all = (size_t)w.rows * w.cols, n;
    float *before = w_weights_copy(g, &w), *book = w_arena_array(&g->arena, k + 1, sizeof *book);
    float centre[256];
    if (!before || !book) return w_oom(e, all * sizeof *before, "weights");
    float *x = sorted_nonzero(g->ctx, &w, &n);
    if (!x) return w_oom(e, all * sizeof *x, "clustering");
    if (n > 0) {
        kmeans(x, n, centre, k);
        snap(&w, centre, k);
    }
    w_free(g->ctx, x, all * sizeof *x);
    W_TRY(w_weights_put(g, &w, e));
    W_TRY(w_coding_edit(g, w.value, &coding, e));
    coding->ncodebook = codebook_of(&w, centre, n > 0 ? k : 0, book);
    coding->codebook = book;
    return correct && c ? w_bias_correct(g, &w, before, c, e) : WEIR_OK;
}

static weir_status apply(w_graph *g, const w_selection *s, const json_t *params, w_calibration *c, weir_error *e) {
    double k;
    bool correct;
    W_TRY(w_param_num(params, "codebook", 32, 2, 255, &k, e));
    W_TRY(w_param_bool(params, "bias_correction", true, &correct, e));
    for (size_t i = 0; i < s->n; i++) W_TRY(cluster_node(g, s->node[i], (uint32_t)k, correct, c, e));
    return WEIR_OK;
}

static bool takes(const w_graph *g, const w_node *n) { return w_node_has_weights(g, n) && g->value[n->in[1]].type != WEIR_S8; }

static weir_status ladder(const w_graph *g, w_id node, json_t *settings, weir_error *e) {
    (void)g;
    (void)node;
    static const int codebook[] = {255, 128, 64, 32, 16, 8};
    for (size_t i = 0; i < W_COUNT(codebook); i++) W_TRY(w_ladder_add(settings, json_pack("{s:i}", "codebook", codebook[i]), e));
    return WEIR_OK;
}

const w_technique w_technique_cluster = {
    .name = "cluster", .row = "G1", .summary = "let the weights of a layer share a few values (k-means)", .keys = keys, .recodes = true,
    .takes = takes, .ladder = ladder, .apply = apply, .verdict = w_verdict_file_only};
