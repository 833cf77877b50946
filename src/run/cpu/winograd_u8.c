/* 3x3 convolution of stride 1 on u8 images by Winograd's F(2x2, 3x3) in integers: 16 products of s16 make what takes 36 of u8 and s8.
 * The sums are exact, so the bits are those of conv_u8_igemm. */
#include "step_igemm.h"
#include "step_winograd.h"
#include "steps.h"

static void chunk(const wino *m, const wino_part *part) {
    size_t tiles = part->t1 - part->t0;
    w_u8_wino g = {.in = part->in, .ih = m->w.ih, .iw = m->w.iw, .c = m->c, .pt = (int)m->w.pt, .pl = (int)m->w.pl, .zero = m->zero,
                   .tiles_x = m->tiles_x, .v = part->v, .m = part->m, .v_apart = part->v_apart, .m_apart = part->m_apart, .oh = m->w.oh,
                   .ow = m->w.ow, .mul = m->mul, .bias = m->bias, .to = m->to};
    g.to.out = part->out;
    g.to.res = part->res;
    m->tile_u8.in(&g, part->t0, part->t1);
    for (size_t k = 0; k < m->places; k++) {
        w_s16_gemm product = {.in = g.v + k * part->v_apart, .row_stride = m->c, .k = m->c, .w = (const int16_t *)m->weights + k * m->place_elements,
                              .n = m->n, .out = (int32_t *)part->m + k * part->m_apart, .out_stride = m->n};
        m->product_u8(&product, 0, tiles, 0, (m->n + m->nr - 1) / m->nr);
    }
    m->tile_u8.out(&g, part->t0, part->t1);
}

static weir_status pack(w_plan *p, w_step *s, wino *m, weir_error *e) {
    m->place_elements = (m->n + m->nr - 1) / m->nr * m->nr * m->c;
    int16_t *packed = w_step_packed(p, s, m->places * m->place_elements * sizeof *packed, e);
    if (!packed) return WEIR_NO_RESOURCE;
    w_wino_weights_s16(w_step_in(p, s, 1)->data, m->n, m->c, m->nr, packed, m->place_elements);
    m->weights = packed;
    return WEIR_OK;
}

static weir_status prepare(w_plan *p, w_step *s, weir_error *e) {
    wino *m = w_winograd_begin(p, s, e);
    if (!m) return WEIR_NO_RESOURCE;
    m->tile_u8 = p->ctx->kernels->wino_u8;
    m->v_elem = m->w_elem = sizeof(int16_t);
    w_winograd_set_chunks(p, s, m);
    m->product_u8 = p->ctx->kernels->s16_gemm.fn;
    m->nr = p->ctx->kernels->s16_gemm.nr;
    m->chunk = chunk;
    m->zero = w_packed_zero(p, s);
    m->mul = w_igemm_mul(p, s, m->n, m->unit, e);
    if (!m->mul) return WEIR_NO_RESOURCE;
    s->kernel = p->ctx->kernels->s16_gemm.name;
    s->peak = W_PEAK_INT8;
    W_TRY(pack(p, s, m, e));
    W_TRY(w_winograd_bias(p, s, m, e));
    return w_winograd_end(p, s, m, e);
}

const w_impl w_impl_conv_u8_winograd = {"conv_u8_winograd", W_OP_Conv, w_winograd_refuse_u8, prepare, w_winograd_run, w_winograd_touch};
