/* f16 to f32 and back over the names of vec_*.h; the including file sets NAME(kernel). */
#include "kernels.h"
#include <string.h>

#if VL == 16
#define FROM_HALF(p) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(p)))
#define TO_HALF(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT))
#elif VL == 4
#define FROM_HALF(p) vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)))
#define TO_HALF(p, v) vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v)))
#else
#define FROM_HALF(p) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define TO_HALF(p, v) _mm_storeu_si128((__m128i *)(void *)(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT))
#endif

void NAME(half_to_f32)(const uint16_t *in, float *out, size_t n) {
    size_t i = 0;
    uint16_t last[VL] = {0};
    for (; i + VL <= n; i += VL) VSTORE(out + i, FROM_HALF(in + i));
    if (i == n) return;
    memcpy(last, in + i, (n - i) * sizeof *in);
    vstore_n(out + i, n - i, FROM_HALF(last));
}

void NAME(f32_to_half)(const float *in, uint16_t *out, size_t n) {
    size_t i = 0;
    uint16_t last[VL];
    for (; i + VL <= n; i += VL) TO_HALF(out + i, VLOAD(in + i));
    if (i == n) return;
    TO_HALF(last, vload_n(in + i, n - i));
    memcpy(out + i, last, (n - i) * sizeof *out);
}
