/* How wide a panel of columns the depthwise kernels walk down, so that its rows stay in the first cache. */
#ifndef W_DW_PANEL_H
#define W_DW_PANEL_H
#include "kernels_leaf.h"

/* Neighbouring pixels lie c elements apart, so one vector of channels reaches only some of the 64 sets of a first cache of
 * 64-byte lines and 8 ways: a power of two above 4096 bytes reaches one. 0: not even 8 columns fit. */
static inline size_t w_dw_panel(const w_window *g, size_t elem) {
    size_t step = g->c * elem, common = step & -step, sets = common >= 4096 ? 1 : common <= 64 ? 64 : 4096 / common;
    size_t columns = sets * 8 * 3 / 4 / g->kh, halo = (g->kw - 1) * g->dw;
    if (columns < halo + 1) return 0;
    size_t panel = (columns - halo - 1) / g->sw + 1;
    return panel >= g->ow ? g->ow : panel / 8 * 8;
}
#endif
