/* f16 to f32 and back for NEON. */
#include "../arm/vec_neon.h"
#define NAME(kernel) w_##kernel##__neon
#include "half_body.h"
