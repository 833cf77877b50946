/* The u8 x s8 implicit GEMM with instructions that saturate sums of two products at 16 bits, over the names of vec_avx2.h;
 * the including file sets MR, NV (1, 2 or 4) and KERNEL. Exact: the weights' order (W_PACK_S8_PAIRS) keeps those sums inside,
 * and groups without such an order are multiplied by halves. Where weights are light, such as those of few bits, the products of
 * two or four quads sum up at 16 bits: fewer multiplications by one to widen them.
 *
 * A slice of the rows of a tile is copied into a panel in the order of the weights, so that the inner loop has one long run
 * to broadcast from. Nothing beyond a run is read. */
#define PACK W_PACK_S8_PAIRS
#include "../body/u8_store_vec.h"

#define SLICE 128 /* quads of a row in the panel */
#define LINE (SLICE * 4 + W_GROUP + 4) /* bytes between rows: 5 words more than whole lines, so that no two quads share a bank */
typedef uint32_t bits_4 __attribute__((may_alias, aligned(1)));
typedef uint64_t bits_8 __attribute__((may_alias, aligned(1)));
typedef struct span { uint32_t wide, narrow; } span; /* quads of the panel that are multiplied by halves, and as they are after those */
typedef struct panel {
    uint8_t x[MR][LINE];
    span span[SLICE / 2];
    const uint8_t *order;      /* of the group that comes next */
    size_t left;               /* quads of a row that have not been in the panel */
    size_t tap, c;             /* the element that comes next */
    const uint8_t *row[MR];    /* that run of each row; without a table the first one, from which the others are tap_stride apart */
    w_block_kind kind;
} panel;

/* The n bytes from p on, n < 8 or n < W_GROUP, then zeros. */
INLINE uint64_t load_few(const uint8_t *p, size_t n) {
    if (n >= 4) return *(const bits_4 *)p | (uint64_t)*(const bits_4 *)(p + n - 4) << 8 * (n - 4);
    uint64_t x = 0;
    for (size_t i = 0; i < n; i++) x |= (uint64_t)p[i] << 8 * i;
    return x;
}
INLINE __m128i load_some(const uint8_t *p, size_t n) {
    if (n == 8) return _mm_loadl_epi64((const __m128i *)p);
    if (n == 12) return _mm_insert_epi32(_mm_loadl_epi64((const __m128i *)p), (int)*(const bits_4 *)(p + 8), 2);
    if (n < 8) return _mm_cvtsi64_si128((long long)load_few(p, n));
    return _mm_set_epi64x((long long)load_few(p + 8, n - 8), (long long)*(const bits_8 *)p);
}

/* n bytes, filled up with zeros. */
INLINE void copy(uint8_t *to, const uint8_t *from, size_t n) {
    size_t i = 0;
    for (; i + W_GROUP <= n; i += W_GROUP) _mm_storeu_si128((__m128i *)(to + i), _mm_loadu_si128((const __m128i *)(from + i)));
    if (i < n) _mm_storeu_si128((__m128i *)(to + i), load_some(from + i, n - i));
}
/* The groups of all rows put in order, at byte `at` of the panel; n may end inside the last one. from[m] may be that place, and
 * whole groups are written. */
INLINE void put_in_order(panel *s, size_t at, const uint8_t *const from[MR], size_t offset, size_t n, int mr) {
    const uint8_t *order = s->order + at;
    size_t i = 0;
    for (; i + 2 * W_GROUP <= n; i += 2 * W_GROUP) {
        VI o = ILOAD(order + i);
        UNROLL for (int m = 0; m < mr; m++)
            _mm256_storeu_si256((__m256i *)(s->x[m] + at + i), _mm256_shuffle_epi8(ILOAD(from[m] + offset + i), o));
    }
    for (; i < n; i += W_GROUP) {
        __m128i o = _mm_loadu_si128((const __m128i *)(order + i));
        UNROLL for (int m = 0; m < mr; m++)
            _mm_storeu_si128((__m128i *)(s->x[m] + at + i), _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(from[m] + offset + i)), o));
    }
}

/* How the next quads are multiplied; returns the number of spans. */
INLINE size_t spans_of(panel *s, size_t quads) {
    s->span[0] = (span){0, (uint32_t)quads};
    if (s->kind != W_BLOCK_ANY) return 1;
    size_t n = 0;
    for (size_t q = 0; q < quads; q += 4) {
        uint32_t wide = W_WIDE_OF(s->order + q * 4), all = (uint32_t)(quads - q < 4 ? quads - q : 4);
        if (!n || wide) s->span[n++] = (span){wide, 0};
        s->span[n - 1].narrow += all - wide;
    }
    return n;
}

/* The next quads of the rows from p on, SLICE of them while there are as many. Returns the number of spans. */
INLINE size_t fill(panel *s, const w_rows *r, size_t p, int mr) {
    const bool whole = r->c % W_GROUP == 0; /* groups end with runs */
    size_t all = s->left < SLICE ? s->left : SLICE;
    if (!all) return 0;
    for (size_t quads = 0; quads < all;) {
        size_t n = r->c - s->c < (all - quads) * 4 ? r->c - s->c : (all - quads) * 4, at = s->c + (r->tap_table ? 0 : s->tap * r->tap_stride);
        if (r->tap_table && s->c == 0) for (int m = 0; m < mr; m++) s->row[m] = w_row_u8(r, s->tap, p + (size_t)m);
        if (whole) put_in_order(s, quads * 4, s->row, at, n, mr);
        for (int m = 0; m < mr && !whole; m++) copy(s->x[m] + quads * 4, s->row[m] + at, n);
        quads += w_u8_quads(n);
        s->c += n;
        if (s->c == r->c) s->tap++, s->c = 0;
    }
    if (!whole) {
        const uint8_t *x[MR];
        for (int m = 0; m < mr; m++) x[m] = s->x[m];
        put_in_order(s, 0, x, 0, all * 4, mr);
    }
    size_t spans = spans_of(s, all);
    s->left -= all;
    s->order += all * 4;
    return spans;
}

/* One quad of all rows: x points at that of the first. */
INLINE void multiply(VI acc[MR][NV], const uint8_t *x, VI b[NV], int mr, int nv) {
    const VI ones = _mm256_set1_epi16(1);
    UNROLL for (int v = 0; v < nv; v++) __asm__("" : "+x"(b[v])); /* else gcc loads it again for every row */
    UNROLL for (int m = 0; m < mr; m++) {
        VI a = ISET1((int)*(const bits_4 *)(x + m * LINE));
        UNROLL for (int v = 0; v < nv; v++) acc[m][v] = IADD(acc[m][v], _mm256_madd_epi16(_mm256_maddubs_epi16(a, b[v]), ones));
    }
}
INLINE void quad_narrow(VI acc[MR][NV], const uint8_t *x, const uint8_t *w, int mr, int nv) {
    VI b[NV];
    UNROLL for (int v = 0; v < nv; v++) b[v] = ILOAD(w + v * VL * 4);
    multiply(acc, x, b, mr, nv);
}
/* Two or four quads, at x + at in every row, whose products are summed at 16 bits before those are widened. */
INLINE void quads_light(VI acc[MR][NV], const uint8_t *const x[MR], size_t at, const uint8_t *w, int many, int mr, int nv) {
    const VI ones = _mm256_set1_epi16(1);
    VI b[2][NV];
    UNROLL for (int v = 0; v < 2 * nv; v++) {
        b[v / nv][v % nv] = ILOAD(w + (v / nv * WIDTH(nv) + v % nv * VL) * 4);
        __asm__("" : "+x"(b[v / nv][v % nv])); /* else gcc loads it again for every row; the other quads' stay in memory */
    }
    UNROLL for (int m = 0; m < mr; m++) {
        VI sum[NV];
        UNROLL for (int q = 0; q < many; q++) {
            VI a = ISET1((int)*(const bits_4 *)(x[m] + at + q * 4));
            UNROLL for (int v = 0; v < nv; v++) {
                VI pair = _mm256_maddubs_epi16(a, q < 2 ? b[q][v] : ILOAD(w + (q * WIDTH(nv) + v * VL) * 4));
                sum[v] = q ? _mm256_add_epi16(sum[v], pair) : pair;
            }
        }
        UNROLL for (int v = 0; v < nv; v++) acc[m][v] = IADD(acc[m][v], _mm256_madd_epi16(sum[v], ones));
    }
}
/* Weights as the sum of two halves, each between -64 and 64. */
INLINE void quad_wide(VI acc[MR][NV], const uint8_t *x, const uint8_t *w, int mr, int nv) {
    const VI bits = _mm256_set1_epi8(0x7f), sign = _mm256_set1_epi8(0x40);
    VI half[NV], rest[NV];
    UNROLL for (int v = 0; v < nv; v++) {
        VI b = ILOAD(w + v * VL * 4), down = _mm256_and_si256(_mm256_srli_epi16(b, 1), bits);
        half[v] = _mm256_sub_epi8(_mm256_xor_si256(down, sign), sign);
        rest[v] = _mm256_sub_epi8(b, half[v]);
    }
    multiply(acc, x, half, mr, nv);
    multiply(acc, x, rest, mr, nv);
}

/* Rows as they lie, without a panel: whole groups, in their own order. */
INLINE void multiply_in_place(VI acc[MR][NV], const w_rows *r, size_t p, const uint8_t *w, int mr, int nv) {
    for (size_t t = 0; t < r->taps; t++) {
        const uint8_t *x[MR];
        UNROLL for (int m = 0; m < mr; m++) x[m] = w_row_u8(r, t, p + (size_t)m);
        for (size_t c = 0; c < r->c; c += W_GROUP, w += WIDTH(nv) * W_GROUP) quads_light(acc, x, c, w, 4, mr, nv);
    }
}

/* The quads of a slice from `at` on that are not wide. */
INLINE const uint8_t *multiply_narrow(VI acc[MR][NV], const panel *s, size_t at, size_t end, const uint8_t *w, int mr, int nv) {
    const uint8_t *x[MR];
    UNROLL for (int m = 0; m < mr; m++) x[m] = s->x[m];
    for (; s->kind >= W_BLOCK_FOUR && end - at >= 16; at += 16, w += WIDTH(nv) * 16) quads_light(acc, x, at, w, 4, mr, nv);
    for (; s->kind == W_BLOCK_TWO && end - at >= 8; at += 8, w += WIDTH(nv) * 8) quads_light(acc, x, at, w, 2, mr, nv);
    _Pragma("GCC unroll 2") for (; at < end; at += 4, w += WIDTH(nv) * 4) quad_narrow(acc, s->x[0] + at, w, mr, nv);
    return w;
}

INLINE const uint8_t *multiply_slice(VI acc[MR][NV], const panel *s, size_t spans, const uint8_t *w, int mr, int nv) {
    size_t at = 0;
    for (size_t i = 0; i < spans; i++) {
        size_t narrow = at + s->span[i].wide * 4, end = narrow + s->span[i].narrow * 4;
        for (; at < narrow; at += 4, w += WIDTH(nv) * 4) quad_wide(acc, s->x[0] + at, w, mr, nv);
        w = multiply_narrow(acc, s, at, end, w, mr, nv);
        at = end;
    }
    return w;
}

INLINE void multiply_in_panels(VI acc[MR][NV], const w_u8_igemm *g, size_t p, const uint8_t *order, const uint8_t *w, int mr, int nv) {
    panel s;
    s.order = order;
    s.kind = W_BLOCK_OF(order);
    s.tap = s.c = 0;
    s.left = g->rows.taps * w_u8_quads(g->rows.c);
    for (int m = 0; m < mr; m++) s.row[m] = w_row_u8(&g->rows, 0, p + (size_t)m);
    for (size_t spans; (spans = fill(&s, &g->rows, p, mr)) > 0;) w = multiply_slice(acc, &s, spans, w, mr, nv);
}

INLINE void tile(const w_u8_igemm *g, const scales *sc, const uint8_t *block, size_t p, size_t col, size_t cols, int mr, int nv) {
    VI acc[MR][NV];
    const uint8_t *order = block + WIDTH(nv) * 12, *w = order + w_u8_orders(g->rows.taps, g->rows.c);
    start_tile(g, block, acc, mr, nv);
    if (W_BLOCK_OF(order) == W_BLOCK_FOUR_AS_IS && g->rows.c % W_GROUP == 0) multiply_in_place(acc, &g->rows, p, w, mr, nv);
    else multiply_in_panels(acc, g, p, order, w, mr, nv);
    store_tile(g, sc, acc, p, col, cols, mr, nv);
}
#include "../body/u8_blocks.h"
