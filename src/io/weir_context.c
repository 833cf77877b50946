/* Contexts of a coded plane: elements whose row, column and kernel position have like statistics are coded together.
 *
 * Rows, columns and positions each have a level (0..15, 8 is average); the context of an element is the sum of its levels
 * around the average, clipped. That is a product model of densities (or of magnitudes) on a logarithmic scale: pruned and
 * quantised layers differ by output and input channel, and a product of the two marginals catches it with a few hundred
 * bytes of side information. */
#include "weir_format.h"

w_axes w_axes_of(const w_shape *s) {
    w_axes a = {1, 1, 1};
    if (s->rank > 0) a.rows = (size_t)s->dim[0];
    if (s->rank > 1) a.cols = (size_t)s->dim[1];
    for (uint8_t k = 2; k < s->rank; k++) a.pos *= (size_t)s->dim[k];
    return a;
}

void w_levels_row(const w_levels *l, const w_axes *a, size_t row, uint8_t *ctx) {
    int top = (int)l->contexts - 1;
    int base = (int)l->contexts / 2 + (l->mask & 1 ? l->level[0][row] - W_LEVEL_ZERO : 0);
    for (size_t c = 0; c < a->cols; c++) {
        int sum = base + (l->mask & 2 ? l->level[1][c] - W_LEVEL_ZERO : 0);
        for (size_t k = 0; k < a->pos; k++) {
            int v = sum + (l->mask & 4 ? l->level[2][k] - W_LEVEL_ZERO : 0);
            *ctx++ = (uint8_t)(v < 0 ? 0 : v > top ? top : v);
        }
    }
}
