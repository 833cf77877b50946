/* Attention, tile by tile: of the scores there is only one tile, a block of rows by a block of keys, in scratch.
 *
 * Keys and values of a head are packed for the implicit GEMM once, for all rows and all heads that share them. For a block of rows
 * and each block of keys: scores = Q K^T; weights from them, kept right by a running maximum and sum (w_attend); result =
 * result + weights V, in the place of the output. A block computes the same whoever computes it: threads change no bit.
 * Scratch holds one head packed and one tile for each thread, which is linear in the number of keys. */
#include "step.h"
#include "steps.h"
#include <math.h>
#include <string.h>

enum { ROWS = 96, KEYS = 256 }; /* of a tile, at most: 96 KiB of scores */

typedef struct strides { size_t batch, head, row; } strides;

typedef struct attention {
    size_t batch, heads, kv_heads, rows, keys, size, v_size;
    strides q, k, v, y, mask;
    const float *mask_data;            /* constant, or NULL */
    float scale, empty;
    bool masked, causal;
    const w_f32_tile *tile;
    w_fn_attend_f32 *attend;
    w_fn_transpose *transpose;
    size_t tile_rows, row_tiles, tile_keys, stride; /* stride: of the tile of scores */
    size_t tasks, lanes;
    size_t k_floats, v_floats, lane_floats;
} attention;

static const char *refuse(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_attention_attr *at = n->attr;
    for (uint32_t i = 0; i < 3; i++) {
        const w_value *v = w_node_in(g, n, i);
        if (!w_is_real_f32(v) || v->kind == W_VALUE_CONST) return "Q, K or V is constant or not f32";
        if (w_value_layout(v) != W_ROW) return "channels-last";
        if (w_shape_count(&v->shape) < 1) return "empty";
    }
    const w_value *y = &g->value[n->out[0]], *mask = w_node_in(g, n, 3);
    if (!w_is_real_f32(y) || y->layout != W_ROW) return "the result is not f32 in rows";
    if (at->softcap > 0) return "has a softcap";
    if (!mask) return NULL;
    if (!w_is_real_f32(mask) || w_value_layout(mask) != W_ROW) return "the mask is not f32 in rows";
    return mask->shape.dim[mask->shape.rank - 1] == w_attention_of(n, &w_node_in(g, n, 0)->shape, &w_node_in(g, n, 1)->shape, &w_node_in(g, n, 2)->shape).keys
               ? NULL
               : "the mask has one number for all keys";
}

static strides strides_of(bool flat, size_t heads, size_t rows, size_t size) {
    return flat ? (strides){rows * heads * size, size, heads * size} : (strides){heads * rows * size, rows * size, size};
}

/* Strides of a mask that broadcasts to the scores. */
static strides mask_strides(const w_shape *s) {
    size_t step[4] = {0}, stride = 1;
    for (int i = s->rank - 1; i >= 0; i--) {
        step[4 - s->rank + i] = s->dim[i] == 1 ? 0 : stride;
        stride *= (size_t)s->dim[i];
    }
    return (strides){step[0], step[1], step[2]};
}

static void set_sizes(const w_plan *p, const w_step *s, attention *a) {
    w_attention o = w_attention_of(w_step_node(p, s), &w_step_in(p, s, 0)->shape, &w_step_in(p, s, 1)->shape, &w_step_in(p, s, 2)->shape);
    a->batch = (size_t)o.batch, a->heads = (size_t)o.heads, a->kv_heads = (size_t)o.kv_heads;
    a->rows = (size_t)o.rows, a->keys = (size_t)o.keys, a->size = (size_t)o.size, a->v_size = (size_t)o.v_size;
    a->q = strides_of(o.flat, a->heads, a->rows, a->size);
    a->k = strides_of(o.flat, a->kv_heads, a->keys, a->size);
    a->v = strides_of(o.flat, a->kv_heads, a->keys, a->v_size);
    a->y = strides_of(o.flat, a->heads, a->rows, a->v_size);
    a->scale = o.scale;
    a->empty = w_attr_int(w_step_node(p, s), "weir_nan", 0) ? NAN : 0.0f;
    a->causal = w_attr_int(w_step_node(p, s), "is_causal", 0) != 0;
}

/* n in equal parts of at most `most`, in multiples of `unit`. */
static size_t even_part(size_t n, size_t most, size_t unit) {
    size_t parts = (n + most - 1) / most;
    return W_ALIGN_UP((n + parts - 1) / parts, unit);
}

static void set_tiles(const w_plan *p, w_step *s, attention *a) {
    const w_kernels *k = p->ctx->kernels;
    a->tile = &k->f32_igemm[0];
    a->attend = k->leaf.attend_f32;
    a->transpose = k->leaf.transpose_x32;
    a->tile_rows = even_part(a->rows, ROWS, a->tile->mr);
    a->row_tiles = (a->rows + a->tile_rows - 1) / a->tile_rows;
    a->tile_keys = even_part(a->keys, KEYS, W_MAX_NR);
    a->stride = a->tile_keys + 16; /* rows of a power of two would share few sets of the first cache */
    a->tasks = a->batch * a->heads * a->row_tiles;
    double macs = (double)a->batch * (double)a->heads * (double)a->rows * (double)a->keys * (double)(a->size + a->v_size);
    s->threads = w_step_threads(p, w_step_seconds(macs, w_step_io_bytes(s)));
    a->lanes = W_MIN((size_t)s->threads, a->tasks);
    size_t key_tiles = (a->keys + a->tile_keys - 1) / a->tile_keys;
    a->k_floats = W_ALIGN_UP(w_packed_width(a->tile->nr, a->keys) * (1 + a->size), (size_t)16);
    a->v_floats = W_ALIGN_UP(w_packed_width(a->tile->nr, a->v_size) * (key_tiles + a->keys), (size_t)16);
    a->lane_floats = a->k_floats + a->v_floats + W_ALIGN_UP(a->tile_rows * (a->stride + 2), (size_t)16);
    s->scratch_bytes = a->lanes * a->lane_floats * sizeof(float);
}

static weir_status prepare(w_plan *p, w_step *s, weir_error *e) {
    attention *a = w_step_params(p, s, sizeof *a, e);
    const w_value *mask = w_step_in(p, s, 3);
    size_t n;
    if (!a) return WEIR_NO_RESOURCE;
    set_sizes(p, s, a);
    set_tiles(p, s, a);
    a->masked = mask != NULL;
    if (mask) a->mask = mask_strides(&mask->shape);
    if (mask && mask->kind == W_VALUE_CONST) {
        float *data;
        W_TRY(w_step_const(p, s, 3, &data, &n, e));
        a->mask_data = data;
    }
    s->peak = W_PEAK_F32;
    s->kernel = w_arena_printf(&p->arena_mem, "attend+%s", a->tile->name);
    s->tile = w_arena_printf(&p->arena_mem, "%zux%zu of %zux%zu, %zu heads of %zu", W_MIN(a->tile_rows, a->rows), W_MIN(a->tile_keys, a->keys), a->rows,
                             a->keys, a->batch * a->heads, a->size);
    return s->kernel && s->tile ? WEIR_OK : w_oom(e, 64, "names");
}

/* ---- run ---- */

/* As w_pack_f32 of the keys of a head. */
static void pack_keys(const attention *a, const float *k, float *to) {
    for (size_t j = 0; j < a->keys; j += a->tile->nr) {
        size_t cols = W_MIN(a->keys - j, (size_t)a->tile->nr), width = w_block_width(a->tile->nr, cols);
        memset(to, 0, width * sizeof *to);
        if (cols < width) memset(to, 0, width * (1 + a->size) * sizeof *to);
        a->transpose(to + width, width, k + j * a->k.row, a->k.row, cols, a->size);
        to += width * (1 + a->size);
    }
}

/* As w_pack_f32 of `rows` values of a head; gives the place behind them. */
static float *pack_values(const attention *a, const float *v, size_t rows, float *to) {
    for (size_t j = 0; j < a->v_size; j += a->tile->nr) {
        size_t cols = W_MIN(a->v_size - j, (size_t)a->tile->nr), width = w_block_width(a->tile->nr, cols);
        memset(to, 0, width * sizeof *to);
        to += width;
        for (size_t i = 0; i < rows; i++, to += width) {
            memcpy(to, v + i * a->v.row + j, cols * sizeof *to);
            memset(to + cols, 0, (width - cols) * sizeof *to);
        }
    }
    return to;
}

typedef struct lane { const attention *a; const w_job *job; float *k, *v, *score, *top, *sum; } lane;

static void pack_head(const lane *l, size_t group) {
    const attention *a = l->a;
    size_t b = group / a->kv_heads, h = group % a->kv_heads;
    const float *k = w_loc_ptr(&l->job->s->in[1], l->job->b), *v = w_loc_ptr(&l->job->s->in[2], l->job->b);
    float *to = l->v;
    pack_keys(a, k + b * a->k.batch + h * a->k.head, l->k);
    v += b * a->v.batch + h * a->v.head;
    for (size_t at = 0; at < a->keys; at += a->tile_keys) to = pack_values(a, v + at * a->v.row, W_MIN(a->tile_keys, a->keys - at), to);
}

static size_t blocks(const attention *a, size_t columns) { return (columns + a->tile->nr - 1) / a->tile->nr; }

static void multiply(const attention *a, w_f32_igemm g, size_t rows) { a->tile->fn(&g, 0, rows, 0, blocks(a, g.n)); }

static const float *mask_at(const lane *l, size_t b, size_t h, size_t row) {
    const attention *a = l->a;
    if (!a->masked) return NULL;
    const float *mask = a->mask_data ? a->mask_data : w_loc_ptr(&l->job->s->in[3], l->job->b);
    return mask + b * a->mask.batch + h * a->mask.head + row * a->mask.row;
}

/* Rows [row, row + rows) of head h of batch b against all keys that they see. */
static void rows_of_head(const lane *l, size_t b, size_t h, size_t row, size_t rows) {
    const attention *a = l->a;
    const float *q = (const float *)w_loc_ptr(&l->job->s->in[0], l->job->b) + b * a->q.batch + h * a->q.head + row * a->q.row;
    const float *mask = mask_at(l, b, h, row), *k = l->k, *v = l->v;
    float *y = (float *)w_loc_ptr(&l->job->s->out[0], l->job->b) + b * a->y.batch + h * a->y.head + row * a->y.row;
    size_t end = a->causal ? W_MIN(a->keys, row + rows) : a->keys;
    for (size_t at = 0; at < end; at += a->tile_keys) {
        size_t n = W_MIN(a->tile_keys, a->keys - at);
        multiply(a, (w_f32_igemm){.rows = {.in = q, .row_stride = a->q.row, .taps = 1, .c = a->size}, .w = k, .n = n, .out = l->score, .out_stride = a->stride}, rows);
        w_attend t = {.n = n, .score = l->score, .stride = a->stride, .scale = a->scale, .mask = mask ? mask + at : NULL, .mask_stride = a->mask.row,
                      .seen = a->causal ? (ptrdiff_t)row - (ptrdiff_t)at + 1 : PTRDIFF_MAX, .first = at == 0, .last = at + a->tile_keys >= end, .empty = a->empty,
                      .top = l->top, .sum = l->sum, .out = y, .out_stride = a->y.row, .size = a->v_size};
        a->attend(&t, rows);
        multiply(a, (w_f32_igemm){.rows = {.in = l->score, .row_stride = a->stride, .taps = 1, .c = n}, .w = v, .n = a->v_size, .out = y, .out_stride = a->y.row,
                                  .res = at ? y : NULL, .res_stride = a->y.row}, rows);
        k += w_packed_width(a->tile->nr, n) * (1 + a->size);
        v += w_packed_width(a->tile->nr, a->v_size) * (1 + n);
    }
}

static void run_lane(void *arg, size_t index) {
    const w_job *j = arg;
    const attention *a = j->s->params;
    lane l = {.a = a, .job = j, .k = (float *)w_scratch_ptr(j->s, j->b) + index * a->lane_floats};
    l.v = l.k + a->k_floats;
    l.score = l.v + a->v_floats;
    l.top = l.score + a->tile_rows * a->stride;
    l.sum = l.top + a->tile_rows;
    size_t sharing = a->heads / a->kv_heads * a->row_tiles, packed = SIZE_MAX;
    for (size_t t = index * a->tasks / a->lanes; t < (index + 1) * a->tasks / a->lanes; t++) {
        if (t / sharing != packed) pack_head(&l, packed = t / sharing);
        size_t row = t % a->row_tiles * a->tile_rows, head = t / a->row_tiles;
        rows_of_head(&l, head / a->heads, head % a->heads, row, W_MIN(a->tile_rows, a->rows - row));
    }
}

static void run(const w_step *s, const w_bindings *b) { w_step_for(s, b, run_lane, ((const attention *)s->params)->lanes); }

/* ---- traffic ---- */

/* Heads one after the other: each finds its part of the operands, packs, and goes over the packed part for every block of rows. */
static void touch(const w_plan *p, const w_step *s, w_touch *t) {
    const attention *a = s->params;
    size_t groups = a->batch * a->kv_heads, packed = (a->k_floats + a->v_floats) * sizeof(float), tile = a->lane_floats * sizeof(float) - packed;
    for (size_t g = 0; g < groups; g++) {
        for (uint32_t i = 1; i < 3; i++) w_touch_loc(t, &s->in[i], s->in[i].bytes / groups * g, s->in[i].bytes / groups, W_READ);
        w_touch_scratch(t, s, 0, packed, W_WRITE);
        w_touch_loc(t, &s->in[0], s->in[0].bytes / groups * g, s->in[0].bytes / groups, W_READ);
        for (size_t r = 0; r < a->row_tiles; r++) {
            w_touch_scratch(t, s, 0, packed, W_READ);
            w_touch_scratch(t, s, packed, tile, W_WRITE);
        }
        if (a->masked) w_touch_loc(t, &s->in[3], 0, s->in[3].bytes, W_READ);
        w_touch_loc(t, &s->out[0], s->out[0].bytes / groups * g, s->out[0].bytes / groups, W_WRITE);
    }
    double tall = (double)(a->batch * a->heads * ((a->rows + a->tile->mr - 1) / a->tile->mr)), lines = (double)(a->batch * a->heads * a->rows);
    double scores = lines * (double)a->keys * sizeof(float), row = (double)(blocks(a, a->keys) * a->size + blocks(a, a->v_size) * a->keys) * sizeof(float);
    double io = (double)(s->in[1].bytes + s->in[2].bytes), mask = a->masked ? scores : 0;
    w_touch_l1(t, io + tall * (double)packed + lines * row + 3 * scores + mask, (double)s->out[0].bytes + (double)groups * (double)packed + 4 * scores);
}

const w_impl w_impl_attention = {"attention_tiles", W_OP_Attention, refuse, prepare, run, touch};
