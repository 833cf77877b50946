/* The references of the leaf kernels. */
#include "kernels.h"

void w_leaf_init_ref(w_leaf_kernels *k) {
    *k = (w_leaf_kernels){
        .dw_f32 = w_dw_f32__ref,
        .dw_u8 = w_dw_u8__ref,
        .pool_f32 = w_pool_f32__ref,
        .pool_u8 = w_pool_u8__ref,
        .global_f32 = w_global_f32__ref,
        .global_u8 = w_global_u8__ref,
        .binary_f32 = w_binary_f32__ref,
        .binary_u8 = w_binary_u8__ref,
        .unary_f32 = w_unary_f32__ref,
        .lut_u8 = w_lut_u8__ref,
        .affine_f32 = w_affine_f32__ref,
        .extent_f32 = w_extent_f32__ref,
        .softmax_f32 = w_softmax_f32__ref,
        .softmax_columns_f32 = w_softmax_columns_f32__ref,
        .attend_f32 = w_attend_f32__ref,
        .layernorm_f32 = w_layernorm_f32__ref,
        .blend_f32 = w_blend_f32__ref,
        .quantize_u8 = w_quantize_u8__ref,
        .dequantize_u8 = w_dequantize_u8__ref,
        .sums_u8 = w_sums_u8__ref,
        .half_to_f32 = w_half_to_f32__ref,
        .f32_to_half = w_f32_to_half__ref,
        .transpose_x32 = w_transpose_x32__ref,
        .transpose_x8 = w_transpose_x8__ref,
        .isa_f32 = "ref",
        .isa_u8 = "ref",
    };
}
