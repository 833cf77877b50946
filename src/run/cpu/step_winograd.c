/* Winograd's tiles: geometry, chunks, run and traffic of a convolution that winograd_f32.c or winograd_u8.c has prepared.
 *
 * Every chunk reads all weights, so it is as small as L2 where those stay there too and larger where they would come from memory
 * again. The chunks are fixed at plan time, so the bits do not depend on the threads. */
#include "step_winograd.h"
#include "step_igemm.h"
#include <string.h>

#define CHUNK_BYTES (192u << 10)  /* places of a chunk, input and output side, that stay in L2: a fifth of a large one */
#define CHUNK_LIMIT (4u << 20)    /* of any chunk: a share of the last level */
#define LESS 0.5                  /* of the bytes at most, for a chunk beyond L2 to be taken: it makes the arena larger */
#define SHORTEST 12               /* tiles that a product needs to run well */

static void set_output(const w_plan *p, w_step *s, wino *m) {
    igemm like = {.u8 = {.n = m->n, .out_stride = w_step_row(p, s), .res_stride = m->n, .late_zero = 1, .late_scale = 1.0f}};
    w_igemm_epilogue(p, s, &like, &((const w_conv_attr *)w_step_node(p, s)->attr)->ep, 3);
    m->in_elem = like.in_elem;
    m->out_elem = like.out_elem;
    m->res = like.res;
    m->to = like.u8;
    m->unit = like.unit;
}

wino *w_winograd_begin(w_plan *p, w_step *s, weir_error *e) {
    const w_node *node = w_step_node(p, s);
    const w_value *x = w_step_in(p, s, 0), *y = w_step_out(p, s, 0);
    wino *m = w_step_params(p, s, sizeof *m, e);
    if (!m) return NULL;
    *m = (wino){.edge = w_winograd_edge(p, node), .images = (size_t)x->shape.dim[0], .c = (size_t)x->shape.dim[1], .n = (size_t)y->shape.dim[1]};
    w_winograd_window(p->graph, node, &m->w);
    m->places = w_wino_places(m->edge);
    m->tiles_x = w_winograd_tiles(m->w.ow, m->edge);
    m->tiles = w_winograd_tiles(m->w.oh, m->edge) * m->tiles_x;
    set_output(p, s, m);
    return m;
}

static size_t v_bytes(const wino *m, size_t tiles) { return m->places * w_wino_apart(tiles, m->c, m->v_elem) * m->v_elem; }
static size_t places_bytes(const wino *m, size_t tiles) { return v_bytes(m, tiles) + m->places * w_wino_apart(tiles, m->n, 4) * 4; }

/* Bytes from beyond L2 when a chunk has `run` tiles: the weights once a chunk, and the places both ways if they are too many. */
static size_t bytes_from_far(const wino *m, size_t run) {
    size_t chunks = (m->tiles + run - 1) / run, weights = m->places * m->c * m->n * m->w_elem;
    return (weights > WEIGHTS_IN_L2 ? chunks * weights : weights) + (places_bytes(m, run) > CHUNK_BYTES ? 2 * places_bytes(m, m->tiles) : 0);
}

/* Tiles of a chunk: as many as fit L2, or as many as the limit allows, in chunks of one size. */
static size_t tiles_in_chunk(const wino *m, size_t least_chunks) {
    size_t most = W_MAX((size_t)1, (m->tiles + least_chunks - 1) / least_chunks);
    size_t small = W_MIN(most, W_MAX((size_t)SHORTEST, CHUNK_BYTES / places_bytes(m, 1))), large = W_MIN(most, W_MAX(small, CHUNK_LIMIT / places_bytes(m, 1)));
    size_t run = (double)bytes_from_far(m, large) < LESS * (double)bytes_from_far(m, small) ? large : small, chunks = (m->tiles + run - 1) / run;
    return (m->tiles + chunks - 1) / chunks;
}

void w_winograd_set_chunks(const w_plan *p, w_step *s, wino *m) {
    double macs = (double)(m->images * m->tiles * m->places) * (double)(m->c * m->n);
    s->macs_done = macs;
    s->threads = w_step_threads(p, w_step_seconds(macs, w_step_io_bytes(s)));
    m->run = tiles_in_chunk(m, ((size_t)s->threads + m->images - 1) / m->images);
    m->chunks = (m->tiles + m->run - 1) / m->run;
    m->slots = s->threads > 1 ? (size_t)W_MAX(p->options.threads, s->threads) : 1;
    m->slot_bytes = W_ALIGN_UP(places_bytes(m, m->run), (size_t)64);
    s->scratch_bytes = m->slots * m->slot_bytes;
}

weir_status w_winograd_bias(w_plan *p, const w_step *s, wino *m, weir_error *e) {
    float *bias;
    W_TRY(w_bias_of(p, s, m->unit, &p->arena_mem, &bias, e));
    if (!bias) bias = w_arena_array(&p->arena_mem, m->n, sizeof *bias);
    m->bias = bias;
    return bias ? WEIR_OK : w_oom(e, m->n * sizeof *bias, "a bias");
}

weir_status w_winograd_end(w_plan *p, w_step *s, const wino *m, weir_error *e) {
    s->tile = w_arena_printf(&p->arena_mem, "%zux%zu of %zux%zux%zu, %zu products of %zux%zu", m->edge, m->edge, m->w.oh, m->w.ow, m->n, m->places, m->run, m->c);
    return s->tile ? WEIR_OK : w_oom(e, 64, "a tile's description");
}

/* ---- run ---- */

static void chunk(void *arg, size_t thread, size_t index) {
    const w_job *j = arg;
    const wino *m = j->s->params;
    size_t image = index / m->chunks, pixels = image * m->w.oh * m->w.ow * m->to.out_stride;
    wino_part part = {.t0 = index % m->chunks * m->run};
    part.t1 = W_MIN(part.t0 + m->run, m->tiles);
    size_t tiles = part.t1 - part.t0;
    uint8_t *slot = (uint8_t *)w_scratch_ptr(j->s, j->b) + thread * m->slot_bytes;
    part.v = slot;
    part.m = slot + v_bytes(m, tiles);
    part.v_apart = w_wino_apart(tiles, m->c, m->v_elem);
    part.m_apart = w_wino_apart(tiles, m->n, 4);
    part.in = (const uint8_t *)w_loc_ptr(&j->s->in[0], j->b) + image * m->w.ih * m->w.iw * m->c * m->in_elem;
    part.out = (uint8_t *)w_loc_ptr(&j->s->out[0], j->b) + pixels * m->out_elem;
    if (m->res != W_NONE) part.res = (const uint8_t *)w_loc_ptr(&j->s->in[m->res], j->b) + image * (j->s->in[m->res].bytes / m->images);
    m->chunk(m, &part);
}

void w_winograd_run(const w_step *s, const w_bindings *b) {
    const wino *m = s->params;
    w_job job = {s, b};
    if (s->threads > 1) w_pool_for_thread(b->pool, chunk, &job, m->images * m->chunks);
    else
        for (size_t i = 0; i < m->images * m->chunks; i++) chunk(&job, 0, i);
}

/* ---- traffic: per chunk its input lines, its places, all weights, its output lines ---- */

typedef struct part { ptrdiff_t y0, y1, x0, x1; } part; /* pixels of an image, half open; cut to it before use */
typedef struct image { const w_loc *loc; size_t number, h, w, pixel; } image; /* pixel: bytes */

static void touch_part(w_touch *t, const image *i, part a, w_touch_kind k) {
    a.y0 = W_MAX(a.y0, (ptrdiff_t)0), a.x0 = W_MAX(a.x0, (ptrdiff_t)0);
    a.y1 = W_MIN(a.y1, (ptrdiff_t)i->h), a.x1 = W_MIN(a.x1, (ptrdiff_t)i->w);
    for (ptrdiff_t y = a.y0; y < a.y1 && a.x0 < a.x1; y++)
        w_touch_rows(t, i->loc, (i->number * i->h + (size_t)y) * i->w + (size_t)a.x0, (size_t)(a.x1 - a.x0), i->pixel, k);
}

/* What the tiles t0 <= t < t1 read of the input (a margin of one pixel around) or touch of an image like the output, row by row. */
static void touch_tiles(const wino *m, w_touch *t, const image *i, bool reads, size_t t0, size_t t1, w_touch_kind k) {
    for (size_t t2; t0 < t1; t0 = t2) {
        t2 = W_MIN((t0 / m->tiles_x + 1) * m->tiles_x, t1);
        ptrdiff_t edge = (ptrdiff_t)m->edge, y = (ptrdiff_t)(t0 / m->tiles_x) * edge, x0 = (ptrdiff_t)(t0 % m->tiles_x) * edge, x1 = x0 + (ptrdiff_t)(t2 - t0) * edge;
        ptrdiff_t pt = (ptrdiff_t)m->w.pt, pl = (ptrdiff_t)m->w.pl;
        if (reads) touch_part(t, i, (part){y - pt, y - pt + edge + 2, x0 - pl, x1 - pl + 2}, k);
        else touch_part(t, i, (part){y, y + edge, x0, x1}, k);
    }
}

static void touch_chunk(const wino *m, const w_step *s, w_touch *t, size_t number, size_t t0) {
    size_t t1 = W_MIN(t0 + m->run, m->tiles), places = places_bytes(m, t1 - t0);
    image in = {&s->in[0], number, m->w.ih, m->w.iw, m->c * m->in_elem}, out = {&s->out[0], number, m->w.oh, m->w.ow, m->n * m->out_elem};
    touch_tiles(m, t, &in, true, t0, t1, W_READ);
    w_touch_scratch(t, s, 0, places, W_WRITE);
    w_touch_packed(t, s, 0, s->packed_bytes);
    w_touch_scratch(t, s, 0, places, W_READ);
    if (m->res != W_NONE) {
        image res = out;
        res.loc = &s->in[m->res];
        res.pixel = s->in[m->res].bytes / (m->images * m->w.oh * m->w.ow);
        touch_tiles(m, t, &res, false, t0, t1, W_READ);
    }
    touch_tiles(m, t, &out, false, t0, t1, W_WRITE);
}

void w_winograd_touch(const w_plan *p, const w_step *s, w_touch *t) {
    const wino *m = s->params;
    for (size_t i = 0; i < m->images; i++)
        for (size_t c = 0; c < m->chunks; c++) touch_chunk(m, s, t, i, c * m->run);
    double places = (double)(m->images * m->tiles * m->places), blocks = (double)((m->n + m->nr - 1) / m->nr);
    double moved = places * ((double)(m->c * m->v_elem) + (double)(m->n * 4));
    double weights = W_MAX(places * (double)m->c * blocks * (double)(m->nr * m->w_elem) / 8, (double)s->packed_bytes); /* by eight rows */
    double products = places * (double)(m->c * m->v_elem) * blocks + weights;
    w_touch_l1(t, moved + products + (m->res != W_NONE ? (double)s->in[m->res].bytes : 0), moved + (double)s->out[0].bytes);
}
