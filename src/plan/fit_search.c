/* fit_search.c: branch and bound over the placements of w_fit, exact when it finishes.
 *
 * In some best placement every block rests on offset 0 or on top of a block that lives at the same time (else it could
 * sink). So it is enough to place blocks in the order of their offsets, ties by number, each exactly on the highest top
 * among the placed blocks that it meets. A block is an item, or a run of items each laid over the one before it. Effort
 * is counted in inner-loop turns, not seconds, so that a plan does not depend on the load of the machine. */
#include "planner.h"
#include <stdlib.h>
#include <string.h>

#define MAX_ITEMS 160
#define EFFORT UINT64_C(60000000)

typedef struct choice { uint32_t head, length; size_t offset; } choice;

typedef struct search {
    w_fit *f;
    uint32_t next[MAX_ITEMS];    /* the item that may be laid over this one, or UINT32_MAX */
    bool placed[MAX_ITEMS];
    size_t at[MAX_ITEMS];
    uint32_t over[MAX_ITEMS];    /* placed in place over that item, or UINT32_MAX */
    uint32_t nplaced;
    choice *choices;             /* room for one list per depth */
    uint32_t per_depth;
    size_t *load;                /* per step */
    uint64_t effort;
} search;

static bool meet(const w_fit_item *a, const w_fit_item *b) { return a->first <= b->last && b->first <= a->last; }

/* The least height of any completion whose further blocks lie at `floor` or above. */
static size_t completion_bound(search *s, size_t floor) {
    const w_fit *f = s->f;
    size_t bound = 0;
    memset(s->load, 0, f->steps * sizeof *s->load);
    for (uint32_t i = 0; i < f->n; i++) {
        const w_fit_item *it = &f->item[i];
        size_t part = it->size;
        if (s->placed[i])
            part = s->at[i] + it->size > floor ? s->at[i] + it->size - floor : 0;
        bool shares = s->placed[i] ? s->over[i] != UINT32_MAX : it->nmay > 0;
        for (uint32_t t = it->first + shares; t <= it->last; t++)
            s->load[t] += part;
        s->effort += it->last - it->first + 1;
    }
    for (uint32_t t = 0; t < f->steps; t++)
        bound = W_MAX(bound, s->load[t]);
    return bound + floor;
}

/* Highest top among the placed items that item i meets. */
static size_t rest_of(search *s, uint32_t i, size_t at) {
    for (uint32_t k = 0; k < s->f->n; k++)
        if (s->placed[k] && meet(&s->f->item[i], &s->f->item[k]))
            at = W_MAX(at, s->at[k] + s->f->item[k].size);
    s->effort += s->f->n;
    return at;
}

static uint32_t list_choices(search *s, choice *list, size_t floor, uint32_t last_head) {
    uint32_t n = 0;
    for (uint32_t h = 0; h < s->f->n; h++) {
        size_t at = 0;
        uint32_t length = 0;
        for (uint32_t k = h; k != UINT32_MAX && !s->placed[k]; k = s->next[k]) {
            at = rest_of(s, k, at);
            length++;
            bool ordered = at > floor || (at == floor && h >= last_head);
            if (ordered && at + s->f->item[h].size < s->f->height && n < s->per_depth)
                list[n++] = (choice){h, length, at};
        }
    }
    return n;
}

static int by_offset(const void *a, const void *b) {
    const choice *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    if (x->length != y->length)
        return x->length > y->length ? -1 : 1;
    return x->head < y->head ? -1 : x->head > y->head;
}

static void set_placed(search *s, const choice *c, bool placed) {
    uint32_t k = c->head, before = UINT32_MAX;
    for (uint32_t i = 0; i < c->length; i++, before = k, k = s->next[k]) {
        s->placed[k] = placed;
        s->at[k] = c->offset;
        s->over[k] = before;
    }
    s->nplaced += placed ? c->length : -c->length;
}

static void record(search *s) {
    size_t height = 0;
    for (uint32_t i = 0; i < s->f->n; i++) {
        s->f->item[i].offset = s->at[i];
        s->f->item[i].shared = s->over[i];
        height = W_MAX(height, s->at[i] + s->f->item[i].size);
    }
    s->f->height = height;
}

/* Depth is at most MAX_ITEMS. */
static void extend(search *s, uint32_t depth, size_t floor, uint32_t last_head) {
    if (s->nplaced == s->f->n) {
        record(s);
        return;
    }
    if (s->effort > EFFORT || completion_bound(s, floor) >= s->f->height)
        return;
    choice *list = s->choices + (size_t)depth * s->per_depth;
    uint32_t n = list_choices(s, list, floor, last_head);
    qsort(list, n, sizeof *list, by_offset);
    for (uint32_t i = 0; i < n && s->f->height > s->f->bound; i++) {
        if (list[i].offset + s->f->item[list[i].head].size >= s->f->height)
            continue;
        set_placed(s, &list[i], true);
        extend(s, depth + 1, list[i].offset, list[i].head);
        set_placed(s, &list[i], false);
    }
}

static uint32_t link_items(search *s) {
    uint32_t runs = 0;
    for (uint32_t i = 0; i < s->f->n; i++) {
        s->next[i] = UINT32_MAX;
        s->over[i] = UINT32_MAX;
    }
    for (uint32_t i = 0; i < s->f->n; i++)
        for (uint32_t k = 0; k < s->f->item[i].nmay; k++)
            s->next[s->f->item[i].may_share[k]] = i;
    for (uint32_t i = 0; i < s->f->n; i++)
        for (uint32_t k = i; k != UINT32_MAX; k = s->next[k])
            runs++;
    return runs;
}

bool w_fit_search(w_fit *f) {
    if (f->n > MAX_ITEMS)
        return false;
    search *s = calloc(1, sizeof *s);
    if (!s)
        return false;
    s->f = f;
    s->per_depth = link_items(s);
    s->choices = malloc(((size_t)f->n + 1) * s->per_depth * sizeof *s->choices);
    s->load = malloc((f->steps + 1) * sizeof *s->load);
    bool ran = s->choices && s->load;
    if (ran)
        extend(s, 0, 0, 0);
    bool complete = ran && s->effort <= EFFORT;
    free(s->choices);
    free(s->load);
    free(s);
    return complete;
}
