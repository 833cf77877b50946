/* Checks of the kinds in kernels_leaf.inc, declared by their owner. Included by check.h. */
#ifndef W_CHECK_LEAF_H
#define W_CHECK_LEAF_H
#endif
