/* A table of 256 bytes for AVX2: sixteen shuffles of sixteen bytes each. An index from which 16 t has been taken lies in table t
 * when it is below 16; all others get their top bit set, which the shuffle turns into zero. */
#include "kernels.h"
#include <immintrin.h>

typedef __m256i B;

static inline __attribute__((always_inline)) B look_up(const uint8_t *lut, B x) {
    B y = _mm256_setzero_si256();
    _Pragma("GCC unroll 16") for (int t = 0; t < 16; t++) {
        B part = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(lut + t * 16)));
        y = _mm256_or_si256(y, _mm256_shuffle_epi8(part, _mm256_adds_epu8(x, _mm256_set1_epi8(0x70))));
        x = _mm256_sub_epi8(x, _mm256_set1_epi8(16));
    }
    return y;
}

void w_lut_u8__avx2(const uint8_t *lut, const uint8_t *in, uint8_t *out, size_t n) {
    size_t i = 0;
    for (; i + 64 <= n; i += 64) { /* two at once: a table is loaded for both */
        B a = look_up(lut, _mm256_loadu_si256((const B *)(in + i))), b = look_up(lut, _mm256_loadu_si256((const B *)(in + i + 32)));
        _mm256_storeu_si256((B *)(out + i), a);
        _mm256_storeu_si256((B *)(out + i + 32), b);
    }
    for (; i < n; i++) out[i] = lut[in[i]];
}
