/* Leaf kernels beside the implicit GEMM: depthwise convolution, pooling, element-wise. */
#ifndef W_KERNELS_LEAF_H
#define W_KERNELS_LEAF_H
#include <stddef.h>
#include <stdint.h>

typedef struct w_leaf_kernels {
    char unused;
} w_leaf_kernels;
#endif
