/* The ways the CPU backend executes operators; cpu.c lists them per operator in the order of preference given here. */
#ifndef W_STEPS_H
#define W_STEPS_H
#include "backend.h"

/* Conv, group == 1 (others refuse): u8 x s8, then f32. */
extern const w_impl w_impl_conv_u8_winograd;
extern const w_impl w_impl_conv_u8_igemm;
extern const w_impl w_impl_conv_f32_winograd;
weir_status w_winograd_share(w_plan *p, weir_error *e); /* the memory by which weights may grow; keeps its choices in p->shared */
extern const w_impl w_impl_conv_f32_igemm;
/* Gemm: constant B u8 x s8, constant B of few bits, constant B f32, any B f32 (packed at run time), any B u8. */
extern const w_impl w_impl_gemm_u8;
extern const w_impl w_impl_gemm_narrow;
extern const w_impl w_impl_gemm_f32;
extern const w_impl w_impl_gemm_f32_dynamic;
extern const w_impl w_impl_gemm_bytes;
/* MatMul: the same five. */
extern const w_impl w_impl_matmul_u8;
extern const w_impl w_impl_matmul_narrow;
extern const w_impl w_impl_matmul_f32;
extern const w_impl w_impl_matmul_f32_dynamic;
extern const w_impl w_impl_matmul_bytes;
/* Attention: scores tile by tile. */
extern const w_impl w_impl_attention;
/* MatMulNBits: few rows, many rows. */
extern const w_impl w_impl_nbits_narrow;
extern const w_impl w_impl_nbits_f32;
#endif
