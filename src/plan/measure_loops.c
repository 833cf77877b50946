/* measure_loops.c: the loops that the machine model times: streams through a block, and multiply-adds in registers.
 *
 * They are no kernels (nothing computes with them), so they stand here, each compiled for its set by a target attribute
 * and reached only when the flags allow it. Independent accumulators hide the latency of the arithmetic; an empty asm
 * statement keeps the compiler from removing or merging the passes. */
#include "machine_parts.h"

#if defined(__aarch64__)
#define KEEP(x) __asm__ volatile("" : "+w"(x))
#else
#define KEEP(x) __asm__ volatile("" : "+x"(x))
#endif
#define BARRIER() __asm__ volatile("" ::: "memory")

typedef unsigned long long vec16 __attribute__((vector_size(16)));
typedef float f32x4 __attribute__((vector_size(16)));

/* Streams with vectors of type V: 16 a turn, over eight accumulators. */
#define STREAMS(name, V, attributes)                                                                                   \
    attributes static void read_##name(void *block, size_t bytes, size_t times) {                                      \
        V s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};                                                                      \
        for (size_t k = 0; k < times; k++) {                                                                           \
            const V *v = block;                                                                                        \
            BARRIER();                                                                                                 \
            for (size_t i = 0; i < bytes / sizeof(V); i += 16) {                                                       \
                s0 ^= v[i] ^ v[i + 1] ^ v[i + 2] ^ v[i + 3];                                                           \
                s1 ^= v[i + 4] ^ v[i + 5] ^ v[i + 6] ^ v[i + 7];                                                       \
                s2 ^= v[i + 8] ^ v[i + 9] ^ v[i + 10] ^ v[i + 11];                                                     \
                s3 ^= v[i + 12] ^ v[i + 13] ^ v[i + 14] ^ v[i + 15];                                                   \
            }                                                                                                          \
        }                                                                                                              \
        s0 ^= s1 ^ s2 ^ s3;                                                                                            \
        *(volatile unsigned long long *)block = s0[0];                                                                 \
    }                                                                                                                  \
    attributes static void write_##name(void *block, size_t bytes, size_t times) {                                     \
        V x = {0};                                                                                                     \
        for (size_t k = 0; k < times; k++) {                                                                           \
            V *v = block;                                                                                              \
            x += 1;                                                                                                    \
            for (size_t i = 0; i < bytes / sizeof(V); i += 16)                                                         \
                for (size_t j = 0; j < 16; j++)                                                                        \
                    v[i + j] = x;                                                                                      \
            BARRIER();                                                                                                 \
        }                                                                                                              \
    }

STREAMS(ref, vec16, )

#define REF_ACCUMULATORS 8
static void peak_f32_ref(size_t times) {
    f32x4 a[REF_ACCUMULATORS] = {{0}}, x = {0.5f, 0.5f, 0.5f, 0.5f}, y = {1e-3f, 1e-3f, 1e-3f, 1e-3f};
    __asm__ volatile("" : "+m"(x), "+m"(y));
    for (size_t k = 0; k < times; k++)
        for (int i = 0; i < REF_ACCUMULATORS; i++)
            a[i] = a[i] * x + y;
    __asm__ volatile("" : : "m"(a));
}

/* As portable C multiplies bytes: in 32-bit integers. */
static void peak_int8_ref(size_t times) {
    int32_t a[32] = {0};
    int16_t x[64], y[64];
    for (int i = 0; i < 64; i++)
        x[i] = y[i] = (int16_t)i;
    for (size_t k = 0; k < times; k++) {
        __asm__ volatile("" : "+m"(x), "+m"(y));
        for (int i = 0; i < 32; i++)
            a[i] += (int32_t)x[2 * i] * y[2 * i] + (int32_t)x[2 * i + 1] * y[2 * i + 1];
    }
    __asm__ volatile("" : : "m"(a));
}

/* N accumulators through one instruction each a turn. */
#define PEAK(name, attributes, V, N, zero, ones, step)                                                                 \
    attributes static void peak_##name(size_t times) {                                                                 \
        V a[N], x = ones, y = ones;                                                                                    \
        for (int i = 0; i < N; i++)                                                                                    \
            a[i] = zero;                                                                                               \
        KEEP(x);                                                                                                       \
        KEEP(y);                                                                                                       \
        for (size_t k = 0; k < times; k++) {                                                                           \
            _Pragma("GCC unroll 16") for (int i = 0; i < N; i++) a[i] = step;                                          \
        }                                                                                                              \
        _Pragma("GCC unroll 16") for (int i = 0; i < N; i++) KEEP(a[i]);                                               \
    }

#if defined(__x86_64__) || defined(__aarch64__)
static void set_peak(w_loops *l, int what, void (*fn)(size_t), double macs) {
    l->peak[what] = fn;
    l->macs[what] = macs;
}
#endif

#if defined(__x86_64__)
#include <immintrin.h>
typedef unsigned long long vec32 __attribute__((vector_size(32)));
typedef unsigned long long vec64 __attribute__((vector_size(64)));
#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#define AVXVNNI __attribute__((target("avx2,avxvnni")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))

STREAMS(avx2, vec32, AVX2)
STREAMS(avx512, vec64, AVX512)

PEAK(f32_avx2, AVX2, __m256, 12, _mm256_setzero_ps(), _mm256_set1_ps(0.5f), _mm256_fmadd_ps(a[i], x, y))
PEAK(f32_avx512, AVX512, __m512, 16, _mm512_setzero_ps(), _mm512_set1_ps(0.5f), _mm512_fmadd_ps(a[i], x, y))
PEAK(int8_vnni, VNNI, __m512i, 16, _mm512_setzero_si512(), _mm512_set1_epi8(1), _mm512_dpbusd_epi32(a[i], x, y))
PEAK(int8_avxvnni, AVXVNNI, __m256i, 12, _mm256_setzero_si256(), _mm256_set1_epi8(1), _mm256_dpbusd_avx_epi32(a[i], x, y))
PEAK(bf16_avx512, BF16, __m512, 16, _mm512_setzero_ps(), _mm512_set1_ps(0.5f), _mm512_dpbf16_ps(a[i], (__m512bh)x, (__m512bh)y))

/* Without VNNI: multiply pairs of bytes, widen the sums, add. The multiplier changes so that nothing is hoisted. */
#define PEAK_PAIRS(name, attributes, V, N, zero, ones8, ones16, maddubs, madd, add)                                    \
    attributes static void peak_##name(size_t times) {                                                                 \
        V a[N], x = ones8, y = ones8, w = ones16;                                                                      \
        for (int i = 0; i < N; i++)                                                                                    \
            a[i] = zero;                                                                                               \
        for (size_t k = 0; k < times; k++) {                                                                           \
            _Pragma("GCC unroll 16") for (int i = 0; i < N; i++) {                                                     \
                KEEP(x);                                                                                               \
                a[i] = add(a[i], madd(maddubs(x, y), w));                                                              \
            }                                                                                                          \
        }                                                                                                              \
        _Pragma("GCC unroll 16") for (int i = 0; i < N; i++) KEEP(a[i]);                                               \
    }

PEAK_PAIRS(int8_avx2, AVX2, __m256i, 8, _mm256_setzero_si256(), _mm256_set1_epi8(1), _mm256_set1_epi16(1), _mm256_maddubs_epi16,
           _mm256_madd_epi16, _mm256_add_epi32)
PEAK_PAIRS(int8_avx512, AVX512, __m512i, 8, _mm512_setzero_si512(), _mm512_set1_epi8(1), _mm512_set1_epi16(1),
           _mm512_maddubs_epi16, _mm512_madd_epi16, _mm512_add_epi32)

static void use_set(uint32_t flags, w_loops *l) {
    if (flags & W_CPU_AVX2) {
        l->read = read_avx2;
        l->write = write_avx2;
        set_peak(l, W_PEAK_F32, peak_f32_avx2, 12 * 8);
        set_peak(l, W_PEAK_INT8, peak_int8_avx2, 8 * 32);
    }
    if (flags & W_CPU_AVXVNNI)
        set_peak(l, W_PEAK_INT8, peak_int8_avxvnni, 12 * 32);
    if (flags & W_CPU_AVX512) {
        l->read = read_avx512;
        l->write = write_avx512;
        set_peak(l, W_PEAK_F32, peak_f32_avx512, 16 * 16);
        set_peak(l, W_PEAK_INT8, peak_int8_avx512, 8 * 64);
    }
    if (flags & W_CPU_VNNI)
        set_peak(l, W_PEAK_INT8, peak_int8_vnni, 16 * 64);
    if (flags & W_CPU_BF16)
        set_peak(l, W_PEAK_BF16, peak_bf16_avx512, 16 * 32);
}

/* Of registers: some CPUs fold additions of constants into the renaming of their target, several a cycle. */
bool w_loop_clock(size_t times) {
    uint64_t x = 0, one = 1;
    for (size_t k = 0; k < times; k++)
        __asm__ volatile(".rept 64\n\tadd %1, %0\n\t.endr" : "+r"(x) : "r"(one));
    return true;
}
#elif defined(__aarch64__)
#include <arm_neon.h>
#define DOTPROD __attribute__((target("arch=armv8.2-a+dotprod")))

PEAK(f32_neon, , float32x4_t, 16, vdupq_n_f32(0.0f), vdupq_n_f32(0.5f), vfmaq_f32(a[i], x, y))
PEAK(int8_dotprod, DOTPROD, uint32x4_t, 16, vdupq_n_u32(0), vdupq_n_u32(0x01010101),
     vdotq_u32(a[i], vreinterpretq_u8_u32(x), vreinterpretq_u8_u32(y)))

/* Without dot products: multiply eight bytes, add pairs. The multiplier changes so that nothing is hoisted. */
static void peak_int8_neon(size_t times) {
    uint32x4_t a[12];
    uint8x8_t x = vdup_n_u8(1), y = x;
    for (int i = 0; i < 12; i++)
        a[i] = vdupq_n_u32(0);
    for (size_t k = 0; k < times; k++) {
        _Pragma("GCC unroll 16") for (int i = 0; i < 12; i++) {
            KEEP(x);
            a[i] = vpadalq_u16(a[i], vmull_u8(x, y));
        }
    }
    _Pragma("GCC unroll 16") for (int i = 0; i < 12; i++) KEEP(a[i]);
}

static void use_set(uint32_t flags, w_loops *l) {
    if (flags & W_CPU_NEON) {
        set_peak(l, W_PEAK_F32, peak_f32_neon, 16 * 4);
        set_peak(l, W_PEAK_INT8, peak_int8_neon, 12 * 8);
    }
    if (flags & W_CPU_DOTPROD)
        set_peak(l, W_PEAK_INT8, peak_int8_dotprod, 16 * 16);
}

bool w_loop_clock(size_t times) {
    uint64_t x = 0;
    for (size_t k = 0; k < times; k++)
        __asm__ volatile(".rept 64\n\tadd %0, %0, #1\n\t.endr" : "+r"(x));
    return true;
}
#else
static void use_set(uint32_t flags, w_loops *l) {
    (void)flags;
    (void)l;
}
bool w_loop_clock(size_t times) {
    (void)times;
    return false;
}
#endif

void w_loops_for(uint32_t cpu_flags, w_loops *out) {
    *out = (w_loops){.read = read_ref, .write = write_ref};
    out->peak[W_PEAK_F32] = peak_f32_ref;
    out->macs[W_PEAK_F32] = REF_ACCUMULATORS * 4;
    out->peak[W_PEAK_INT8] = peak_int8_ref;
    out->macs[W_PEAK_INT8] = 64;
    use_set(cpu_flags, out);
}
