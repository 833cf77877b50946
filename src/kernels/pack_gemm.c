/* Packs weights in the order in which the implicit GEMM kernels read them. */
#include "kernels.h"
#include <string.h>

void w_pack_f32(float *dst, size_t nr, const void *w, size_t stride_n, size_t stride_k, size_t n, size_t k, const float *bias) {
    for (size_t j0 = 0; j0 < n; j0 += nr) {
        size_t cols = n - j0 < nr ? n - j0 : nr, width = w_block_width(nr, cols);
        memset(dst, 0, width * sizeof *dst);
        if (bias) memcpy(dst, bias + j0, cols * sizeof *dst);
        dst += width;
        for (size_t i = 0; i < k; i++, dst += width) {
            for (size_t j = 0; j < cols; j++) memcpy(dst + j, (const float *)w + (j0 + j) * stride_n + i * stride_k, sizeof *dst);
            for (size_t j = cols; j < width; j++) dst[j] = 0.0f;
        }
    }
}

/* Elements c to c + 3 of run `tap` for columns j0 ... j0 + width - 1, one element after the other; 0 beyond all ends. */
static void gather_quad(const w_pack_u8_args *a, size_t j0, size_t width, size_t tap, size_t c, int8_t *to) {
    size_t cols = a->n - j0 < width ? a->n - j0 : width, there = a->c - c < 4 ? a->c - c : 4;
    memset(to, 0, 4 * width);
    for (size_t i = 0; i < there; i++) {
        const int8_t *from = a->w + j0 * a->stride_n + (tap * a->c + c + i) * a->stride_k;
        for (size_t j = 0; j < cols; j++) to[i * width + j] = from[j * a->stride_n];
    }
}

/* What the sums start from: modulo 2^32, as they are. */
static int32_t column_start(const w_pack_u8_args *a, size_t j) {
    int32_t sum = 0;
    const int8_t *w = a->w + j * a->stride_n;
    for (size_t k = 0; k < a->taps * a->c; k++) sum += w[k * a->stride_k];
    return (int32_t)(0u - (uint32_t)a->zx * (uint32_t)sum);
}

static void pack_quad(uint8_t *dst, w_pack_kind pack, size_t width, const w_pack_u8_args *a, size_t j0, size_t tap, size_t c) {
    int8_t w[4 * W_MAX_NR];
    gather_quad(a, j0, width, tap, c, w);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < width; j++) {
            if (pack == W_PACK_S8_QUAD) ((int8_t *)dst)[j * 4 + i] = w[i * width + j];
            else ((int16_t *)dst)[(i % 2 * width + j) * 2 + i / 2] = w[i * width + j];
        }
}

/* The elements of the group that starts at quad q of columns j0 ..., and their order. Returns how many they are. */
static size_t order_group(const w_pack_u8_args *a, size_t j0, size_t width, size_t q, int8_t w[W_GROUP * W_MAX_NR], uint8_t *order) {
    size_t run = w_u8_quads(a->c), quads = a->taps * run, n = quads - q < 4 ? quads - q : 4;
    memset(w, 0, W_GROUP * W_MAX_NR);
    for (size_t i = 0; i < n; i++) gather_quad(a, j0, width, (q + i) / run, (q + i) % run * 4, w + i * 4 * width);
    w_pair_order(order, w, width, 4 * n);
    return 4 * n;
}

#define SAMPLES 48 /* groups that are looked at */

w_wide_share w_pack_wide_share(size_t nr, const w_pack_u8_args *a) {
    size_t blocks = (a->n + nr - 1) / nr, groups = w_u8_orders(a->taps, a->c) / W_GROUP, all = blocks * groups, wide = 0, having = 0, seen = 0;
    for (size_t i = 0; i < SAMPLES && i < all; i++, seen++) {
        int8_t w[W_GROUP * W_MAX_NR];
        uint8_t order[W_GROUP];
        size_t at = all <= SAMPLES ? i : i * (all / SAMPLES) + i % 7 % (all / SAMPLES); /* not in step with a block's groups */
        size_t j0 = at / groups * nr;
        order_group(a, j0, w_block_width(nr, a->n - j0), at % groups * 4, w, order);
        wide += W_WIDE_OF(order);
        having += W_WIDE_OF(order) > 0;
    }
    return (w_wide_share){seen ? (double)wide / (double)(4 * seen) : 0, seen ? (double)having / (double)seen : 0};
}

/* The runs of one block as W_PACK_S8_PAIRS. Returns where the block ends. */
static uint8_t *pack_pairs(uint8_t *dst, size_t width, const w_pack_u8_args *a, size_t j0) {
    size_t quads = a->taps * w_u8_quads(a->c);
    uint8_t *order = dst, *out = dst + w_u8_orders(a->taps, a->c);
    bool narrow = true;
    for (size_t q = 0; q < quads; q += 4, order += W_GROUP) {
        int8_t w[W_GROUP * W_MAX_NR];
        size_t count = order_group(a, j0, width, q, w, order);
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
        size_t width = w_block_width(nr, a->n - j0), quad = width * (pack == W_PACK_S8_QUAD ? 4 : 8);
        for (size_t j = 0; j < width; j++) {
            bool real = j0 + j < a->n;
            ((int32_t *)out)[j] = real ? column_start(a, j0 + j) : 0;
            ((float *)out)[width + j] = real ? a->mul[j0 + j] : 0.0f;
            ((float *)out)[2 * width + j] = real && a->bias ? a->bias[j0 + j] : 0.0f;
        }
        out += width * 12;
        if (pack == W_PACK_S8_PAIRS) {
            out = pack_pairs(out, width, a, j0);
            continue;
        }
        for (size_t t = 0; t < a->taps; t++)
            for (size_t c = 0; c < a->c; c += 4, out += quad) pack_quad(out, pack, width, a, j0, t, c);
    }
}
