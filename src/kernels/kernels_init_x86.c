/* The implicit GEMM tiles of x86, each set overwriting the one below it. */
#include "kernels.h"

void w_kernels_init_x86(w_kernels *k, uint32_t cpu_flags) {
    (void)k;
    (void)cpu_flags;
}
