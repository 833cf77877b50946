/* Eight f32 lanes: the names that the shared kernel bodies are written in. */
#ifndef W_VEC_AVX2_H
#define W_VEC_AVX2_H
#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VL 8
typedef __m256 V;
typedef __m256i VI;
#define VSET1(x) _mm256_set1_ps(x)
#define VLOAD(p) _mm256_loadu_ps(p)
#define VSTORE(p, v) _mm256_storeu_ps(p, v)
#define VADD(a, b) _mm256_add_ps(a, b)
#define VSUB(a, b) _mm256_sub_ps(a, b)
#define VMUL(a, b) _mm256_mul_ps(a, b)
#define VDIV(a, b) _mm256_div_ps(a, b)
#define VFMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define VMAX(lo, x) _mm256_max_ps(lo, x) /* a NaN in x stays */
#define VMIN(hi, x) _mm256_min_ps(hi, x)
#define VROUND(x) _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define VPOW2(x) _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(x), _mm256_set1_epi32(127)), 23))
#define VABS(x) _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x)
#define VSIGN(x) _mm256_and_ps(x, _mm256_set1_ps(-0.0f))
#define VOR(a, b) _mm256_or_ps(a, b)
#define VSELECT_LT(a, b, yes, no) _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ))
#define VKEEP_NAN(a, r) _mm256_blendv_ps(a, r, _mm256_cmp_ps(a, a, _CMP_ORD_Q))
#define VANY_GT(a, b) (_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ)) != 0)
#define VSQRT(x) _mm256_sqrt_ps(x)
#define VFLOOR(x) _mm256_floor_ps(x)
#define VCEIL(x) _mm256_ceil_ps(x)
#define VXOR(a, b) _mm256_xor_ps(a, b)

/* The first n lanes, 0 <= n; the others are zero and not touched in memory. Stores by pieces: masked ones are slow on some CPUs. */
static inline V vload_n(const float *p, size_t n) {
    static const int32_t ahead[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    if (n >= 8) return _mm256_loadu_ps(p);
    return _mm256_maskload_ps(p, _mm256_loadu_si256((const __m256i *)(ahead + 8 - n)));
}
static inline void vstore_n(float *p, size_t n, V v) {
    if (n >= 8) {
        _mm256_storeu_ps(p, v);
        return;
    }
    __m128 x = _mm256_castps256_ps128(v);
    if (n & 4) {
        _mm_storeu_ps(p, x);
        p += 4;
        x = _mm256_extractf128_ps(v, 1);
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)p, x);
        p += 2;
        x = _mm_movehl_ps(x, x);
    }
    if (n & 1) _mm_store_ss(p, x);
}

/* Integers: 32-bit lanes, and u8 in memory. */
#define ISET1(x) _mm256_set1_epi32(x)
#define ILOAD(p) _mm256_loadu_si256((const __m256i *)(p))
#define ISTORE(p, v) _mm256_storeu_si256((__m256i *)(p), v)
#define IADD(a, b) _mm256_add_epi32(a, b)
#define ISUB(a, b) _mm256_sub_epi32(a, b)
#define IMUL(a, b) _mm256_mullo_epi32(a, b)
#define IAND(a, b) _mm256_and_si256(a, b)
#define ISHL(a, n) _mm256_slli_epi32(a, n)
#define ISHR(a, n) _mm256_srli_epi32(a, n) /* zeros come in */
#define IREAL(a) _mm256_castsi256_ps(a)
#define ICAST(v) _mm256_castps_si256(v)
#define ICVT(v) _mm256_cvtps_epi32(v) /* to nearest even */
#define VCVT(i) _mm256_cvtepi32_ps(i)
#define VMAX_Q(x, lo) _mm256_max_ps(x, lo) /* a NaN in x becomes lo */
#define VMIN_Q(x, hi) _mm256_min_ps(x, hi)
/* Inside [lo, hi] once upack_4 has it: what is below, or a NaN, becomes the least integer, which packing makes 0. */
static inline V VCLAMP_Q(V x, V lo, V hi) { return VMIN(hi, x); }
#define ISET16(x) _mm256_set1_epi16((short)(x))
static inline VI uload_n(const uint8_t *p, size_t n) {
    if (n >= 8) return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++) bits |= (uint64_t)p[i] << 8 * i;
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)bits));
}
/* Four vectors, plus a zero point in 16-bit lanes unless it is 0 (plain), as bytes: a piece of VL for each, in order. */
static inline VI upack_4(VI a, VI b, VI c, VI d, VI zero, bool plain) {
    VI h = _mm256_packs_epi32(a, b), k = _mm256_packs_epi32(c, d);
    if (!plain) h = _mm256_adds_epi16(h, zero), k = _mm256_adds_epi16(k, zero);
    return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(h, k), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}
static inline __m128i uhalf(VI x, int half) { return half ? _mm256_extracti128_si256(x, 1) : _mm256_castsi256_si128(x); }
/* One piece, two from an even one on, or four. */
static inline void ustore_pieces(uint8_t *p, VI x, int first, int count) {
    if (count == 4) ISTORE(p, x);
    else if (count == 2) _mm_storeu_si128((__m128i *)(void *)p, uhalf(x, first / 2));
    else if (first % 2) _mm_storeh_pd((double *)(void *)p, _mm_castsi128_pd(uhalf(x, first / 2)));
    else _mm_storel_epi64((__m128i *)(void *)p, uhalf(x, first / 2));
}
static inline void ustore_part(uint8_t *p, VI x, int piece, size_t n) {
    uint8_t all[8];
    ustore_pieces(all, x, piece, 1);
    for (size_t i = 0; i < n && i < 8; i++) p[i] = all[i];
}
#endif
