/* The transforms of Winograd's F(2x2, 3x3) on u8 images for AVX2: 16 channels of the input at once, and 16 or 8 of the output. */
#include "vec_avx2.h"
#define MR 2 /* outputs of a tile that lie side by side */
#define NV 2
#include "../body/u8_store_vec.h"

#define EDGE 2
#define SIZE 4
#define IN_LANES 16

/* B^T d. */
INLINE void spread(VI to[SIZE], const VI d[SIZE]) {
    to[0] = _mm256_sub_epi16(d[0], d[2]);
    to[1] = _mm256_add_epi16(d[1], d[2]);
    to[2] = _mm256_sub_epi16(d[2], d[1]);
    to[3] = _mm256_sub_epi16(d[1], d[3]);
}

INLINE void in_tile(const w_u8_wino *g, ptrdiff_t y0, ptrdiff_t x0, size_t k, int16_t *v, int inside) {
    VI t[SIZE][SIZE], d[SIZE], p[SIZE], zero = _mm256_set1_epi16((int16_t)g->zero);
    UNROLL for (int x = 0; x < SIZE; x++) {
        UNROLL for (int y = 0; y < SIZE; y++) {
            int here = inside || (y0 + y >= 0 && y0 + y < (ptrdiff_t)g->ih && x0 + x >= 0 && x0 + x < (ptrdiff_t)g->iw);
            const uint8_t *from = g->in + ((y0 + y) * (ptrdiff_t)g->iw + x0 + x) * (ptrdiff_t)g->c + (ptrdiff_t)k;
            d[y] = here ? _mm256_sub_epi16(_mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)from)), zero) : ISET1(0);
        }
        spread(p, d);
        UNROLL for (int y = 0; y < SIZE; y++) t[y][x] = p[y];
    }
    UNROLL for (int y = 0; y < SIZE; y++) {
        spread(p, t[y]);
        UNROLL for (int x = 0; x < SIZE; x++) _mm256_storeu_si256((__m256i *)(v + (size_t)(y * SIZE + x) * g->v_apart), p[x]);
    }
}

void w_u8_wino2_in__avx2(const w_u8_wino *g, size_t t0, size_t t1) {
    for (size_t t = t0; t < t1; t++) {
        ptrdiff_t y0 = (ptrdiff_t)(t / g->tiles_x * EDGE) - g->pt, x0 = (ptrdiff_t)(t % g->tiles_x * EDGE) - g->pl;
        int inside = y0 >= 0 && x0 >= 0 && y0 + SIZE <= (ptrdiff_t)g->ih && x0 + SIZE <= (ptrdiff_t)g->iw;
        for (size_t k = 0; k < g->c; k += IN_LANES) {
            int16_t *v = g->v + (t - t0) * g->c + k;
            if (inside) in_tile(g, y0, x0, k, v, 1);
            else in_tile(g, y0, x0, k, v, 0);
        }
    }
}

/* A^T m. */
INLINE void gather(VI to[EDGE], const VI m[SIZE]) {
    to[0] = IADD(IADD(m[0], m[1]), m[2]);
    to[1] = ISUB(ISUB(m[1], m[2]), m[3]);
}

/* Outputs (y, x) of a tile in 8 channels: the direct sums. */
INLINE void sums(const w_u8_wino *g, const int32_t *places, VI to[EDGE][EDGE]) {
    VI t[EDGE][SIZE], m[SIZE], o[EDGE];
    UNROLL for (int x = 0; x < SIZE; x++) {
        UNROLL for (int y = 0; y < SIZE; y++) m[y] = ILOAD(places + (size_t)(y * SIZE + x) * g->m_apart);
        gather(o, m);
        UNROLL for (int y = 0; y < EDGE; y++) t[y][x] = o[y];
    }
    UNROLL for (int y = 0; y < EDGE; y++) {
        gather(o, t[y]);
        UNROLL for (int x = 0; x < EDGE; x++) to[y][x] = _mm256_srai_epi32(o[x], 2);
    }
}

INLINE void out_tile(const w_u8_wino *g, scales *sc, const int32_t *places, size_t ty, size_t tx, size_t k, int nv) {
    VI part[NV][EDGE][EDGE], acc[MR][NV];
    sc->mul = g->mul + k;
    sc->bias = g->bias + k;
    UNROLL for (int v = 0; v < nv; v++) sums(g, places + k + (size_t)v * VL, part[v]);
    UNROLL for (size_t y = 0; y < EDGE; y++) {
        if (EDGE * ty + y >= g->oh) break;
        size_t pixel = (EDGE * ty + y) * g->ow + EDGE * tx;
        UNROLL for (int x = 0; x < EDGE; x++)
            UNROLL for (int v = 0; v < nv; v++) acc[x][v] = part[v][y][x];
        if (EDGE * tx + 1 < g->ow) store_tile(&g->to, sc, acc, pixel, k, (size_t)nv * VL, 2, nv);
        else store_tile(&g->to, sc, acc, pixel, k, (size_t)nv * VL, 1, nv);
    }
}

void w_u8_wino2_out__avx2(const w_u8_wino *g, size_t t0, size_t t1) {
    const w_u8_igemm *to = &g->to;
    scales sc = {NULL, NULL, VSET1((float)(0 - to->zero)), VSET1((float)(255 - to->zero)), VSET1(1.0f)};
    for (size_t t = t0; t < t1; t++) {
        const int32_t *places = g->m + (t - t0) * to->n;
        size_t k = 0;
        for (; k + NV * VL <= to->n; k += NV * VL) out_tile(g, &sc, places, t / g->tiles_x, t % g->tiles_x, k, 2);
        if (k < to->n) out_tile(g, &sc, places, t / g->tiles_x, t % g->tiles_x, k, 1);
    }
}
