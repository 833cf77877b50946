/* The arithmetic peak of a CPU set, measured in this process by independent chains in registers: what a kernel of that set
 * could reach if nothing but its multiply-adds took time. */
#include "check.h"
#if W_ARCH_X86
#include <immintrin.h>

enum { ROUNDS = 2000, CHAINS = 12 };
#define TARGET(t) __attribute__((target(t), noinline))
#define KEEP(x) __asm__ volatile("" : "+x"(x))
#define KEEPV(x) __asm__ volatile("" : "+v"(x))
#define LOOP(type, zero, keep, update) \
    type acc[CHAINS]; \
    _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) acc[i] = zero; \
    for (int r = 0; r < ROUNDS; r++) \
        _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) { \
            update; \
            keep(acc[i]); \
        }

TARGET("avx2,fma") static void f32_avx2(void *unused) {
    __m256 a = _mm256_set1_ps(0.5f);
    LOOP(__m256, _mm256_setzero_ps(), KEEP, acc[i] = _mm256_fmadd_ps(acc[i], a, a))
}
TARGET("avx512f") static void f32_avx512(void *unused) {
    __m512 a = _mm512_set1_ps(0.5f);
    LOOP(__m512, _mm512_setzero_ps(), KEEPV, acc[i] = _mm512_fmadd_ps(acc[i], a, a))
}
TARGET("avx2") static void u8_avx2(void *unused) {
    __m256i a = _mm256_set1_epi16(3);
    KEEP(a);
    LOOP(__m256i, _mm256_setzero_si256(), KEEP, __m256i p = a; KEEP(p); acc[i] = _mm256_add_epi32(acc[i], _mm256_madd_epi16(_mm256_maddubs_epi16(p, a), a)))
}
TARGET("avx512f,avx512bw") static void u8_avx512(void *unused) {
    __m512i a = _mm512_set1_epi16(3);
    KEEPV(a);
    LOOP(__m512i, _mm512_setzero_si512(), KEEPV, __m512i p = a; KEEPV(p); acc[i] = _mm512_add_epi32(acc[i], _mm512_madd_epi16(p, a)))
}
TARGET("avx512f,avx512vnni") static void u8_vnni(void *unused) {
    __m512i a = _mm512_set1_epi8(3);
    LOOP(__m512i, _mm512_setzero_si512(), KEEPV, acc[i] = _mm512_dpbusd_epi32(acc[i], a, a))
}

double check_peak(uint32_t flags, bool u8) {
    bool wide = flags & (W_CPU_AVX512 | W_CPU_VNNI);
    if (!flags) return 0;
    double lanes = wide ? 16 : 8, each = !u8 ? lanes : flags & W_CPU_VNNI || !wide ? 4 * lanes : 2 * lanes;
    void (*fn)(void *) = !u8 ? (wide ? f32_avx512 : f32_avx2) : flags & W_CPU_VNNI ? u8_vnni : wide ? u8_avx512 : u8_avx2;
    return ROUNDS * CHAINS * each / check_time(fn, NULL) * 1e-9;
}
#else
double check_peak(uint32_t flags, bool u8) { return 0; }
#endif
