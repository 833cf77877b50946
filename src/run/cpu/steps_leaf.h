/* The ways to run everything that is not a dense convolution or a matrix product; cpu.c gives their order. */
#ifndef W_STEPS_LEAF_H
#define W_STEPS_LEAF_H
#include "backend.h"

extern const w_impl w_impl_view_Reshape, w_impl_view_Flatten, w_impl_view_Squeeze, w_impl_view_Unsqueeze,
    w_impl_view_Identity, w_impl_view_Dropout;                                                    /* step_view.c */
extern const w_impl w_impl_layout, w_impl_transpose, w_impl_slice, w_impl_concat, w_impl_split, w_impl_expand,
    w_impl_pad, w_impl_depth_to_space, w_impl_space_to_depth;                                                                             /* step_copy.c */
extern const w_impl w_impl_resize;                                                                /* step_resize.c */
extern const w_impl w_impl_gather;                                                                /* step_gather.c */
extern const w_impl w_impl_conv_f32_dw, w_impl_conv_u8_dw;                                        /* step_dw.c */
extern const w_impl w_impl_conv_f32_group, w_impl_conv_u8_group;                                  /* step_group.c */
extern const w_impl w_impl_max_pool, w_impl_average_pool, w_impl_global_average_pool, w_impl_global_max_pool; /* step_pool.c */
extern const w_impl w_impl_add_u8, w_impl_add_f32, w_impl_add_mixed, w_impl_sub_u8, w_impl_sub_f32, w_impl_sub_mixed,
    w_impl_mul_u8, w_impl_mul_f32, w_impl_mul_mixed, w_impl_div_u8, w_impl_div_f32, w_impl_div_mixed, w_impl_min_u8,
    w_impl_min_f32, w_impl_min_mixed, w_impl_max_u8, w_impl_max_f32, w_impl_max_mixed, w_impl_sum_u8, w_impl_sum_f32,
    w_impl_sum_mixed; /* step_eltwise.c */
extern const w_impl w_impl_unary_Relu, w_impl_unary_LeakyRelu, w_impl_unary_Elu, w_impl_unary_Clip, w_impl_unary_Sigmoid,
    w_impl_unary_HardSigmoid, w_impl_unary_HardSwish, w_impl_unary_Tanh, w_impl_unary_Gelu, w_impl_unary_Abs,
    w_impl_unary_Neg, w_impl_unary_Exp, w_impl_unary_Sqrt, w_impl_unary_Reciprocal, w_impl_unary_Floor,
    w_impl_unary_Ceil, w_impl_unary_Table;                                                        /* step_unary.c */
extern const w_impl w_impl_quantize, w_impl_dequantize;                                           /* step_quant.c */
extern const w_impl w_impl_dynamic_quantize;                                                      /* step_dynamic.c */
extern const w_impl w_impl_cast_half;                                                             /* step_cast.c */
extern const w_impl w_impl_softmax, w_impl_softmax_columns, w_impl_affine, w_impl_layernorm;                                               /* step_rows.c */
extern const w_impl w_impl_reduce_mean, w_impl_reduce_sum, w_impl_reduce_max, w_impl_reduce_min;  /* step_reduce.c */
#endif
