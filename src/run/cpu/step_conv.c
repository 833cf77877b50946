/* Convolution, group 1, as implicit GEMM over channels-last images: f32, and u8 x s8.
 *
 * Where the runs of an output pixel lie, in order of preference:
 *  - 1x1, stride 1: the image is the matrix;
 *  - the window never leaves the image: each kernel row is one run of kw * c elements in place;
 *  - the image is small or has few channels: it is copied into scratch with its padding, runs as before. u8 runs are rounded
 *    up to quads there (zero weights), and so are u8 runs in place that are no multiple of four;
 *  - else a table of offsets per kernel position and pixel, with -1 for padding. */
#include "step_igemm.h"
#include "steps.h"
#include <string.h>

typedef struct geometry {
    w_window w;                /* w.c is the number of output channels */
    size_t images, c, n;       /* c: input channels */
    size_t hp, wp;             /* lines and columns that windows cover, padding included */
    size_t elem;
} geometry;

static const w_conv_attr *conv_attr(const w_node *n) { return n->attr; }

static bool geometry_of(const w_graph *g, const w_node *n, geometry *o) {
    const w_conv_attr *at = conv_attr(n);
    const w_value *x = w_node_in(g, n, 0), *y = &g->value[n->out[0]];
    if (!w_window_of(x, y, &at->kernel_shape, &at->strides, &at->pads, &at->dilations, &o->w)) return false;
    o->images = (size_t)x->shape.dim[0];
    o->c = (size_t)x->shape.dim[1];
    o->n = (size_t)y->shape.dim[1];
    o->hp = (o->w.oh - 1) * o->w.sh + (o->w.kh - 1) * o->w.dh + 1;
    o->wp = (o->w.ow - 1) * o->w.sw + (o->w.kw - 1) * o->w.dw + 1;
    o->elem = w_type_size(x->type);
    return true;
}

/* ---- refusals ---- */

/* Padded image and tables must be addressable by 32-bit offsets. */
static bool too_large(const geometry *o) {
    size_t lines, elements, table;
    if (!w_mul_size(o->images, W_MAX(o->hp, o->w.ih + o->w.pt), &lines)) return true;
    if (!w_mul_size(lines, W_MAX(o->wp, o->w.iw + o->w.pl) * o->c, &elements)) return true;
    if (!w_mul_size(o->images * o->w.oh * o->w.ow, o->w.kh * o->w.kw, &table)) return true;
    return elements > INT32_MAX || table > INT32_MAX;
}

static const char *refuse_common(const w_graph *g, const w_node *n, geometry *o) {
    const w_value *x = w_node_in(g, n, 0), *w = w_node_in(g, n, 1), *b = w_node_in(g, n, 2), *y = &g->value[n->out[0]];
    if (x->shape.rank != 4) return "not two-dimensional";
    if (conv_attr(n)->group != 1) return "has groups";
    if (!w_is_nhwc(x) || !w_is_nhwc(y)) return "images do not lie channels-last";
    if (w->kind != W_VALUE_CONST || (b && b->kind != W_VALUE_CONST)) return "weights are not constant";
    if (!geometry_of(g, n, o)) return "an unusual window";
    return too_large(o) ? "the image is too large for 32-bit offsets" : NULL;
}

static const char *refuse_f32(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    geometry o;
    const char *why = refuse_common(g, n, &o);
    return why ? why : w_igemm_refuse_f32(g, n, 3);
}

#define MAX_SUM (INT32_MAX / (255 * 128)) /* elements whose products fit 32 bits, whatever their values */

static const char *refuse_u8(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    geometry o;
    const char *why = refuse_common(g, n, &o);
    if (why) return why;
    if (o.c * o.w.kh * o.w.kw > MAX_SUM) return "the sum is too long for 32 bits";
    return w_igemm_refuse_u8(g, n, 3, 0, conv_attr(n)->ep.act);
}

/* ---- rows ---- */

typedef enum mode { MODE_PLAIN, MODE_IN_PLACE, MODE_COPY, MODE_TABLE } mode;

#define COPY_BYTES (512u << 10) /* an image up to this size is copied; it stays in L2 */

static mode choose_mode(const geometry *o) {
    const w_window *w = &o->w;
    bool inside = w->pt == 0 && w->pl == 0 && o->hp <= w->ih && o->wp <= w->iw;
    bool quads = o->elem == 4 || (o->c * w->kw) % 4 == 0;
    if (w->kh == 1 && w->kw == 1 && w->sh == 1 && w->sw == 1 && inside) return MODE_PLAIN;
    if (w->dw != 1 && w->kw != 1) return MODE_TABLE;
    if (inside && quads) return MODE_IN_PLACE;
    return o->c < 16 || w->ih * w->iw * o->c * o->elem <= COPY_BYTES ? MODE_COPY : MODE_TABLE;
}

/* Runs of whole kernel rows in images of `height` lines of `width` pixels. */
static bool set_strided(w_plan *p, const geometry *o, w_rows *r, size_t height, size_t width) {
    int32_t *at = w_arena_array(&p->arena_mem, o->images * o->w.oh * o->w.ow, sizeof *at);
    r->offset = at;
    r->taps = o->w.kh;
    r->c = o->w.kw * o->c;
    r->tap_stride = o->w.dh * width * o->c;
    for (size_t i = 0; at && i < o->images; i++)
        for (size_t y = 0; y < o->w.oh; y++)
            for (size_t x = 0; x < o->w.ow; x++) *at++ = (int32_t)(((i * height + y * o->w.sh) * width + x * o->w.sw) * o->c);
    return at != NULL;
}

static int32_t table_entry(const geometry *o, size_t image, size_t line, size_t column) {
    bool inside = line >= o->w.pt && line - o->w.pt < o->w.ih && column >= o->w.pl && column - o->w.pl < o->w.iw;
    return inside ? (int32_t)(((image * o->w.ih + line - o->w.pt) * o->w.iw + column - o->w.pl) * o->c) : -1;
}

static bool set_table(w_plan *p, const geometry *o, w_rows *r, int padding) {
    size_t pixels = o->images * o->w.oh * o->w.ow;
    int32_t *at = w_arena_array(&p->arena_mem, pixels * o->w.kh * o->w.kw, sizeof *at);
    void *zero = w_arena_alloc_aligned(&p->arena_mem, o->c * o->elem);
    if (!at || !zero) return false;
    memset(zero, padding, o->c * o->elem);
    r->zero = zero;
    r->offset = at;
    r->tap_table = pixels;
    r->taps = o->w.kh * o->w.kw;
    r->c = o->c;
    for (size_t ky = 0; ky < o->w.kh; ky++)
        for (size_t kx = 0; kx < o->w.kw; kx++)
            for (size_t i = 0; i < o->images; i++)
                for (size_t y = 0; y < o->w.oh; y++)
                    for (size_t x = 0; x < o->w.ow; x++)
                        *at++ = table_entry(o, i, y * o->w.sh + ky * o->w.dh, x * o->w.sw + kx * o->w.dw);
    return true;
}

static bool set_copy(w_plan *p, w_step *s, const geometry *o, w_rows *r, igemm_pad *d, int padding) {
    size_t pixel = o->c * o->elem, width = W_MAX(o->wp, o->w.iw + o->w.pl), height = W_MAX(o->hp, o->w.ih + o->w.pt);
    *d = (igemm_pad){.lines = o->images * o->w.ih, .ih = o->w.ih, .line = o->w.iw * pixel, .value = (uint8_t)padding};
    d->above = o->w.pt;
    d->below = height - o->w.pt - o->w.ih;
    d->left = o->w.pl * pixel;
    d->right = (width - o->w.pl - o->w.iw) * pixel;
    d->slack = o->elem == 1 ? 3 : 0;
    s->scratch_bytes = o->images * height * width * pixel + d->slack;
    if (!set_strided(p, o, r, height, width)) return false;
    if (o->elem == 1) r->c = W_ALIGN_UP(r->c, (size_t)4);
    return true;
}

static weir_status set_rows(w_plan *p, w_step *s, igemm *m, const geometry *o, w_rows *r, int padding, weir_error *e) {
    bool ok = true;
    m->p = o->images * o->w.oh * o->w.ow;
    switch (choose_mode(o)) {
    case MODE_PLAIN:
        r->taps = 1;
        r->c = r->row_stride = o->c;
        break;
    case MODE_IN_PLACE: ok = set_strided(p, o, r, o->w.ih, o->w.iw); break;
    case MODE_COPY: ok = set_copy(p, s, o, r, &m->pad, padding); break;
    case MODE_TABLE:
        ok = set_table(p, o, r, padding);
        if (w_has_late_scale(w_step_node(p, s))) s->scratch_bytes = m->late_padding = o->c;
        break;
    }
    return ok ? WEIR_OK : w_oom(e, m->p * o->w.kh * o->w.kw * 4, "row offsets of a convolution");
}

/* ---- weights: from [n][c][kh][kw] to [n][tap][run], runs padded with zeros to the length the rows have ---- */

typedef struct reorder { size_t n, c, kh, kw, taps, run; } reorder;

/* Of channel 0; the others follow. */
static size_t reorder_place(const reorder *q, size_t j, size_t ky, size_t kx) {
    size_t tap = q->taps == q->kh ? ky : ky * q->kw + kx, at = q->taps == q->kh ? kx * q->c : 0;
    return (j * q->taps + tap) * q->run + at;
}

/* Inlined with the size of an element, whose copies become moves. */
static inline __attribute__((always_inline)) void reorder_elements(uint8_t *out, const reorder *q, const uint8_t *w, size_t elem) {
    size_t taps = q->kh * q->kw;
    for (size_t j = 0; j < q->n; j++)
        for (size_t t = 0; t < taps; t++) {
            uint8_t *to = out + reorder_place(q, j, t / q->kw, t % q->kw) * elem;
            const uint8_t *from = w + (j * q->c * taps + t) * elem;
            for (size_t c = 0; c < q->c; c++) memcpy(to + c * elem, from + c * taps * elem, elem);
        }
}

/* The weights themselves where they lie so; else a copy in `tmp`, NULL: out of memory. */
static const void *reordered(w_arena *tmp, const reorder *q, const void *w, size_t elem) {
    if (q->kh * q->kw == 1 && q->run == q->c) return w;
    uint8_t *out = w_arena_array(tmp, q->n * q->taps, q->run * elem);
    if (!out) return NULL;
    if (elem == 1) reorder_elements(out, q, w, 1);
    else reorder_elements(out, q, w, sizeof(float));
    return out;
}

static reorder reorder_of(const geometry *o, const w_rows *r) {
    return (reorder){o->n, o->c, o->w.kh, o->w.kw, r->taps, r->c};
}

/* ---- prepare ---- */

static weir_status pack_f32(w_plan *p, w_step *s, igemm *m, const geometry *o, w_arena *tmp, weir_error *e) {
    const w_node *node = w_step_node(p, s);
    const void *w;
    float *b = NULL;
    size_t n;
    W_TRY(w_const_view_f32(p->graph, node->in[1], tmp, &w, &n, e));
    if (w_step_in(p, s, 2)) W_TRY(w_const_f32(p->graph, node->in[2], tmp, &b, &n, e));
    reorder q = reorder_of(o, &m->f32.rows);
    const void *ordered = reordered(tmp, &q, w, sizeof(float));
    if (!ordered) return w_oom(e, q.n * q.taps * q.run * sizeof(float), "reordered weights");
    return w_igemm_pack_f32(p, s, m, ordered, q.taps * q.run, 1, b, e);
}

static weir_status prepare_f32(w_plan *p, w_step *s, weir_error *e) {
    geometry o;
    igemm *m = w_step_params(p, s, sizeof *m, e);
    if (!m) return WEIR_NO_RESOURCE;
    geometry_of(p->graph, w_step_node(p, s), &o);
    m->f32.n = m->f32.res_stride = o.n;
    m->f32.out_stride = w_step_row(p, s);
    w_igemm_epilogue(p, s, m, &conv_attr(w_step_node(p, s))->ep, 3);
    W_TRY(set_rows(p, s, m, &o, &m->f32.rows, 0, e));
    w_arena tmp;
    w_arena_init(&tmp, p->ctx);
    weir_status st = pack_f32(p, s, m, &o, &tmp, e);
    w_arena_fini(&tmp);
    return st;
}

static weir_status pack_u8(w_plan *p, w_step *s, igemm *m, const geometry *o, w_arena *tmp, weir_error *e) {
    float *b, *mul = w_igemm_mul(p, s, o->n, m->unit, e);
    if (!mul) return WEIR_NO_RESOURCE;
    W_TRY(w_bias_of(p, s, m->unit, tmp, &b, e));
    reorder q = reorder_of(o, &m->u8.rows);
    const int8_t *ordered = reordered(tmp, &q, w_step_in(p, s, 1)->data, 1);
    if (!ordered) return w_oom(e, q.n * q.taps * q.run, "reordered weights");
    w_pack_u8_args a = {.w = ordered, .stride_n = q.taps * q.run, .stride_k = 1, .zx = w_packed_zero(p, s),
                        .mul = mul, .bias = b};
    return w_igemm_pack_u8(p, s, m, &a, e);
}

static weir_status prepare_u8(w_plan *p, w_step *s, weir_error *e) {
    geometry o;
    igemm *m = w_step_params(p, s, sizeof *m, e);
    if (!m) return WEIR_NO_RESOURCE;
    geometry_of(p->graph, w_step_node(p, s), &o);
    m->u8.n = m->u8.res_stride = o.n;
    m->u8.out_stride = w_step_row(p, s);
    w_igemm_epilogue(p, s, m, &conv_attr(w_step_node(p, s))->ep, 3);
    W_TRY(set_rows(p, s, m, &o, &m->u8.rows, w_packed_zero(p, s), e));
    w_arena tmp;
    w_arena_init(&tmp, p->ctx);
    weir_status st = pack_u8(p, s, m, &o, &tmp, e);
    w_arena_fini(&tmp);
    return st;
}

const w_impl w_impl_conv_f32_igemm = {"conv_f32_igemm", W_OP_Conv, refuse_f32, prepare_f32, w_igemm_run, w_igemm_touch};
const w_impl w_impl_conv_u8_igemm = {"conv_u8_igemm", W_OP_Conv, refuse_u8, prepare_u8, w_igemm_run, w_igemm_touch};
