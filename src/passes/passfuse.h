/* The two halves of pass_fuse share its state. Private to this room. */
#ifndef W_PASSFUSE_H
#define W_PASSFUSE_H
#include "passutil.h"

typedef struct w_fuser {
    w_graph *g;
    w_uses uses; /* kept right while nodes go */
} w_fuser;
bool w_fuse_single(const w_fuser *f, w_id v); /* one use, which is not a graph output */
void w_fuse_kill(w_fuser *f, w_id node);      /* its inputs lose a use */
/* Gates over several nodes: x*sigmoid(x), x*hardsigmoid(x), x*clip(x+3,0,6)/6 (fuse_gate.c). */
weir_status w_fuse_gate(w_fuser *f, w_id node, weir_error *e);
/* The bounds of a Clip when they are numbers; absent ones are infinite. */
bool w_clip_bounds(const w_graph *g, const w_node *n, float *lo, float *hi);
#endif
