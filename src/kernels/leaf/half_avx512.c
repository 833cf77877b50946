/* f16 to f32 and back for AVX-512. */
#include "../x86/vec_avx512.h"
#define NAME(kernel) w_##kernel##__avx512
#include "half_body.h"
