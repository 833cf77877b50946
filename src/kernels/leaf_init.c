/* The references of the leaf kernels. */
#include "kernels.h"

void w_leaf_init_ref(w_leaf_kernels *k) { *k = (w_leaf_kernels){0}; }
