/* order.c: the order of the steps that needs the least memory at its worst moment.
 *
 * What lives between two steps depends only on which steps are done, so the best order is a shortest path, by the largest
 * step on it, over the sets of steps that can be done (those closed under "needs"). Networks are nearly chains and have few
 * such sets; where there are too many the given order stays, and the plan says that its bound holds for this order only.
 * The given order also stays where no other is better. */
#include "planner.h"
#include <stdlib.h>
#include <string.h>

#define MAX_STATES 16384u
#define SLOTS (2 * MAX_STATES)
#define NONE UINT32_MAX

typedef struct state {
    uint32_t parent, step; /* the step that led here */
    size_t live, peak;
} state;

typedef struct orderer {
    w_plan *p;
    size_t words;         /* of a set of steps */
    uint64_t *needs;      /* [nstep][words] */
    uint64_t *then;       /* [nstep][words]: steps that need a step */
    uint64_t *makers;     /* [nvalue][words]: steps that write the storage of a root */
    uint64_t *users;      /* [nvalue][words]: steps that read it */
    state *at;
    uint64_t *done;       /* [states][words] */
    uint64_t *ready;      /* [states][words]: steps not done whose needs are */
    uint32_t nstate;
    uint32_t *slot;       /* hash table over the newest layer */
} orderer;

static void add(uint64_t *set, size_t i) { set[i / 64] |= UINT64_C(1) << (i % 64); }

static bool inside(const uint64_t *a, const uint64_t *b, size_t words) {
    for (size_t i = 0; i < words; i++)
        if (a[i] & ~b[i])
            return false;
    return true;
}

static size_t padded(size_t bytes) { return W_ALIGN_UP(bytes, 64); }
static w_id root_of(const orderer *o, const w_loc *l) { return l->value == W_NONE ? W_NONE : o->p->storage[l->value]; }

static bool prepare(orderer *o) {
    w_plan *p = o->p;
    uint32_t *maker = malloc((p->graph->nvalue + 1) * sizeof *maker);
    if (!maker)
        return false;
    for (w_id v = 0; v < p->graph->nvalue; v++)
        maker[v] = NONE;
    for (uint32_t t = 0; t < p->nstep; t++) {
        const w_step *s = &p->step[t];
        for (uint32_t i = 0; i < s->nin; i++) {
            w_id r = root_of(o, &s->in[i]);
            if (r == W_NONE)
                continue;
            add(o->users + r * o->words, t);
            uint32_t made = maker[s->in[i].value] != NONE ? maker[s->in[i].value] : maker[r];
            if (made != NONE) {
                add(o->needs + t * o->words, made);
                add(o->then + made * o->words, t);
            }
        }
        for (uint32_t i = 0; i < s->nout; i++)
            if (s->out[i].value != W_NONE) {
                maker[s->out[i].value] = t;
                add(o->makers + root_of(o, &s->out[i]) * o->words, t);
            }
    }
    free(maker);
    return true;
}

/* Whether nothing but step t still needs the storage of root r once `done` is done. */
static bool dies(const orderer *o, w_id r, const uint64_t *done, uint32_t t) {
    const uint64_t *u = o->users + (size_t)r * o->words;
    for (size_t i = 0; i < o->words; i++) {
        uint64_t mine = i == t / 64 ? UINT64_C(1) << (t % 64) : 0;
        if (u[i] & ~(done[i] | mine))
            return false;
    }
    return true;
}

/* Whether a step of `done` has written the storage of root r. */
static bool lives(const orderer *o, w_id r, const uint64_t *done) {
    const uint64_t *m = o->makers + (size_t)r * o->words;
    for (size_t i = 0; i < o->words; i++)
        if (m[i] & done[i])
            return true;
    return false;
}

static bool seen_before(const orderer *o, const w_step *s, uint32_t i) {
    for (uint32_t j = 0; j < i; j++)
        if (root_of(o, &s->in[j]) == root_of(o, &s->in[i]))
            return true;
    return false;
}

/* Bytes that live while step t runs and after it, when `done` is done and `live` bytes live. */
static void run_step(const orderer *o, uint32_t t, const uint64_t *done, size_t live, size_t *during, size_t *after) {
    const w_step *s = &o->p->step[t];
    bool shares = false;
    *during = live + padded(s->scratch_bytes);
    *after = live;
    for (uint32_t i = 0; i < s->nout; i++) {
        w_id r = root_of(o, &s->out[i]);
        if (s->out[i].place != W_PLACE_ARENA || lives(o, r, done))
            continue;
        *during += padded(o->p->value_loc[r].bytes);
        if (!dies(o, r, done, t))
            *after += padded(o->p->value_loc[r].bytes);
    }
    for (uint32_t i = 0; i < s->nin; i++) {
        if (s->in[i].place != W_PLACE_ARENA || seen_before(o, s, i) || !dies(o, root_of(o, &s->in[i]), done, t))
            continue;
        *after -= padded(o->p->value_loc[root_of(o, &s->in[i])].bytes);
        shares |= w_may_share(o->p, s, i);
    }
    if (shares)
        *during -= padded(s->out[0].bytes);
}

static uint32_t *find_slot(const orderer *o, const uint64_t *done, uint32_t layer) {
    uint64_t h = 0;
    for (size_t i = 0; i < o->words; i++)
        h = (h ^ done[i]) * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t k = (size_t)(h >> 32);; k++) {
        uint32_t *slot = &o->slot[k % SLOTS];
        if (*slot == NONE || *slot < layer || memcmp(o->done + *slot * o->words, done, o->words * sizeof *done) == 0)
            return slot;
    }
}

/* Steps that can be done once step t has been, where those of `before` could. */
static void become_ready(const orderer *o, uint64_t *ready, const uint64_t *before, const uint64_t *done, uint32_t t) {
    const uint64_t *then = o->then + t * o->words;
    memcpy(ready, before, o->words * sizeof *ready);
    ready[t / 64] &= ~(UINT64_C(1) << (t % 64));
    for (size_t i = 0; i < o->words; i++)
        for (uint64_t left = then[i]; left; left &= left - 1) {
            size_t next = i * 64 + (size_t)__builtin_ctzll(left);
            if (inside(o->needs + next * o->words, done, o->words))
                add(ready, next);
        }
}

/* Adds what step t makes of state k to the layer that begins at `layer`; false when there is no room. */
static bool step_from(orderer *o, uint32_t k, uint32_t t, uint32_t layer) {
    size_t during, after, words = o->words;
    if (o->nstate == MAX_STATES)
        return false;
    uint64_t *next = o->done + o->nstate * words;
    memcpy(next, o->done + k * words, words * sizeof *next);
    run_step(o, t, next, o->at[k].live, &during, &after);
    add(next, t);
    state made = {k, t, after, W_MAX(o->at[k].peak, during)};
    uint32_t *slot = find_slot(o, next, layer);
    if (*slot == NONE || *slot < layer) {
        become_ready(o, o->ready + o->nstate * words, o->ready + k * words, next, t);
        *slot = o->nstate;
        o->at[o->nstate++] = made;
    } else if (made.peak < o->at[*slot].peak) {
        o->at[*slot] = made;
    }
    return true;
}

static void start(orderer *o) {
    const uint64_t *nothing = o->done;
    o->at[0] = (state){NONE, NONE, 0, 0};
    o->nstate = 1;
    for (size_t i = 0; i < SLOTS; i++)
        o->slot[i] = NONE;
    for (size_t t = 0; t < o->p->nstep; t++)
        if (inside(o->needs + t * o->words, nothing, o->words))
            add(o->ready, t);
}

/* Layer by layer: all sets of one step, of two ... False when there are too many. */
static bool explore(orderer *o) {
    uint32_t begin = 0, end = 1;
    start(o);
    for (size_t n = 0; n < o->p->nstep; n++) {
        for (uint32_t k = begin; k < end; k++)
            for (size_t i = 0; i < o->words; i++)
                for (uint64_t left = o->ready[k * o->words + i]; left; left &= left - 1)
                    if (!step_from(o, k, (uint32_t)(i * 64 + (size_t)__builtin_ctzll(left)), end))
                        return false;
        begin = end;
        end = o->nstate;
    }
    return true;
}

static size_t given_peak(const orderer *o, uint64_t *done) {
    size_t live = 0, peak = 0, during;
    memset(done, 0, o->words * sizeof *done);
    for (uint32_t t = 0; t < o->p->nstep; t++) {
        run_step(o, t, done, live, &during, &live);
        peak = W_MAX(peak, during);
        add(done, t);
    }
    return peak;
}

static bool permute(orderer *o) {
    w_plan *p = o->p;
    w_step *copy = malloc(p->nstep * sizeof *copy);
    if (!copy)
        return false;
    memcpy(copy, p->step, p->nstep * sizeof *copy);
    uint32_t k = o->nstate - 1;
    for (size_t i = p->nstep; i-- > 0; k = o->at[k].parent)
        p->step[i] = copy[o->at[k].step];
    free(copy);
    return true;
}

static bool allocate(orderer *o) {
    size_t set = o->words * sizeof(uint64_t);
    o->needs = calloc(o->p->nstep + 1, set);
    o->then = calloc(o->p->nstep + 1, set);
    o->makers = calloc(o->p->graph->nvalue + 1, set);
    o->users = calloc(o->p->graph->nvalue + 1, set);
    o->at = malloc((MAX_STATES + 1) * sizeof *o->at);
    o->done = calloc(MAX_STATES + 1, set);
    o->ready = calloc(MAX_STATES + 1, set);
    o->slot = malloc(SLOTS * sizeof *o->slot);
    return o->needs && o->then && o->makers && o->users && o->at && o->done && o->ready && o->slot;
}

weir_status w_plan_order(w_plan *p, weir_error *e) {
    orderer o = {.p = p, .words = p->nstep / 64 + 1};
    bool ok = allocate(&o) && prepare(&o);
    p->order_proved = ok && explore(&o);
    if (p->order_proved && p->nstep > 0) {
        uint64_t *scratch = o.done + (size_t)MAX_STATES * o.words;
        if (o.at[o.nstate - 1].peak < given_peak(&o, scratch))
            ok = permute(&o);
    }
    free(o.needs);
    free(o.then);
    free(o.makers);
    free(o.users);
    free(o.at);
    free(o.done);
    free(o.ready);
    free(o.slot);
    return ok ? WEIR_OK : w_oom(e, MAX_STATES * sizeof(state), "the order of steps");
}
