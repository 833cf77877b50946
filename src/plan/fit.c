/* fit.c: places intervals of time in a strip of memory as low as possible (dynamic storage allocation).
 *
 * The bound is the highest sum of live sizes over the steps, less what may be shared there: no placement is lower. A few
 * greedy orders nearly always reach it; where they do not, w_fit_search closes the gap or says that it is open. */
#include "planner.h"
#include <stdlib.h>

/* Items that share bytes form one block: same offset and size, one contiguous life. */
typedef struct block {
    uint32_t head;  /* first item; the others follow by next[] */
    size_t size, offset;
    uint32_t first, last;
} block;

typedef struct work {
    w_fit *f;
    uint32_t *next;    /* item laid over this one, or UINT32_MAX */
    block *block, **order;
    uint32_t nblock;
} work;

static size_t live_bound(const w_fit *f, size_t *live) {
    size_t bound = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        const w_fit_item *it = &f->item[i];
        for (uint32_t t = it->first; t <= it->last; t++)
            live[t] += it->size;
        if (it->nmay > 0)
            live[it->first] -= it->size;
    }
    for (uint32_t t = 0; t < f->steps; t++)
        bound = W_MAX(bound, live[t]);
    return bound;
}

static void make_blocks(work *w) {
    w_fit *f = w->f;
    for (uint32_t i = 0; i < f->n; i++)
        w->next[i] = UINT32_MAX;
    for (uint32_t i = 0; i < f->n; i++) {
        f->item[i].shared = f->item[i].nmay ? f->item[i].may_share[0] : UINT32_MAX;
        if (f->item[i].shared != UINT32_MAX)
            w->next[f->item[i].shared] = i;
    }
    for (uint32_t i = 0; i < f->n; i++) {
        if (f->item[i].shared != UINT32_MAX)
            continue;
        block *b = &w->block[w->nblock++];
        *b = (block){i, f->item[i].size, 0, f->item[i].first, f->item[i].last};
        for (uint32_t k = w->next[i]; k != UINT32_MAX; k = w->next[k])
            b->last = f->item[k].last;
    }
}

static int compare(size_t a, size_t b) { return a < b ? 1 : a > b ? -1 : 0; }
static int by_size(const void *a, const void *b) {
    const block *x = *(block *const *)a, *y = *(block *const *)b;
    int c = compare(x->size, y->size);
    return c ? c : x->head < y->head ? -1 : 1;
}
static int by_area(const void *a, const void *b) {
    const block *x = *(block *const *)a, *y = *(block *const *)b;
    int c = compare(x->size * (x->last - x->first + 1), y->size * (y->last - y->first + 1));
    return c ? c : by_size(a, b);
}
static int by_life(const void *a, const void *b) {
    const block *x = *(block *const *)a, *y = *(block *const *)b;
    int c = compare(x->last - x->first, y->last - y->first);
    return c ? c : by_size(a, b);
}
static int by_time(const void *a, const void *b) {
    const block *x = *(block *const *)a, *y = *(block *const *)b;
    int c = compare(y->first, x->first);
    return c ? c : by_size(a, b);
}

/* Lowest offset where b meets none of the n blocks before it in the order. */
static size_t lowest(const work *w, const block *b, uint32_t n) {
    size_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t i = 0; i < n; i++) {
            const block *o = w->order[i];
            if (o->first <= b->last && b->first <= o->last && o->offset < at + b->size && at < o->offset + o->size) {
                at = o->offset + o->size;
                moved = true;
            }
        }
    }
    return at;
}

static void keep(work *w, size_t height) {
    w->f->height = height;
    for (uint32_t i = 0; i < w->nblock; i++)
        for (uint32_t k = w->block[i].head; k != UINT32_MAX; k = w->next[k])
            w->f->item[k].offset = w->block[i].offset;
}

static void greedy(work *w, int (*compare_fn)(const void *, const void *)) {
    size_t height = 0;
    qsort(w->order, w->nblock, sizeof *w->order, compare_fn);
    for (uint32_t i = 0; i < w->nblock; i++) {
        block *b = w->order[i];
        b->offset = lowest(w, b, i);
        height = W_MAX(height, b->offset + b->size);
    }
    if (height < w->f->height)
        keep(w, height);
}

weir_status w_fit_place(w_fit *f, weir_error *e) {
    work w = {f, malloc((f->n + 1) * sizeof(uint32_t)), malloc((f->n + 1) * sizeof(block)), malloc((f->n + 1) * sizeof(block *)), 0};
    size_t *live = calloc(f->steps + 1, sizeof *live);
    weir_status s = WEIR_OK;
    if (!w.next || !w.block || !w.order || !live) {
        s = w_oom(e, f->n * sizeof(block), "the placement of buffers");
    } else {
        static int (*const orders[])(const void *, const void *) = {by_size, by_area, by_life, by_time};
        f->bound = live_bound(f, live);
        make_blocks(&w);
        for (uint32_t i = 0; i < w.nblock; i++)
            w.order[i] = &w.block[i];
        f->height = SIZE_MAX; /* n == 0: the first greedy order makes it 0 */
        for (size_t i = 0; i < W_COUNT(orders) && f->height > f->bound; i++)
            greedy(&w, orders[i]);
        f->proof = "max-live";
        if (f->height > f->bound) {
            bool complete = w_fit_search(f);
            if (f->height > f->bound)
                f->proof = complete ? "search" : "none";
            if (f->height > f->bound && complete)
                f->bound = f->height;
        }
    }
    free(w.next);
    free(w.block);
    free(w.order);
    free(live);
    return s;
}
