/* ledger.c: what every step must move (compulsory), what it moves as planned, and how fast that can be.
 *
 * Planned bytes come from what the implementations announce, put through the cache model twice: the first pass starts
 * with empty caches and pays for the dirty lines left at its end (cold), the second goes on from there (warm). The bound
 * of a step is the slowest of: its bytes at each level over the bandwidth there (loads and stores overlap, so the larger
 * of the two), and its multiply-adds over the peak. */
#include "planner.h"
#include <stdlib.h>

#define PAGE ((size_t)4096)

/* The address space of the model: arena, inputs, outputs, constants, packed weights, one after the other. */
typedef struct space {
    size_t size;
    size_t *input, *output, *constant, *packed;
} space;

struct w_touch {
    const w_plan *p;
    const space *space;
    w_cache *cache;
    uint32_t step;
    w_traffic l1;
};

static size_t take(space *a, size_t bytes) {
    size_t at = a->size;
    a->size += W_ALIGN_UP(bytes, PAGE);
    return at;
}

static bool space_alloc(const w_plan *p, space *a) {
    const w_graph *g = p->graph;
    a->input = calloc(g->ninput + 1, sizeof(size_t));
    a->output = calloc(g->noutput + 1, sizeof(size_t));
    a->constant = calloc(g->nvalue + 1, sizeof(size_t));
    a->packed = calloc(p->nstep + 1, sizeof(size_t));
    return a->input && a->output && a->constant && a->packed;
}

static void space_lay_out(const w_plan *p, space *a) {
    const w_graph *g = p->graph;
    take(a, p->arena_bytes);
    for (size_t i = 0; i < g->ninput; i++)
        a->input[i] = take(a, w_value_bytes(g, g->input[i]));
    for (size_t i = 0; i < g->noutput; i++)
        a->output[i] = take(a, w_value_bytes(g, g->output[i]));
    for (w_id v = 0; v < g->nvalue; v++)
        if (g->value[v].kind == W_VALUE_CONST)
            a->constant[v] = take(a, w_value_bytes(g, v));
    for (size_t t = 0; t < p->nstep; t++)
        a->packed[t] = take(a, p->step[t].packed_bytes);
}

static void space_free(space *a) {
    free(a->input);
    free(a->output);
    free(a->constant);
    free(a->packed);
}

/* ---- what implementations announce ---- */

static void announce(w_touch *t, size_t base, size_t limit, size_t offset, size_t bytes, w_touch_kind k) {
    if (offset < limit)
        w_cache_access(t->cache, base + offset, W_MIN(bytes, limit - offset), k == W_WRITE, t->step);
}

/* Where an operand lies in the model's address space. */
static size_t base_of(const w_touch *t, const w_loc *l) {
    switch (l->place) {
    case W_PLACE_CONST: return t->space->constant[t->p->storage[l->value]];
    case W_PLACE_INPUT: return l->offset + t->space->input[l->index];
    case W_PLACE_OUTPUT: return l->offset + t->space->output[l->index];
    default: return l->offset;
    }
}

void w_touch_loc(w_touch *t, const w_loc *l, size_t offset, size_t bytes, w_touch_kind k) {
    if (l->place != W_PLACE_NONE)
        announce(t, base_of(t, l), l->bytes, offset, bytes, k);
}

void w_touch_rows(w_touch *t, const w_loc *l, size_t row, size_t rows, size_t bytes, w_touch_kind k) {
    if (l->pitch == 0)
        w_touch_loc(t, l, row * bytes, rows * bytes, k);
    for (size_t i = 0; l->pitch && i < rows; i++)
        w_cache_access(t->cache, base_of(t, l) + (row + i) * l->pitch, bytes, k == W_WRITE, t->step);
}

void w_touch_packed(w_touch *t, const w_step *s, size_t offset, size_t bytes) {
    announce(t, t->space->packed[s - t->p->step], s->packed_bytes, offset, bytes, W_READ);
}

void w_touch_scratch(w_touch *t, const w_step *s, size_t offset, size_t bytes, w_touch_kind k) {
    announce(t, s->scratch_offset, s->scratch_bytes, offset, bytes, k);
}

void w_touch_l1(w_touch *t, double bytes_loaded, double bytes_stored) {
    t->l1.read += bytes_loaded;
    t->l1.written += bytes_stored;
}

/* An implementation without a touch function reads and writes everything once. */
static void touch_all(w_touch *t, const w_step *s) {
    w_traffic l1 = {(double)s->packed_bytes, 0};
    w_touch_packed(t, s, 0, s->packed_bytes);
    for (uint32_t i = 0; i < s->nin; i++) {
        w_touch_loc(t, &s->in[i], 0, s->in[i].bytes, W_READ);
        l1.read += (double)s->in[i].bytes;
    }
    for (uint32_t i = 0; i < s->nout; i++) {
        w_touch_loc(t, &s->out[i], 0, s->out[i].bytes, W_WRITE);
        l1.written += (double)s->out[i].bytes;
    }
    w_touch_l1(t, l1.read, l1.written);
}

/* ---- one pass over the plan ---- */

static double level_seconds(const w_machine *m, int level, int threads, w_traffic t) {
    return W_MAX(t.read / w_machine_bw(m, level, threads, false), t.written / w_machine_bw(m, level, threads, true));
}

static void bound_step(const w_plan *p, const w_machine *m, w_step *s, const w_traffic *t) {
    int threads = W_MAX(1, W_MIN(s->threads, p->options.threads));
    s->bound_by = W_LEVELS;
    double macs = s->macs_done > 0 ? s->macs_done : (double)s->macs;
    s->bound_s = macs > 0 ? macs / w_machine_peak(m, s->peak, threads) : 0;
    for (int l = 0; l < W_LEVELS; l++) {
        double seconds = level_seconds(m, l, threads, t[l]);
        if (seconds > s->bound_s) {
            s->bound_s = seconds;
            s->bound_by = l;
        }
    }
}

static double pass(w_plan *p, const w_machine *m, w_touch *t, w_traffic *per_step) {
    double bound = 0;
    for (uint32_t i = 0; i < p->nstep; i++) {
        w_step *s = &p->step[i];
        w_traffic *out = per_step + (size_t)i * W_LEVELS;
        t->step = i;
        t->l1 = (w_traffic){0, 0};
        if (s->impl->touch)
            s->impl->touch(p, s, t);
        else
            touch_all(t, s);
        out[W_L1] = t->l1;
        for (int l = 0; l < 3; l++)
            out[l + 1] = w_cache_take(t->cache, l);
        bound_step(p, m, s, out);
        bound += s->bound_s;
    }
    return bound;
}

static void add_flushed(const w_plan *p, const w_cache *c, w_traffic *per_step, double *flushed) {
    for (int l = 0; l < 3; l++) {
        for (size_t i = 0; i < p->nstep; i++)
            flushed[i] = 0;
        w_cache_flush(c, l, flushed);
        for (size_t i = 0; i < p->nstep; i++)
            per_step[i * W_LEVELS + (size_t)l + 1].written += flushed[i];
    }
}

static void sum_levels(const w_plan *p, const w_traffic *per_step, bool warm) {
    for (size_t i = 0; i < p->nstep; i++)
        for (int l = 0; l < W_LEVELS; l++) {
            const w_traffic *t = &per_step[i * W_LEVELS + (size_t)l];
            *(warm ? &p->step[i].bytes.warm[l] : &p->step[i].bytes.level[l]) = t->read + t->written;
        }
}

static double cold_bound(w_plan *p, const w_machine *m, const w_traffic *per_step) {
    double bound = 0;
    for (size_t i = 0; i < p->nstep; i++) {
        bound_step(p, m, &p->step[i], per_step + i * W_LEVELS);
        bound += p->step[i].bound_s;
    }
    return bound;
}

static void total(w_plan *p) {
    p->bytes = (w_bytes){.compulsory = w_compulsory_bytes(p->graph)};
    for (size_t i = 0; i < p->nstep; i++) {
        p->step[i].bytes.compulsory = w_step_compulsory(p, &p->step[i]);
        for (int l = 0; l < W_LEVELS; l++) {
            p->bytes.level[l] += p->step[i].bytes.level[l];
            p->bytes.warm[l] += p->step[i].bytes.warm[l];
        }
    }
}

static void both_passes(w_plan *p, const w_machine *m, w_touch *t, w_traffic *per_step, double *flushed) {
    pass(p, m, t, per_step);
    add_flushed(p, t->cache, per_step, flushed);
    sum_levels(p, per_step, false);
    p->bound_cold_s = cold_bound(p, m, per_step);
    p->bound_s = pass(p, m, t, per_step);
    sum_levels(p, per_step, true);
    total(p);
}

weir_status w_plan_ledger(w_plan *p, weir_error *e) {
    const w_machine *m;
    if (p->ledgered)
        return WEIR_OK;
    W_TRY(w_machine_get(p->ctx, false, &m, e));
    space a = {0};
    bool ok = space_alloc(p, &a);
    if (ok)
        space_lay_out(p, &a);
    size_t llc = m->level[W_LLC].bytes + (m->llc_victim ? m->level[W_L2].bytes : 0);
    w_cache *c = ok ? w_cache_create(a.size, (size_t[3]){m->level[W_L1].bytes, m->level[W_L2].bytes, llc}) : NULL;
    w_traffic *per_step = calloc(p->nstep + 1, W_LEVELS * sizeof *per_step);
    double *flushed = calloc(p->nstep + 1, sizeof *flushed);
    ok = c && per_step && flushed;
    if (ok) {
        w_touch t = {.p = p, .space = &a, .cache = c};
        both_passes(p, m, &t, per_step, flushed);
    }
    w_cache_destroy(c);
    free(per_step);
    free(flushed);
    space_free(&a);
    if (!ok || p->bytes.compulsory < 0)
        return w_oom(e, a.size / 16, "the ledger");
    p->ledgered = true;
    return WEIR_OK;
}
