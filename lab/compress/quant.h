/* Shared by the files of the int8 technique. */
#ifndef W_QUANT_H
#define W_QUANT_H
#include "lab.h"

typedef enum w_calibrate { W_CAL_MINMAX, W_CAL_PERCENTILE, W_CAL_MSE } w_calibrate;
typedef struct w_affine { float scale; int32_t zero; } w_affine;
w_affine w_affine_choose(const w_range *r, w_calibrate how, double percentile);

/* Which activations of the graph become 8-bit once `chosen` nodes compute in integers, and the surgery that makes it so:
 * types and scales of values, QuantizeLinear and DequantizeLinear at the borders. Node ids change. */
weir_status w_quantise_activations(w_graph *g, const bool *chosen, const w_calibration *c, w_calibrate how, double percentile, weir_error *e);
/* The integer kernels compute this node's epilogue exactly. */
bool w_epilogue_is_integer(const w_epilogue *ep);
#endif
