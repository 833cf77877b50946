/* Column blocks over the tile() of the including body: one function per width of a block, and the kernel itself. */
#include "ahead.h"

#define TILE(p, h, nv) bring(&next), tile(g, &sc, block, p, col, cols, h, nv)
#define BLOCK(nv) \
    static void block_##nv(const w_u8_igemm *g, const uint8_t *block, ahead next, size_t p0, size_t p1, size_t col, size_t cols) { \
        const float *constants = (const float *)(block + WIDTH(nv) * 4); \
        scales sc = {constants, constants + WIDTH(nv), VSET1((float)(0 - g->zero)), VSET1((float)(255 - g->zero)), VSET1(g->late_scale)}; \
        FOR_TILES(p0, p1, nv) \
    }
BLOCK(1)
#if NV > 1
BLOCK(2)
#endif
#if NV > 2
BLOCK(3)
BLOCK(4)
#endif

void KERNEL(const w_u8_igemm *g, size_t p0, size_t p1, size_t b0, size_t b1) {
    size_t bytes = w_u8_block(PACK, NR, g->rows.taps, g->rows.c);
    size_t lines = p0 < p1 ? lines_ahead((p1 - p0 + MR - 1) / MR, bytes, bytes * (b1 - b0)) : 0;
    for (size_t b = b0; b < b1 && p0 < p1; b++) {
        size_t col = b * NR, cols = g->n - col < NR ? g->n - col : NR;
        const uint8_t *block = (const uint8_t *)g->w + b * bytes;
        ahead next = {(const char *)(block + bytes), b + 1 < b1 ? lines : 0};
        switch ((cols + VL - 1) / VL) {
#if NV > 2
        case 4: block_4(g, block, next, p0, p1, col, cols); break;
        case 3: block_3(g, block, next, p0, p1, col, cols); break;
#endif
#if NV > 1
        case 2: block_2(g, block, next, p0, p1, col, cols); break;
#endif
        default: block_1(g, block, next, p0, p1, col, cols);
        }
    }
}
