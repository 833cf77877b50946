/* Cuts a range of rows into tiles of nearly equal height, each height and width compiled apart: no row is computed twice and
 * the accumulators stay in registers. The including file has TILE(p, height, vectors) run one tile, MR its largest height. */
#ifndef W_TILE_HEIGHTS_H
#define W_TILE_HEIGHTS_H
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

/* Columns that a block of nv vectors stores: w_block_width, known when compiled. */
#define WIDTH(nv) ((nv) == NV || NR <= 16 ? NR : ((nv) * VL + 15) / 16 * 16)

#define HEIGHT(h, nv) case h: TILE(p, h, nv); break;
#define HEIGHTS_1(nv) HEIGHT(1, nv)
#define HEIGHTS_2(nv) HEIGHTS_1(nv) HEIGHT(2, nv)
#define HEIGHTS_4(nv) HEIGHTS_2(nv) HEIGHT(3, nv) HEIGHT(4, nv)
#define HEIGHTS_6(nv) HEIGHTS_4(nv) HEIGHT(5, nv) HEIGHT(6, nv)
#define HEIGHTS_8(nv) HEIGHTS_6(nv) HEIGHT(7, nv) HEIGHT(8, nv)
#define HEIGHTS_12(nv) HEIGHTS_8(nv) HEIGHT(9, nv) HEIGHT(10, nv) HEIGHT(11, nv) HEIGHT(12, nv)
#define HEIGHTS_PASTE(mr, nv) HEIGHTS_##mr(nv)
#define HEIGHTS(mr, nv) HEIGHTS_PASTE(mr, nv)

#define FOR_TILES(p0, p1, nv) FOR_TILES_OF(MR, p0, p1, nv)
#define FOR_TILES_OF(mr, p0, p1, nv) \
    for (size_t p = (p0), tiles = ((p1) - (p0) + (mr) - 1) / (mr), h; tiles; tiles--, p += h) { \
        h = ((p1) - p + tiles - 1) / tiles; \
        switch (h) { HEIGHTS(mr, nv) } \
    }
#endif
