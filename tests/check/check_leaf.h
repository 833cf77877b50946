/* Checks of the kinds in kernels_leaf.inc, and what they share. Included by check.h. */
#ifndef W_CHECK_LEAF_H
#define W_CHECK_LEAF_H

#define LEAF(kind) void check_##kind(check *c, w_fn_##kind *fn, int mr, int nr, int pack)
LEAF(dw_f32);
LEAF(dw_u8);
LEAF(pool_f32);
LEAF(pool_u8);
LEAF(global_f32);
LEAF(global_u8);
LEAF(binary_f32);
LEAF(binary_u8);
LEAF(unary_f32);
LEAF(lut_u8);
LEAF(affine_f32);
LEAF(softmax_f32);
LEAF(extent_f32);
LEAF(softmax_columns_f32);
LEAF(attend_f32);
LEAF(layernorm_f32);
LEAF(blend_f32);
LEAF(quantize_u8);
LEAF(dequantize_u8);
LEAF(half_to_f32);
LEAF(f32_to_half);
LEAF(transpose_x32);
LEAF(transpose_x8);

/* A window on a small image; pads below the kernel, at least one output. */
w_window check_draw_window(check *c, size_t index);
/* Input position of a tap, or false when it lies in the padding. */
bool check_tap(const w_window *g, size_t y, size_t x, size_t ky, size_t kx, size_t *at);
const char *check_describe_window(const w_window *g, size_t images, char text[160]);
w_kepi check_draw_act(check *c, bool exact);
/* The activation in double, and the largest error a kernel may add. */
double check_act(const w_kepi *ep, double x, double *slack);
/* The activations of exact arithmetic in single operations, and the requantisation: the bits that are promised. */
float check_act_exact(const w_kepi *ep, float x);
uint8_t check_requant(const w_requant *q, float y);
/* An output of w_u8_igemm with `steps` to a unit (1: f32): its activation, the factor of scales, biases and residuals, and act_scale. */
typedef struct check_target { w_kepi ep; float unit, act_scale; } check_target;
check_target check_draw_target(check *c, float steps);
/* Its activation, and y in steps as a byte. */
float check_act_steps(const w_kepi *ep, float act_scale, float y);
uint8_t check_round(float y, int32_t zero);
w_requant check_draw_requant(check *c, float range);
bool check_close(double got, double want, double bound);
/* Guarded operands: random f32 in (-1, 1), random bytes (now and then all low or all high), or canaries to be written. */
float *check_f32(check *c, size_t n);
uint8_t *check_u8(check *c, size_t n);
#endif
