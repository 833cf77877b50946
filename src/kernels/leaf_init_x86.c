/* The x86 leaf kernels, each set overwriting the one below it. */
#include "kernels.h"

static void avx2(w_leaf_kernels *k) {
    k->dw_f32 = w_dw_f32__avx2;
    k->pool_f32 = w_pool_f32__avx2;
    k->global_f32 = w_global_f32__avx2;
    k->binary_f32 = w_binary_f32__avx2;
    k->unary_f32 = w_unary_f32__avx2;
    k->affine_f32 = w_affine_f32__avx2;
    k->softmax_f32 = w_softmax_f32__avx2;
    k->extent_f32 = w_extent_f32__avx2;
    k->softmax_columns_f32 = w_softmax_columns_f32__avx2;
    k->attend_f32 = w_attend_f32__avx2;
    k->layernorm_f32 = w_layernorm_f32__avx2;
    k->blend_f32 = w_blend_f32__avx2;
    k->pool_u8 = w_pool_u8__avx2;
    k->global_u8 = w_global_u8__avx2;
    k->binary_u8 = w_binary_u8__avx2;
    k->lut_u8 = w_lut_u8__avx2;
    k->quantize_u8 = w_quantize_u8__avx2;
    k->dequantize_u8 = w_dequantize_u8__avx2;
    k->sums_u8 = w_sums_u8__avx2;
    k->dw_u8 = w_dw_u8__avx2;
    k->half_to_f32 = w_half_to_f32__avx2;
    k->f32_to_half = w_f32_to_half__avx2;
    k->transpose_x32 = w_transpose_x32__avx2;
    k->transpose_x8 = w_transpose_x8__avx2;
    k->isa_f32 = "avx2";
    k->isa_u8 = "avx2";
}

static void avx512(w_leaf_kernels *k) {
    k->dw_f32 = w_dw_f32__avx512;
    k->pool_f32 = w_pool_f32__avx512;
    k->global_f32 = w_global_f32__avx512;
    k->binary_f32 = w_binary_f32__avx512;
    k->unary_f32 = w_unary_f32__avx512;
    k->affine_f32 = w_affine_f32__avx512;
    k->softmax_f32 = w_softmax_f32__avx512;
    k->extent_f32 = w_extent_f32__avx512;
    k->softmax_columns_f32 = w_softmax_columns_f32__avx512;
    k->attend_f32 = w_attend_f32__avx512;
    k->layernorm_f32 = w_layernorm_f32__avx512;
    k->blend_f32 = w_blend_f32__avx512;
    k->pool_u8 = w_pool_u8__avx512;
    k->global_u8 = w_global_u8__avx512;
    k->binary_u8 = w_binary_u8__avx512;
    k->quantize_u8 = w_quantize_u8__avx512;
    k->dequantize_u8 = w_dequantize_u8__avx512;
    k->sums_u8 = w_sums_u8__avx512;
    k->dw_u8 = w_dw_u8__avx512;
    k->half_to_f32 = w_half_to_f32__avx512;
    k->f32_to_half = w_f32_to_half__avx512;
    k->isa_f32 = "avx512";
    k->isa_u8 = "avx512";
}

void w_leaf_init_x86(w_leaf_kernels *k, uint32_t cpu_flags) {
    if (!(cpu_flags & W_CPU_AVX2)) return;
    avx2(k);
    if (cpu_flags & W_CPU_AVXVNNI) {
        k->dw_u8 = w_dw_u8__avxvnni;
        k->isa_u8 = "avxvnni";
    }
    if (!(cpu_flags & W_CPU_AVX512)) return;
    avx512(k);
    if (!(cpu_flags & W_CPU_VNNI)) return;
    k->dw_u8 = w_dw_u8__vnni;
    k->isa_u8 = "vnni";
}
