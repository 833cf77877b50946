/* Depthwise convolution (one filter a channel) over channels-last images: f32, and u8 x s8.
 *
 * Tiles are ranges of output rows, or of channels where 8-bit images have few rows; both are fixed at plan time. */
#include "step_igemm.h"
#include "steps_leaf.h"
#include <stdio.h>
#include <string.h>

typedef struct dw_params {
    union {
        w_dw_f32 f32; /* pointers to images are filled in per run */
        w_dw_u8 u8;
    };
    w_fn_dw_f32 *fn_f32;
    w_fn_dw_u8 *fn_u8;
    size_t late_padding;           /* bytes of it, filled in scratch with a zero point that only the run knows; or 0 */
    size_t images, tile_rows, row_tiles, tile_channels, channel_tiles;
} dw_params;

static const w_conv_attr *conv_attr(const w_node *n) { return n->attr; }

static const char *refuse_common(const w_graph *g, const w_node *n) {
    const w_conv_attr *at = conv_attr(n);
    const w_value *x = w_node_in(g, n, 0), *w = w_node_in(g, n, 1), *b = w_node_in(g, n, 2), *y = &g->value[n->out[0]];
    w_window win;
    if (x->shape.rank != 4) return "not two-dimensional";
    if (at->group < 2 || at->group != x->shape.dim[1]) return "not depthwise: groups differ from channels";
    if (y->shape.dim[1] != x->shape.dim[1]) return "several filters a channel";
    if (!w_is_nhwc(x) || !w_is_nhwc(y)) return "images do not lie channels-last";
    if (w->kind != W_VALUE_CONST || (b && b->kind != W_VALUE_CONST)) return "weights are not constant";
    return w_window_of(x, y, &at->kernel_shape, &at->strides, &at->pads, &at->dilations, &win) ? NULL
                                                                                               : "an unusual window";
}

static const char *refuse_f32(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const char *why = refuse_common(g, n);
    const w_value *res = w_node_in(g, n, 3), *y = &g->value[n->out[0]];
    if (why) return why;
    if (!w_is_real_f32(w_node_in(g, n, 0)) || !w_is_real_f32(y)) return "activations are not f32";
    if (res && (!w_is_real_f32(res) || !w_is_nhwc(res) || res->kind == W_VALUE_CONST)) return "the residual lies otherwise";
    return NULL;
}

static const char *refuse_u8(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const char *why = refuse_common(g, n);
    const w_value *x = w_node_in(g, n, 0), *w = w_node_in(g, n, 1), *y = &g->value[n->out[0]];
    if (why) return why;
    if (x->type != WEIR_U8 || !(w_is_quant8(x) || w_has_late_scale(n))) return "input is not quantised to u8";
    if (!(w_is_quant8(y) && y->type == WEIR_U8) && !w_is_real_f32(y)) return "output is neither u8 nor f32";
    if (w->type != WEIR_S8 || !w->quant || (w->quant->n > 1 && w->quant->axis != 0)) return "weights are not s8 per channel";
    for (uint32_t i = 0; i < w->quant->n; i++)
        if (w->quant->zero[i] != 0) return "weights have a zero point";
    if (conv_attr(n)->ep.act > W_ACT_HARDSIGMOID) return "the activation is not of exact arithmetic";
    return w_node_in(g, n, 3) ? "has a residual" : NULL;
}

static void set_tiles(w_plan *p, w_step *s, dw_params *d, const w_window *g, size_t elem) {
    d->images = (size_t)w_step_in(p, s, 0)->shape.dim[0];
    size_t rows = d->images * g->oh;
    s->threads = w_step_threads(p, w_step_seconds((double)rows * (double)(g->ow * g->c * g->kh * g->kw), w_step_io_bytes(s)));
    d->tile_rows = w_window_tile_rows(g, rows, elem);
    d->tile_channels = g->c;
    if (elem == 1 && rows < 16 && g->c > W_DW_PAD) { /* many channels on a small image: split them, keep the rows together */
        d->tile_rows = rows;
        d->tile_channels = W_ALIGN_UP((g->c + 7) / 8, (size_t)W_DW_PAD);
    }
    d->row_tiles = (rows + d->tile_rows - 1) / d->tile_rows;
    d->channel_tiles = (g->c + d->tile_channels - 1) / d->tile_channels;
}

static weir_status set_names(w_plan *p, w_step *s, const dw_params *d, const w_window *g, const char *type, const char *isa,
                             weir_error *e) {
    s->kernel = w_arena_printf(&p->arena_mem, "%s_dw_%zux%zu__%s", type, g->kh, g->kw, isa);
    s->tile = w_arena_printf(&p->arena_mem, "%zu rows x %zu channels", d->tile_rows, d->tile_channels);
    return s->kernel && s->tile ? WEIR_OK : w_oom(e, 64, "names");
}

static weir_status prepare_f32(w_plan *p, w_step *s, weir_error *e) {
    const w_conv_attr *at = conv_attr(w_step_node(p, s));
    dw_params *d = w_step_params(p, s, sizeof *d, e);
    if (!d) return WEIR_NO_RESOURCE;
    w_dw_f32 *k = &d->f32;
    w_window_of(w_step_in(p, s, 0), w_step_out(p, s, 0), &at->kernel_shape, &at->strides, &at->pads, &at->dilations, &k->g);
    float *w, *b = NULL;
    size_t n, taps = k->g.kh * k->g.kw;
    W_TRY(w_step_const(p, s, 1, &w, &n, e));
    if (w_step_in(p, s, 2)) W_TRY(w_step_const(p, s, 2, &b, &n, e));
    k->cp = W_ALIGN_UP(k->g.c, (size_t)W_DW_PAD);
    float *packed = w_step_packed(p, s, (taps + 1) * k->cp * sizeof(float), e);
    if (!packed) return WEIR_NO_RESOURCE;
    memset(packed, 0, k->cp * sizeof(float));
    if (b) memcpy(packed, b, k->g.c * sizeof(float));
    k->bias = packed;
    k->w = packed + k->cp;
    w_pack_dw_f32(packed + k->cp, w, taps, k->g.c, k->cp);
    k->ep = w_kepi_of(&at->ep, w_step_out(p, s, 0));
    d->fn_f32 = p->ctx->kernels->leaf.dw_f32;
    s->peak = W_PEAK_F32;
    if (w_step_in(p, s, 3)) s->inplace = 1u << 3;
    set_tiles(p, s, d, &k->g, sizeof(float));
    return set_names(p, s, d, &k->g, "f32", p->ctx->kernels->leaf.isa_f32, e);
}

static weir_status prepare_u8(w_plan *p, w_step *s, weir_error *e) {
    const w_conv_attr *at = conv_attr(w_step_node(p, s));
    const w_value *x = w_step_in(p, s, 0), *w = w_step_in(p, s, 1), *y = w_step_out(p, s, 0);
    dw_params *d = w_step_params(p, s, sizeof *d, e);
    if (!d) return WEIR_NO_RESOURCE;
    w_dw_u8 *k = &d->u8;
    w_window_of(x, y, &at->kernel_shape, &at->strides, &at->pads, &at->dilations, &k->g);
    size_t c = k->g.c, blocks = (c + 63) / 64;
    w_target to = w_target_of(&at->ep, y);
    float *b, *mul = w_igemm_mul(p, s, c, to.unit, e);
    uint8_t *zero = w_step_packed(p, s, W_ALIGN_UP(c, (size_t)64), e);
    void *packed = w_step_packed(p, s, blocks * w_dw_u8_block(&k->g), e);
    if (!mul || !zero || !packed) return w_oom(e, c, "depthwise weights");
    W_TRY(w_bias_of(p, s, to.unit, &p->arena_mem, &b, e));
    memset(zero, w_packed_zero(p, s), c);
    if (w_has_late_scale(w_step_node(p, s))) s->scratch_bytes = d->late_padding = c;
    w_pack_dw_u8(packed, &(w_pack_dw_u8_args){w->data, c, k->g.kh, k->g.kw, w_packed_zero(p, s), mul, b});
    k->zero = zero;
    k->w = packed;
    k->out_u8 = y->quant != NULL;
    k->ep = to.ep;
    k->act_scale = to.act_scale;
    k->out_zero = to.zero;
    d->fn_u8 = p->ctx->kernels->leaf.dw_u8;
    s->peak = W_PEAK_INT8;
    set_tiles(p, s, d, &k->g, 1);
    return set_names(p, s, d, &k->g, "u8", p->ctx->kernels->leaf.isa_u8, e);
}

static void dw_tile(void *arg, size_t index) {
    const w_job *j = arg;
    const dw_params *d = j->s->params;
    size_t r0 = index / d->channel_tiles * d->tile_rows, c0 = index % d->channel_tiles * d->tile_channels;
    if (d->fn_f32) {
        w_dw_f32 k = d->f32;
        k.in = w_loc_ptr(&j->s->in[0], j->b);
        k.out = w_loc_ptr(&j->s->out[0], j->b);
        k.res = j->s->nin > 3 ? w_loc_ptr(&j->s->in[3], j->b) : NULL;
        d->fn_f32(&k, r0, W_MIN(r0 + d->tile_rows, d->images * k.g.oh), c0, W_MIN(c0 + d->tile_channels, k.g.c));
    } else {
        w_dw_u8 k = d->u8;
        k.in = w_loc_ptr(&j->s->in[0], j->b);
        k.out = w_loc_ptr(&j->s->out[0], j->b);
        w_late late = w_late_of(j->s, j->b);
        if (d->late_padding) k.zero = w_scratch_ptr(j->s, j->b);
        k.late_zero = late.zero;
        k.late_scale = late.scale;
        d->fn_u8(&k, r0, W_MIN(r0 + d->tile_rows, d->images * k.g.oh), c0, W_MIN(c0 + d->tile_channels, k.g.c));
    }
}

static void dw_run(const w_step *s, const w_bindings *b) {
    const dw_params *d = s->params;
    if (d->late_padding) memset(w_scratch_ptr(s, b), w_late_of(s, b).zero, d->late_padding);
    w_step_for(s, b, dw_tile, d->row_tiles * d->channel_tiles);
}

/* By instructions: a tile of outputs loads each input column once a filter row and each weight once. */
static void dw_touch(const w_plan *p, const w_step *s, w_touch *t) {
    const dw_params *d = s->params;
    const w_window *g = d->fn_f32 ? &d->f32.g : &d->u8.g;
    size_t in_elem = d->fn_f32 ? 4 : 1, out_elem = s->out[0].bytes / (d->images * g->oh * g->ow * g->c);
    w_touch_packed(t, s, 0, s->packed_bytes);
    if (s->nin > 3 && s->in[3].place != W_PLACE_NONE) w_touch_loc(t, &s->in[3], 0, s->in[3].bytes, W_READ);
    w_touch_window(g, d->images, d->tile_rows, in_elem, out_elem, s, t);
    w_touch_late(s, t, d->late_padding);
    double outputs = (double)(d->images * g->oh * g->ow) * (double)g->c;
    double columns = (double)g->sw + (double)(g->kw - 1) / 4, weights = (double)(g->kw * g->kh) / 4;
    w_touch_l1(t, outputs * (columns * (double)g->kh + weights) * (double)in_elem + (double)(s->in[0].bytes + s->packed_bytes),
               (double)s->out[0].bytes);
}

const w_impl w_impl_conv_f32_dw = {"conv_f32_dw", W_OP_Conv, refuse_f32, prepare_f32, dw_run, dw_touch};
const w_impl w_impl_conv_u8_dw = {"conv_u8_dw", W_OP_Conv, refuse_u8, prepare_u8, dw_run, dw_touch};
