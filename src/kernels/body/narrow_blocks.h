/* Blocks of columns for f32_narrow_body.h and f32_digits_body.h, which have strip() multiply some rows by some vectors of a
 * block. The including file sets KERNEL, BITS, NR, MR (2: rows at once) and PAIR_NV (vectors of a block for two rows). */

/* As many vectors at once as leave the sums in registers; four rows take turns at weights that are near by then. */
INLINE void rows(const w_f32_narrow *n, const uint8_t *w, size_t p, size_t h, size_t col, size_t cols) {
    size_t vectors = (cols + VL - 1) / VL;
    for (size_t v = 0, take; v < vectors; v += take) {
        take = (h == 1 || PAIR_NV == 4) && vectors - v >= 4 ? 4 : vectors - v >= 2 ? 2 : 1;
        for (size_t m = 0; m < h; m += MR) {
            if (take == 4 && h == 1) strip(n, w, p, col, cols, v, 1, 4);
            else if (take == 4) strip(n, w, p + m, col, cols, v, 2, PAIR_NV);
            else if (take == 2 && h == 1) strip(n, w, p, col, cols, v, 1, 2);
            else if (take == 2) strip(n, w, p + m, col, cols, v, 2, 2);
            else if (h == 1) strip(n, w, p, col, cols, v, 1, 1);
            else strip(n, w, p + m, col, cols, v, 2, 1);
        }
    }
}

void KERNEL(const w_f32_narrow *n, size_t p0, size_t p1, size_t b0, size_t b1) {
    const w_f32_igemm *g = &n->g;
    size_t block = w_narrow_block(BITS, n->zeros, NR, g->rows.c, n->group);
    for (size_t b = b0; b < b1; b++) {
        size_t col = b * NR, cols = g->n - col < NR ? g->n - col : NR;
        for (size_t p = p0, h; p < p1; p += h) {
            h = p1 - p >= 4 ? 4 : p1 - p >= 2 ? 2 : 1;
            rows(n, (const uint8_t *)g->w + b * block, p, h, col, cols);
        }
        if (v_act_is_late(g->ep.act)) act_late(g, p0, p1, col, cols);
    }
}
