/* The ways to run everything that is not a dense convolution or a matrix product; cpu.c gives their order. */
#ifndef W_STEPS_LEAF_H
#define W_STEPS_LEAF_H
#include "backend.h"

extern const w_impl w_impl_view_Reshape, w_impl_view_Flatten, w_impl_view_Squeeze, w_impl_view_Unsqueeze,
    w_impl_view_Identity, w_impl_view_Dropout;                                                    /* step_view.c */
extern const w_impl w_impl_layout, w_impl_transpose, w_impl_slice, w_impl_concat, w_impl_split, w_impl_expand,
    w_impl_pad;                                                                                   /* step_copy.c */
extern const w_impl w_impl_gather;                                                                /* step_gather.c */
#endif
