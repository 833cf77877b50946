/* Eight f32 lanes: the names that the shared kernel bodies are written in. */
#ifndef W_VEC_AVX2_H
#define W_VEC_AVX2_H
#include <immintrin.h>
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
/* Inside [lo, hi] once it is an integer and packed: what is below, or a NaN, becomes the least integer, which packing makes 0. */
static inline V VCLAMP_Q(V x, V lo, V hi) { return _mm256_min_ps(hi, x); }
static inline VI uload_n(const uint8_t *p, size_t n) {
    if (n >= 8) return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++) bits |= (uint64_t)p[i] << 8 * i;
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)bits));
}
/* Lanes 0 ... 255 as eight bytes. */
static inline __m128i upack(VI q) {
    __m128i h = _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
    return _mm_packus_epi16(h, h);
}
static inline void ustore(uint8_t *p, VI q) { _mm_storel_epi64((__m128i *)p, upack(q)); }
/* Two vectors side by side. */
static inline void ustore_2(uint8_t *p, VI a, VI b) {
    VI h = _mm256_packs_epi32(a, b), q = _mm256_packus_epi16(h, h);
    q = _mm256_permutevar8x32_epi32(q, _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5));
    _mm_storeu_si128((__m128i *)p, _mm256_castsi256_si128(q));
}
static inline void ustore_n(uint8_t *p, size_t n, VI q) {
    if (n >= 8) {
        ustore(p, q);
        return;
    }
    uint64_t bits = (uint64_t)_mm_cvtsi128_si64(upack(q));
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(bits >> 8 * i);
}
#endif
