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

LIST(Conv)
LIST(Gemm)
LIST(MatMul)
LIST(MaxPool)
LIST(AveragePool)
LIST(GlobalAveragePool)
LIST(GlobalMaxPool)
LIST(Relu)
LIST(LeakyRelu)
LIST(PRelu)
LIST(Elu)
LIST(Clip)
LIST(Sigmoid)
LIST(HardSigmoid)
LIST(HardSwish)
LIST(Tanh)
LIST(Softplus)
LIST(Gelu)
LIST(Add)
LIST(Sub)
LIST(Mul)
LIST(Div)
LIST(Pow)
LIST(Min)
LIST(Max)
LIST(Sum)
LIST(Abs)
LIST(Neg)
LIST(Exp)
LIST(Log)
LIST(Sqrt)
LIST(Reciprocal)
LIST(Erf)
LIST(Floor)
LIST(Ceil)
LIST(Identity, &w_impl_view_Identity)
LIST(Dropout, &w_impl_view_Dropout)
LIST(Cast)
LIST(BatchNormalization)
LIST(Softmax)
LIST(LogSoftmax)
LIST(LRN)
LIST(ReduceMean)
LIST(ReduceSum)
LIST(ReduceMax)
LIST(ReduceMin)
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
LIST(QuantizeLinear)
LIST(DequantizeLinear)
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

const w_backend w_backend_cpu = {"cpu", cpu_impls};
