/* Packs weights in the order in which the implicit GEMM kernels read them. */
#include "kernels.h"
#include <string.h>

void w_pack_f32(float *dst, size_t nr, const float *w, size_t stride_n, size_t stride_k, size_t n, size_t k, const float *bias) {
    for (size_t j0 = 0; j0 < n; j0 += nr) {
        size_t cols = n - j0 < nr ? n - j0 : nr, width = w_block_width(nr, cols);
        memset(dst, 0, width * sizeof *dst);
        if (bias) memcpy(dst, bias + j0, cols * sizeof *dst);
        dst += width;
        for (size_t i = 0; i < k; i++, dst += width) {
            for (size_t j = 0; j < cols; j++) dst[j] = w[(j0 + j) * stride_n + i * stride_k];
            for (size_t j = cols; j < width; j++) dst[j] = 0.0f;
        }
    }
}

/* Column j of the weight matrix, element (tap, c); 0 beyond both ends. */
static int8_t weight_at(const w_pack_u8_args *a, size_t j, size_t tap, size_t c) {
    return j < a->n && c < a->c ? a->w[j * a->stride_n + (tap * a->c + c) * a->stride_k] : 0;
}

static int32_t column_start(const w_pack_u8_args *a, size_t j) {
    int32_t sum = 0;
    for (size_t t = 0; t < a->taps; t++)
        for (size_t c = 0; c < a->c; c++) sum += weight_at(a, j, t, c);
    return (int32_t)(0u - (uint32_t)a->zx * (uint32_t)sum); /* modulo 2^32, as the sums it starts */
}

static void pack_quad(uint8_t *dst, w_pack_kind pack, size_t width, const w_pack_u8_args *a, size_t j0, size_t tap, size_t c) {
    for (size_t j = 0; j < width; j++)
        for (size_t i = 0; i < 4; i++) {
            int8_t v = weight_at(a, j0 + j, tap, c + i);
            if (pack == W_PACK_S8_QUAD) ((int8_t *)dst)[j * 4 + i] = v;
            else ((int16_t *)dst)[(i % 2 * width + j) * 2 + i / 2] = v;
        }
}

/* The runs of one block as W_PACK_S8_PAIRS. Returns where the block ends. */
static uint8_t *pack_pairs(uint8_t *dst, size_t width, const w_pack_u8_args *a, size_t j0) {
    size_t run = w_u8_quads(a->c), quads = a->taps * run;
    uint8_t *order = dst, *out = dst + w_u8_orders(a->taps, a->c);
    bool narrow = true;
    for (size_t q = 0; q < quads; q += 4, order += W_GROUP) {
        int8_t w[W_GROUP * W_MAX_NR] = {0};
        size_t count = 4 * (quads - q < 4 ? quads - q : 4);
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < width; j++) w[i * width + j] = weight_at(a, j0 + j, (q + i / 4) / run, (q + i / 4) % run * 4 + i % 4);
        w_pair_order(order, w, width, count);
        if (W_WIDE_OF(order)) narrow = false;
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < width; j++) out[(i / 4 * width + j) * 4 + i % 4] = (uint8_t)w[(order[i] & (W_GROUP - 1)) * width + j];
        out += count * width;
    }
    if (narrow) dst[1] |= W_BLOCK_NARROW;
    return out;
}

void w_pack_u8(void *dst, w_pack_kind pack, size_t nr, const w_pack_u8_args *a) {
    uint8_t *out = dst;
    for (size_t j0 = 0; j0 < a->n; j0 += nr) {
        size_t width = w_block_width(nr, a->n - j0), quad = width * (pack == W_PACK_S8_QUAD ? 4 : 8), taps = a->taps;
        for (size_t j = 0; j < width; j++) {
            bool real = j0 + j < a->n;
            ((int32_t *)out)[j] = real ? column_start(a, j0 + j) : 0;
            ((float *)out)[width + j] = real ? a->mul[j0 + j] : 0.0f;
            ((float *)out)[2 * width + j] = real && a->bias ? a->bias[j0 + j] : 0.0f;
        }
        out += width * 12;
        if (pack == W_PACK_S8_PAIRS) out = pack_pairs(out, width, a, j0), taps = 0;
        for (size_t t = 0; t < taps; t++)
            for (size_t c = 0; c < a->c; c += 4, out += quad) pack_quad(out, pack, width, a, j0, t, c);
    }
}
