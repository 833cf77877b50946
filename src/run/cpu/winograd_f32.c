/* 3x3 convolution of stride 1 on f32 images by Winograd's F(2x2, 3x3) or F(4x4, 3x3): 16 multiply-adds make what takes 36 directly,
 * or 36 what takes 144, for two cheap transforms around 16 or 36 matrix products (kernels_wino.h).
 *
 * An output is summed another way than by conv_f32_igemm: at most (C + 24) * 2^-24 * 64 C (F(2x2)) or 564 C (F(4x4)) times the largest
 * input and weight away from the exact sum, 2^-24 rounding once, 64 and 564 the largest sums of |A||B||G|. Measured: the errors of the
 * direct sum, and about three times as much (3e-6 of the largest output at 512 channels). It may not be computed column by
 * column in a stream. */
#include "step_igemm.h"
#include "step_winograd.h"
#include "steps.h"
#include <string.h>

static void chunk(const wino *m, const wino_part *part) {
    size_t tiles = part->t1 - part->t0;
    w_f32_wino g = {.in = part->in, .ih = m->w.ih, .iw = m->w.iw, .c = m->c, .pt = (int)m->w.pt, .pl = (int)m->w.pl, .tiles_x = m->tiles_x,
                    .places = part->v, .apart = part->v_apart, .out = part->out, .oh = m->w.oh, .ow = m->w.ow, .n = m->n, .out_stride = m->to.out_stride, .bias = m->bias,
                    .res = part->res, .ep = m->to.ep};
    m->tile.in(&g, part->t0, part->t1);
    for (size_t k = 0; k < m->places; k++) {
        w_f32_igemm product = {.rows = {.in = g.places + k * part->v_apart, .row_stride = m->c, .taps = 1, .c = m->c},
                               .w = (const float *)m->weights + k * m->place_elements, .n = m->n,
                               .out = (float *)part->m + k * part->m_apart, .out_stride = m->n};
        m->product(&product, 0, tiles, 0, (m->n + m->nr - 1) / m->nr);
    }
    g.places = part->m;
    g.apart = part->m_apart;
    m->tile.out(&g, part->t0, part->t1);
}

/* Transformed weights of columns j0 ..., in the places' blocks; no bias there. */
static void pack_block(float *to, const wino *m, const char *w, size_t j0) {
    size_t c = m->c, cols = W_MIN(m->nr, m->n - j0), width = w_block_width(m->nr, cols), zeros = cols < width ? (c + 1) * width : width;
    for (size_t k = 0; k < m->places; k++) memset(to + k * m->place_elements, 0, zeros * sizeof *to);
    for (size_t i = 0; i < c; i++)
        for (size_t j = 0; j < cols; j += W_WINO_KERNELS)
            w_wino_weights(m->edge, w + ((j0 + j) * c + i) * 9 * sizeof(float), 9 * c, W_MIN(cols - j, (size_t)W_WINO_KERNELS),
                           to + (i + 1) * width + j, m->place_elements);
}

static weir_status pack(w_plan *p, w_step *s, wino *m, w_arena *tmp, weir_error *e) {
    const void *w;
    size_t count, block = w_f32_block(m->nr, m->c);
    W_TRY(w_const_view_f32(p->graph, w_step_node(p, s)->in[1], tmp, &w, &count, e));
    m->place_elements = (m->n + m->nr - 1) / m->nr * block;
    float *packed = w_step_packed(p, s, m->places * m->place_elements * sizeof(float), e);
    if (!packed) return WEIR_NO_RESOURCE;
    for (size_t j = 0; j < m->n; j += m->nr) pack_block(packed + j / m->nr * block, m, w, j);
    m->weights = packed;
    return WEIR_OK;
}

static weir_status prepare(w_plan *p, w_step *s, weir_error *e) {
    wino *m = w_winograd_begin(p, s, e);
    if (!m) return WEIR_NO_RESOURCE;
    const w_kernels *k = p->ctx->kernels;
    m->v_elem = m->w_elem = sizeof(float);
    w_winograd_set_chunks(p, s, m);
    for (size_t i = 0; i < W_WINO_SIZES; i++)
        if (k->wino[i].edge == m->edge) m->tile = k->wino[i];
    const w_f32_tile *t = w_igemm_choose_f32(k, m->run, m->c, m->n);
    m->product = t->fn;
    m->nr = t->nr;
    m->chunk = chunk;
    s->kernel = t->name;
    s->peak = W_PEAK_F32;
    w_arena tmp;
    w_arena_init(&tmp, p->ctx);
    weir_status st = pack(p, s, m, &tmp, e);
    w_arena_fini(&tmp);
    W_TRY(st);
    W_TRY(w_winograd_bias(p, s, m, e));
    return w_winograd_end(p, s, m, e);
}

const w_impl w_impl_conv_f32_winograd = {"conv_f32_winograd", W_OP_Conv, w_winograd_refuse_f32, prepare, w_winograd_run, w_winograd_touch};
