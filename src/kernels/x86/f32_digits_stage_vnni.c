/* Rows as digits, for f32_digits_body.h: see kernels_narrow.h. */
#include "vec_avx512.h"
#include "kernels.h"

#define NOT_FINITE 0x7f800000u
#define MARGIN (1u << 17) /* of a mantissa: 127 * (2^16 + 2^8 + 1) units are the most that three digits say */
#define UNITS 22          /* binary places of the unit below the largest element's first */

/* The largest magnitude, as its bits: those of Inf and NaN are above all others. */
static uint32_t largest(const float *x, size_t count) {
    VI top = ISET1(0);
    for (size_t i = 0; i < count; i += VL) top = _mm512_max_epu32(top, ICAST(VABS(vload_n(x + i, count - i))));
    return _mm512_reduce_max_epu32(top);
}

/* 2^(e - 127 - UNITS), which may be denormal. */
static float unit_of(uint32_t e) {
    return _mm512_cvtss_f32(IREAL(ISET1((int)(e > UNITS ? (e - UNITS) << 23 : 1u << e))));
}

/* Where in its quads each of sixteen codes stands: a quad has one code of each byte of a lane. */
static __m128i places(unsigned bits) {
    uint8_t place[16];
    unsigned fields = 8 / bits, codes = 32 / bits;
    for (unsigned q = 0; q < 4; q++)
        for (unsigned b = 0; b < 4; b++) place[4 * q + b] = (uint8_t)(q / fields * codes + b * fields + q % fields);
    return _mm_loadu_si128((const __m128i *)(const void *)place);
}

/* Balanced digits, lowest first: what is left after each is a multiple of 256. */
static void digits_of(w_digits *to, VI x, VI sum[W_DIGITS], __m128i order) {
    for (int d = 0; d < W_DIGITS; d++) {
        VI low = _mm512_srai_epi32(ISHL(x, 24), 24);
        if (d == W_DIGITS - 1) low = x;
        sum[d] = IADD(sum[d], low);
        _mm_storeu_si128((__m128i *)(void *)to->quad[d], _mm_shuffle_epi8(_mm512_cvtepi32_epi8(low), order));
        x = _mm512_srai_epi32(ISUB(x, low), 8);
    }
}

static w_digits *stretch(w_digits_head *head, const float *x, size_t count, __m128i order) {
    w_digits *to = (void *)(head + 1);
    uint32_t top = largest(x, count), e = (top + MARGIN) >> 23;
    bool finite = top < NOT_FINITE;
    e = e < 1 ? 1 : e;
    VI sum[W_DIGITS] = {ISET1(0), ISET1(0), ISET1(0)};
    V scale = VSET1(127.0f + UNITS - (float)e);
    for (size_t i = 0; i < count; i += 16, to++) digits_of(to, finite ? ICVT(_mm512_scalef_ps(vload_n(x + i, count - i), scale)) : ISET1(0), sum, order);
    head->unit = finite ? unit_of(e) : __builtin_nanf("");
    for (int d = 0; d < W_DIGITS; d++) head->sum[d] = _mm512_reduce_add_epi32(sum[d]);
    return to;
}

void w_stage_digits__vnni(void *staged, const float *row, unsigned bits, size_t k, size_t group) {
    __m128i order = places(bits);
    for (size_t i = 0; i < k; i += group) {
        size_t end = k - i < group ? k : i + group;
        for (size_t at = i, count; at < end; at += count) {
            count = end - at < W_NARROW_STRETCH ? end - at : W_NARROW_STRETCH;
            staged = stretch(staged, row + at, count, order);
        }
    }
}
