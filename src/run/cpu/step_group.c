/* Convolution with groups, any number of them: f32, and u8 x s8. Each group is an implicit GEMM of its own over its slice of
 * the channels; all share one table of row offsets. Tiles are (group, range of output pixels). */
#include "step_igemm.h"
#include "steps_leaf.h"
#include <string.h>

typedef struct group_params {
    igemm m;                   /* rows, epilogue and kernel of one group; pointers are filled in per run */
    size_t groups, cg, kg;     /* channels of a group, in and out */
    size_t group_bytes;        /* packed weights of a group */
    const uint8_t *packed;
} group_params;

static const w_conv_attr *conv_attr(const w_node *n) { return n->attr; }

/* ---- refusals ---- */

static const char *refuse_common(const w_graph *g, const w_node *n, w_window *w) {
    const w_conv_attr *at = conv_attr(n);
    const w_value *x = w_node_in(g, n, 0), *k = w_node_in(g, n, 1), *b = w_node_in(g, n, 2), *y = &g->value[n->out[0]];
    size_t pixels, elements, table;
    if (at->group < 2) return "has no groups";
    if (x->shape.rank != 4) return "not two-dimensional";
    if (!w_is_nhwc(x) || !w_is_nhwc(y)) return "images do not lie channels-last";
    if (k->kind != W_VALUE_CONST || (b && b->kind != W_VALUE_CONST)) return "weights are not constant";
    if (!w_window_of(x, y, &at->kernel_shape, &at->strides, &at->pads, &at->dilations, w)) return "an unusual window";
    elements = (size_t)w_shape_count(&x->shape);
    if (!w_mul_size((size_t)x->shape.dim[0] * w->oh, w->ow, &pixels) || !w_mul_size(pixels, w->kh * w->kw, &table) ||
        table > INT32_MAX || elements > INT32_MAX)
        return "the image is too large for 32-bit offsets";
    return NULL;
}

static const char *refuse_f32(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    w_window w;
    const char *why = refuse_common(g, n, &w);
    return why ? why : w_igemm_refuse_f32(g, n, 3);
}

#define MAX_SUM (INT32_MAX / (255 * 128)) /* elements whose products fit 32 bits, whatever their values */

static const char *refuse_u8(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    w_window w;
    const char *why = refuse_common(g, n, &w);
    if (why) return why;
    if ((size_t)w_node_in(g, n, 1)->shape.dim[1] * w.kh * w.kw > MAX_SUM) return "the sum is too long for 32 bits";
    return w_igemm_refuse_u8(g, n, 3, 0, conv_attr(n)->ep.act);
}

/* ---- prepare ---- */

static int32_t offset_of(const w_window *w, size_t channels, size_t image, size_t line, size_t column) {
    bool inside = line >= w->pt && line - w->pt < w->ih && column >= w->pl && column - w->pl < w->iw;
    return inside ? (int32_t)(((image * w->ih + line - w->pt) * w->iw + column - w->pl) * channels) : -1;
}

/* One offset a tap and pixel, of channel 0. */
static weir_status set_rows(w_plan *p, w_step *s, group_params *k, const w_window *w, w_rows *r, int padding, weir_error *e) {
    const w_shape *x = &w_step_in(p, s, 0)->shape;
    size_t images = (size_t)x->dim[0], pixels = images * w->oh * w->ow, taps = w->kh * w->kw;
    int32_t *at = w_arena_array(&p->arena_mem, pixels * taps, sizeof *at);
    void *zero = w_arena_alloc_aligned(&p->arena_mem, k->cg * k->m.in_elem);
    if (!at || !zero) return w_oom(e, pixels * taps * sizeof *at, "row offsets of a convolution");
    memset(zero, padding, k->cg * k->m.in_elem);
    *r = (w_rows){.zero = zero, .offset = at, .tap_table = pixels, .taps = taps, .c = k->cg};
    k->m.p = pixels;
    if (w_has_late_scale(w_step_node(p, s))) s->scratch_bytes = k->m.late_padding = k->cg;
    for (size_t t = 0; t < taps; t++)
        for (size_t i = 0; i < images; i++)
            for (size_t y = 0; y < w->oh; y++)
                for (size_t c = 0; c < w->ow; c++)
                    *at++ = offset_of(w, (size_t)x->dim[1], i, y * w->sh + t / w->kw * w->dh, c * w->sw + t % w->kw * w->dw);
    return WEIR_OK;
}

/* Weights [n][c][taps] as [n][taps][c]. */
static void *reordered(w_arena *tmp, const void *w, size_t n, size_t c, size_t taps, size_t elem) {
    uint8_t *out = w_arena_array(tmp, n * c, taps * elem);
    for (size_t j = 0; out && j < n; j++)
        for (size_t i = 0; i < c; i++)
            for (size_t t = 0; t < taps; t++)
                memcpy(out + ((j * taps + t) * c + i) * elem, (const uint8_t *)w + ((j * c + i) * taps + t) * elem, elem);
    return out;
}

static weir_status describe(w_plan *p, w_step *s, group_params *k, const char *kernel, int peak, size_t mr, weir_error *e) {
    igemm *m = &k->m;
    double macs = (double)m->p * (double)(k->groups * k->kg) * (double)(igemm_rows_of(m)->taps * k->cg);
    s->kernel = kernel;
    s->peak = peak;
    s->threads = w_step_threads(p, w_step_seconds(macs, w_step_io_bytes(s)));
    m->tile_rows = W_MIN(W_ALIGN_UP(W_MAX((m->p + 3) / 4, (size_t)1), mr), m->p);
    m->row_tiles = (m->p + m->tile_rows - 1) / m->tile_rows;
    s->tile = w_arena_printf(&p->arena_mem, "%zu groups of %zux%zu, k %zux%zu", k->groups, m->p, k->kg, igemm_rows_of(m)->taps, k->cg);
    return s->tile ? WEIR_OK : w_oom(e, 64, "a tile's description");
}

static group_params *begin(w_plan *p, w_step *s, w_window *w, weir_error *e) {
    const w_conv_attr *at = conv_attr(w_step_node(p, s));
    const w_value *x = w_step_in(p, s, 0), *y = w_step_out(p, s, 0);
    group_params *k = w_step_params(p, s, sizeof *k, e);
    if (!k) return NULL;
    w_window_of(x, y, &at->kernel_shape, &at->strides, &at->pads, &at->dilations, w);
    k->groups = (size_t)at->group;
    k->cg = (size_t)(x->shape.dim[1] / at->group);
    k->kg = (size_t)(y->shape.dim[1] / at->group);
    w_igemm_epilogue(p, s, &k->m, &at->ep, 3);
    return k;
}

static weir_status pack_f32(w_plan *p, w_step *s, group_params *k, w_arena *tmp, weir_error *e) {
    const w_node *n = w_step_node(p, s);
    w_f32_igemm *f = &k->m.f32;
    size_t taps = f->rows.taps, len = taps * k->cg, count;
    const void *from;
    float *b = NULL;
    const w_f32_tile *t = w_igemm_choose_f32(p->ctx->kernels, k->m.p, len, k->kg);
    W_TRY(w_const_view_f32(p->graph, n->in[1], tmp, &from, &count, e));
    if (w_step_in(p, s, 2)) W_TRY(w_const_f32(p->graph, n->in[2], tmp, &b, &count, e));
    const float *w = reordered(tmp, from, k->groups * k->kg, k->cg, taps, sizeof *w);
    k->group_bytes = W_ALIGN_UP(w_f32_block(w_packed_width(t->nr, k->kg), len) * sizeof(float), (size_t)64);
    uint8_t *packed = w_step_packed(p, s, k->groups * k->group_bytes, e);
    if (!w || !packed) return w_oom(e, k->groups * k->group_bytes, "weights of a grouped convolution");
    for (size_t g = 0; g < k->groups; g++)
        w_pack_f32((float *)(void *)(packed + g * k->group_bytes), t->nr, w + g * k->kg * len, len, 1, k->kg, len,
                   b ? b + g * k->kg : NULL);
    k->packed = packed;
    k->m.fn_f32 = t->fn;
    k->m.blocks = (k->kg + t->nr - 1) / t->nr;
    return describe(p, s, k, t->name, W_PEAK_F32, t->mr, e);
}

static weir_status prepare_f32(w_plan *p, w_step *s, weir_error *e) {
    w_window w;
    group_params *k = begin(p, s, &w, e);
    if (!k) return WEIR_NO_RESOURCE;
    k->m.f32.n = k->kg;
    k->m.f32.out_stride = k->m.f32.res_stride = k->groups * k->kg;
    W_TRY(set_rows(p, s, k, &w, &k->m.f32.rows, 0, e));
    w_arena tmp;
    w_arena_init(&tmp, p->ctx);
    weir_status st = pack_f32(p, s, k, &tmp, e);
    w_arena_fini(&tmp);
    return st;
}

/* The tile that wastes the fewest columns; the first of equals is the fastest for many rows. */
static const w_u8_tile *choose_u8(const w_kernels *k, size_t n) {
    size_t best = 0, least = SIZE_MAX;
    for (size_t i = 0; i < k->nu8; i++) {
        size_t columns = W_ALIGN_UP(n, (size_t)k->u8_igemm[i].nr);
        if (columns < least) least = columns, best = i;
    }
    return &k->u8_igemm[best];
}

static weir_status pack_u8(w_plan *p, w_step *s, group_params *k, w_arena *tmp, weir_error *e) {
    size_t taps = k->m.u8.rows.taps, all = k->groups * k->kg;
    float *b, *mul = w_igemm_mul(p, s, all, k->m.unit, e);
    const w_u8_tile *t = choose_u8(p->ctx->kernels, k->kg);
    if (!mul) return WEIR_NO_RESOURCE;
    W_TRY(w_bias_of(p, s, k->m.unit, tmp, &b, e));
    const int8_t *w = reordered(tmp, w_step_in(p, s, 1)->data, all, k->cg, taps, 1);
    k->group_bytes = W_ALIGN_UP(w_u8_packed(t->pack, t->nr, k->kg, taps, k->cg), (size_t)64);
    uint8_t *packed = w_step_packed(p, s, k->groups * k->group_bytes, e);
    if (!w || !packed) return w_oom(e, k->groups * k->group_bytes, "weights of a grouped convolution");
    for (size_t g = 0; g < k->groups; g++) {
        w_pack_u8_args a = {.w = w + g * k->kg * taps * k->cg, .stride_n = taps * k->cg, .stride_k = 1, .n = k->kg, .taps = taps,
                            .c = k->cg, .zx = w_packed_zero(p, s), .mul = mul + g * k->kg,
                            .bias = b ? b + g * k->kg : NULL};
        w_pack_u8(packed + g * k->group_bytes, t->pack, t->nr, &a);
    }
    k->packed = packed;
    k->m.fn_u8 = t->fn;
    k->m.blocks = (k->kg + t->nr - 1) / t->nr;
    return describe(p, s, k, t->name, W_PEAK_INT8, t->mr, e);
}

static weir_status prepare_u8(w_plan *p, w_step *s, weir_error *e) {
    w_window w;
    group_params *k = begin(p, s, &w, e);
    if (!k) return WEIR_NO_RESOURCE;
    k->m.u8.n = k->kg;
    k->m.u8.out_stride = k->m.u8.res_stride = k->groups * k->kg;
    W_TRY(set_rows(p, s, k, &w, &k->m.u8.rows, w_packed_zero(p, s), e));
    w_arena tmp;
    w_arena_init(&tmp, p->ctx);
    weir_status st = pack_u8(p, s, k, &tmp, e);
    w_arena_fini(&tmp);
    return st;
}

/* ---- run ---- */

static const void *slice(const void *base, size_t elements, size_t elem) {
    return base ? (const uint8_t *)base + elements * elem : NULL;
}

static void group_tile(void *arg, size_t index) {
    const w_job *j = arg;
    const group_params *k = j->s->params;
    const igemm *m = &k->m;
    size_t g = index / m->row_tiles, p0 = index % m->row_tiles * m->tile_rows, p1 = W_MIN(p0 + m->tile_rows, m->p);
    const void *in = slice(w_loc_ptr(&j->s->in[0], j->b), g * k->cg, m->in_elem), *w = k->packed + g * k->group_bytes;
    const void *res = m->res == W_NONE ? NULL : w_loc_ptr(&j->s->in[m->res], j->b);
    void *out = (uint8_t *)w_loc_ptr(&j->s->out[0], j->b) + g * k->kg * m->out_elem;
    if (m->fn_f32) {
        w_f32_igemm f = m->f32;
        f.rows.in = in;
        f.w = w;
        f.out = out;
        f.res = slice(res, g * k->kg, sizeof(float));
        m->fn_f32(&f, p0, p1, 0, m->blocks);
    } else {
        w_u8_igemm u = m->u8;
        w_late late = w_late_of(j->s, j->b);
        u.rows.in = in;
        if (m->late_padding) u.rows.zero = w_scratch_ptr(j->s, j->b);
        u.late_zero = late.zero;
        u.late_scale = late.scale;
        u.w = w;
        u.out = out;
        u.res = slice(res, g * k->kg, u.res_kind == W_RES_U8 ? 1 : sizeof(float));
        m->fn_u8(&u, p0, p1, 0, m->blocks);
    }
}

static void group_run(const w_step *s, const w_bindings *b) {
    const group_params *k = s->params;
    if (k->m.late_padding) memset(w_scratch_ptr(s, b), w_late_of(s, b).zero, k->m.late_padding);
    w_step_for(s, b, group_tile, k->groups * k->m.row_tiles);
}

/* Every group walks the whole image, of which it reads its channels: lines are shared with its neighbours. */
static void group_touch(const w_plan *p, const w_step *s, w_touch *t) {
    const group_params *k = s->params;
    const igemm *m = &k->m;
    for (size_t g = 0; g < k->groups; g++) {
        w_touch_packed(t, s, g * k->group_bytes, k->group_bytes);
        w_touch_loc(t, &s->in[0], 0, s->in[0].bytes, W_READ);
        if (m->res != W_NONE) w_touch_loc(t, &s->in[m->res], 0, s->in[m->res].bytes, W_READ);
        w_touch_loc(t, &s->out[0], 0, s->out[0].bytes, W_WRITE);
    }
    w_touch_late(s, t, m->late_padding);
    double runs = (double)(m->p * m->blocks * k->groups) * (double)(igemm_rows_of(m)->taps * k->cg * m->in_elem);
    double res = m->res == W_NONE ? 0 : (double)s->in[m->res].bytes;
    w_touch_l1(t, W_MAX(runs, (double)s->in[0].bytes) + (double)s->packed_bytes + res, (double)s->out[0].bytes);
}

const w_impl w_impl_conv_f32_group = {"conv_f32_group", W_OP_Conv, refuse_f32, prepare_f32, group_run, group_touch};
const w_impl w_impl_conv_u8_group = {"conv_u8_group", W_OP_Conv, refuse_u8, prepare_u8, group_run, group_touch};
