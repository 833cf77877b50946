/* rg_bound.h: how far a result may lie from the exact one: forward error analysis, node by node, from what is known of the
 * operands (their largest and smallest magnitude on this input, and how far off they may be already).
 *
 * Sums of K products: (K + 16) roundings of the sum of magnitudes (Higham, Accuracy and Stability of Numerical Algorithms,
 * section 3.1), 205 times as much for 3x3 convolutions, which Winograd's F(4x4, 3x3) may compute: the largest sum of |A| |B| max |G|
 * in one dimension is 14.3 (kernels_wino.h).
 * Activations: their Lipschitz constant, and 4e-7 of their operand's magnitude for the approximations of exp, tanh and erf.
 * Requantisation: one step. Where a small error can flip a decision (Floor, ArgMax, a cast to integers), an operand that may
 * be off makes the result unknown by as much as a flip is worth. */
#ifndef RG_BOUND_H
#define RG_BOUND_H
#include "ops.h"

typedef struct rg_known {
    double most, least; /* magnitudes, finite numbers only */
    double err;         /* at most this far from the exact value; INFINITY: anything goes */
} rg_known;
/* Magnitudes of a tensor's real numbers; err stays. Not finite ones make err infinite. */
void rg_measure(const w_value *v, const w_tensor *t, rg_known *k);
double rg_real_at(const w_value *v, const w_tensor *t, size_t i);
/* Sets err of the results of n, whose magnitudes are measured. `known` and `values` go by value id. */
void rg_bound(const w_graph *g, const w_node *n, rg_known *known, const w_tensor *values);
#endif
