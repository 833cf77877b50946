/* The first n < 32 bytes of a vector, by pieces; a function, as few vectors are not whole. */
#ifndef W_STORE_N_256_H
#define W_STORE_N_256_H
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static __attribute__((noinline)) void store_n(uint8_t *p, size_t n, __m256i v) {
    __m128i x = _mm256_castsi256_si128(v);
    if (n & 16) {
        _mm_storeu_si128((__m128i *)(void *)p, x);
        p += 16;
        x = _mm256_extracti128_si256(v, 1);
    }
    if (n & 8) {
        _mm_storel_epi64((__m128i *)(void *)p, x);
        p += 8;
        x = _mm_srli_si128(x, 8);
    }
    uint64_t rest = (uint64_t)_mm_cvtsi128_si64(x);
    if (n & 4) {
        memcpy(p, &rest, 4);
        p += 4;
        rest >>= 32;
    }
    for (size_t i = 0; i < (n & 3); i++) p[i] = (uint8_t)(rest >> 8 * i);
}
#endif
