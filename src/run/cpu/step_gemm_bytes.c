/* Gemm and MatMul of two matrices of bytes that only the run knows: products of 16 bits, exact sums.
 *
 * A task is a matrix of the batch, or some rows of one. It makes 16-bit differences to the zero points of a panel of B's columns, then
 * of a few rows of A at a time, in its own slot of scratch, and multiplies those. */
#include "step_gemm.h"
#include "step_window.h"
#include "steps.h"

enum { TILE_ROWS = 24, PANEL_BYTES = 128 << 10 };
#define MAX_SUM (INT32_MAX / (255 * 255)) /* elements whose products fit 32 bits, whatever their values */

typedef struct bytes_params {
    w_product o;
    size_t k_even, panel;      /* panel: columns that are packed together, whole blocks */
    size_t parts, rows;        /* of a matrix, and the rows of each */
    size_t slots, a_bytes, b_bytes, sum_bytes;
    int32_t zero[2];
    w_s16_tile tile;
    w_sums sums;
    w_fn_sums_u8 *finish;
} bytes_params;

static bool is_bytes(const w_value *v) { return v && v->kind != W_VALUE_CONST && v->type == WEIR_U8 && w_is_quant8(v); }

static const char *bytes_refuse(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    w_product o;
    if (!is_bytes(w_node_in(g, n, 0)) || !is_bytes(w_node_in(g, n, 1))) return "an operand is not u8 that the run computes";
    if (!is_bytes(&g->value[n->out[0]])) return "the output is not quantised to u8";
    const char *why = w_product_of(g, n, &o);
    if (!why) why = w_product_refuse_bias(g, n, &o);
    if (why) return why;
    if (w_node_in(g, n, o.res)) return "has a residual";
    if (o.ep->act > W_ACT_HARDSIGMOID) return "the activation is not of exact arithmetic";
    return o.k > MAX_SUM ? "the sum is too long for 32 bits" : NULL;
}

static size_t up64(size_t bytes) { return W_ALIGN_UP(bytes, (size_t)64); }

static void set_tasks(const w_plan *p, w_step *s, bytes_params *b) {
    const w_product *o = &b->o;
    size_t blocks = (o->n + b->tile.nr - 1) / b->tile.nr, fit = W_MAX((size_t)1, PANEL_BYTES / (b->k_even * 2 * b->tile.nr));
    double macs = (double)(o->batch * o->m) * (double)(o->k * o->n);
    s->threads = w_step_threads(p, w_step_seconds(macs, w_step_io_bytes(s)));
    b->panel = W_MIN(blocks, fit) * b->tile.nr;
    b->parts = W_MIN(((size_t)s->threads + o->batch - 1) / o->batch, (o->m + TILE_ROWS - 1) / TILE_ROWS);
    b->rows = (o->m + b->parts - 1) / b->parts;
    b->slots = s->threads > 1 ? (size_t)W_MAX(p->options.threads, s->threads) : 1;
    b->a_bytes = up64(TILE_ROWS * b->k_even * 2);
    b->b_bytes = up64(b->panel * b->k_even * 2);
    b->sum_bytes = up64(TILE_ROWS * b->panel * 4);
    s->scratch_bytes = b->slots * (b->a_bytes + b->b_bytes + b->sum_bytes);
}

static weir_status bytes_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_quant *qa = w_step_in(p, s, 0)->quant, *qb = w_step_in(p, s, 1)->quant;
    bytes_params *b = w_step_params(p, s, sizeof *b, e);
    float *bias;
    if (!b) return WEIR_NO_RESOURCE;
    w_product_of(p->graph, w_step_node(p, s), &b->o);
    W_TRY(w_product_bias(p, s, &b->o, &p->arena_mem, &bias, e));
    b->k_even = b->o.k + b->o.k % 2;
    b->tile = p->ctx->kernels->s16_gemm;
    b->zero[0] = qa->zero[0];
    b->zero[1] = qb->zero[0];
    b->sums = (w_sums){.mul = qa->scale[0] * qb->scale[0] * b->o.alpha, .bias = bias, .ep = w_kepi_of(b->o.ep, w_step_out(p, s, 0)), .q = w_requant_of(w_step_out(p, s, 0))};
    b->finish = p->ctx->kernels->leaf.sums_u8;
    set_tasks(p, s, b);
    s->kernel = b->tile.name;
    s->peak = W_PEAK_INT8;
    s->tile = w_arena_printf(&p->arena_mem, "%zu of %zux%zux%zu, %d rows by %zu columns", b->o.batch, b->o.m, b->o.k, b->o.n, TILE_ROWS, b->panel);
    return s->tile ? WEIR_OK : w_oom(e, 64, "a tile's description");
}

/* Rows m0 ... m1 - 1 by the panel of columns that starts at j0 and lies in slot + a_bytes. */
static void multiply(const bytes_params *b, uint8_t *slot, const uint8_t *a, uint8_t *out, size_t m0, size_t m1, size_t j0) {
    size_t cols = W_MIN(b->panel, b->o.n - j0);
    int32_t *sums = (int32_t *)(void *)(slot + b->a_bytes + b->b_bytes);
    w_s16_gemm g = {.in = (const int16_t *)(void *)slot, .row_stride = b->k_even, .k = b->k_even, .w = (const int16_t *)(void *)(slot + b->a_bytes),
                    .n = W_ALIGN_UP(cols, (size_t)b->tile.step), .out = sums, .out_stride = b->panel};
    w_sums k = b->sums;
    if (k.bias) k.bias += j0;
    for (size_t m = m0, rows; m < m1; m += rows) {
        rows = W_MIN((size_t)TILE_ROWS, m1 - m);
        w_widen_rows((int16_t *)(void *)slot, a + m * b->o.k, rows, b->o.k, b->k_even, b->zero[0]);
        b->tile.fn(&g, 0, rows, 0, (cols + b->tile.nr - 1) / b->tile.nr);
        for (size_t r = 0; r < rows; r++) b->finish(&k, sums + r * b->panel, out + (m + r) * b->o.n + j0, cols);
    }
}

static void task(void *arg, size_t thread, size_t index) {
    const w_job *j = arg;
    const bytes_params *b = j->s->params;
    const w_product *o = &b->o;
    size_t i = index / b->parts, m0 = index % b->parts * b->rows, m1 = W_MIN(m0 + b->rows, o->m);
    size_t stride_n = o->trans_b ? o->k : 1, stride_k = o->trans_b ? 1 : o->n;
    const uint8_t *a = (const uint8_t *)w_loc_ptr(&j->s->in[0], j->b) + i * o->m * o->k;
    const uint8_t *w = (const uint8_t *)w_loc_ptr(&j->s->in[1], j->b) + i * o->k * o->n;
    uint8_t *out = (uint8_t *)w_loc_ptr(&j->s->out[0], j->b) + i * o->m * o->n;
    uint8_t *slot = (uint8_t *)w_scratch_ptr(j->s, j->b) + thread * (b->a_bytes + b->b_bytes + b->sum_bytes);
    for (size_t n = 0; n < o->n && m0 < m1; n += b->panel) {
        w_pack_s16((int16_t *)(void *)(slot + b->a_bytes), b->tile.nr, w + n * stride_n, stride_n, stride_k, W_MIN(b->panel, o->n - n), o->k, b->zero[1]);
        multiply(b, slot, a, out, m0, m1, n);
    }
}

static void bytes_run(const w_step *s, const w_bindings *b) {
    const bytes_params *k = s->params;
    w_job job = {s, b};
    if (s->threads > 1) w_pool_for_thread(b->pool, task, &job, k->o.batch * k->parts);
    else
        for (size_t i = 0; i < k->o.batch * k->parts; i++) task(&job, 0, i);
}

/* A matrix at a time, in the order of the run; a thread's slot stands for all. */
static void touch_matrix(const w_step *s, w_touch *t, const bytes_params *b, size_t i) {
    const w_product *o = &b->o;
    for (size_t n = 0; n < o->n; n += b->panel) {
        size_t cols = W_MIN(b->panel, o->n - n);
        w_touch_loc(t, &s->in[1], (i * o->n + n) * o->k, cols * o->k, W_READ);
        w_touch_scratch(t, s, b->a_bytes, cols * b->k_even * 2, W_WRITE);
        for (size_t m = 0; m < o->m; m += TILE_ROWS) {
            size_t rows = W_MIN((size_t)TILE_ROWS, o->m - m);
            w_touch_loc(t, &s->in[0], (i * o->m + m) * o->k, rows * o->k, W_READ);
            w_touch_scratch(t, s, 0, rows * b->k_even * 2, W_WRITE);
            w_touch_scratch(t, s, b->a_bytes, cols * b->k_even * 2, W_READ);
            w_touch_scratch(t, s, b->a_bytes + b->b_bytes, rows * cols * 4, W_WRITE);
            w_touch_loc(t, &s->out[0], (i * o->m + m) * o->n + rows * n, rows * cols, W_WRITE);
        }
    }
}

static void bytes_touch(const w_plan *p, const w_step *s, w_touch *t) {
    const bytes_params *b = s->params;
    const w_product *o = &b->o;
    for (size_t i = 0; i < o->batch; i++) touch_matrix(s, t, b, i);
    double all = (double)o->batch, m = (double)o->m, n = (double)o->n, k = (double)b->k_even, blocks = (n + b->tile.nr - 1) / b->tile.nr;
    double panels = (n + (double)b->panel - 1) / (double)b->panel, sums = m * n * 4;
    double loads = all * (k * n + panels * m * k + 2 * m * k * blocks + m / b->tile.mr * 2 * k * n + sums);
    w_touch_l1(t, loads, all * (2 * k * n + panels * 2 * m * k + sums + m * n));
}

const w_impl w_impl_gemm_bytes = {"gemm_bytes", W_OP_Gemm, bytes_refuse, bytes_prepare, bytes_run, bytes_touch};
const w_impl w_impl_matmul_bytes = {"matmul_bytes", W_OP_MatMul, bytes_refuse, bytes_prepare, bytes_run, bytes_touch};
