/* Packs weights in the order in which the implicit GEMM kernels read them. */
#include "kernels.h"
#include <string.h>

typedef float four __attribute__((vector_size(16)));

/* Four elements of four columns, which lie one after the other, side by side: to rows `width` apart. */
static inline void turn_four(float *to, size_t width, const float *w, size_t stride_n) {
    four c[4], low[2], high[2];
    for (size_t j = 0; j < 4; j++) memcpy(&c[j], w + j * stride_n, sizeof c[j]);
    for (size_t i = 0; i < 2; i++) {
        low[i] = __builtin_shufflevector(c[2 * i], c[2 * i + 1], 0, 4, 1, 5);
        high[i] = __builtin_shufflevector(c[2 * i], c[2 * i + 1], 2, 6, 3, 7);
    }
    four rows[4] = {__builtin_shufflevector(low[0], low[1], 0, 1, 4, 5), __builtin_shufflevector(low[0], low[1], 2, 3, 6, 7),
                    __builtin_shufflevector(high[0], high[1], 0, 1, 4, 5), __builtin_shufflevector(high[0], high[1], 2, 3, 6, 7)};
    for (size_t i = 0; i < 4; i++) memcpy(to + i * width, &rows[i], sizeof rows[i]);
}

/* [k][width] of `cols` columns, zeros beyond. */
static void pack_columns(float *dst, size_t width, const float *w, size_t stride_n, size_t stride_k, size_t cols, size_t k) {
    size_t fours = stride_k == 1 ? cols / 4 * 4 : 0, i = 0;
    for (; fours && i + 4 <= k; i += 4) {
        for (size_t j = 0; j < fours; j += 4) turn_four(dst + i * width + j, width, w + j * stride_n + i, stride_n);
        for (size_t r = i; r < i + 4; r++)
            for (size_t j = fours; j < width; j++)
                if (j < cols) memcpy(dst + r * width + j, w + j * stride_n + r, sizeof *dst);
                else dst[r * width + j] = 0.0f;
    }
    for (; i < k; i++) {
        float *to = dst + i * width;
        const float *from = w + i * stride_k;
        if (stride_n == 1) memcpy(to, from, cols * sizeof *to);
        else
            for (size_t j = 0; j < cols; j++) memcpy(to + j, from + j * stride_n, sizeof *to);
        for (size_t j = cols; j < width; j++) to[j] = 0.0f;
    }
}

void w_pack_f32(float *dst, size_t nr, const void *w, size_t stride_n, size_t stride_k, size_t n, size_t k, const float *bias) {
    for (size_t j0 = 0; j0 < n; j0 += nr) {
        size_t cols = n - j0 < nr ? n - j0 : nr, width = w_block_width(nr, cols);
        memset(dst, 0, width * sizeof *dst);
        if (bias) memcpy(dst, bias + j0, cols * sizeof *dst);
        pack_columns(dst + width, width, (const float *)w + j0 * stride_n, stride_n, stride_k, cols, k);
        dst += width * (1 + k);
    }
}

/* Elements c to c + 3 of run `tap` for columns j0 ... j0 + width - 1, one element after the other; 0 beyond all ends. */
static void gather_quad(const w_pack_u8_args *a, size_t j0, size_t width, size_t tap, size_t c, int8_t *to) {
    size_t cols = a->n - j0 < width ? a->n - j0 : width, there = a->c - c < 4 ? a->c - c : 4;
    const int8_t *from = a->w + j0 * a->stride_n + (tap * a->c + c) * a->stride_k;
    if (a->stride_n == 1 && cols == 16 && there == 4) {
        for (size_t i = 0; i < 4; i++) memcpy(to + i * 16, from + i * a->stride_k, 16);
        return;
    }
    memset(to, 0, 4 * width);
    for (size_t i = 0; i < there; i++, from += a->stride_k)
        for (size_t j = 0; j < cols; j++) to[i * width + j] = from[j * a->stride_n];
}

typedef uint8_t lanes __attribute__((vector_size(16)));

/* The bytes of n vectors, n even: those of the first half alternate with those of the second. */
static void alternate(lanes *to, const lanes *from, size_t n) {
    for (size_t i = 0; i < n / 2; i++) {
        lanes a = from[i], b = from[n / 2 + i];
        to[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        to[2 * i + 1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
}

/* Four quads from quad q on, of columns j0 ...: a transposition, where their elements lie side by side. False: not here. */
static bool gather_four(const w_pack_u8_args *a, size_t j0, size_t width, size_t q, int8_t *to) {
    if (a->stride_k != 1 || a->c % 4 || width < 8 || width & (width - 1)) return false;
    lanes v[W_MAX_NR], turned[W_MAX_NR], *from = v, *next = turned;
    for (size_t j = 0; j < width; j++) {
        if (j0 + j < a->n) memcpy(&v[j], a->w + (j0 + j) * a->stride_n + q * 4, sizeof v[j]);
        else v[j] = (lanes){0};
    }
    for (size_t rows = width; rows > 1; rows /= 2) { /* each round turns the bits of a byte's place by one */
        alternate(next, from, width);
        lanes *other = from;
        from = next;
        next = other;
    }
    memcpy(to, from, width * sizeof *from);
    return true;
}

/* Four elements of `width` columns, one after the other, to quads; inlined as add_columns is. */
static inline __attribute__((always_inline)) void turn_quads(uint8_t *out, const int8_t *w, const uint8_t order[4], size_t width) {
    lanes v[W_MAX_NR / 4], half[W_MAX_NR / 4];
    for (size_t i = 0; i < 4; i++) memcpy((uint8_t *)v + i * width, w + (order[i] & (W_GROUP - 1)) * width, width);
    alternate(half, v, width / 4);
    alternate(v, half, width / 4);
    memcpy(out, v, 4 * width);
}

static void to_quads(uint8_t *out, const int8_t *w, const uint8_t order[4], size_t width) {
    if (width == 16) turn_quads(out, w, order, 16);
    else turn_quads(out, w, order, width);
}

/* Adds the n <= 16 elements of each column; inlined with the width that most blocks have. */
static inline __attribute__((always_inline)) void add_columns(int32_t *sum, const int8_t *w, size_t width, size_t n) {
    int16_t part[W_MAX_NR];
    for (size_t j = 0; j < width; j++) part[j] = w[j];
    for (size_t i = 1; i < n; i++)
        for (size_t j = 0; j < width; j++) part[j] = (int16_t)(part[j] + w[i * width + j]);
    for (size_t j = 0; j < width; j++) sum[j] += part[j];
}

static void add_to_sums(int32_t *sum, const int8_t *w, size_t width, size_t n) {
    if (width == 16) add_columns(sum, w, 16, n);
    else add_columns(sum, w, width, n);
}

static void pack_quad(uint8_t *dst, w_pack_kind pack, size_t width, const int8_t *w) {
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < width; j++) {
            if (pack == W_PACK_S8_QUAD) ((int8_t *)dst)[j * 4 + i] = w[i * width + j];
            else ((int16_t *)dst)[(i % 2 * width + j) * 2 + i / 2] = w[i * width + j];
        }
}

/* w: two quads. */
static void pack_octet(uint8_t *dst, size_t width, const int8_t *w) {
    for (size_t i = 0; i < 8; i++)
        for (size_t j = 0; j < width; j++) ((int8_t *)dst)[j * 8 + i] = w[i * width + j];
}

static w_block_kind kind_of(const uint8_t order[W_GROUP], int sums) {
    if (W_WIDE_OF(order)) return W_BLOCK_ANY;
    if (sums < 4) return sums == 2 ? W_BLOCK_TWO : W_BLOCK_NARROW;
    for (size_t i = 0; i < W_GROUP; i++)
        if (order[i] != i) return W_BLOCK_FOUR;
    return W_BLOCK_FOUR_AS_IS;
}

/* The elements of the group that starts at quad q of columns j0 ..., and their order. Returns how many they are; *kind becomes
 * what it has in common with the groups before. */
static size_t order_group(const w_pack_u8_args *a, size_t j0, size_t width, size_t q, int8_t w[W_GROUP * W_MAX_NR], uint8_t *order,
                          w_block_kind *kind) {
    size_t run = w_u8_quads(a->c), quads = a->taps * run, n = quads - q < 4 ? quads - q : 4;
    if (n < 4) memset(w, 0, W_GROUP * width);
    if (n < 4 || !gather_four(a, j0, width, q, w))
        for (size_t i = 0; i < n; i++) gather_quad(a, j0, width, (q + i) / run, (q + i) % run * 4, w + i * 4 * width);
    int sums = w_pair_order(order, w, width, 4 * n, *kind >= W_BLOCK_TWO);
    w_block_kind is = kind_of(order, sums);
    if (is < *kind) *kind = is;
    return 4 * n;
}

#define SAMPLES 48 /* groups that are looked at */

w_pair_stats w_pack_pair_stats(size_t nr, const w_pack_u8_args *a) {
    size_t blocks = (a->n + nr - 1) / nr, groups = w_u8_orders(a->taps, a->c) / W_GROUP, all = blocks * groups, wide = 0, having = 0, seen = 0;
    w_block_kind kind = W_BLOCK_FOUR_AS_IS;
    for (size_t i = 0; i < SAMPLES && i < all; i++, seen++) {
        int8_t w[W_GROUP * W_MAX_NR];
        uint8_t order[W_GROUP];
        size_t at = all <= SAMPLES ? i : i * (all / SAMPLES) + i % 7 % (all / SAMPLES); /* not in step with a block's groups */
        size_t j0 = at / groups * nr;
        order_group(a, j0, w_block_width(nr, a->n - j0), at % groups * 4, w, order, &kind);
        wide += W_WIDE_OF(order);
        having += W_WIDE_OF(order) > 0;
    }
    return (w_pair_stats){seen ? (double)wide / (double)(4 * seen) : 0, seen ? (double)having / (double)seen : 0, kind};
}

/* The runs of one block as W_PACK_S8_PAIRS, and the sums of its columns. Returns where the block ends. */
static uint8_t *pack_pairs(uint8_t *dst, size_t width, const w_pack_u8_args *a, size_t j0, int32_t *sum) {
    size_t quads = a->taps * w_u8_quads(a->c);
    uint8_t *order = dst, *out = dst + w_u8_orders(a->taps, a->c);
    w_block_kind kind = W_BLOCK_FOUR_AS_IS;
    for (size_t q = 0; q < quads; q += 4, order += W_GROUP) {
        int8_t w[W_GROUP * W_MAX_NR];
        size_t count = order_group(a, j0, width, q, w, order, &kind);
        add_to_sums(sum, w, width, count);
        for (size_t i = 0; i < count; i += 4, out += 4 * width) to_quads(out, w, order + i, width);
    }
    dst[1] |= (uint8_t)(kind << 4);
    return out;
}

static uint8_t *pack_octets(uint8_t *out, size_t width, const w_pack_u8_args *a, size_t j0, int32_t *sum) {
    for (size_t t = 0; t < a->taps; t++)
        for (size_t c = 0; c < a->c; c += 8, out += 8 * width) {
            int8_t w[8 * W_MAX_NR] = {0};
            gather_quad(a, j0, width, t, c, w);
            if (c + 4 < a->c) gather_quad(a, j0, width, t, c + 4, w + 4 * width);
            add_to_sums(sum, w, width, 8);
            pack_octet(out, width, w);
        }
    return out;
}

static uint8_t *pack_quads(uint8_t *out, w_pack_kind pack, size_t width, const w_pack_u8_args *a, size_t j0, int32_t *sum) {
    size_t quad = width * (pack == W_PACK_S8_QUAD ? 4 : 8);
    for (size_t t = 0; t < a->taps; t++)
        for (size_t c = 0; c < a->c; c += 4, out += quad) {
            int8_t w[4 * W_MAX_NR];
            gather_quad(a, j0, width, t, c, w);
            add_to_sums(sum, w, width, 4);
            pack_quad(out, pack, width, w);
        }
    return out;
}

static uint8_t *pack_runs(uint8_t *out, w_pack_kind pack, size_t width, const w_pack_u8_args *a, size_t j0, int32_t *sum) {
    if (pack == W_PACK_S8_PAIRS) return pack_pairs(out, width, a, j0, sum);
    if (pack == W_PACK_S8_OCTET) return pack_octets(out, width, a, j0, sum);
    return pack_quads(out, pack, width, a, j0, sum);
}

/* What the sums of a block's columns start from (modulo 2^32, as they are), their factors and terms. */
static void pack_start(uint8_t *out, const w_pack_u8_args *a, size_t j0, size_t width, const int32_t *sum) {
    for (size_t j = 0; j < width; j++) {
        bool real = j0 + j < a->n;
        ((int32_t *)out)[j] = (int32_t)(0u - (uint32_t)a->zx * (uint32_t)sum[j]);
        ((float *)out)[width + j] = real ? a->mul[j0 + j] : 0.0f;
        ((float *)out)[2 * width + j] = real && a->bias ? a->bias[j0 + j] : 0.0f;
    }
}

void w_pack_u8(void *dst, w_pack_kind pack, size_t nr, const w_pack_u8_args *a) {
    uint8_t *block = dst;
    for (size_t j0 = 0; j0 < a->n; j0 += nr) {
        size_t width = w_block_width(nr, a->n - j0);
        int32_t sum[W_MAX_NR] = {0};
        uint8_t *end = pack_runs(block + width * 12, pack, width, a, j0, sum);
        pack_start(block, a, j0, width, sum);
        block = end;
    }
}
