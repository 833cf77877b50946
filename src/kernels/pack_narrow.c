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

static void pack_lanes(uint8_t *out, const w_narrow_source *s, size_t j0, size_t cols, size_t width, size_t i0, size_t count) {
    size_t fields = 32 / s->bits;
    for (size_t i = 0; i < count; i += fields, out += 4 * width) {
        size_t here = count - i < fields ? count - i : fields;
        memset(out, 0, 4 * width);
        for (size_t j = 0; j < cols; j++) {
            uint32_t lane = 0;
            for (size_t f = 0; f < here; f++) lane |= code(s, j0 + j, i0 + i + f) << s->bits * f;
            memcpy(out + 4 * j, &lane, 4);
        }
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

void w_stage_narrow(float *dst, const float *row, unsigned bits, size_t k, size_t group) {
    float unit[16];
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
