/* What Resize means on one axis, for its rules in op_resize.c and for those who run it. */
#ifndef W_OP_RESIZE_H
#define W_OP_RESIZE_H
#include "ops.h"

typedef enum w_resize_mode { W_RESIZE_NEAREST, W_RESIZE_LINEAR, W_RESIZE_CUBIC } w_resize_mode;
typedef enum w_resize_transform {
    W_RESIZE_HALF_PIXEL, W_RESIZE_SYMMETRIC, W_RESIZE_PYTORCH, W_RESIZE_ALIGN_CORNERS, W_RESIZE_ASYMMETRIC, W_RESIZE_TF_NEAREST, W_RESIZE_CROP
} w_resize_transform;
typedef enum w_resize_nearest { W_RESIZE_PREFER_FLOOR, W_RESIZE_PREFER_CEIL, W_RESIZE_FLOOR, W_RESIZE_CEIL } w_resize_nearest;
typedef struct w_resize_line {
    int64_t in, out;
    float scale, roi[2];
    w_resize_mode mode;
    w_resize_transform transform;
    w_resize_nearest nearest;
    double cubic_a;
    bool exclude_outside, antialias;
    bool whole;               /* the axis stays as it is */
} w_resize_line;

/* The lines of all axes of a node that infer has accepted; the operands may have no data (absent). */
void w_resize_lines(const w_node *n, const w_shape *x, const w_tensor *roi, const w_tensor *scales, const w_tensor *sizes, w_resize_line *line);
void w_resize_lines_of(const w_graph *g, const w_node *n, w_resize_line *line); /* from constant operands */
/* Output o reads inputs lo ... hi, each with its weight; false: it lies outside and gets extrapolation_value. */
bool w_resize_taps(const w_resize_line *l, int64_t o, int64_t *lo, int64_t *hi);
double w_resize_weight(const w_resize_line *l, int64_t o, int64_t i);
#endif
