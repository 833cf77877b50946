/* normalise: the many ways to say one thing become one. See norm_*.c for each group. */
#include "passutil.h"

weir_status w_pass_normalise(w_graph *g, weir_error *e) {
    W_TRY(w_norm_half(g, e));
    W_TRY(w_norm_views(g, e));
    W_TRY(w_norm_forms(g, e));
    W_TRY(w_pass_infer(g, e)); /* new values get their shapes */
    W_TRY(w_norm_blocks(g, e));
    return w_norm_bias(g, e);
}
