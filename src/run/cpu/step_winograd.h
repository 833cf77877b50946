/* Between the step of Winograd's convolution and the choice of its tiles. */
#ifndef W_STEP_WINOGRAD_H
#define W_STEP_WINOGRAD_H
#include "kernels.h"
#include "step.h"
#include "step_window.h"

#define WEIGHTS_IN_L2 (256u << 10)

static inline size_t w_winograd_tiles(size_t outputs, size_t edge) { return (outputs + edge - 1) / edge; }
bool w_winograd_window(const w_graph *g, const w_node *n, w_window *w);
const char *w_winograd_refuse(const w_plan *p, const w_node *n, w_arena *a);
/* What w_winograd_share found for a node; NULL: nothing. */
const w_wino_tile *w_winograd_tile(const w_plan *p, const w_node *n);
#endif
