/* f32 rows by 8-bit weights, AVX512-VNNI: 12 sums for a row, 24 for two. */
#include "vec_avx512.h"
#define NV 4
#define BITS 8
#define KERNEL w_f32_q8_4x64__vnni
#include "f32_digits_body.h"
