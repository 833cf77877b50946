/* Bytes widened to 32-bit lanes and back, and the requantisation, beside the names of vec_*.h. */
#ifndef W_VEC_BYTES_H
#define W_VEC_BYTES_H
#include "kernels_leaf.h"
#include <string.h>

#if VL == 16
#define VITOF(x) _mm512_cvtepi32_ps(x)
#define VFTOI(x) _mm512_cvtps_epi32(x)
#define VISET1(x) _mm512_set1_epi32(x)
#define VIADD(a, b) _mm512_add_epi32(a, b)
#define VISUB(a, b) _mm512_sub_epi32(a, b)
#define VIMAX(a, b) _mm512_max_epi32(a, b)
static inline VI viload(const uint8_t *p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)); }
static inline VI viload_n(const uint8_t *p, size_t n) { return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(vmask(n), p)); }
static inline void vistore(uint8_t *p, VI v) { _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8(v)); }
static inline void vistore_n(uint8_t *p, size_t n, VI v) { _mm_mask_storeu_epi8(p, vmask(n), _mm512_cvtepi32_epi8(v)); }
#elif VL == 4
#define VITOF(x) VCVT(x)
#define VFTOI(x) ICVT(x)
#define VISET1(x) ISET1(x)
#define VIADD(a, b) IADD(a, b)
#define VISUB(a, b) ISUB(a, b)
#define VIMAX(a, b) IMAX(a, b)
static inline VI viload(const uint8_t *p) { return uload_n(p, 4); }
static inline VI viload_n(const uint8_t *p, size_t n) { return uload_n(p, n); }
static inline void vistore(uint8_t *p, VI v) { ustore(p, v); }
static inline void vistore_n(uint8_t *p, size_t n, VI v) { ustore_n(p, n, v); }
#else
#define VITOF(x) _mm256_cvtepi32_ps(x)
#define VFTOI(x) _mm256_cvtps_epi32(x)
#define VISET1(x) _mm256_set1_epi32(x)
#define VIADD(a, b) _mm256_add_epi32(a, b)
#define VISUB(a, b) _mm256_sub_epi32(a, b)
#define VIMAX(a, b) _mm256_max_epi32(a, b)
static inline VI viload(const uint8_t *p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)); }
static inline VI viload_n(const uint8_t *p, size_t n) {
    uint8_t t[8] = {0};
    memcpy(t, p, n < 8 ? n : 8);
    return viload(t);
}
/* Lanes hold 0 ... 255. */
static inline void vistore(uint8_t *p, VI v) {
    __m128i w = _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    _mm_storel_epi64((__m128i *)p, _mm_packus_epi16(w, w));
}
static inline void vistore_n(uint8_t *p, size_t n, VI v) {
    uint8_t t[8];
    vistore(t, v);
    memcpy(p, t, n < 8 ? n : 8);
}
#endif

/* 32-bit lanes through the bits of floats. */
#define ILOAD_N(p, n) ICAST(vload_n((const float *)(const void *)(p), n))

/* The rule of w_requant: operands of max and min are ordered so that a NaN gives the low end. */
static inline VI v_requant(const w_requant *q, V y) {
    V t = VMUL(y, VSET1(q->inv_scale));
    t = VMIN(VMAX(t, VSET1((float)-q->zero)), VSET1((float)(255 - q->zero)));
    return VIADD(VFTOI(t), VISET1(q->zero));
}
#endif
