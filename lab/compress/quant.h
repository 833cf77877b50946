/* Shared by the files of the int8 technique. */
#ifndef W_QUANT_H
#define W_QUANT_H
#include "lab.h"

typedef enum w_calibrate { W_CAL_MINMAX, W_CAL_PERCENTILE, W_CAL_MSE, W_CAL_KL } w_calibrate;
typedef struct w_affine { float scale; int32_t zero; } w_affine;
w_affine w_affine_choose(const w_range *r, w_calibrate how, double percentile);
/* Bounds of an activation whose distribution, clipped there and in 128 steps, loses least information (quant_entropy.c). */
void w_range_entropy(const w_range *r, double *lo, double *hi);

/* Rounds the weights to whole steps of scale[row], in place and as integers q, by descent on the layer's error (quant_adaround.c). */
weir_status w_adaround(w_weights *w, const w_hessian *h, int levels, const float *scale, int8_t *q, weir_context *ctx, weir_error *e);

/* What a node does with unsigned 8-bit values (quant_roles.c). */
typedef enum w_quant_role {
    W_QROLE_REAL,                  /* reads and writes real numbers only */
    W_QROLE_CHOSEN,                /* integer kernel: 8-bit data and residual in, either out */
    W_QROLE_CARRY,                 /* all that it reads and writes has one scale: views, Concat, maxima */
    W_QROLE_RESCALE,               /* 8-bit in, 8-bit out with its own scale: Add, averages, functions of one element */
} w_quant_role;
w_quant_role w_quant_role_of(const w_graph *g, const w_node *n, bool chosen);
uint32_t w_quant_data_inputs(const w_node *n);  /* leading inputs that carry data */
bool w_quant_takes_slot(w_quant_role r, const w_node *n, uint32_t i); /* input i can be an 8-bit activation */
/* The integer kernels compute this node's epilogue exactly. */
bool w_epilogue_is_integer(const w_epilogue *ep);

/* The node's data become the bytes of a DynamicQuantizeLinear (quant_dynamic.c); new nodes come last, ids stay. */
weir_status w_quantise_dynamically(w_graph *g, w_id node, weir_error *e);

/* Takes an activation that they do not compute out of the node's epilogue; new nodes come last, ids stay. */
weir_status w_quant_unfuse(w_graph *g, w_id node, w_epilogue *ep, weir_error *e);

/* Which activations of the graph become 8-bit once `chosen` nodes compute in integers, and the surgery that makes it so:
 * types and scales of values, QuantizeLinear and DequantizeLinear at the borders, once a value. Node ids change. */
weir_status w_quantise_activations(w_graph *g, const bool *chosen, const w_calibration *c, w_calibrate how, double percentile, weir_error *e);
#endif
