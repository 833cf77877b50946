/* s16 x s16 products for AVX512-VNNI; in assembly as in u8_dot_vnni.h. */
#include "vec_avx512.h"
#define MR 8
#define NV 2
#define KERNEL w_s16_gemm_8x32__vnni
#define MADD(acc, x, b) __asm__("vpdpwssd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(b))
#include "../body/s16_gemm_body.h"
