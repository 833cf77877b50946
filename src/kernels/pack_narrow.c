/* Packs and unpacks weights of few bits: see kernels_narrow.h. */
#include "kernels.h"
#include <string.h>

static uint32_t code(const w_narrow_source *s, size_t j, size_t i) {
    size_t at = j * s->stride_n + i * s->stride_k;
    uint16_t half;
    if (s->bits == W_BITS_BF16) {
        memcpy(&half, (const uint8_t *)s->w + at * 2, 2);
        return half;
    }
    size_t bit = at * s->bits;
    uint8_t byte = (uint8_t)(((const uint8_t *)s->w)[bit / 8] >> bit % 8);
    return (byte ^ s->flip) & ((1u << s->bits) - 1);
}

/* A column's codes that lie one after the other from a whole byte on are the lanes as they shall be. */
static void copy_lanes(uint8_t *out, const uint8_t *from, uint32_t flip, size_t width, size_t bits, size_t count) {
    size_t fields = 32 / bits;
    uint32_t turn = 0, lane;
    for (size_t f = 0; f < fields; f++) turn |= flip << bits * f;
    for (; count >= fields; count -= fields, from += 4, out += 4 * width) {
        memcpy(&lane, from, 4);
        lane ^= turn;
        memcpy(out, &lane, 4);
    }
    if (!count) return;
    lane = 0;
    memcpy(&lane, from, (count * bits + 7) / 8);
    lane = (lane ^ turn) & ((UINT32_C(1) << count * bits) - 1);
    memcpy(out, &lane, 4);
}

/* Codes number at ... at + n - 1, one a place. */
static void spread_codes(uint32_t *to, const w_narrow_source *s, size_t at, size_t n) {
    const uint8_t *from = (const uint8_t *)s->w + at * s->bits / 8;
    uint32_t mask = (1u << s->bits) - 1, flip = s->flip;
    if (s->bits == 8)
        for (size_t j = 0; j < n; j++) to[j] = from[j] ^ flip;
    else if (s->bits == W_BITS_BF16)
        for (size_t j = 0; j < n; j++) {
            uint16_t half;
            memcpy(&half, from + 2 * j, 2);
            to[j] = half;
        }
    else
        for (size_t j = 0; j < n; j++) to[j] = (from[j * s->bits / 8] >> j * s->bits % 8 ^ flip) & mask;
}

static void pack_lanes(uint8_t *out, const w_narrow_source *s, size_t j0, size_t cols, size_t width, size_t i0, size_t count) {
    size_t fields = 32 / s->bits, whole = s->bits < 8 ? 8 / s->bits : 1; /* codes of a byte */
    bool by_columns = s->stride_k == 1 && s->stride_n % whole == 0 && i0 % whole == 0;
    bool by_rows = s->stride_n == 1 && s->stride_k % whole == 0 && j0 % whole == 0;
    memset(out, 0, 4 * width * w_narrow_lanes(s->bits, count));
    for (size_t j = 0; by_columns && j < cols; j++)
        copy_lanes(out + 4 * j, (const uint8_t *)s->w + ((j0 + j) * s->stride_n + i0) * s->bits / 8, s->flip, width, s->bits, count);
    for (size_t i = 0; !by_columns && i < count; i++) {
        uint32_t row[W_MAX_NR], lane[W_MAX_NR];
        uint8_t *to = out + i / fields * 4 * width;
        if (by_rows) spread_codes(row, s, j0 + (i0 + i) * s->stride_k, cols);
        else
            for (size_t j = 0; j < cols; j++) row[j] = code(s, j0 + j, i0 + i);
        memcpy(lane, to, 4 * cols);
        for (size_t j = 0; j < cols; j++) lane[j] |= row[j] << s->bits * (i % fields);
        memcpy(to, lane, 4 * cols);
    }
}

/* Scales and zero points of the group that starts at i0. Returns where they end. */
static uint8_t *pack_head(uint8_t *out, const w_narrow_source *s, size_t j0, size_t cols, size_t width, size_t i0) {
    size_t at = j0 * s->scale_n + i0 / s->group * s->scale_k;
    if (s->bits == W_BITS_BF16) return out;
    memset(out, 0, width * (sizeof(float) + (s->zero != NULL)));
    for (size_t j = 0; j < cols; j++) memcpy(out + 4 * j, s->scale + at + j * s->scale_n, 4);
    out += 4 * width;
    for (size_t j = 0; s->zero && j < cols; j++) out[j] = s->zero[at + j * s->scale_n];
    return s->zero ? out + width : out;
}

void w_pack_narrow(void *dst, size_t nr, const w_narrow_source *s) {
    uint8_t *out = dst;
    for (size_t j0 = 0; j0 < s->n; j0 += nr) {
        size_t cols = s->n - j0 < nr ? s->n - j0 : nr, width = w_block_width(nr, cols);
        memset(out, 0, 4 * width);
        if (s->bias) memcpy(out, s->bias + j0, 4 * cols);
        out += 4 * width;
        for (size_t i = 0; i < s->k; i += s->group) {
            size_t count = s->k - i < s->group ? s->k - i : s->group;
            out = pack_head(out, s, j0, cols, width, i);
            pack_lanes(out, s, j0, cols, width, i, count);
            out += 4 * width * w_narrow_lanes(s->bits, count);
        }
    }
}

static float real(const w_narrow_source *s, float zero, size_t j, size_t i) {
    uint32_t c = code(s, j, i), bits = c << 16;
    size_t at = j * s->scale_n + i / s->group * s->scale_k;
    float f;
    if (s->bits != W_BITS_BF16) return ((float)c - (s->zero ? (float)s->zero[at] : zero)) * s->scale[at];
    memcpy(&f, &bits, 4);
    return f;
}

void w_unpack_narrow(float *dst, const w_narrow_source *s, float zero, size_t j0, size_t j1) {
    for (size_t j = j0; j < j1; j++)
        for (size_t i = 0; i < s->k; i++) *dst++ = real(s, zero, j, i);
}

/* Sixteen partial sums, added in pairs. */
static float stage(float *to, const float *x, const float unit[16], size_t count) {
    float sum[16] = {0};
    for (size_t i = 0; i < count; i += 16) {
        float part[16] = {0};
        memcpy(part, x + i, (count - i < 16 ? count - i : 16) * sizeof *x);
        for (size_t f = 0; f < 16; f++) {
            to[i + f] = part[f] * unit[f];
            sum[f] += part[f];
        }
    }
    for (size_t half = 8; half; half /= 2)
        for (size_t f = 0; f < half; f++) sum[f] += sum[f + half];
    return sum[0];
}

void w_stage_narrow(void *staged, const float *row, unsigned bits, size_t k, size_t group) {
    float unit[16], *dst = staged;
    size_t fields = 32 / bits; /* the last of a lane is moved down, which saves its mask */
    for (size_t f = 0; f < 16; f++)
        unit[f] = bits < W_BITS_BF16 && f % fields < fields - 1 ? 1.0f / (float)(1u << bits * (f % fields)) : 1.0f;
    for (size_t i = 0; i < k; i += group) {
        size_t end = k - i < group ? k : i + group;
        for (size_t at = i, count; at < end; at += count) {
            count = end - at < W_NARROW_STRETCH ? end - at : W_NARROW_STRETCH;
            size_t filled = (count + 15) / 16 * 16;
            dst[filled] = stage(dst, row + at, unit, count);
            dst += filled + 1;
        }
    }
}
