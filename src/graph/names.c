/* Interned names in an open-addressing hash table; at most half of the slots are taken. */
#include "names.h"
#include "hash.h"
#include <string.h>

typedef struct entry {
    const char *text;
    size_t len;
    uint64_t hash;
    w_id value;
    unsigned serial;
} entry;

struct w_names {
    weir_context *ctx;
    entry *list;
    size_t n, cap;
    uint32_t *slot; /* index + 1, 0: free */
    size_t nslot;   /* a power of two */
};

enum { FIRST_SLOTS = 64 };

w_names *w_names_create(weir_context *ctx) {
    w_names *t = w_calloc(ctx, 1, sizeof *t);
    if (!t) return NULL;
    t->ctx = ctx;
    t->nslot = FIRST_SLOTS;
    t->slot = w_calloc(ctx, t->nslot, sizeof *t->slot);
    if (!t->slot || !w_grow(ctx, (void **)&t->list, sizeof *t->list, &t->cap, 1)) {
        w_names_destroy(t);
        return NULL;
    }
    t->list[0] = (entry){"", 0, w_hash64("", 0, 0), W_NONE, 2};
    t->n = 1;
    t->slot[t->list[0].hash & (t->nslot - 1)] = 1;
    return t;
}

void w_names_destroy(w_names *t) {
    if (!t) return;
    weir_context *ctx = t->ctx;
    w_free(ctx, t->list, t->cap * sizeof *t->list);
    w_free(ctx, t->slot, t->nslot * sizeof *t->slot);
    w_free(ctx, t, sizeof *t);
}

/* The slot that holds the text, or the free one where it belongs. */
static size_t probe(const w_names *t, const char *s, size_t n, uint64_t hash) {
    size_t i = hash & (t->nslot - 1);
    for (; t->slot[i]; i = (i + 1) & (t->nslot - 1)) {
        const entry *x = &t->list[t->slot[i] - 1];
        if (x->hash == hash && x->len == n && !memcmp(x->text, s, n)) break;
    }
    return i;
}

static bool widen(w_names *t) {
    size_t more = t->nslot * 2;
    uint32_t *slot = w_calloc(t->ctx, more, sizeof *slot);
    if (!slot) return false;
    for (size_t i = 0; i < t->n; i++) {
        size_t k = t->list[i].hash & (more - 1);
        while (slot[k]) k = (k + 1) & (more - 1);
        slot[k] = (uint32_t)i + 1;
    }
    w_free(t->ctx, t->slot, t->nslot * sizeof *t->slot);
    t->slot = slot;
    t->nslot = more;
    return true;
}

w_id w_names_lookup(const w_names *t, const char *s, size_t n) {
    uint32_t k = t->slot[probe(t, s, n, w_hash64(s, n, 0))];
    return k ? k - 1 : W_NONE;
}

w_id w_names_intern(w_names *t, w_arena *a, const char *s, size_t n) {
    uint64_t hash = w_hash64(s, n, 0);
    uint32_t k = t->slot[probe(t, s, n, hash)];
    if (k) return k - 1;
    if (t->n >= W_NONE - 1) return W_NONE;
    if ((t->n + 1) * 2 > t->nslot && !widen(t)) return W_NONE;
    if (!w_grow(t->ctx, (void **)&t->list, sizeof *t->list, &t->cap, t->n + 1)) return W_NONE;
    char *copy = w_arena_strndup(a, s, n);
    if (!copy) return W_NONE;
    t->list[t->n] = (entry){copy, n, hash, W_NONE, 2};
    t->slot[probe(t, s, n, hash)] = (uint32_t)t->n + 1;
    return (w_id)t->n++;
}

size_t w_names_count(const w_names *t) { return t->n; }

const char *w_names_text(const w_names *t, w_id name) { return name < t->n ? t->list[name].text : ""; }

w_id w_names_value(const w_names *t, w_id name) { return name < t->n ? t->list[name].value : W_NONE; }

void w_names_set_value(w_names *t, w_id name, w_id value) {
    if (name < t->n) t->list[name].value = value;
}

unsigned w_names_serial(w_names *t, w_id name) { return name < t->n ? t->list[name].serial++ : 2; }
