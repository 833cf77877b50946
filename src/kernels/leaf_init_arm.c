/* The Arm leaf kernels, each set overwriting the one below it; the transposes are the reference's. */
#include "kernels.h"

static void neon(w_leaf_kernels *k) {
    k->dw_f32 = w_dw_f32__neon;
    k->pool_f32 = w_pool_f32__neon;
    k->global_f32 = w_global_f32__neon;
    k->binary_f32 = w_binary_f32__neon;
    k->unary_f32 = w_unary_f32__neon;
    k->affine_f32 = w_affine_f32__neon;
    k->softmax_f32 = w_softmax_f32__neon;
    k->extent_f32 = w_extent_f32__neon;
    k->softmax_columns_f32 = w_softmax_columns_f32__neon;
    k->attend_f32 = w_attend_f32__neon;
    k->layernorm_f32 = w_layernorm_f32__neon;
    k->blend_f32 = w_blend_f32__neon;
    k->lut_u8 = w_lut_u8__neon;
    k->dw_u8 = w_dw_u8__neon;
    k->pool_u8 = w_pool_u8__neon;
    k->global_u8 = w_global_u8__neon;
    k->binary_u8 = w_binary_u8__neon;
    k->quantize_u8 = w_quantize_u8__neon;
    k->dequantize_u8 = w_dequantize_u8__neon;
    k->sums_u8 = w_sums_u8__neon;
    k->half_to_f32 = w_half_to_f32__neon;
    k->f32_to_half = w_f32_to_half__neon;
    k->isa_f32 = "neon";
    k->isa_u8 = "neon";
}

void w_leaf_init_arm(w_leaf_kernels *k, uint32_t cpu_flags) {
    if (!(cpu_flags & W_CPU_NEON)) return;
    neon(k);
    if (!(cpu_flags & W_CPU_DOTPROD)) return;
    k->dw_u8 = w_dw_u8__dotprod;
    k->isa_u8 = "dotprod";
    if (!(cpu_flags & W_CPU_I8MM)) return;
    k->dw_u8 = w_dw_u8__i8mm;
    k->isa_u8 = "i8mm";
}
