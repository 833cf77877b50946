/* Pooling in f32 for NEON. */
#include "../arm/vec_neon.h"
#define POOL w_pool_f32__neon
#define GLOBAL w_global_f32__neon
#include "pool_f32_body.h"
