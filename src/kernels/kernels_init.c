/* Fills the kernel table: the reference first, then what the architecture adds inside the flags. */
#include "kernels.h"

void w_kernels_init(w_kernels *k, uint32_t cpu_flags) {
    *k = (w_kernels){.cpu = cpu_flags, .lanes = 4};
    k->f32_igemm[0] = (w_f32_tile){w_f32_igemm_1x8__ref, "f32_igemm_1x8__ref", 1, 8, 1};
    k->nf32 = 1;
    k->u8_igemm[0] = (w_u8_tile){w_u8_igemm_1x8__ref, "u8_igemm_1x8__ref", 1, 8, W_PACK_S8_QUAD};
    k->nu8 = 1;
    k->s16_gemm = (w_s16_tile){w_s16_gemm_1x8__ref, "s16_gemm_1x8__ref", 1, 8, 8};
    k->narrow[W_NARROW_2] = (w_narrow_tile){w_f32_q2_1x8__ref, "f32_q2_1x8__ref", 1, 8, false, w_stage_narrow};
    k->narrow[W_NARROW_4] = (w_narrow_tile){w_f32_q4_1x8__ref, "f32_q4_1x8__ref", 1, 8, false, w_stage_narrow};
    k->narrow[W_NARROW_8] = (w_narrow_tile){w_f32_q8_1x8__ref, "f32_q8_1x8__ref", 1, 8, false, w_stage_narrow};
    k->narrow[W_NARROW_BF16] = (w_narrow_tile){w_f32_bf16_1x8__ref, "f32_bf16_1x8__ref", 1, 8, false, w_stage_narrow};
    k->wino[0] = (w_wino_tile){w_f32_wino2_in__ref, w_f32_wino2_out__ref, 2, 1};
    k->wino[1] = (w_wino_tile){w_f32_wino4_in__ref, w_f32_wino4_out__ref, 4, 1};
    w_leaf_init_ref(&k->leaf);
#if W_ARCH_X86
    w_kernels_init_x86(k, cpu_flags);
    w_leaf_init_x86(&k->leaf, cpu_flags);
#elif W_ARCH_ARM
    w_kernels_init_arm(k, cpu_flags);
    w_leaf_init_arm(&k->leaf, cpu_flags);
#endif
}
