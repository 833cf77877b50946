/* Weights that lie beyond the second cache: while a block is multiplied by many tiles of rows, each brings a piece of the next
 * block near. Hardware does that only once the first tile runs into it, which then waits for memory. */
#ifndef W_AHEAD_H
#define W_AHEAD_H
#include "tile_heights.h"

#define NEAR_BYTES ((size_t)256 << 10) /* of weights that stay near, whatever is done */
#define LINE_BYTES 64

typedef struct ahead { const char *at; size_t lines; } ahead; /* lines: that one call brings */

INLINE void bring(ahead *a) {
    for (size_t i = 0; i < a->lines; i++, a->at += LINE_BYTES) __builtin_prefetch(a->at, 0, 2);
}

/* Lines a call, when every tile makes one for each `bytes` of its block; 0: not worth it. all: bytes of all blocks. */
static inline size_t lines_ahead(size_t tiles, size_t bytes, size_t all) {
    return tiles < 2 || all <= NEAR_BYTES ? 0 : (bytes / LINE_BYTES + tiles - 1) / tiles;
}
#endif
