/* The x86 leaf kernels, each set overwriting the one below it. */
#include "kernels.h"

void w_leaf_init_x86(w_leaf_kernels *k, uint32_t cpu_flags) {
    (void)k;
    (void)cpu_flags;
}
