/* Sixteen f32 lanes: the names that the shared kernel bodies are written in. */
#ifndef W_VEC_AVX512_H
#define W_VEC_AVX512_H
#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VL 16
typedef __m512 V;
typedef __m512i VI;
#define VSET1(x) _mm512_set1_ps(x)
#define VLOAD(p) _mm512_loadu_ps(p)
#define VSTORE(p, v) _mm512_storeu_ps(p, v)
#define VADD(a, b) _mm512_add_ps(a, b)
#define VSUB(a, b) _mm512_sub_ps(a, b)
#define VMUL(a, b) _mm512_mul_ps(a, b)
#define VDIV(a, b) _mm512_div_ps(a, b)
#define VFMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define VMAX(lo, x) _mm512_max_ps(lo, x) /* a NaN in x stays */
#define VMIN(hi, x) _mm512_min_ps(hi, x)
#define VROUND(x) _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define VPOW2(x) _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(x), _mm512_set1_epi32(127)), 23))
#define VABS(x) _mm512_abs_ps(x)
#define VSIGN(x) _mm512_and_ps(x, _mm512_set1_ps(-0.0f))
#define VOR(a, b) _mm512_or_ps(a, b)
#define VSELECT_LT(a, b, yes, no) _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes)
#define VKEEP_NAN(a, r) _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, a, _CMP_ORD_Q), a, r)
#define VANY_GT(a, b) (_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ) != 0)
#define VSQRT(x) _mm512_sqrt_ps(x)
#define VFLOOR(x) _mm512_roundscale_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)
#define VCEIL(x) _mm512_roundscale_ps(x, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)
#define VXOR(a, b) _mm512_xor_ps(a, b)

/* The first n lanes, 0 <= n; the others are zero and not touched in memory. */
static inline __mmask16 vmask(size_t n) { return n >= 16 ? 0xffff : (__mmask16)((1u << n) - 1); }
static inline V vload_n(const float *p, size_t n) { return _mm512_maskz_loadu_ps(vmask(n), p); }
static inline void vstore_n(float *p, size_t n, V v) { _mm512_mask_storeu_ps(p, vmask(n), v); }

/* Integers: 32-bit lanes, and u8 in memory. */
#define ISET1(x) _mm512_set1_epi32(x)
#define ILOAD(p) _mm512_loadu_si512(p)
#define ISTORE(p, v) _mm512_storeu_si512(p, v)
#define IADD(a, b) _mm512_add_epi32(a, b)
#define ISUB(a, b) _mm512_sub_epi32(a, b)
#define IMUL(a, b) _mm512_mullo_epi32(a, b)
#define IAND(a, b) _mm512_and_si512(a, b)
#define ISHL(a, n) _mm512_slli_epi32(a, n)
#define ISHR(a, n) _mm512_srli_epi32(a, n) /* zeros come in */
#define IREAL(a) _mm512_castsi512_ps(a)
#define ICAST(v) _mm512_castps_si512(v)
#define ICVT(v) _mm512_cvtps_epi32(v) /* to nearest even */
#define VCVT(i) _mm512_cvtepi32_ps(i)
#define VMAX_Q(x, lo) _mm512_max_ps(x, lo) /* a NaN in x becomes lo */
#define VMIN_Q(x, hi) _mm512_min_ps(x, hi)
/* Inside [lo, hi] once upack_4 has it: what is below, or a NaN, becomes the least integer, which packing makes 0. */
static inline V VCLAMP_Q(V x, V lo, V hi) { return VMIN(hi, x); }
#define ISET16(x) _mm512_set1_epi16((short)(x))
static inline VI uload_n(const uint8_t *p, size_t n) { return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(vmask(n), p)); }
/* Four vectors, plus a zero point in 16-bit lanes unless it is 0 (plain), as bytes: a piece of VL for each, in order. */
static inline VI upack_4(VI a, VI b, VI c, VI d, VI zero, bool plain) {
    VI h = _mm512_packs_epi32(a, b), k = _mm512_packs_epi32(c, d);
    if (!plain) h = _mm512_adds_epi16(h, zero), k = _mm512_adds_epi16(k, zero);
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), _mm512_packus_epi16(h, k));
}
static inline __m128i upiece(VI x, int piece) {
    switch (piece) {
    case 0: return _mm512_castsi512_si128(x);
    case 1: return _mm512_extracti32x4_epi32(x, 1);
    case 2: return _mm512_extracti32x4_epi32(x, 2);
    default: return _mm512_extracti32x4_epi32(x, 3);
    }
}
/* One piece, two from an even one on, or four. */
static inline void ustore_pieces(uint8_t *p, VI x, int first, int count) {
    if (count == 4) _mm512_storeu_si512(p, x);
    else if (count == 2) _mm256_storeu_si256((__m256i *)(void *)p, first ? _mm512_extracti64x4_epi64(x, 1) : _mm512_castsi512_si256(x));
    else _mm_storeu_si128((__m128i *)(void *)p, upiece(x, first));
}
static inline void ustore_part(uint8_t *p, VI x, int piece, size_t n) { _mm_mask_storeu_epi8(p, vmask(n), upiece(x, piece)); }
#endif
