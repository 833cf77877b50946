/* Products with weights of few bits in portable C, from the packed form: the meaning that every other tile is checked against. */
#include "kernels.h"
#include "act_ref.h"
#include "rows.h"
#include <string.h>

enum { NR = 8 };

static float code_of(uint32_t lane, unsigned bits, size_t field) {
    uint32_t c = lane >> bits * field;
    float f;
    if (bits != W_BITS_BF16) return (float)(c & ((1u << bits) - 1));
    c <<= 16;
    memcpy(&f, &c, 4);
    return f;
}

/* acc[j] += the elements i0 ... of row a. Returns where the group's weights end. */
static const uint8_t *group(const w_f32_narrow *g, unsigned bits, const uint8_t *w, const float *a, size_t count, float acc[NR]) {
    const uint8_t *scale = w, *zero = w + 4 * NR, *lanes = w;
    bool heads = bits != W_BITS_BF16;
    if (heads) lanes += NR * (4 + (size_t)g->zeros);
    for (size_t j = 0; j < NR; j++) {
        float s = 1.0f, z = heads ? g->zeros ? (float)zero[j] : g->zero : 0.0f;
        if (heads) memcpy(&s, scale + 4 * j, 4);
        for (size_t i = 0; i < count; i++) {
            uint32_t lane;
            memcpy(&lane, lanes + (i * bits / 32 * NR + j) * 4, 4);
            acc[j] += a[i] * (s * (code_of(lane, bits, i % (32 / bits)) - z));
        }
    }
    return lanes + w_narrow_lanes(bits, count) * NR * 4;
}

static void row(const w_f32_narrow *n, unsigned bits, const uint8_t *w, size_t p, size_t col, size_t cols) {
    const w_f32_igemm *g = &n->g;
    const float *a = w_row_f32(&g->rows, 0, p), *res = g->res ? g->res + p * g->res_stride + col : NULL;
    float acc[NR], *out = g->out + p * g->out_stride + col;
    memcpy(acc, w, sizeof acc);
    w += sizeof acc;
    for (size_t i = 0; i < g->rows.c; i += n->group) w = group(n, bits, w, a + i, g->rows.c - i < n->group ? g->rows.c - i : n->group, acc);
    for (size_t j = 0; j < cols; j++) out[j] = act_ref(&g->ep, res ? acc[j] + res[j] : acc[j]);
}

static void blocks(const w_f32_narrow *n, unsigned bits, size_t p0, size_t p1, size_t b0, size_t b1) {
    size_t block = w_narrow_block(bits, n->zeros, NR, n->g.rows.c, n->group);
    for (size_t b = b0; b < b1; b++) {
        size_t left = n->g.n - b * NR;
        for (size_t p = p0; p < p1; p++) row(n, bits, (const uint8_t *)n->g.w + b * block, p, b * NR, left < NR ? left : NR);
    }
}

void w_f32_q2_1x8__ref(const w_f32_narrow *g, size_t p0, size_t p1, size_t b0, size_t b1) { blocks(g, 2, p0, p1, b0, b1); }
void w_f32_q4_1x8__ref(const w_f32_narrow *g, size_t p0, size_t p1, size_t b0, size_t b1) { blocks(g, 4, p0, p1, b0, b1); }
void w_f32_q8_1x8__ref(const w_f32_narrow *g, size_t p0, size_t p1, size_t b0, size_t b1) { blocks(g, 8, p0, p1, b0, b1); }
void w_f32_bf16_1x8__ref(const w_f32_narrow *g, size_t p0, size_t p1, size_t b0, size_t b1) { blocks(g, W_BITS_BF16, p0, p1, b0, b1); }
