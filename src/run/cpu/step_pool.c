/* MaxPool, AveragePool and their global forms over channels-last images, f32 and u8. */
#include "step_window.h"
#include "steps_leaf.h"
#include <string.h>

typedef struct pool_params {
    union {
        w_pool_f32 f32;
        w_pool_u8 u8;
        w_global_pool global;
    };
    w_fn_pool_f32 *fn_f32;
    w_fn_pool_u8 *fn_u8;
    w_fn_global_pool *fn_global;
    size_t images, tile_rows, tiles, in_elem, out_elem;
} pool_params;

static const w_pool_attr *pool_attr(const w_node *n) { return n->attr; }
static bool is_average(const w_node *n) { return n->op == W_OP_AveragePool || n->op == W_OP_GlobalAveragePool; }
static bool is_f32_node(const w_graph *g, const w_node *n) {
    return w_is_real_f32(w_node_in(g, n, 0)) && w_is_real_f32(&g->value[n->out[0]]);
}
static bool is_u8(const w_value *v) { return v->type == WEIR_U8 && w_is_quant8(v); }

static const w_epilogue *global_epilogue(const w_node *n) { return &((const w_gpool_attr *)n->attr)->ep; }

static const char *refuse_layout(const w_graph *g, const w_node *n) {
    const w_value *x = w_node_in(g, n, 0), *y = &g->value[n->out[0]];
    if (n->nout > 1 && n->out[1] != W_NONE) return "has a second result";
    if (x->shape.rank != 4) return "not two-dimensional";
    return w_is_nhwc(x) && w_is_nhwc(y) ? NULL : "images do not lie channels-last";
}

static const char *refuse_pool(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_pool_attr *at = pool_attr(n);
    const w_value *x = w_node_in(g, n, 0), *y = &g->value[n->out[0]];
    const char *why = refuse_layout(g, n);
    w_window win;
    if (why) return why;
    if (!w_window_of(x, y, &at->kernel_shape, &at->strides, &at->pads, &at->dilations, &win)) return "an unusual window";
    if (win.kh * win.kw > 65535) return "a window of more than 65535 elements";
    if (is_f32_node(g, n)) return NULL;
    if (!is_u8(x) || !is_u8(y)) return "neither f32 nor u8";
    if (is_average(n)) return at->ep.act > W_ACT_HARDSIGMOID ? "the activation is not of exact arithmetic" : NULL;
    if (at->ep.act != W_ACT_NONE) return "has an activation";
    return w_same_quant(x, y) ? NULL : "input and output are quantised differently";
}

static const char *refuse_global(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_value *x = w_node_in(g, n, 0), *y = &g->value[n->out[0]];
    const char *why = refuse_layout(g, n);
    if (why) return why;
    if (w_shape_count(&x->shape) <= 0) return "empty";
    if (is_f32_node(g, n)) return NULL;
    if (!is_u8(x) || (!is_u8(y) && !w_is_real_f32(y))) return "neither f32 nor u8";
    if (x->shape.dim[2] * x->shape.dim[3] > (1 << 22)) return "too many elements for a 32-bit sum";
    return global_epilogue(n)->act > W_ACT_HARDSIGMOID ? "the activation is not of exact arithmetic" : NULL;
}

/* Divisors along one dimension: taps inside the image, or inside the padded image when padding counts. */
static uint16_t *counts(w_plan *p, size_t o, size_t k, size_t stride, size_t dil, size_t pad, size_t n, size_t pad_end, bool all) {
    uint16_t *c = w_arena_array(&p->arena_mem, o, sizeof *c);
    for (size_t i = 0; c && i < o; i++) {
        w_taps t = all ? w_taps_at(i, k, stride, dil, 0, n + pad + pad_end) : w_taps_at(i, k, stride, dil, pad, n);
        c[i] = (uint16_t)W_MAX(t.hi - t.lo, (size_t)1);
    }
    return c;
}

static weir_status set_counts(w_plan *p, const w_pool_attr *at, const w_window *g, const uint16_t **y, const uint16_t **x,
                              weir_error *e) {
    bool all = at->count_include_pad != 0;
    size_t bottom = at->pads.n == 4 ? (size_t)at->pads.v[2] : 0, right = at->pads.n == 4 ? (size_t)at->pads.v[3] : 0;
    *y = counts(p, g->oh, g->kh, g->sh, g->dh, g->pt, g->ih, bottom, all);
    *x = counts(p, g->ow, g->kw, g->sw, g->dw, g->pl, g->iw, right, all);
    return *y && *x ? WEIR_OK : w_oom(e, g->oh + g->ow, "pooling divisors");
}

static weir_status pool_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_node *n = w_step_node(p, s);
    const w_pool_attr *at = pool_attr(n);
    const w_value *x = w_step_in(p, s, 0), *y = w_step_out(p, s, 0);
    const w_leaf_kernels *leaf = &p->ctx->kernels->leaf;
    pool_params *d = w_step_params(p, s, sizeof *d, e);
    if (!d) return WEIR_NO_RESOURCE;
    w_window g;
    const uint16_t *county, *countx;
    w_window_of(x, y, &at->kernel_shape, &at->strides, &at->pads, &at->dilations, &g);
    W_TRY(set_counts(p, at, &g, &county, &countx, e));
    d->in_elem = d->out_elem = w_type_size(x->type);
    if (w_is_real_f32(x)) {
        d->f32 = (w_pool_f32){.g = g, .average = is_average(n), .county = county, .countx = countx, .ep = w_kepi_of(&at->ep, y)};
        d->fn_f32 = leaf->pool_f32;
    } else {
        d->u8 = (w_pool_u8){.g = g, .average = is_average(n), .county = county, .countx = countx, .ep = w_kepi_of(&at->ep, y),
                            .zx = x->quant->zero[0], .scale = x->quant->scale[0], .q = w_requant_of(y)};
        d->fn_u8 = leaf->pool_u8;
    }
    d->images = (size_t)x->shape.dim[0];
    d->tile_rows = w_window_tile_rows(&g, d->images * g.oh, d->in_elem);
    d->tiles = (d->images * g.oh + d->tile_rows - 1) / d->tile_rows;
    s->threads = w_step_threads(p, w_step_seconds((double)s->macs, w_step_io_bytes(s)));
    s->kernel = w_arena_printf(&p->arena_mem, "%s_%spool__%s", d->fn_f32 ? "f32" : "u8", is_average(n) ? "avg" : "max",
                               d->fn_f32 ? leaf->isa_f32 : leaf->isa_u8);
    s->tile = w_arena_printf(&p->arena_mem, "%zu rows", d->tile_rows);
    return s->kernel && s->tile ? WEIR_OK : w_oom(e, 64, "names");
}

static void pool_tile(void *arg, size_t index) {
    const w_job *j = arg;
    const pool_params *d = j->s->params;
    size_t r0 = index * d->tile_rows;
    if (d->fn_f32) {
        w_pool_f32 k = d->f32;
        k.in = w_loc_ptr(&j->s->in[0], j->b);
        k.out = w_loc_ptr(&j->s->out[0], j->b);
        d->fn_f32(&k, r0, W_MIN(r0 + d->tile_rows, d->images * k.g.oh));
    } else {
        w_pool_u8 k = d->u8;
        k.in = w_loc_ptr(&j->s->in[0], j->b);
        k.out = w_loc_ptr(&j->s->out[0], j->b);
        d->fn_u8(&k, r0, W_MIN(r0 + d->tile_rows, d->images * k.g.oh));
    }
}

static void pool_run(const w_step *s, const w_bindings *b) {
    w_step_for(s, b, pool_tile, ((const pool_params *)s->params)->tiles);
}

static void pool_touch(const w_plan *p, const w_step *s, w_touch *t) {
    const pool_params *d = s->params;
    const w_window *g = d->fn_f32 ? &d->f32.g : &d->u8.g;
    w_touch_window(g, d->images, d->tile_rows, d->in_elem, d->out_elem, s, t);
    double loads = (double)(g->kh * g->kw) * (double)s->out[0].bytes;
    w_touch_l1(t, W_MAX(loads, (double)s->in[0].bytes), (double)s->out[0].bytes);
}

/* ---- global ---- */

static weir_status global_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_node *n = w_step_node(p, s);
    const w_value *x = w_step_in(p, s, 0), *y = w_step_out(p, s, 0);
    const w_leaf_kernels *leaf = &p->ctx->kernels->leaf;
    pool_params *d = w_step_params(p, s, sizeof *d, e);
    if (!d) return WEIR_NO_RESOURCE;
    bool f32 = w_is_real_f32(x);
    d->global = (w_global_pool){.rows = (size_t)(x->shape.dim[2] * x->shape.dim[3]), .c = (size_t)x->shape.dim[1],
                                .average = is_average(n), .out_u8 = y->quant != NULL, .zx = f32 ? 0 : x->quant->zero[0],
                                .scale = f32 ? 1.0f : x->quant->scale[0], .q = w_requant_of(y),
                                .ep = w_kepi_of(global_epilogue(n), y)};
    d->fn_global = f32 ? leaf->global_f32 : leaf->global_u8;
    d->images = (size_t)x->shape.dim[0];
    d->tiles = d->images;
    d->in_elem = w_type_size(x->type);
    d->out_elem = w_type_size(y->type);
    s->threads = d->images > 1 ? w_step_threads(p, w_step_seconds(0, w_step_io_bytes(s))) : 1;
    s->kernel = w_arena_printf(&p->arena_mem, "%s_global_%s__%s", f32 ? "f32" : "u8", is_average(n) ? "avg" : "max",
                               f32 ? leaf->isa_f32 : leaf->isa_u8);
    s->tile = "image";
    return s->kernel ? WEIR_OK : w_oom(e, 64, "names");
}

static void global_image(void *arg, size_t index) {
    const w_job *j = arg;
    const pool_params *d = j->s->params;
    w_global_pool k = d->global;
    k.in = (const uint8_t *)w_loc_ptr(&j->s->in[0], j->b) + index * k.rows * k.c * d->in_elem;
    k.out = (uint8_t *)w_loc_ptr(&j->s->out[0], j->b) + index * k.c * d->out_elem;
    d->fn_global(&k, 0, k.c);
}

static void global_run(const w_step *s, const w_bindings *b) {
    w_step_for(s, b, global_image, ((const pool_params *)s->params)->tiles);
}

const w_impl w_impl_max_pool = {"pool_max", W_OP_MaxPool, refuse_pool, pool_prepare, pool_run, pool_touch};
const w_impl w_impl_average_pool = {"pool_average", W_OP_AveragePool, refuse_pool, pool_prepare, pool_run, pool_touch};
const w_impl w_impl_global_average_pool = {"pool_global_average", W_OP_GlobalAveragePool, refuse_global,
                                           global_prepare, global_run, w_touch_streaming};
const w_impl w_impl_global_max_pool = {"pool_global_max", W_OP_GlobalMaxPool, refuse_global,
                                       global_prepare, global_run, w_touch_streaming};
