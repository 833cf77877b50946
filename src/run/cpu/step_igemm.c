/* Tile choice, packing, execution and traffic of the implicit GEMM steps. */
#include "step_igemm.h"
#include <string.h>

/* ---- tile choice: a small cost model in cycles ---- */

typedef struct shape { size_t p, k, n, lanes; } shape; /* k: reduction steps (u8: quads or octets) */
/* work: instructions a step and vector; rate, loads: of them and of loads in a cycle; start, wide: cycles of a tile and of a step
 * beyond those */
typedef struct candidate { size_t mr, nr; double sums, work, rate, loads, bytes, start, wide; } candidate;

#define L1_SHARE 16384.0 /* bytes of weights that stay in L1 beside everything else */

/* A tile of h rows and v vectors advances one reduction step in as many cycles as its multiply-adds take, but not faster
 * than one latency per partial sum, nor than its loads; weights beyond L1 come at 32 bytes a cycle. */
static double tile_cycles(const shape *s, const candidate *c, double h, double v) {
    double panel = (double)s->k * v * c->bytes, step = W_MAX(h * v * c->work / c->rate, 4.0 / c->sums);
    step = W_MAX(step, (h + v * c->work) / c->loads);
    if (panel > L1_SHARE) step = W_MAX(step, v * c->bytes / 32);
    return (double)s->k * (step + c->wide * v / 2) + c->start + 30 + 3 * h * v;
}
static double cost(const shape *s, const candidate *c) {
    size_t tiles = (s->p + c->mr - 1) / c->mr, whole = s->n / c->nr, rest = s->n % c->nr;
    double h = (double)s->p / (double)tiles, all = (double)whole * tile_cycles(s, c, h, (double)(c->nr / s->lanes));
    if (rest) all += tile_cycles(s, c, h, (double)((rest + s->lanes - 1) / s->lanes));
    return all * (double)tiles;
}
#define F32_LOADS 1.4 /* rows lie whole lines apart, so that broadcasts meet in a bank: measured on Zen 3 */

static const w_f32_tile *choose_f32(const w_kernels *k, shape s) {
    size_t best = 0;
    double least = 0;
    s.lanes = W_MIN(k->lanes, k->f32_igemm[0].nr);
    for (size_t i = 0; i < k->nf32; i++) {
        const w_f32_tile *t = &k->f32_igemm[i];
        double d = cost(&s, &(candidate){t->mr, t->nr, t->sums, 1, s.lanes >= 16 ? 1 : 2, F32_LOADS, (double)s.lanes * 4, 0, 0});
        if (i == 0 || d < least) least = d, best = i;
    }
    return &k->f32_igemm[best];
}
const w_f32_tile *w_igemm_choose_f32(const w_kernels *k, size_t p, size_t c, size_t n) { return choose_f32(k, (shape){.p = p, .k = c, .n = n}); }
#define PANEL_START 60.0 /* cycles to fill a panel, beyond what its length takes */
#define WIDE_QUAD 12.0   /* cycles that a quad multiplied by halves takes more, in a tile of two vectors */
#define WIDE_GROUP 25.0  /* and that going from one way to the other and back takes */
/* Instructions that multiply, as a part of those for weights whose products are widened pair by pair. */
static double multiplications(w_block_kind kind) { return kind >= W_BLOCK_FOUR ? 0.625 : kind == W_BLOCK_TWO ? 0.75 : 1; }

static const w_u8_tile *choose_u8(const w_kernels *k, shape s, const w_pack_u8_args *a) {
    size_t best = 0;
    double least = 0;
    s.lanes = W_MIN(k->lanes, k->u8_igemm[0].nr);
    for (size_t i = 0; i < k->nu8; i++) {
        const w_u8_tile *t = &k->u8_igemm[i];
        bool pairs = t->pack == W_PACK_S8_PAIRS;
        if (pairs && t->nr > 2 * s.lanes && s.p > t->mr) continue; /* a panel for few rows costs more than its loads save */
        double planes = t->pack == W_PACK_S16_EVEN_ODD || t->pack == W_PACK_S8_OCTET ? 2 : 1, bytes = planes * (double)s.lanes * 4;
        double work = planes; /* as measured where several instructions make one product */
        if (pairs) work = t->nr > s.lanes ? 2.6 : 3.1;
        else if (t->pack == W_PACK_S16_EVEN_ODD && s.lanes == 8) work = t->mr > 2 ? 3.25 : 2.9;
        w_pair_stats is = pairs ? w_pack_pair_stats(t->nr, a) : (w_pair_stats){0, 0, W_BLOCK_NARROW};
        bool panel = pairs && (is.kind != W_BLOCK_FOUR_AS_IS || a->c % W_GROUP);
        s.k = a->taps * w_u8_run_quads(t->pack, a->c) / (t->pack == W_PACK_S8_OCTET ? 2 : 1);
        candidate c = {t->mr, t->nr, planes, work * multiplications(is.kind), 2, 2, bytes, panel ? PANEL_START : 0,
                       is.wide * WIDE_QUAD + is.wide_groups * WIDE_GROUP / 4};
        double d = cost(&s, &c);
        if (i == 0 || d < least) least = d, best = i;
    }
    return &k->u8_igemm[best];
}

/* ---- prepare ---- */

/* Fixed at plan time. One thread: row tiles only, so that their input stays in half of L2 while all weights pass through the other.
 * Several: at least one tile a thread, of rows while there are enough, else of column blocks. */
static void set_tiles(const w_plan *p, w_step *s, igemm *m) {
    size_t threads = (size_t)s->threads, row = W_MAX(s->in[0].bytes / W_MAX(m->p, (size_t)1), (size_t)1);
    size_t rows = W_ALIGN_UP(W_MAX(p->ctx->l2_bytes / 2 / row, 8 * m->mr), m->mr);
    bool by_rows = m->p >= threads * m->mr * 2;
    if (threads > 1 && by_rows) rows = W_MIN(rows, W_ALIGN_UP((m->p + threads - 1) / threads, m->mr));
    m->tile_rows = W_MIN(rows, m->p);
    m->tile_blocks = threads > 1 && !by_rows ? (m->blocks + threads - 1) / threads : m->blocks;
    m->row_tiles = (m->p + m->tile_rows - 1) / m->tile_rows;
    m->block_tiles = (m->blocks + m->tile_blocks - 1) / m->tile_blocks;
}

/* run_pad: what padding its runs adds to the work, as a factor. */
static weir_status describe(w_plan *p, w_step *s, igemm *m, const char *kernel, int peak, double run_pad, weir_error *e) {
    const w_rows *r = igemm_rows_of(m);
    size_t n = m->fn_u8 ? m->u8.n : m->f32.n;
    s->kernel = kernel;
    s->peak = peak;
    s->padded = run_pad * (double)w_packed_width(m->nr, n) / (double)n;
    s->threads = w_step_threads(p, w_step_seconds((double)m->p * (double)(r->taps * r->c) * (double)n, w_step_io_bytes(s)));
    set_tiles(p, s, m);
    const char *how = m->pad.lines ? "copied rows" : r->tap_table ? "indirect" : r->offset ? "in place" : "plain";
    s->tile = w_arena_printf(&p->arena_mem, "%zux%zu of %zux%zu, k %zux%zu %s", m->mr, m->nr, m->p, n, r->taps, r->c, how);
    return s->tile ? WEIR_OK : w_oom(e, 64, "a tile's description");
}

static void use_f32(igemm *m, const w_f32_tile *t) {
    const w_rows *r = &m->f32.rows;
    m->fn_f32 = t->fn;
    m->mr = t->mr;
    m->nr = t->nr;
    m->blocks = (m->f32.n + t->nr - 1) / t->nr;
    m->block_bytes = w_f32_block(t->nr, r->taps * r->c) * sizeof(float);
    m->packed_bytes = w_f32_block(w_packed_width(t->nr, m->f32.n), r->taps * r->c) * sizeof(float);
}

#define SLICE_BYTES ((size_t)2 << 20) /* of weights, after which their pages of the file may go */

/* Columns after which the file's pages may go, where the weights lie column by column: the file and its packed form are then
 * never in memory both. */
static size_t slice_columns(const igemm *m, size_t n, size_t column_bytes, size_t stride_k) {
    return stride_k == 1 ? W_MIN(n, W_ALIGN_UP(SLICE_BYTES / column_bytes + 1, m->nr)) : n;
}

static void pack_f32_slices(const w_graph *g, const igemm *m, float *to, const void *w, size_t stride_n, size_t stride_k, size_t k,
                            const float *bias) {
    size_t n = m->f32.n, column = stride_n * sizeof(float), slice = slice_columns(m, n, column, stride_k);
    for (size_t j = 0; j < n; j += slice) {
        const char *from = (const char *)w + j * column;
        size_t cols = W_MIN(slice, n - j);
        float *block = to + j / m->nr * (m->block_bytes / sizeof(float));
        w_pack_f32(block, m->nr, from, stride_n, stride_k, cols, k, bias ? bias + j : NULL);
        if (slice < n) w_const_rest(g, from, cols * column);
    }
}

weir_status w_igemm_pack_f32(w_plan *p, w_step *s, igemm *m, const void *w, size_t stride_n, size_t stride_k, const float *bias,
                             weir_error *e) {
    size_t k = m->f32.rows.taps * m->f32.rows.c;
    const w_f32_tile *t = choose_f32(p->ctx->kernels, (shape){.p = m->p, .k = k, .n = m->f32.n});
    use_f32(m, t);
    float *packed = w_step_packed(p, s, m->packed_bytes, e);
    if (!packed) return WEIR_NO_RESOURCE;
    pack_f32_slices(p->graph, m, packed, w, stride_n, stride_k, k, bias);
    m->f32.w = packed;
    return describe(p, s, m, t->name, W_PEAK_F32, 1, e);
}

weir_status w_igemm_late_f32(w_plan *p, w_step *s, igemm *m, weir_error *e) {
    const w_f32_tile *t = choose_f32(p->ctx->kernels, (shape){.p = m->p, .k = m->f32.rows.c, .n = m->f32.n});
    use_f32(m, t);
    s->scratch_bytes = m->packed_bytes;
    return describe(p, s, m, t->name, W_PEAK_F32, 1, e);
}

static void pack_u8_slices(const w_graph *g, const igemm *m, uint8_t *to, w_pack_kind pack, const w_pack_u8_args *all) {
    size_t slice = slice_columns(m, all->n, all->stride_n, all->stride_k);
    for (size_t j = 0; j < all->n; j += slice) {
        w_pack_u8_args a = *all;
        a.n = W_MIN(slice, all->n - j);
        a.w += j * all->stride_n;
        a.mul += j;
        if (a.bias) a.bias += j;
        w_pack_u8(to + j / m->nr * m->block_bytes, pack, m->nr, &a);
        if (slice < all->n) w_const_rest(g, a.w, a.n * all->stride_n);
    }
}

/* A block's first group tells how its products are summed; the peak that the bound is made of widens pair by pair. */
static double pairs_done(const igemm *m, const uint8_t *packed) {
    double all = 0;
    for (size_t j = 0; j < m->u8.n; j += m->nr) {
        w_block_kind is = W_BLOCK_OF(packed + j / m->nr * m->block_bytes + w_block_width(m->nr, m->u8.n - j) * 12);
        all += (double)W_MIN(m->nr, m->u8.n - j) * multiplications(is);
    }
    return all * (double)m->p * (double)(m->u8.rows.taps * m->u8.rows.c);
}

weir_status w_igemm_pack_u8(w_plan *p, w_step *s, igemm *m, w_pack_u8_args *a, weir_error *e) {
    a->n = m->u8.n;
    a->taps = m->u8.rows.taps;
    a->c = m->u8.rows.c;
    const w_u8_tile *t = choose_u8(p->ctx->kernels, (shape){.p = m->p, .n = a->n}, a);
    m->fn_u8 = t->fn;
    m->mr = t->mr;
    m->nr = t->nr;
    m->blocks = (a->n + t->nr - 1) / t->nr;
    m->block_bytes = w_u8_block(t->pack, t->nr, a->taps, a->c);
    m->packed_bytes = w_u8_packed(t->pack, t->nr, a->n, a->taps, a->c);
    void *packed = w_step_packed(p, s, m->packed_bytes, e);
    if (!packed) return WEIR_NO_RESOURCE;
    pack_u8_slices(p->graph, m, packed, t->pack, a);
    m->u8.w = packed;
    if (t->pack == W_PACK_S8_PAIRS) s->macs_done = pairs_done(m, packed);
    return describe(p, s, m, t->name, W_PEAK_INT8, 4 * (double)w_u8_run_quads(t->pack, a->c) / (double)a->c, e);
}

#define NARROW_ROWS 4.0        /* that share what unpacking costs */
#define NEAR_BYTES (512u << 10) /* of f32 weights that stay in a cache */

/* Cycles of a vector of weights, roughly: what p rows compute, and its bytes from where they lie. row: operations for each. */
static double vector_cycles(double lanes, double p, double row, double unpacking, double bits, bool near) {
    double rate = lanes >= 16 ? 1 : 2, tiles = (p + NARROW_ROWS - 1) / NARROW_ROWS;
    return (p * row + tiles * unpacking) / rate + lanes * bits / 8 / (near ? 32 : 6);
}

const char *w_igemm_refuse_narrow(const w_kernels *k, size_t p, size_t c, size_t n, unsigned bits) {
    bool near = c * n * sizeof(float) <= NEAR_BYTES;
    double lanes = k->lanes, rows = (double)p;
    bool digits = k->narrow[w_narrow_kind(bits)].digits;
    double narrow = vector_cycles(lanes, rows, digits ? W_DIGITS / 4.0 : 1, bits == W_BITS_BF16 || digits ? 1 : 2, bits, near);
    return narrow > vector_cycles(lanes, rows, 1, 0, 32, near) ? "so many rows are faster with weights as f32" : NULL;
}

weir_status w_igemm_pack_narrow(w_plan *p, w_step *st, igemm *m, w_narrow_source *s, float zero, const float *bias, weir_error *e) {
    const w_narrow_tile *t = &p->ctx->kernels->narrow[w_narrow_kind(s->bits)];
    s->n = m->f32.n;
    s->k = m->f32.rows.c;
    s->bias = bias;
    m->fn_narrow = t->fn;
    m->mr = t->mr;
    m->nr = t->nr;
    m->group = s->group;
    m->bits = s->bits;
    m->stage = t->stage;
    m->line = w_narrow_line(t->digits, s->k, s->group);
    st->scratch_bytes = m->p * m->line;
    m->zeros = s->zero != NULL;
    m->zero = zero;
    m->blocks = (s->n + t->nr - 1) / t->nr;
    m->block_bytes = w_narrow_block(s->bits, m->zeros, t->nr, s->k, s->group);
    m->packed_bytes = w_narrow_block(s->bits, m->zeros, w_packed_width(t->nr, s->n), s->k, s->group);
    void *packed = w_step_packed(p, st, m->packed_bytes, e);
    if (!packed) return WEIR_NO_RESOURCE;
    w_pack_narrow(packed, t->nr, s);
    m->f32.w = packed;
    if (t->digits) st->macs_done = W_DIGITS * (double)m->p * (double)s->k * (double)s->n;
    return describe(p, st, m, t->name, t->digits ? W_PEAK_INT8 : W_PEAK_F32, 1, e);
}

float *w_igemm_mul(w_plan *p, const w_step *s, size_t n, float factor, weir_error *e) {
    float *mul = w_arena_array(&p->arena_mem, n, sizeof *mul);
    const w_quant *x = w_step_in(p, s, 0)->quant, *w = w_step_in(p, s, 1)->quant;
    if (!mul) w_oom(e, n * sizeof *mul, "scales");
    for (size_t i = 0; mul && i < n; i++) mul[i] = (x ? x->scale[0] : 1.0f) * w->scale[w->n > 1 ? i : 0] * factor;
    return mul;
}

/* ---- operands ---- */

static const char *refuse_residual(const w_graph *g, const w_node *n, uint32_t res) {
    const w_value *r = w_node_in(g, n, res), *y = &g->value[n->out[0]];
    if (!r) return NULL;
    if (r->kind == W_VALUE_CONST) return "the residual is constant";
    if (!w_shape_equal(&r->shape, &y->shape)) return "the residual has another shape";
    if (r->layout != y->layout && !(r->shape.rank == 4 && w_layouts_agree(&r->shape))) return "the residual lies otherwise";
    return NULL;
}

const char *w_igemm_refuse_f32(const w_graph *g, const w_node *n, uint32_t res) {
    const w_value *r = w_node_in(g, n, res);
    if (!w_is_real_f32(w_node_in(g, n, 0)) || !w_is_real_f32(&g->value[n->out[0]])) return "activations are not f32";
    if (r && !w_is_real_f32(r)) return "the residual is not f32";
    return refuse_residual(g, n, res);
}

const char *w_igemm_refuse_u8(const w_graph *g, const w_node *n, uint32_t res, int64_t axis, int64_t act) {
    const w_value *x = w_node_in(g, n, 0), *w = w_node_in(g, n, 1), *y = &g->value[n->out[0]], *r = w_node_in(g, n, res);
    if (x->type != WEIR_U8 || !(w_is_quant8(x) || w_has_late_scale(n))) return "input is not quantised to u8";
    if (!(y->type == WEIR_U8 && w_is_quant8(y)) && !w_is_real_f32(y)) return "output is neither u8 nor f32";
    if (w->type != WEIR_S8 || !w->quant || (w->quant->n > 1 && w->quant->axis != axis)) return "weights are not s8 per output channel";
    for (uint32_t i = 0; i < w->quant->n; i++)
        if (w->quant->zero[i] != 0) return "weights have a zero point";
    if (act > W_ACT_HARDSIGMOID) return "the activation is not of exact arithmetic";
    if (r && !w_is_real_f32(r) && !(r->type == WEIR_U8 && w_is_quant8(r))) return "the residual is neither u8 nor f32";
    return refuse_residual(g, n, res);
}

void w_igemm_epilogue(const w_plan *p, w_step *s, igemm *m, const w_epilogue *ep, uint32_t res) {
    const w_value *x = w_step_in(p, s, 0), *y = w_step_out(p, s, 0), *r = w_step_in(p, s, res);
    m->in_elem = w_type_size(x->type);
    m->out_elem = w_type_size(y->type);
    m->res = r ? res : W_NONE;
    if (r && r->type == y->type) s->inplace = 1u << res;
    w_target to = w_target_of(ep, y);
    m->unit = to.unit;
    m->f32.ep = m->u8.ep = to.ep;
    m->u8.out_u8 = y->quant != NULL;
    m->u8.act_scale = to.act_scale;
    m->u8.zero = to.zero;
    m->u8.res_kind = !r ? W_RES_NONE : r->quant ? W_RES_U8 : W_RES_F32;
    m->u8.res_scale = (r && r->quant ? r->quant->scale[0] : 1.0f) * to.unit;
    m->u8.res_zero = r && r->quant ? r->quant->zero[0] : 0;
}

/* ---- run ---- */

typedef struct job {
    const w_step *s;
    const igemm *m;
    const uint8_t *in;
    uint8_t *out, *scratch;
    const uint8_t *res;
    const float *w;            /* packed at run time, or NULL */
    w_late late;
    int padding;               /* byte around the image */
} job;

/* Input line i into its place between the margins; the first and last line of an image also write the ones around it. */
static void pad_line(void *arg, size_t i) {
    const job *j = arg;
    const igemm_pad *d = &j->m->pad;
    size_t image = i / d->ih, y = i % d->ih, stride = d->left + d->line + d->right, lines = d->above + d->ih + d->below;
    uint8_t *to = j->scratch + (image * lines + d->above + y) * stride;
    if (y == 0) memset(to - d->above * stride, j->padding, d->above * stride);
    if (d->left) memset(to, j->padding, d->left);
    memcpy(to + d->left, j->in + i * d->line, d->line);
    to += d->left + d->line;
    if (d->right) memset(to, j->padding, d->right);
    if (y + 1 == d->ih) memset(to + d->right, j->padding, d->below * stride);
    if (i + 1 == d->lines) memset(to + d->right + d->below * stride, j->padding, d->slack);
}

static void stage_row(void *arg, size_t p) {
    const job *j = arg;
    const igemm *m = j->m;
    m->stage(j->scratch + p * m->line, (const float *)j->in + p * m->f32.rows.row_stride, m->bits, m->f32.rows.c, m->group);
}

static void tile(void *arg, size_t index) {
    const job *j = arg;
    const igemm *m = j->m;
    size_t p0 = index / m->block_tiles * m->tile_rows, b0 = index % m->block_tiles * m->tile_blocks;
    size_t p1 = W_MIN(p0 + m->tile_rows, m->p), b1 = W_MIN(b0 + m->tile_blocks, m->blocks);
    const void *in = m->pad.lines ? j->scratch : j->in;
    if (!m->fn_u8) {
        w_f32_narrow g = {.g = m->f32, .staged = j->scratch, .group = m->group, .zeros = m->zeros, .zero = m->zero};
        g.g.rows.in = in;
        g.g.out = (float *)j->out;
        g.g.res = (const float *)j->res;
        if (j->w) g.g.w = j->w;
        if (m->fn_narrow) m->fn_narrow(&g, p0, p1, b0, b1);
        else m->fn_f32(&g.g, p0, p1, b0, b1);
    } else {
        w_u8_igemm g = m->u8;
        g.rows.in = in;
        if (m->late_padding) g.rows.zero = j->scratch;
        g.late_zero = j->late.zero;
        g.late_scale = j->late.scale;
        g.out = j->out;
        g.res = j->res;
        m->fn_u8(&g, p0, p1, b0, b1);
    }
}

static void each(const job *j, const w_bindings *b, w_task_fn fn, size_t tiles) {
    if (j->s->threads > 1) w_pool_for(b->pool, fn, (void *)j, tiles);
    else
        for (size_t i = 0; i < tiles; i++) fn((void *)j, i);
}

static void run_late(job *j, const w_bindings *b) {
    const igemm *m = j->m;
    const float *w = w_loc_ptr(&j->s->in[1], b);
    for (size_t i = 0; i < m->late.batch; i++) {
        w_pack_f32((float *)j->scratch, m->nr, w + i * m->late.w_stride, m->late.stride_n, m->late.stride_k, m->f32.n,
                   m->f32.rows.c, m->late.bias);
        j->w = (const float *)j->scratch;
        each(j, b, tile, m->row_tiles * m->block_tiles);
        j->in += m->p * m->f32.rows.c * sizeof(float);
        j->out += m->p * m->f32.n * sizeof(float);
    }
}

void w_igemm_run(const w_step *s, const w_bindings *b) {
    const igemm *m = s->params;
    job j = {s, m, w_loc_ptr(&s->in[0], b), w_loc_ptr(&s->out[0], b), w_scratch_ptr(s, b), NULL, NULL, w_late_of(s, b), m->pad.value};
    if (j.late.there) j.padding = j.late.zero;
    if (m->res != W_NONE) j.res = w_loc_ptr(&s->in[m->res], b);
    if (m->late.batch) {
        run_late(&j, b);
        return;
    }
    if (m->pad.lines) each(&j, b, pad_line, m->pad.lines);
    if (m->fn_narrow) each(&j, b, stage_row, m->p);
    if (m->late_padding) memset(j.scratch, j.padding, m->late_padding);
    each(&j, b, tile, m->row_tiles * m->block_tiles);
}

/* ---- traffic ---- */

typedef struct span { size_t at, bytes; } span;

/* Rows are read from scratch: copied with padding, or staged. */
static bool from_scratch(const igemm *m) { return m->pad.lines || m->fn_narrow; }

/* The input that rows p0 ... p1 - 1 read, as one range. */
static span rows_span(const igemm *m, size_t p0, size_t p1, size_t in_bytes) {
    const w_rows *r = igemm_rows_of(m);
    if (m->fn_narrow) return (span){in_bytes / m->p * p0, in_bytes / m->p * (p1 - p0)};
    if (r->tap_table) return (span){in_bytes * p0 / m->p, in_bytes * (p1 - p0) / m->p};
    size_t first = r->offset ? (size_t)r->offset[p0] : p0 * r->row_stride;
    size_t last = (r->offset ? (size_t)r->offset[p1 - 1] : (p1 - 1) * r->row_stride) + (r->taps - 1) * r->tap_stride + r->c;
    return (span){first * m->in_elem, (last - first) * m->in_elem};
}

static void touch_rows(const w_step *s, w_touch *t, const igemm *m, size_t p0, size_t p1) {
    span in = rows_span(m, p0, p1, from_scratch(m) ? s->scratch_bytes : s->in[0].bytes);
    size_t out = s->out[0].bytes / m->p, res = m->res == W_NONE ? 0 : s->in[m->res].bytes / m->p;
    for (size_t b = 0; b < m->blocks; b++) {
        if (m->late.batch) w_touch_scratch(t, s, b * m->block_bytes, m->block_bytes, W_READ);
        else w_touch_packed(t, s, b * m->block_bytes, m->block_bytes);
        if (from_scratch(m)) w_touch_scratch(t, s, in.at, in.bytes, W_READ);
        else w_touch_loc(t, &s->in[0], in.at, in.bytes, W_READ);
    }
    if (res) w_touch_loc(t, &s->in[m->res], p0 * res, (p1 - p0) * res, W_READ);
    w_touch_rows(t, &s->out[0], p0, p1 - p0, out, W_WRITE);
}

/* L1, by instructions: every block reads each row's runs once, every tile of rows reads the block's weights once. */
void w_igemm_touch(const w_plan *p, const w_step *s, w_touch *t) {
    const igemm *m = s->params;
    const w_rows *r = igemm_rows_of(m);
    size_t weights = m->packed_bytes, tiles = (m->p + m->mr - 1) / m->mr, batch = W_MAX(m->late.batch, (size_t)1);
    double loads = (double)batch * ((double)(m->p * m->blocks) * (double)(r->taps * r->c * m->in_elem) + (double)tiles * (double)weights);
    double stores = (double)s->out[0].bytes;
    if (from_scratch(m) || m->late.batch) {
        const w_loc *from = &s->in[m->late.batch ? 1 : 0];
        w_touch_loc(t, from, 0, from->bytes, W_READ);
        w_touch_scratch(t, s, 0, s->scratch_bytes, W_WRITE);
        loads += (double)from->bytes;
        stores += (double)s->scratch_bytes * (double)batch;
    }
    if (m->late.batch > 1) w_touch_loc(t, &s->in[0], 0, s->in[0].bytes, W_READ);
    for (size_t p0 = 0; p0 < m->p; p0 += m->tile_rows) touch_rows(s, t, m, p0, W_MIN(p0 + m->tile_rows, m->p));
    if (m->late.batch > 1) w_touch_loc(t, &s->out[0], 0, s->out[0].bytes, W_WRITE);
    if (m->res != W_NONE) loads += (double)s->in[m->res].bytes;
    w_touch_late(s, t, m->late_padding);
    w_touch_l1(t, loads, stores);
}
