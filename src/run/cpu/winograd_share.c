/* winograd_share.c: which convolutions run by Winograd, and with which tiles.
 *
 * Weights grow from 9 numbers a kernel to 16 or 36, and memory is for the weights first: all growth has to fit the plan's
 * spare bytes. These go to those first that save the most cycles a byte, from no tiles to small ones to large ones. */
#include "step_igemm.h"
#include "step_winograd.h"
#include "steps.h"
#include <stdlib.h>
#include <string.h>

#define MUCH 0.9 /* of the time at most, for a larger edge, whose sums round more, to be wished for */

bool w_winograd_window(const w_graph *g, const w_node *n, w_window *w) {
    const w_conv_attr *a = n->attr;
    return w_window_of(w_node_in(g, n, 0), &g->value[n->out[0]], &a->kernel_shape, &a->strides, &a->pads, &a->dilations, w);
}

static bool is_3x3(const w_window *w) {
    return w->kh == 3 && w->kw == 3 && w->sh == 1 && w->sw == 1 && w->dh == 1 && w->dw == 1 && w->pt <= 1 && w->pl <= 1;
}

/* What a choice costs, in cycles times the f32 lanes: a multiply-add of the direct sum and of the products, and the transforms of a
 * tile for a channel of the input and of the output, by growing edge. Sizes in bytes: of a weight as it is and at a place. Measured
 * on Zen 3 with AVX2. */
typedef struct costs { double direct, product, in[W_WINO_SIZES], out[W_WINO_SIZES]; size_t weight, place; } costs;
static const costs f32 = {0.5, 0.5, {60, 210}, {60, 210}, 4, 4}, u8 = {0.34, 0.42, {30}, {45}, 1, 2};

/* edge 0: the direct sum. Few channels do not pay for the transforms, nor do tiles that mostly lie outside, nor weights from
 * beyond L2 for few tiles. */
static double cycles(const costs *k, const w_window *w, size_t edge, size_t c, size_t n, size_t lanes) {
    double products = (double)c * (double)n * (edge ? (double)w_wino_places(edge) : 9), bytes = products * (double)(edge ? k->place : k->weight);
    double times = edge ? (double)(w_winograd_tiles(w->oh, edge) * w_winograd_tiles(w->ow, edge)) : (double)(w->oh * w->ow);
    double transforms = edge ? k->in[edge / 4] * (double)c + k->out[edge / 4] * (double)n : 0, far = bytes > WEIGHTS_IN_L2 ? bytes * (double)lanes / 8 : 0;
    return times * (products * (edge ? k->product : k->direct) + transforms) + far;
}

/* By which the weights of all places are larger than those of the file. */
static double more_bytes(const costs *k, size_t edge, size_t c, size_t n) {
    return (double)(c * n) * ((double)(w_wino_places(edge) * k->place) - (double)(9 * k->weight));
}

/* ---- refusals ---- */

static const char *unfit(const w_graph *g, const w_node *n, w_window *w, size_t c_lanes, size_t n_lanes) {
    const w_value *x = w_node_in(g, n, 0), *k = w_node_in(g, n, 1), *b = w_node_in(g, n, 2), *y = &g->value[n->out[0]];
    if (x->shape.rank != 4 || ((const w_conv_attr *)n->attr)->group != 1) return "not a plain two-dimensional convolution";
    if (!w_is_nhwc(x) || !w_is_nhwc(y)) return "images do not lie channels-last";
    if (k->kind != W_VALUE_CONST || (b && b->kind != W_VALUE_CONST)) return "weights are not constant";
    if (!w_winograd_window(g, n, w) || !is_3x3(w)) return "not 3x3 with stride 1";
    if (x->shape.dim[1] % (int64_t)c_lanes || y->shape.dim[1] % (int64_t)n_lanes) return "channels are no multiple of the vector";
    return NULL;
}

static const char *unfit_f32(const w_plan *p, const w_node *n, w_window *w) {
    size_t lanes = p->ctx->kernels->wino[0].lanes;
    if (lanes == 1) return "no Winograd transforms for this instruction set";
    const char *why = unfit(p->graph, n, w, lanes, lanes);
    return why ? why : w_igemm_refuse_f32(p->graph, n, 3);
}

#define MAX_CHANNELS (INT32_MAX / (4 * 9 * 255 * 128)) /* four times their sum fits 32 bits, whatever their values */

static const char *unfit_u8(const w_plan *p, const w_node *n, w_window *w) {
    const char *why = w_igemm_refuse_u8(p->graph, n, 3, 0, ((const w_conv_attr *)n->attr)->ep.act);
    if (why) return why;
    if (!p->ctx->kernels->wino_u8.in) return "no integer Winograd transforms for this instruction set";
    why = unfit(p->graph, n, w, 16, 8);
    if (why) return why;
    if (w_has_late_scale(n)) return "the input's scale is known only at run time";
    return w_node_in(p->graph, n, 0)->shape.dim[1] > MAX_CHANNELS ? "the sum is too long for 32 bits" : NULL;
}

/* ---- wishes ---- */

/* worth: cycles a byte; bytes: by which weights grow */
typedef struct wish { double worth, bytes; size_t edge, node; } wish;

static int by_worth(const void *a, const void *b) {
    const wish *x = a, *y = b;
    return x->worth != y->worth ? (x->worth < y->worth) - (x->worth > y->worth) : (x->node > y->node) - (x->node < y->node);
}

/* An edge that saves time; then a larger one, whose sums round more, if it saves much more. Returns how many. */
static size_t wishes_of(const costs *k, size_t most, const w_window *w, size_t c, size_t n, size_t lanes, size_t node, wish *to) {
    double least = cycles(k, w, 0, c, n, lanes), bytes = 0;
    size_t count = 0;
    for (size_t edge = 2; edge <= most; edge += 2) {
        double now = cycles(k, w, edge, c, n, lanes), more = more_bytes(k, edge, c, n);
        if (now >= (count ? MUCH * least : least)) continue;
        to[count++] = (wish){(least - now) / (more - bytes), more, edge, node};
        least = now;
        bytes = more;
    }
    return count;
}

/* Direct sums of light weights, such as those of few bits, are cheaper, as pack_pairs.c tells. Some groups of weights show it, in
 * whatever order their elements lie. */
static costs costs_of_u8(const w_kernels *k, const int8_t *weights, size_t c, size_t n) {
    costs now = u8;
    w_block_kind kind = w_pack_pair_stats(k->u8_igemm[0].nr, &(w_pack_u8_args){.w = weights, .stride_n = 9 * c, .stride_k = 1, .n = n, .taps = 1, .c = 9 * c}).kind;
    if (kind >= W_BLOCK_TWO) now.direct *= kind >= W_BLOCK_FOUR ? 0.7 : 0.85;
    return now;
}

static size_t wishes(const w_plan *p, size_t i, wish *to) {
    const w_graph *g = p->graph;
    const w_kernels *k = p->ctx->kernels;
    const w_node *n = &g->node[i];
    w_window w;
    if (n->op != W_OP_Conv) return 0;
    bool real = !unfit_f32(p, n, &w);
    if (!real && unfit_u8(p, n, &w)) return 0;
    size_t inputs = (size_t)w_node_in(g, n, 0)->shape.dim[1], outputs = (size_t)g->value[n->out[0]].shape.dim[1];
    costs cost = real ? f32 : costs_of_u8(k, w_node_in(g, n, 1)->data, inputs, outputs);
    return wishes_of(&cost, real ? 4 : 2, &w, inputs, outputs, k->lanes, i, to);
}

/* What became of a node: wished for or not, and the edge that it got. */
typedef struct grant { bool wished; size_t edge; double bytes; } grant;

weir_status w_winograd_share(w_plan *p, weir_error *e) {
    size_t n = p->graph->nnode + 1, count = 0;
    grant *grants = w_arena_array(&p->arena_mem, n, sizeof *grants);
    wish *all = w_arena_array(&p->arena_mem, n * W_WINO_SIZES, sizeof *all);
    double left = p->spare_bytes;
    if (!grants || !all) return w_oom(e, n * W_WINO_SIZES * sizeof *all, "the sizes of tiles");
    memset(grants, 0, n * sizeof *grants);
    for (size_t i = 0; i < p->graph->nnode; i++) count += wishes(p, i, all + count);
    qsort(all, count, sizeof *all, by_worth);
    for (size_t i = 0; i < count; i++) {
        grant *now = &grants[all[i].node];
        double more = all[i].bytes - now->bytes;
        now->wished = true;
        if (more <= 0 || more > left) continue;
        left -= more;
        now->edge = all[i].edge;
        now->bytes = all[i].bytes;
    }
    p->shared = grants;
    return WEIR_OK;
}

static const grant *grant_of(const w_plan *p, const w_node *n) { return (const grant *)p->shared + (n - p->graph->node); }
size_t w_winograd_edge(const w_plan *p, const w_node *n) { return grant_of(p, n)->edge; }

static const char *refuse(const w_plan *p, const w_node *n, const char *unfit) {
    const grant *g = grant_of(p, n);
    if (unfit || g->edge) return unfit;
    return g->wished ? "the memory by which weights may grow went to steps that save more with it" : "channels or pixels are so few that tiles save nothing";
}

const char *w_winograd_refuse_f32(const w_plan *p, const w_node *n, w_arena *a) {
    w_window w;
    return refuse(p, n, unfit_f32(p, n, &w));
}

const char *w_winograd_refuse_u8(const w_plan *p, const w_node *n, w_arena *a) {
    w_window w;
    return refuse(p, n, unfit_u8(p, n, &w));
}
