/* Depthwise convolution in portable C, and the packing of its weights. */
#include "kernels.h"
#include "requant_ref.h"
#include <string.h>

void w_pack_dw_f32(float *dst, const float *w, size_t taps, size_t c, size_t cp) {
    for (size_t i = 0; i < cp; i++)
        for (size_t t = 0; t < taps; t++) dst[w_dw_f32_at(taps, i) + t * W_DW_LANES] = i < c ? w[i * taps + t] : 0.0f;
}

static void pack_block(uint8_t *dst, const w_pack_dw_u8_args *a, size_t c0) {
    size_t groups = (a->kh + 3) / 4;
    for (size_t i = 0; i < 64; i++) {
        size_t c = c0 + w_dw_u8_lane(i), taps = a->kh * a->kw;
        const int8_t *w = a->w + c * taps;
        int32_t acc0 = 0;
        float mul = 0, bias = 0;
        for (size_t t = 0; c < a->c && t < taps; t++) acc0 -= a->zx * w[t];
        if (c < a->c) {
            mul = a->mul[c];
            bias = a->bias ? a->bias[c] : 0.0f;
        }
        memcpy(dst + i * 4, &acc0, 4);
        memcpy(dst + 256 + i * 4, &mul, 4);
        memcpy(dst + 512 + i * 4, &bias, 4);
        for (size_t g = 0; g < groups; g++)
            for (size_t x = 0; x < a->kw; x++)
                for (size_t j = 0; j < 4; j++) {
                    size_t y = g * 4 + j;
                    bool used = c < a->c && y < a->kh;
                    dst[768 + ((g * a->kw + x) * 64 + i) * 4 + j] = used ? (uint8_t)w[y * a->kw + x] : 0;
                }
    }
}

void w_pack_dw_u8(void *dst, const w_pack_dw_u8_args *a) {
    w_window g = {.kh = a->kh, .kw = a->kw};
    for (size_t c0 = 0, block = 0; c0 < a->c; c0 += 64, block++) pack_block((uint8_t *)dst + block * w_dw_u8_block(&g), a, c0);
}

static float tap_sum(const w_dw_f32 *d, const float *image, size_t y, size_t x, size_t c) {
    const w_window *g = &d->g;
    w_taps ty = w_taps_at(y, g->kh, g->sh, g->dh, g->pt, g->ih), tx = w_taps_at(x, g->kw, g->sw, g->dw, g->pl, g->iw);
    ptrdiff_t top = w_window_start(y, g->sh, g->pt), left = w_window_start(x, g->sw, g->pl);
    float acc = d->bias[c];
    for (size_t ky = ty.lo; ky < ty.hi; ky++)
        for (size_t kx = tx.lo; kx < tx.hi; kx++) {
            size_t iy = (size_t)(top + (ptrdiff_t)(ky * g->dh)), ix = (size_t)(left + (ptrdiff_t)(kx * g->dw));
            acc += image[(iy * g->iw + ix) * g->c + c] * d->w[w_dw_f32_at(g->kh * g->kw, c) + (ky * g->kw + kx) * W_DW_LANES];
        }
    return acc;
}

void w_dw_f32__ref(const w_dw_f32 *d, size_t r0, size_t r1, size_t c0, size_t c1) {
    const w_window *g = &d->g;
    for (size_t r = r0; r < r1; r++) {
        const float *image = d->in + r / g->oh * g->ih * g->iw * g->c;
        for (size_t x = 0; x < g->ow; x++) {
            size_t at = (r * g->ow + x) * g->c;
            for (size_t c = c0; c < c1; c++) {
                float y = tap_sum(d, image, r % g->oh, x, c);
                if (d->res) y += d->res[at + c];
                d->out[at + c] = act_ref(&d->ep, y);
            }
        }
    }
}

/* One channel's place in the packed weights. */
typedef struct lane { const uint8_t *block; size_t i; } lane;

static lane lane_of(const w_dw_u8 *d, size_t c) {
    size_t in = c % 64;
    lane l = {(const uint8_t *)d->w + c / 64 * w_dw_u8_block(&d->g), in % 16 / 4 * 16 + in / 16 * 4 + in % 4};
    return l;
}

static int32_t lane_sum(const w_dw_u8 *d, const lane *l, const uint8_t *image, size_t y, size_t x, size_t c) {
    const w_window *g = &d->g;
    const int8_t *w = (const int8_t *)l->block + 768;
    int32_t acc;
    memcpy(&acc, l->block + l->i * 4, 4);
    acc *= d->late_zero;
    for (size_t ky = 0; ky < g->kh; ky++)
        for (size_t kx = 0; kx < g->kw; kx++) {
            ptrdiff_t iy = w_window_start(y, g->sh, g->pt) + (ptrdiff_t)(ky * g->dh);
            ptrdiff_t ix = w_window_start(x, g->sw, g->pl) + (ptrdiff_t)(kx * g->dw);
            bool inside = iy >= 0 && ix >= 0 && (size_t)iy < g->ih && (size_t)ix < g->iw;
            int32_t v = inside ? image[((size_t)iy * g->iw + (size_t)ix) * g->c + c] : d->zero[c];
            acc += v * w[((ky / 4 * g->kw + kx) * 64 + l->i) * 4 + ky % 4];
        }
    return acc;
}

void w_dw_u8__ref(const w_dw_u8 *d, size_t r0, size_t r1, size_t c0, size_t c1) {
    const w_window *g = &d->g;
    for (size_t r = r0; r < r1; r++)
        for (size_t x = 0; x < g->ow; x++)
            for (size_t c = c0; c < c1; c++) {
                lane l = lane_of(d, c);
                size_t at = (r * g->ow + x) * g->c + c;
                float mul, bias;
                memcpy(&mul, l.block + 256 + l.i * 4, 4);
                memcpy(&bias, l.block + 512 + l.i * 4, 4);
                int32_t sum = lane_sum(d, &l, d->in + r / g->oh * g->ih * g->iw * g->c, r % g->oh, x, c);
                float y = act_steps_ref(&d->ep, fmaf((float)sum, mul * d->late_scale, bias), d->act_scale);
                if (d->out_u8) ((uint8_t *)d->out)[at] = round_ref(y, d->out_zero);
                else ((float *)d->out)[at] = y;
            }
}
