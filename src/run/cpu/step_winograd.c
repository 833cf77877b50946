/* 3x3 convolution of stride 1 by Winograd's F(2x2, 3x3) or F(4x4, 3x3): 16 multiply-adds make what takes 36 directly, or 36 what
 * takes 144, for two cheap transforms around 16 or 36 matrix products (kernels_wino.h).
 *
 * The tiles of an image are cut into chunks; a chunk is transformed, multiplied and transformed back by one thread in its own
 * slot of scratch. Every chunk reads all weights, so it is as small as L2 where those stay there too and larger where they
 * would come from memory again. The chunks are fixed at plan time, so the bits do not depend on the threads; but an
 * output is summed another way than by conv_f32_igemm: at most (C + 24) * 2^-24 * 64 C (F(2x2)) or 564 C (F(4x4)) times the largest
 * input and weight away from the exact sum, 2^-24 rounding once, 64 and 564 the largest sums of |A||B||G|. Measured: the errors of the
 * direct sum, and about three times as much (3e-6 of the largest output at 512 channels). It may not be computed column by
 * column in a stream. */
#include "step_igemm.h"
#include "step_winograd.h"
#include <string.h>

#define CHUNK_BYTES (192u << 10)  /* places of a chunk, input and output side, that stay in L2: a fifth of a large one */
#define CHUNK_LIMIT (4u << 20)    /* of any chunk: a share of the last level */
#define SHORTEST 12                 /* tiles that a product needs to run well */

typedef struct wino {
    w_f32_wino g;              /* pointers are set at run time; bias is in the plan */
    w_wino_tile tile;
    size_t places;             /* of a tile */
    w_fn_f32_igemm *product;
    size_t images, tiles, run, chunks; /* tiles of an image, of a chunk; chunks of an image */
    const float *w;            /* a packed matrix for each place */
    size_t place_floats;       /* of one of them */
    size_t slot_bytes, slots;
    size_t nr;                 /* columns of a block of the product */
    uint32_t res;
} wino;

/* ---- prepare ---- */

static void set_geometry(const w_plan *p, const w_step *s, wino *m) {
    const w_value *x = w_step_in(p, s, 0), *y = w_step_out(p, s, 0);
    w_window w;
    w_winograd_window(p->graph, w_step_node(p, s), &w);
    m->images = (size_t)x->shape.dim[0];
    m->tile = *w_winograd_tile(p, w_step_node(p, s));
    m->places = w_wino_places(m->tile.edge);
    m->g = (w_f32_wino){.ih = w.ih, .iw = w.iw, .oh = w.oh, .ow = w.ow, .pt = (int)w.pt, .pl = (int)w.pl, .c = (size_t)x->shape.dim[1],
                        .n = (size_t)y->shape.dim[1], .tiles_x = w_winograd_tiles(w.ow, m->tile.edge), .ep = w_kepi_of(&((const w_conv_attr *)w_step_node(p, s)->attr)->ep)};
    m->tiles = w_winograd_tiles(w.oh, m->tile.edge) * m->g.tiles_x;
}

static size_t places_bytes(const wino *m, size_t tiles) {
    return m->places * (w_wino_apart(tiles, m->g.c) + w_wino_apart(tiles, m->g.n)) * sizeof(float);
}

/* Bytes from beyond L2 when a chunk has `run` tiles: the weights once a chunk, and the places both ways if they are too many. */
static size_t bytes_from_far(const wino *m, size_t run) {
    size_t chunks = (m->tiles + run - 1) / run, weights = m->places * m->g.c * m->g.n * sizeof(float);
    return (weights > WEIGHTS_IN_L2 ? chunks * weights : weights) + (places_bytes(m, run) > CHUNK_BYTES ? 2 * places_bytes(m, m->tiles) : 0);
}

/* Tiles of a chunk: as many as fit L2, or as many as the limit allows, in chunks of one size. */
static size_t tiles_in_chunk(const wino *m, size_t least_chunks) {
    size_t most = W_MAX((size_t)1, (m->tiles + least_chunks - 1) / least_chunks);
    size_t small = W_MIN(most, W_MAX((size_t)SHORTEST, CHUNK_BYTES / places_bytes(m, 1))), large = W_MIN(most, W_MAX(small, CHUNK_LIMIT / places_bytes(m, 1)));
    size_t run = bytes_from_far(m, large) < bytes_from_far(m, small) ? large : small, chunks = (m->tiles + run - 1) / run;
    return (m->tiles + chunks - 1) / chunks;
}

static void set_chunks(const w_plan *p, w_step *s, wino *m) {
    const w_f32_wino *g = &m->g;
    double macs = (double)(m->images * m->tiles * m->places) * (double)(g->c * g->n);
    s->macs_done = macs;
    s->threads = w_step_threads(p, w_step_seconds(macs, w_step_io_bytes(s)));
    m->run = tiles_in_chunk(m, ((size_t)s->threads + m->images - 1) / m->images);
    m->chunks = (m->tiles + m->run - 1) / m->run;
    m->slots = s->threads > 1 ? (size_t)W_MAX(p->options.threads, s->threads) : 1;
    m->slot_bytes = W_ALIGN_UP(places_bytes(m, m->run), (size_t)64);
    s->scratch_bytes = m->slots * m->slot_bytes;
}

/* Transformed weights of columns j0 ..., in the places' blocks, which lie place_floats apart; no bias there. */
static void pack_block(float *to, const wino *m, const char *w, size_t j0) {
    size_t c = m->g.c, cols = W_MIN(m->nr, m->g.n - j0), width = w_block_width(m->nr, cols), zeros = cols < width ? (c + 1) * width : width;
    for (size_t k = 0; k < m->places; k++) memset(to + k * m->place_floats, 0, zeros * sizeof *to);
    for (size_t i = 0; i < c; i++)
        for (size_t j = 0; j < cols; j += W_WINO_KERNELS)
            w_wino_weights(m->tile.edge, w + ((j0 + j) * c + i) * 9 * sizeof(float), 9 * c, W_MIN(cols - j, (size_t)W_WINO_KERNELS),
                           to + (i + 1) * width + j, m->place_floats);
}

static weir_status pack(w_plan *p, w_step *s, wino *m, const void *w, weir_error *e) {
    size_t block = w_f32_block(m->nr, m->g.c);
    m->place_floats = (m->g.n + m->nr - 1) / m->nr * block;
    float *packed = w_step_packed(p, s, m->places * m->place_floats * sizeof(float), e);
    if (!packed) return WEIR_NO_RESOURCE;
    for (size_t j = 0; j < m->g.n; j += m->nr) pack_block(packed + j / m->nr * block, m, w, j);
    m->w = packed;
    return WEIR_OK;
}

static weir_status set_weights(w_plan *p, w_step *s, wino *m, weir_error *e) {
    const w_node *node = w_step_node(p, s);
    const void *w;
    float *b, *bias = w_arena_alloc_aligned(&p->arena_mem, m->g.n * sizeof *bias);
    size_t count;
    w_arena tmp;
    if (!bias) return w_oom(e, m->g.n * sizeof *bias, "a bias");
    memset(bias, 0, m->g.n * sizeof *bias);
    w_arena_init(&tmp, p->ctx);
    const w_f32_tile *t = w_igemm_choose_f32(p->ctx->kernels, m->run, m->g.c, m->g.n);
    m->product = t->fn;
    m->nr = t->nr;
    s->kernel = t->name;
    weir_status st = w_const_view_f32(p->graph, node->in[1], &tmp, &w, &count, e);
    if (st == WEIR_OK) st = pack(p, s, m, w, e);
    if (st == WEIR_OK && w_step_in(p, s, 2)) {
        st = w_const_f32(p->graph, node->in[2], &tmp, &b, &count, e);
        if (st == WEIR_OK) memcpy(bias, b, m->g.n * sizeof *bias);
    }
    w_arena_fini(&tmp);
    m->g.bias = bias;
    return st;
}

static weir_status prepare(w_plan *p, w_step *s, weir_error *e) {
    wino *m = w_step_params(p, s, sizeof *m, e);
    if (!m) return WEIR_NO_RESOURCE;
    const w_value *r = w_step_in(p, s, 3);
    m->res = r ? 3 : W_NONE;
    if (r) s->inplace = 1u << 3;
    set_geometry(p, s, m);
    set_chunks(p, s, m);
    s->peak = W_PEAK_F32;
    W_TRY(set_weights(p, s, m, e));
    s->tile = w_arena_printf(&p->arena_mem, "%dx%d of %zux%zux%zu, %zu products of %zux%zu", m->tile.edge, m->tile.edge, m->g.oh, m->g.ow, m->g.n, m->places, m->run, m->g.c);
    return s->tile ? WEIR_OK : w_oom(e, 64, "a tile's description");
}

/* ---- run ---- */

static void multiply(const wino *m, const float *v, size_t v_apart, float *out, size_t out_apart, size_t tiles) {
    for (size_t k = 0; k < m->places; k++) {
        w_f32_igemm g = {.rows = {.in = v + k * v_apart, .row_stride = m->g.c, .taps = 1, .c = m->g.c}, .w = m->w + k * m->place_floats,
                         .n = m->g.n, .out = out + k * out_apart, .out_stride = m->g.n};
        m->product(&g, 0, tiles, 0, (m->g.n + m->nr - 1) / m->nr);
    }
}

static void chunk(void *arg, size_t thread, size_t index) {
    const w_job *j = arg;
    const wino *m = j->s->params;
    size_t image = index / m->chunks, t0 = index % m->chunks * m->run, t1 = W_MIN(t0 + m->run, m->tiles), tiles = t1 - t0, pixels = m->g.oh * m->g.ow * m->g.n;
    size_t v_apart = w_wino_apart(tiles, m->g.c), p_apart = w_wino_apart(tiles, m->g.n);
    float *v = (float *)((uint8_t *)w_scratch_ptr(j->s, j->b) + thread * m->slot_bytes), *p = v + m->places * v_apart;
    w_f32_wino g = m->g;
    g.in = (const float *)w_loc_ptr(&j->s->in[0], j->b) + image * g.ih * g.iw * g.c;
    g.out = (float *)w_loc_ptr(&j->s->out[0], j->b) + image * pixels;
    if (m->res != W_NONE) g.res = (const float *)w_loc_ptr(&j->s->in[m->res], j->b) + image * pixels;
    g.places = v;
    g.apart = v_apart;
    m->tile.in(&g, t0, t1);
    multiply(m, v, v_apart, p, p_apart, tiles);
    g.places = p;
    g.apart = p_apart;
    m->tile.out(&g, t0, t1);
}

static void run(const w_step *s, const w_bindings *b) {
    const wino *m = s->params;
    w_job job = {s, b};
    if (s->threads > 1) w_pool_for_thread(b->pool, chunk, &job, m->images * m->chunks);
    else
        for (size_t i = 0; i < m->images * m->chunks; i++) chunk(&job, 0, i);
}

/* ---- traffic: per chunk its input lines, its places, all weights, its output lines ---- */

typedef struct part { ptrdiff_t y0, y1, x0, x1; } part; /* pixels of an image, half open; cut to it before use */

/* `loc` holds images of h by w pixels of `channels`. */
static void touch_part(w_touch *t, const w_loc *loc, size_t image, size_t h, size_t w, size_t channels, part a, w_touch_kind k) {
    a.y0 = W_MAX(a.y0, (ptrdiff_t)0), a.x0 = W_MAX(a.x0, (ptrdiff_t)0);
    a.y1 = W_MIN(a.y1, (ptrdiff_t)h), a.x1 = W_MIN(a.x1, (ptrdiff_t)w);
    size_t pixel = channels * sizeof(float);
    for (ptrdiff_t y = a.y0; y < a.y1 && a.x0 < a.x1; y++)
        w_touch_loc(t, loc, ((image * h + (size_t)y) * w + (size_t)a.x0) * pixel, (size_t)(a.x1 - a.x0) * pixel, k);
}

/* What the tiles t0 <= t < t1 read of the input or touch of an image like the output, tile row by tile row. */
static void touch_tiles(const wino *m, w_touch *t, const w_loc *loc, bool reads, size_t image, size_t t0, size_t t1, w_touch_kind k) {
    const w_f32_wino *g = &m->g;
    for (size_t t2; t0 < t1; t0 = t2) {
        t2 = W_MIN((t0 / g->tiles_x + 1) * g->tiles_x, t1);
        ptrdiff_t edge = m->tile.edge, y = (ptrdiff_t)(t0 / g->tiles_x) * edge, x0 = (ptrdiff_t)(t0 % g->tiles_x) * edge, x1 = x0 + (ptrdiff_t)(t2 - t0) * edge;
        if (reads) touch_part(t, loc, image, g->ih, g->iw, g->c, (part){y - g->pt, y - g->pt + edge + 2, x0 - g->pl, x1 - g->pl + 2}, k);
        else touch_part(t, loc, image, g->oh, g->ow, g->n, (part){y, y + edge, x0, x1}, k);
    }
}

static void touch_chunk(const wino *m, const w_step *s, w_touch *t, size_t image, size_t t0) {
    size_t t1 = W_MIN(t0 + m->run, m->tiles), places = places_bytes(m, t1 - t0);
    touch_tiles(m, t, &s->in[0], true, image, t0, t1, W_READ);
    w_touch_scratch(t, s, 0, places, W_WRITE);
    w_touch_packed(t, s, 0, s->packed_bytes);
    w_touch_scratch(t, s, 0, places, W_READ);
    if (m->res != W_NONE) touch_tiles(m, t, &s->in[m->res], false, image, t0, t1, W_READ);
    touch_tiles(m, t, &s->out[0], false, image, t0, t1, W_WRITE);
}

static void touch(const w_plan *p, const w_step *s, w_touch *t) {
    const wino *m = s->params;
    const w_f32_wino *g = &m->g;
    for (size_t i = 0; i < m->images; i++)
        for (size_t c = 0; c < m->chunks; c++) touch_chunk(m, s, t, i, c * m->run);
    double tiles = (double)(m->images * m->tiles), places = (double)m->places * tiles * sizeof(float);
    double blocks = (double)((g->n + m->nr - 1) / m->nr), products = places * ((double)g->c * blocks + (double)(g->c * m->nr) * blocks / 8);
    double loads = places * (double)(g->c + g->n) + products + (m->res != W_NONE ? (double)s->out[0].bytes : 0);
    w_touch_l1(t, loads, places * (double)(g->c + g->n) + (double)s->out[0].bytes);
}

const w_impl w_impl_conv_f32_winograd = {"conv_f32_winograd", W_OP_Conv, w_winograd_refuse, prepare, run, touch};
