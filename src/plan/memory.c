/* memory.c: turns the steps into intervals of the arena and gives every operand and scratch its offset.
 *
 * Offsets and sizes are multiples of W_UNIT in the placement and in the bound alike. A buffer lives from the step that
 * makes it, or first makes a value inside it, to the last step that reads it or a view of it; scratch lives for its step. */
#include "planner.h"
#include <stdlib.h>

#define W_UNIT ((size_t)64)

typedef struct layout {
    w_plan *p;
    uint32_t *buffer_of; /* per value, for roots: buffer, or UINT32_MAX */
} layout;

static bool in_arena(const w_loc *l) { return l->place == W_PLACE_ARENA; }

static void add_buffer(layout *m, w_id value, size_t bytes, uint32_t step) {
    w_buffer *b = &m->p->buffer[m->p->nbuffer];
    *b = (w_buffer){.value = value, .bytes = bytes, .first = step, .last = step, .shared = UINT32_MAX};
    if (value != W_NONE)
        m->buffer_of[value] = (uint32_t)m->p->nbuffer;
    m->p->nbuffer++;
}

/* Step t makes a root, or a part of it. */
static void make(layout *m, w_id root, uint32_t t) {
    uint32_t b = m->buffer_of[root];
    if (b == UINT32_MAX)
        add_buffer(m, root, m->p->value_loc[root].bytes, t);
    else
        m->p->buffer[b].last = t;
}

static void collect(layout *m) {
    w_plan *p = m->p;
    for (uint32_t t = 0; t < p->nstep; t++) {
        w_step *s = &p->step[t];
        for (uint32_t i = 0; i < s->nin; i++) {
            uint32_t b = in_arena(&s->in[i]) ? m->buffer_of[p->storage[s->in[i].value]] : UINT32_MAX;
            if (b != UINT32_MAX) /* empty values have no buffer */
                p->buffer[b].last = t;
        }
        for (uint32_t i = 0; i < s->nout; i++)
            if (in_arena(&s->out[i]) && s->out[i].bytes > 0)
                make(m, p->storage[s->out[i].value], t);
        if (s->scratch_bytes > 0)
            add_buffer(m, W_NONE, s->scratch_bytes, t);
    }
    if (p->options.keep_all)
        for (size_t i = 0; i < p->nbuffer; i++)
            if (p->buffer[i].value != W_NONE)
                p->buffer[i].last = (uint32_t)p->nstep - 1;
}

/* Whether the bytes of operand i are read by no other operand of the step. */
static bool only_operand(const w_plan *p, const w_step *s, uint32_t i) {
    for (uint32_t j = 0; j < s->nin; j++)
        if (j != i && s->in[j].value != W_NONE && p->storage[s->in[j].value] == p->storage[s->in[i].value])
            return false;
    return true;
}

bool w_may_share(const w_plan *p, const w_step *s, uint32_t i) {
    if (p->options.keep_all || i >= W_STEP_IN || !(s->inplace >> i & 1) || s->nout == 0)
        return false;
    if (!in_arena(&s->out[0]) || s->out[0].bytes == 0 || s->out[0].pitch || !in_arena(&s->in[i]) || !only_operand(p, s, i))
        return false;
    return p->value_loc[p->storage[s->in[i].value]].bytes == s->out[0].bytes;
}

static void note_sharing(layout *m, uint32_t t) {
    w_plan *p = m->p;
    const w_step *s = &p->step[t];
    for (uint32_t i = 0; i < s->nin && i < W_STEP_IN; i++) {
        if (!w_may_share(p, s, i))
            continue;
        w_buffer *y = &p->buffer[m->buffer_of[s->out[0].value]];
        uint32_t x = m->buffer_of[p->storage[s->in[i].value]];
        if (p->buffer[x].last == t)
            y->may_share[y->nmay_share++] = x;
    }
}

static weir_status fit_buffers(w_plan *p, weir_error *e) {
    w_fit f = {.n = (uint32_t)p->nbuffer, .steps = (uint32_t)p->nstep};
    f.item = calloc(p->nbuffer + 1, sizeof *f.item);
    if (!f.item)
        return w_oom(e, p->nbuffer * sizeof *f.item, "the placement of buffers");
    for (uint32_t i = 0; i < f.n; i++) {
        const w_buffer *b = &p->buffer[i];
        f.item[i] = (w_fit_item){.size = (b->bytes + W_UNIT - 1) / W_UNIT, .first = b->first, .last = b->last, .shared = UINT32_MAX, .nmay = b->nmay_share};
        for (uint32_t k = 0; k < b->nmay_share; k++)
            f.item[i].may_share[k] = b->may_share[k];
    }
    weir_status s = w_fit_place(&f, e);
    for (uint32_t i = 0; s == WEIR_OK && i < f.n; i++) {
        p->buffer[i].offset = f.item[i].offset * W_UNIT;
        p->buffer[i].shared = f.item[i].shared;
    }
    p->arena_bytes = f.height * W_UNIT;
    p->arena_lower_bound = f.bound * W_UNIT;
    p->arena_bound_proof = f.proof;
    free(f.item);
    return s;
}

static void set_offset(const layout *m, w_loc *l) {
    uint32_t b = in_arena(l) ? m->buffer_of[m->p->storage[l->value]] : UINT32_MAX;
    if (b != UINT32_MAX)
        l->offset = m->p->buffer[b].offset + l->within;
}

static void set_offsets(const layout *m) {
    w_plan *p = m->p;
    for (uint32_t t = 0, b = 0; t < p->nstep; t++) {
        w_step *s = &p->step[t];
        for (uint32_t i = 0; i < s->nin; i++)
            set_offset(m, &s->in[i]);
        for (uint32_t i = 0; i < s->nout; i++)
            set_offset(m, &s->out[i]);
        for (; b < p->nbuffer && p->buffer[b].first == t; b++)
            if (p->buffer[b].value == W_NONE)
                s->scratch_offset = p->buffer[b].offset;
    }
    for (w_id v = 0; v < p->graph->nvalue; v++)
        if (in_arena(&p->value_loc[v]))
            set_offset(m, &p->value_loc[v]);
}

static size_t buffer_limit(const w_plan *p) {
    size_t n = 0;
    for (size_t t = 0; t < p->nstep; t++)
        n += p->step[t].nout + 1;
    return n;
}

weir_status w_plan_memory(w_plan *p, weir_error *e) {
    layout m = {p, malloc((p->graph->nvalue + 1) * sizeof(uint32_t))};
    p->nbuffer = 0;
    p->buffer = w_arena_array(&p->arena_mem, buffer_limit(p) + 1, sizeof *p->buffer);
    if (!m.buffer_of || !p->buffer) {
        free(m.buffer_of);
        return w_oom(e, buffer_limit(p) * sizeof *p->buffer, "buffers");
    }
    for (w_id v = 0; v < p->graph->nvalue; v++)
        m.buffer_of[v] = UINT32_MAX;
    collect(&m);
    for (uint32_t t = 0; t < p->nstep; t++)
        note_sharing(&m, t);
    weir_status s = fit_buffers(p, e);
    if (s == WEIR_OK)
        set_offsets(&m);
    free(m.buffer_of);
    return s;
}
