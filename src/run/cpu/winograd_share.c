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

/* Cycles times the lanes: half for a multiply-add, some for a weight from beyond L2, and the transforms, half of them for an input
 * channel of a tile and half for an output channel: AVX2 on Zen 3 takes 60 and 210 cycles a vector. Few channels do not pay for
 * those, nor do tiles that mostly lie outside. */
static double cycles(const w_window *w, size_t edge, size_t c, size_t n, size_t lanes) {
    double products = (double)c * (double)n * (edge ? (double)w_wino_places(edge) : 9), transforms = edge == 0 ? 0 : edge == 2 ? 60 : 210;
    double times = edge ? (double)(w_winograd_tiles(w->oh, edge) * w_winograd_tiles(w->ow, edge)) : (double)(w->oh * w->ow);
    double far = products * sizeof(float) > WEIGHTS_IN_L2 ? products * (double)lanes / 2 : 0;
    return times * (products / 2 + transforms * (double)(c + n)) + far;
}

/* By which the weights of all places are larger than those of the file. */
static double more_bytes(size_t edge, size_t c, size_t n) { return (double)(c * n * sizeof(float)) * (double)(w_wino_places(edge) - 9); }

static bool saves(const w_kernels *k, const w_window *w, size_t c, size_t n) {
    bool any = false;
    for (size_t i = 0; i < W_WINO_SIZES; i++) any |= cycles(w, k->wino[i].edge, c, n, k->wino[i].lanes) < cycles(w, 0, c, n, k->wino[i].lanes);
    return any;
}

/* Why not, but for the memory of the weights. */
static const char *unfit(const w_plan *p, const w_node *n, w_window *w) {
    const w_graph *g = p->graph;
    const w_value *x = w_node_in(g, n, 0), *k = w_node_in(g, n, 1), *b = w_node_in(g, n, 2), *y = &g->value[n->out[0]];
    size_t lanes = p->ctx->kernels->wino[0].lanes;
    if (lanes == 1) return "no Winograd transforms for this instruction set";
    if (x->shape.rank != 4 || ((const w_conv_attr *)n->attr)->group != 1) return "not a plain two-dimensional convolution";
    if (!w_is_nhwc(x) || !w_is_nhwc(y)) return "images do not lie channels-last";
    if (k->kind != W_VALUE_CONST || (b && b->kind != W_VALUE_CONST)) return "weights are not constant";
    if (!w_winograd_window(g, n, w) || !is_3x3(w)) return "not 3x3 with stride 1";
    if (x->shape.dim[1] % (int64_t)lanes || y->shape.dim[1] % (int64_t)lanes) return "channels are no multiple of the vector";
    if (!saves(p->ctx->kernels, w, (size_t)x->shape.dim[1], (size_t)y->shape.dim[1]))
        return "channels or pixels are so few that tiles save nothing";
    return w_igemm_refuse_f32(g, n, 3);
}

typedef struct wish { double worth, bytes; const w_wino_tile *tile; size_t node; } wish; /* worth: cycles a byte; bytes: by which weights grow */

static int by_worth(const void *a, const void *b) {
    const wish *x = a, *y = b;
    return x->worth != y->worth ? (x->worth < y->worth) - (x->worth > y->worth) : (x->node > y->node) - (x->node < y->node);
}

/* An edge that saves time; then a larger one, whose sums round more, if it saves much more. Returns how many. */
static size_t wishes_of(const w_kernels *k, const w_window *w, size_t c, size_t n, size_t node, wish *to) {
    double least = cycles(w, 0, c, n, k->wino[0].lanes), bytes = 0;
    size_t count = 0;
    for (size_t i = 0; i < W_WINO_SIZES; i++) {
        double now = cycles(w, k->wino[i].edge, c, n, k->wino[i].lanes), more = more_bytes(k->wino[i].edge, c, n);
        if (now >= (count ? MUCH * least : least)) continue;
        to[count++] = (wish){(least - now) / (more - bytes), more, &k->wino[i], node};
        least = now;
        bytes = more;
    }
    return count;
}

static size_t wishes(const w_plan *p, wish *to) {
    const w_graph *g = p->graph;
    size_t count = 0;
    for (size_t i = 0; i < g->nnode; i++) {
        const w_node *n = &g->node[i];
        w_window w;
        if (n->op == W_OP_Conv && !unfit(p, n, &w))
            count += wishes_of(p->ctx->kernels, &w, (size_t)w_node_in(g, n, 0)->shape.dim[1], (size_t)g->value[n->out[0]].shape.dim[1], i, to + count);
    }
    return count;
}

weir_status w_winograd_share(w_plan *p, weir_error *e) {
    size_t n = p->graph->nnode + 1;
    const wish **granted = w_arena_array(&p->arena_mem, n, sizeof(const wish *));
    wish *all = w_arena_array(&p->arena_mem, n * W_WINO_SIZES, sizeof *all);
    double left = p->spare_bytes;
    if (!granted || !all) return w_oom(e, n * W_WINO_SIZES * sizeof *all, "the sizes of tiles");
    memset(granted, 0, n * sizeof(const wish *));
    size_t count = wishes(p, all);
    qsort(all, count, sizeof *all, by_worth);
    for (size_t i = 0; i < count; i++) {
        const wish **now = &granted[all[i].node];
        double more = all[i].bytes - (*now ? (*now)->bytes : 0);
        if (more <= 0 || more > left) continue;
        *now = &all[i];
        left -= more;
    }
    p->shared = granted;
    return WEIR_OK;
}

const w_wino_tile *w_winograd_tile(const w_plan *p, const w_node *n) {
    const wish *granted = ((const wish *const *)p->shared)[n - p->graph->node];
    return granted ? granted->tile : NULL;
}

const char *w_winograd_refuse(const w_plan *p, const w_node *n, w_arena *a) {
    w_window w;
    const char *why = unfit(p, n, &w);
    return why ? why : w_winograd_tile(p, n) ? NULL : "the memory by which weights may grow went to steps that save more with it";
}
