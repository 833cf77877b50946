/* cache.c: what an ideal set of caches would move for a sequence of accesses.
 *
 * Model: three fully associative least-recently-used caches over 64-byte lines, each fed with the whole sequence, so that
 * a smaller one never holds what a larger one lacks; stores allocate (a line that is not there is fetched first) and
 * lines go down when they are evicted dirty. Recency is kept per granule of 16 lines, presence and dirt per line, so the
 * counts are of lines really touched while the work stays small for large ranges. A victim LLC adds its capacity to the
 * L2's (the caller says so through `capacity`). */
#include "planner.h"
#include <stdlib.h>

#define LINE 64u
#define LINES 16u /* of a granule */
#define NIL UINT32_MAX

typedef struct granule {
    uint32_t newer, older;
    uint16_t present, dirty;
} granule;

typedef struct lru {
    granule *g;
    uint32_t newest, oldest;
    size_t lines, capacity;
    w_traffic traffic;
} lru;

struct w_cache {
    lru level[3];
    uint32_t *writer; /* step that wrote a granule last */
    size_t ngranule;
};

w_cache *w_cache_create(size_t space, const size_t capacity[3]) {
    size_t n = space / (LINE * LINES) + 1;
    w_cache *c = n < NIL ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return NULL;
    c->ngranule = n;
    c->writer = calloc(n, sizeof *c->writer);
    bool ok = c->writer != NULL;
    for (int l = 0; l < 3; l++) {
        c->level[l] = (lru){.g = calloc(n, sizeof(granule)), .newest = NIL, .oldest = NIL, .capacity = W_MAX(capacity[l] / LINE, LINES)};
        ok = ok && c->level[l].g;
    }
    if (ok)
        return c;
    w_cache_destroy(c);
    return NULL;
}

void w_cache_destroy(w_cache *c) {
    if (!c)
        return;
    for (int l = 0; l < 3; l++)
        free(c->level[l].g);
    free(c->writer);
    free(c);
}

static void unlink_granule(lru *l, uint32_t i) {
    granule *g = &l->g[i];
    *(g->newer != NIL ? &l->g[g->newer].older : &l->newest) = g->older;
    *(g->older != NIL ? &l->g[g->older].newer : &l->oldest) = g->newer;
}

static void push_newest(lru *l, uint32_t i) {
    l->g[i].newer = NIL;
    l->g[i].older = l->newest;
    *(l->newest != NIL ? &l->g[l->newest].newer : &l->oldest) = i;
    l->newest = i;
}

static void evict_oldest(lru *l) {
    uint32_t i = l->oldest;
    granule *g = &l->g[i];
    unlink_granule(l, i);
    l->lines -= (size_t)__builtin_popcount(g->present);
    l->traffic.written += LINE * __builtin_popcount(g->dirty);
    g->present = g->dirty = 0;
}

static void touch(lru *l, uint32_t i, uint16_t lines, bool write) {
    granule *g = &l->g[i];
    int fetched = __builtin_popcount(lines & ~g->present & 0xffff);
    if (l->newest != i) {
        if (g->present)
            unlink_granule(l, i);
        push_newest(l, i);
    }
    l->traffic.read += LINE * fetched;
    l->lines += (size_t)fetched;
    g->present |= lines;
    if (write)
        g->dirty |= lines;
    while (l->lines > l->capacity && l->oldest != i)
        evict_oldest(l);
}

void w_cache_access(w_cache *c, size_t address, size_t bytes, bool write, uint32_t step) {
    if (bytes == 0)
        return;
    size_t line = address / LINE, last = (address + bytes - 1) / LINE;
    while (line <= last) {
        size_t i = line / LINES, from = line % LINES, to = W_MIN(last - i * LINES, LINES - 1);
        if (i >= c->ngranule)
            return;
        uint16_t lines = (uint16_t)((0xffffu >> (LINES - 1 - to)) & (0xffffu << from));
        for (int l = 0; l < 3; l++)
            touch(&c->level[l], (uint32_t)i, lines, write);
        if (write)
            c->writer[i] = step;
        line = (i + 1) * LINES;
    }
}

w_traffic w_cache_take(w_cache *c, int level) {
    w_traffic t = c->level[level].traffic;
    c->level[level].traffic = (w_traffic){0, 0};
    return t;
}

void w_cache_flush(const w_cache *c, int level, double *per_step) {
    for (size_t i = 0; i < c->ngranule; i++)
        if (c->level[level].g[i].dirty)
            per_step[c->writer[i]] += LINE * __builtin_popcount(c->level[level].g[i].dirty);
}
