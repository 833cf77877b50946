/* The CPU backend: for every operator the ways to run it, best first, the reference last.
 *
 * Adding a way: write its w_impl in a step_*.c file, declare it in steps.h, put it into the operator's line here. An
 * operator of ops.inc without a line does not compile. */
#include "step.h"
#include "steps.h"
#include "steps_leaf.h"

/* One reference impl per operator: it takes every node. */
#define W_OP(name)                                                                                                     \
    static const w_impl ref_##name = {"ref_" #name, W_OP_##name,         NULL,                                         \
                                      w_step_ref_prepare, w_step_ref_run, w_touch_streaming};
#include "ops.inc"
#undef W_OP

#define LIST(op, ...) static const w_impl *const list_##op[] = {__VA_ARGS__ __VA_OPT__(,) & ref_##op, NULL};

LIST(Conv, &w_impl_conv_u8_dw, &w_impl_conv_f32_dw, &w_impl_conv_u8_winograd, &w_impl_conv_u8_igemm, &w_impl_conv_f32_winograd, &w_impl_conv_f32_igemm,
     &w_impl_conv_u8_group, &w_impl_conv_f32_group)
LIST(ConvTranspose)
LIST(Gemm, &w_impl_gemm_u8, &w_impl_gemm_narrow, &w_impl_gemm_f32, &w_impl_gemm_f32_dynamic, &w_impl_gemm_bytes)
LIST(MatMul, &w_impl_matmul_u8, &w_impl_matmul_narrow, &w_impl_matmul_f32, &w_impl_matmul_f32_dynamic, &w_impl_matmul_bytes)
LIST(MatMulNBits, &w_impl_nbits_narrow, &w_impl_nbits_f32)
LIST(Attention, &w_impl_attention)
LIST(ConvInteger)
LIST(MatMulInteger)
LIST(MaxPool, &w_impl_max_pool)
LIST(AveragePool, &w_impl_average_pool)
LIST(GlobalAveragePool, &w_impl_global_average_pool)
LIST(GlobalMaxPool, &w_impl_global_max_pool)
LIST(Relu, &w_impl_unary_Relu)
LIST(Table, &w_impl_unary_Table)
LIST(LeakyRelu, &w_impl_unary_LeakyRelu)
LIST(PRelu)
LIST(Elu, &w_impl_unary_Elu)
LIST(Clip, &w_impl_unary_Clip)
LIST(Sigmoid, &w_impl_unary_Sigmoid)
LIST(HardSigmoid, &w_impl_unary_HardSigmoid)
LIST(HardSwish, &w_impl_unary_HardSwish)
LIST(Tanh, &w_impl_unary_Tanh)
LIST(Softplus)
LIST(Gelu, &w_impl_unary_Gelu)
LIST(Add, &w_impl_add_u8, &w_impl_add_f32, &w_impl_add_mixed)
LIST(Sub, &w_impl_sub_u8, &w_impl_sub_f32, &w_impl_sub_mixed)
LIST(Mul, &w_impl_mul_u8, &w_impl_mul_f32, &w_impl_mul_mixed)
LIST(Div, &w_impl_div_u8, &w_impl_div_f32, &w_impl_div_mixed)
LIST(Pow)
LIST(Min, &w_impl_min_u8, &w_impl_min_f32, &w_impl_min_mixed)
LIST(Max, &w_impl_max_u8, &w_impl_max_f32, &w_impl_max_mixed)
LIST(Sum, &w_impl_sum_u8, &w_impl_sum_f32, &w_impl_sum_mixed)
LIST(Abs, &w_impl_unary_Abs)
LIST(Neg, &w_impl_unary_Neg)
LIST(Exp, &w_impl_unary_Exp)
LIST(Log)
LIST(Sqrt, &w_impl_unary_Sqrt)
LIST(Reciprocal, &w_impl_unary_Reciprocal)
LIST(Erf)
LIST(Floor, &w_impl_unary_Floor)
LIST(Ceil, &w_impl_unary_Ceil)
LIST(Identity, &w_impl_view_Identity)
LIST(Dropout, &w_impl_view_Dropout)
LIST(Cast, &w_impl_cast_half)
LIST(BatchNormalization, &w_impl_affine)
LIST(Softmax, &w_impl_softmax, &w_impl_softmax_columns)
LIST(LogSoftmax)
LIST(LayerNormalization, &w_impl_layernorm)
LIST(LRN)
LIST(ReduceMean, &w_impl_reduce_mean)
LIST(ReduceSum, &w_impl_reduce_sum)
LIST(ReduceMax, &w_impl_reduce_max)
LIST(ReduceMin, &w_impl_reduce_min)
LIST(ArgMax)
LIST(Reshape, &w_impl_view_Reshape)
LIST(Flatten, &w_impl_view_Flatten)
LIST(Squeeze, &w_impl_view_Squeeze)
LIST(Unsqueeze, &w_impl_view_Unsqueeze)
LIST(Transpose, &w_impl_transpose)
LIST(Shape)
LIST(Constant)
LIST(ConstantOfShape)
LIST(Expand, &w_impl_expand)
LIST(Concat, &w_impl_concat)
LIST(Split, &w_impl_split)
LIST(Slice, &w_impl_slice)
LIST(Gather, &w_impl_gather)
LIST(Pad, &w_impl_pad)
LIST(DepthToSpace, &w_impl_depth_to_space)
LIST(SpaceToDepth, &w_impl_space_to_depth)
LIST(Resize, &w_impl_resize)
LIST(QuantizeLinear, &w_impl_quantize)
LIST(DequantizeLinear, &w_impl_dequantize)
LIST(DynamicQuantizeLinear, &w_impl_dynamic_quantize)
LIST(Layout, &w_impl_layout)

static const w_impl *const *const lists[W_OP_COUNT] = {
#define W_OP(name) [W_OP_##name] = list_##name,
#include "ops.inc"
#undef W_OP
};

static const w_impl *const *cpu_impls(uint16_t op) {
    static const w_impl *const none[] = {NULL};
    return op > W_OP_NONE && op < W_OP_COUNT ? lists[op] : none;
}

static bool cpu_rows_apart(const w_impl *i) {
    return i == &w_impl_concat || i == &w_impl_conv_f32_igemm || i == &w_impl_conv_u8_igemm || i == &w_impl_conv_f32_winograd ||
           i == &w_impl_conv_u8_winograd || i == &w_impl_resize || i == &w_impl_unary_Table;
}

const w_backend w_backend_cpu = {"cpu", cpu_impls, w_winograd_share, cpu_rows_apart};
