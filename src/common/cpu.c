/* CPU features by CPUID and XGETBV, on Arm by what Linux tells of them, and the named sets of --cpu.
 *
 * A flag is set only when the operating system saves the registers it needs; every flag implies those below it. */
#include "cpu.h"
#include <string.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

struct leaf { uint32_t a, b, c, d; };

static struct leaf cpuid(uint32_t leaf, uint32_t sub) {
    struct leaf r = {0};
    __get_cpuid_count(leaf, sub, &r.a, &r.b, &r.c, &r.d);
    return r;
}

static bool bit(uint32_t word, int n) { return word >> n & 1; }

static uint64_t xcr0(void) {
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

/* Linux gives a process the tile registers only on request (ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA). */
static bool amx_allowed(void) { return syscall(SYS_arch_prctl, 0x1023, 18) == 0; }

static uint32_t detect_avx512(struct leaf l7, struct leaf l71, uint64_t saved) {
    if ((saved & 0xe6) != 0xe6) return 0; /* xmm, ymm, opmask, both upper halves */
    if (!bit(l7.b, 16) || !bit(l7.b, 17) || !bit(l7.b, 30) || !bit(l7.b, 31)) return 0; /* F, DQ, BW, VL */
    if (!bit(l7.c, 11)) return W_CPU_AVX512;
    if (!bit(l71.a, 5)) return W_CPU_AVX512 | W_CPU_VNNI;
    uint32_t flags = W_CPU_AVX512 | W_CPU_VNNI | W_CPU_BF16;
    bool tiles = bit(l7.d, 24) && bit(l7.d, 25) && bit(l7.d, 22) && (saved & 0x60000) == 0x60000;
    return tiles && amx_allowed() ? flags | W_CPU_AMX : flags;
}

uint32_t w_cpu_detect(void) {
    if (__get_cpuid_max(0, NULL) < 7) return 0;
    struct leaf l1 = cpuid(1, 0), l7 = cpuid(7, 0);
    struct leaf l71 = l7.a >= 1 ? cpuid(7, 1) : (struct leaf){0};
    if (!bit(l1.c, 27) || !bit(l1.c, 28)) return 0; /* OSXSAVE, AVX */
    uint64_t saved = xcr0();
    if ((saved & 6) != 6) return 0;
    if (!bit(l1.c, 12) || !bit(l1.c, 29) || !bit(l7.b, 5)) return 0; /* FMA, F16C, AVX2 */
    uint32_t vnni = bit(l71.a, 4) ? W_CPU_AVXVNNI : 0;
    return W_CPU_AVX2 | vnni | detect_avx512(l7, l71, saved);
}
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>

uint32_t w_cpu_detect(void) {
    unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
    if (!(first & HWCAP_ASIMD)) return 0;
    if (!(first & HWCAP_ASIMDDP)) return W_CPU_NEON;
    return W_CPU_NEON | W_CPU_DOTPROD | (second & HWCAP2_I8MM ? W_CPU_I8MM : 0);
}
#else
uint32_t w_cpu_detect(void) { return 0; }
#endif

/* Largest first: w_cpu_name takes the first that fits. */
static const struct set {
    const char *name;
    uint32_t flags;
} sets[] = {
#if defined(__x86_64__) || defined(__i386__)
    {"amx", W_CPU_AVX2 | W_CPU_AVX512 | W_CPU_VNNI | W_CPU_BF16 | W_CPU_AMX},
    {"bf16", W_CPU_AVX2 | W_CPU_AVX512 | W_CPU_VNNI | W_CPU_BF16},
    {"vnni", W_CPU_AVX2 | W_CPU_AVX512 | W_CPU_VNNI},
    {"avx512", W_CPU_AVX2 | W_CPU_AVX512},
    {"avxvnni", W_CPU_AVX2 | W_CPU_AVXVNNI},
    {"avx2", W_CPU_AVX2},
#elif defined(__aarch64__)
    {"i8mm", W_CPU_NEON | W_CPU_DOTPROD | W_CPU_I8MM},
    {"dotprod", W_CPU_NEON | W_CPU_DOTPROD},
    {"neon", W_CPU_NEON},
#endif
    {"ref", 0},
};

weir_status w_cpu_cap(uint32_t have, const char *name, uint32_t *flags, weir_error *e) {
    *flags = have;
    if (!name || !name[0]) return WEIR_OK;
    char known[128] = "";
    for (size_t i = W_COUNT(sets); i-- > 0;) {
        if (strcmp(name, sets[i].name) == 0) {
            *flags = have & sets[i].flags;
            return WEIR_OK;
        }
        strcat(strcat(known, i + 1 < W_COUNT(sets) ? ", " : ""), sets[i].name);
    }
    return w_fail(e, WEIR_USAGE, "unknown CPU set \"%s\"; expected one of %s", name, known);
}

const char *w_cpu_name(uint32_t flags) {
    size_t i = 0;
    while ((flags & sets[i].flags) != sets[i].flags) i++;
    return sets[i].name;
}
