/* The u8 x s8 implicit GEMM for AVX-VNNI: 12 accumulators beside the weights of a quad. */
#include "u8_dot_vnni.h"
#define MR 6
#define NV 2
#define KERNEL w_u8_igemm_6x16__avxvnni
#include "u8_igemm_body.h"
