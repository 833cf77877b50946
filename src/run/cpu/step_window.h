/* Geometry of convolution and pooling nodes on channels-last images, as the kernels take it. */
#ifndef W_STEP_WINDOW_H
#define W_STEP_WINDOW_H
#include "step.h"

/* False when shapes, pads or strides are not those of a 2-D window that kernels take. Attributes may still be at their
 * defaults (empty lists). */
bool w_window_of(const w_value *in, const w_value *out, const w_ints *kernel, const w_ints *strides, const w_ints *pads,
                 const w_ints *dilations, w_window *g);
/* Rows of a tile whose input stays in half a mebibyte, and at least 4 tiles to split where there are rows. */
size_t w_window_tile_rows(const w_window *g, size_t rows, size_t elem);
/* Announces `tiles` row ranges: the input rows of each, then its output rows. */
void w_touch_window(const w_window *g, size_t images, size_t tile_rows, size_t in_elem, size_t out_elem, const w_step *s,
                    w_touch *t);
/* Without the activation, where an output of bytes cannot tell. */
w_kepi w_kepi_of(const w_epilogue *ep, const w_value *out);
/* The requantisation of a u8 output value. */
w_requant w_requant_of(const w_value *out);
/* The output of a kernel whose sums are of bytes: u8 in steps of it, as w_u8_igemm says, or f32. */
typedef struct w_target {
    float unit; /* factor of the sums' scales, biases and residuals */
    w_kepi ep;
    float act_scale;
    int32_t zero;
} w_target;
w_target w_target_of(const w_epilogue *ep, const w_value *out);
/* Input 2 of a node, the bias, times `unit`, as f32 from a; NULL where there is none. */
weir_status w_bias_of(const w_plan *p, const w_step *s, float unit, w_arena *a, float **out, weir_error *e);
#endif
