/* What the constants of a network take in a file: as many bits as the entropy of their symbols allows. */
#include "search.h"
#include <math.h>
#include <string.h>

/* Order-0 entropy of bytes, in bits for all of them. */
static double entropy_bits(const size_t *count, size_t kinds, size_t n) {
    double bits = 0;
    for (size_t i = 0; i < kinds; i++)
        if (count[i]) bits -= (double)count[i] * log2((double)count[i] / (double)n);
    return bits;
}

static uint32_t codebook_index(const w_coding *c, float x) {
    uint32_t lo = 0, hi = c->ncodebook - 1;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (c->codebook[mid] < x) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

/* Element i; constants in the file's mapping lie at any address. */
static float element(const w_value *v, size_t i) {
    float x;
    memcpy(&x, (const uint8_t *)v->data + i * sizeof x, sizeof x);
    return x;
}

/* Bits of one constant in the file: what the entropy of its symbols allows, scales and codebook included. */
static double constant_bits(const w_value *v) {
    size_t n = (size_t)w_shape_count(&v->shape), count[256] = {0};
    const w_coding *c = v->coding;
    double side = v->quant ? 32.0 * v->quant->n : 0;
    if (v->type == WEIR_S8) {
        const int8_t *q = v->data;
        for (size_t i = 0; i < n; i++) count[(uint8_t)q[i]]++;
        return side + (c && c->ans ? entropy_bits(count, 256, n) : 8.0 * (double)n);
    }
    if (v->type == WEIR_F32 && c && c->ncodebook) {
        for (size_t i = 0; i < n; i++) count[codebook_index(c, element(v, i))]++;
        return 32.0 * c->ncodebook + (c->ans ? entropy_bits(count, 256, n) : 8.0 * (double)n);
    }
    return 8.0 * (double)w_type_size(v->type) * (double)n * (c && c->ans ? c->density * 0.9 : 1);
}

/* Zeros that a pruning technique left: among weights kept as real numbers, which have no symbols of their own yet. */
static double real_zeros(const w_value *v) {
    size_t n = (size_t)w_shape_count(&v->shape), zeros = 0;
    if (v->type != WEIR_F32 || (v->coding && v->coding->ncodebook)) return 0;
    for (size_t i = 0; i < n; i++) zeros += element(v, i) == 0;
    return (double)zeros;
}

w_stock w_graph_stock(const w_graph *g) {
    w_stock s = {0};
    for (w_id i = 0; i < g->nvalue; i++) {
        const w_value *v = &g->value[i];
        if (v->kind != W_VALUE_CONST || !v->data) continue;
        s.bits += constant_bits(v);
        s.elements += (double)w_shape_count(&v->shape);
        s.zeros += real_zeros(v);
    }
    return s;
}
