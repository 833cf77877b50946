/* A table of 256 bytes for AVX2, by shuffles of sixteen bytes each. An index less 16 t has its top bit set when it is below 16 t,
 * which the shuffle turns into zero; so sixteen entries count from t on when what they differ by from the sixteen before is
 * summed up without carry. Eight steps serve both halves of the table, and the index's own top bit chooses between them. */
#include "kernels.h"
#include <immintrin.h>

enum { STEPS = 8, HALVES = 2 };
typedef __m256i B;
typedef struct steps { B of[HALVES][STEPS]; } steps; /* what 16 entries differ by from those before, in both lanes */

static void steps_of(const uint8_t *lut, steps *s) {
    for (int h = 0; h < HALVES; h++) {
        B before = _mm256_setzero_si256();
        for (int t = 0; t < STEPS; t++) {
            B part = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(lut + (h * STEPS + t) * 16)));
            s->of[h][t] = _mm256_xor_si256(part, before);
            before = part;
        }
    }
}

static inline __attribute__((always_inline)) B look_up(const steps *s, B index) {
    B x = _mm256_and_si256(index, _mm256_set1_epi8(0x7f)), y[HALVES];
    for (int h = 0; h < HALVES; h++) y[h] = _mm256_shuffle_epi8(s->of[h][0], x);
    _Pragma("GCC unroll 8") for (int t = 1; t < STEPS; t++) {
        x = _mm256_sub_epi8(x, _mm256_set1_epi8(16));
        for (int h = 0; h < HALVES; h++) y[h] = _mm256_xor_si256(y[h], _mm256_shuffle_epi8(s->of[h][t], x));
    }
    return _mm256_blendv_epi8(y[0], y[1], index);
}

void w_lut_u8__avx2(const uint8_t *lut, const uint8_t *in, uint8_t *out, size_t n) {
    size_t i = 0;
    if (n >= 64) {
        steps s;
        steps_of(lut, &s);
        for (; i + 64 <= n; i += 64) { /* two at once: a step is loaded for both */
            B a = look_up(&s, _mm256_loadu_si256((const B *)(in + i))), b = look_up(&s, _mm256_loadu_si256((const B *)(in + i + 32)));
            _mm256_storeu_si256((B *)(out + i), a);
            _mm256_storeu_si256((B *)(out + i + 32), b);
        }
    }
    for (; i < n; i++) out[i] = lut[in[i]];
}
