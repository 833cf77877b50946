/* Reference of the s16 x s16 products: blocks of 8 columns, sums modulo 2^32. */
#include "kernels.h"

#define NR 8

void w_s16_gemm_1x8__ref(const w_s16_gemm *g, size_t p0, size_t p1, size_t b0, size_t b1) {
    for (size_t b = b0; b < b1; b++)
        for (size_t p = p0; p < p1; p++) {
            const int16_t *w = g->w + b * NR * g->k, *in = g->in + p * g->row_stride;
            uint32_t sum[NR] = {0};
            for (size_t k = 0; k < g->k; k++)
                for (size_t j = 0; j < NR; j++) sum[j] += (uint32_t)(in[k] * w[(k / 2 * NR + j) * 2 + k % 2]);
            for (size_t j = 0; j < NR; j++) g->out[p * g->out_stride + b * NR + j] = (int32_t)sum[j];
        }
}
