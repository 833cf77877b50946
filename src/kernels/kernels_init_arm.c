/* The implicit GEMM tiles of Arm, each set overwriting the one below it. */
#include "kernels.h"

#define F32(name, mr, nr, sums) {w_##name, #name, mr, nr, sums}
#define U8(name, mr, nr) {w_##name, #name, mr, nr, W_PACK_S8_QUAD}

static void set_u8(w_kernels *k, const w_u8_tile *t, size_t n) {
    for (size_t i = 0; i < n; i++) k->u8_igemm[i] = t[i];
    k->nu8 = n;
}

static void init_neon(w_kernels *k) {
    static const w_f32_tile f32[] = {F32(f32_igemm_12x8__neon, 12, 8, 1), F32(f32_gemv_1x16__neon, 1, 16, 4)};
    static const w_u8_tile u8[] = {U8(u8_igemm_4x8__neon, 4, 8), U8(u8_igemm_2x16__neon, 2, 16)};
    k->lanes = 4;
    k->s16_gemm = (w_s16_tile){w_s16_gemm_6x8__neon, "s16_gemm_6x8__neon", 6, 8, 8};
    k->wino[0] = (w_wino_tile){w_f32_wino2_in__neon, w_f32_wino2_out__neon, 2, 4};
    k->wino[1] = (w_wino_tile){w_f32_wino4_in__neon, w_f32_wino4_out__neon, 4, 4};
    for (size_t i = 0; i < W_COUNT(f32); i++) k->f32_igemm[i] = f32[i];
    k->nf32 = W_COUNT(f32);
    set_u8(k, u8, W_COUNT(u8));
}

static void init_dotprod(w_kernels *k) {
    static const w_u8_tile u8[] = {U8(u8_igemm_8x8__dotprod, 8, 8), U8(u8_igemm_4x16__dotprod, 4, 16)};
    set_u8(k, u8, W_COUNT(u8));
}

static void init_i8mm(w_kernels *k) {
    static const w_u8_tile u8[] = {U8(u8_igemm_8x8__i8mm, 8, 8), U8(u8_igemm_4x16__i8mm, 4, 16)};
    set_u8(k, u8, W_COUNT(u8));
}

void w_kernels_init_arm(w_kernels *k, uint32_t cpu_flags) {
    if (cpu_flags & W_CPU_NEON) init_neon(k);
    if (cpu_flags & W_CPU_DOTPROD) init_dotprod(k);
    if (cpu_flags & W_CPU_I8MM) init_i8mm(k);
}
