/* The implicit GEMM tiles of x86, each set overwriting the one below it. */
#include "kernels.h"

#define F32(name, mr, nr, sums) {w_##name, #name, mr, nr, sums}
#define NARROW_TILE(bits, set, nr, ...) (w_narrow_tile){w_f32_##bits##_4x##nr##__##set, "f32_" #bits "_4x" #nr "__" #set, 4, nr, __VA_ARGS__}
#define NARROW(k, set, nr, ...) \
    do { \
        (k)->narrow[W_NARROW_2] = NARROW_TILE(q2, set, nr, __VA_ARGS__); \
        (k)->narrow[W_NARROW_4] = NARROW_TILE(q4, set, nr, __VA_ARGS__); \
        (k)->narrow[W_NARROW_8] = NARROW_TILE(q8, set, nr, __VA_ARGS__); \
    } while (0)
#define U8(name, mr, nr, pack) {w_##name, #name, mr, nr, pack}

static void set_f32(w_kernels *k, const w_f32_tile *t, size_t n) {
    for (size_t i = 0; i < n; i++) k->f32_igemm[i] = t[i];
    k->nf32 = n;
}
static void set_u8(w_kernels *k, const w_u8_tile *t, size_t n) {
    for (size_t i = 0; i < n; i++) k->u8_igemm[i] = t[i];
    k->nu8 = n;
}

static void init_avx2(w_kernels *k) {
    static const w_f32_tile f32[] = {F32(f32_igemm_6x16__avx2, 6, 16, 1), F32(f32_igemm_12x8__avx2, 12, 8, 1),
                                     F32(f32_gemv_1x32__avx2, 1, 32, 2)};
    static const w_u8_tile u8[] = {U8(u8_igemm_4x16__avx2, 4, 16, W_PACK_S8_PAIRS), U8(u8_igemm_8x8__avx2, 8, 8, W_PACK_S8_PAIRS),
                                   U8(u8_igemm_4x16_short__avx2, 4, 16, W_PACK_S16_EVEN_ODD),
                                   U8(u8_igemm_2x32_short__avx2, 2, 32, W_PACK_S16_EVEN_ODD),
                                   U8(u8_igemm_2x32__avx2, 2, 32, W_PACK_S8_PAIRS)};
    k->lanes = 8;
    k->wino[0] = (w_wino_tile){w_f32_wino2_in__avx2, w_f32_wino2_out__avx2, 2, 8};
    k->wino[1] = (w_wino_tile){w_f32_wino4_in__avx2, w_f32_wino4_out__avx2, 4, 8};
    k->wino_u8 = (w_u8_wino_tile){w_u8_wino2_in__avx2, w_u8_wino2_out__avx2};
    k->s16_gemm = (w_s16_tile){w_s16_gemm_6x16__avx2, "s16_gemm_6x16__avx2", 6, 16, 8};
    NARROW(k, avx2, 32, false, w_stage_narrow);
    k->narrow[W_NARROW_BF16] = NARROW_TILE(bf16, avx2, 32, false, w_stage_narrow);
    set_f32(k, f32, W_COUNT(f32));
    set_u8(k, u8, W_COUNT(u8));
}

static void init_avxvnni(w_kernels *k) {
    static const w_u8_tile u8[] = {U8(u8_igemm_6x16__avxvnni, 6, 16, W_PACK_S8_QUAD), U8(u8_igemm_12x8__avxvnni, 12, 8, W_PACK_S8_QUAD),
                                   U8(u8_igemm_2x32__avxvnni, 2, 32, W_PACK_S8_QUAD)};
    k->wino_u8 = (w_u8_wino_tile){0}; /* its direct sums take half as long */
    set_u8(k, u8, W_COUNT(u8));
}

static void init_avx512(w_kernels *k) {
    static const w_f32_tile f32[] = {F32(f32_igemm_8x32__avx512, 8, 32, 1), F32(f32_igemm_12x16__avx512, 12, 16, 1),
                                     F32(f32_gemv_1x64__avx512, 1, 64, 4)};
    static const w_u8_tile u8[] = {U8(u8_igemm_8x32__avx512, 8, 32, W_PACK_S16_EVEN_ODD),
                                   U8(u8_igemm_12x16__avx512, 12, 16, W_PACK_S16_EVEN_ODD)};
    k->lanes = 16;
    k->wino[0] = (w_wino_tile){w_f32_wino2_in__avx512, w_f32_wino2_out__avx512, 2, 16};
    k->wino[1] = (w_wino_tile){w_f32_wino4_in__avx512, w_f32_wino4_out__avx512, 4, 16};
    k->wino_u8 = (w_u8_wino_tile){0}; /* its direct sums take half as long */
    k->s16_gemm = (w_s16_tile){w_s16_gemm_8x32__avx512, "s16_gemm_8x32__avx512", 8, 32, 16};
    NARROW(k, avx512, 64, false, w_stage_narrow);
    k->narrow[W_NARROW_BF16] = NARROW_TILE(bf16, avx512, 64, false, w_stage_narrow);
    set_f32(k, f32, W_COUNT(f32));
    set_u8(k, u8, W_COUNT(u8));
}

static void init_vnni(w_kernels *k) {
    static const w_u8_tile u8[] = {U8(u8_igemm_8x32__vnni, 8, 32, W_PACK_S8_QUAD), U8(u8_igemm_8x16__vnni, 8, 16, W_PACK_S8_OCTET),
                                   U8(u8_igemm_2x64__vnni, 2, 64, W_PACK_S8_QUAD)};
    NARROW(k, vnni, 64, true, w_stage_digits__vnni);
    k->s16_gemm = (w_s16_tile){w_s16_gemm_8x32__vnni, "s16_gemm_8x32__vnni", 8, 32, 16};
    set_u8(k, u8, W_COUNT(u8));
}

void w_kernels_init_x86(w_kernels *k, uint32_t cpu_flags) {
    if (cpu_flags & W_CPU_AVX2) init_avx2(k);
    if (cpu_flags & W_CPU_AVXVNNI) init_avxvnni(k);
    if (cpu_flags & W_CPU_AVX512) init_avx512(k);
    if (cpu_flags & W_CPU_VNNI) init_vnni(k);
}
