/* f16 to f32 and back for AVX2. */
#include "../x86/vec_avx2.h"
#define NAME(kernel) w_##kernel##__avx2
#include "half_body.h"
