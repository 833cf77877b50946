/* Arena: a list of chunks, the newest in front; small objects are cut from the front chunk, large ones get a chunk of
 * their own behind it. A chunk's header takes one cache line, so that its data starts 64-byte aligned. */
#include "arena.h"
#include <stdio.h>
#include <string.h>

#define CHUNK ((size_t)64 << 10)
#define HEADER 64

struct w_arena_chunk {
    w_arena_chunk *next;
    size_t size, used; /* of the whole block, header included */
};
_Static_assert(sizeof(w_arena_chunk) <= HEADER, "the header takes one cache line");

void w_arena_init(w_arena *a, weir_context *ctx) { *a = (w_arena){.ctx = ctx}; }

void w_arena_fini(w_arena *a) {
    for (w_arena_chunk *c = a->head, *next; c; c = next) {
        next = c->next;
        w_free(a->ctx, c, c->size);
    }
    a->head = NULL;
}

static w_arena_chunk *chunk_new(w_arena *a, size_t data) {
    size_t size;
    if (!w_add_size(data, HEADER, &size)) return NULL;
    w_arena_chunk *c = w_alloc(a->ctx, size);
    if (c) *c = (w_arena_chunk){.size = size, .used = HEADER};
    return c;
}

/* A chunk that holds `size` more bytes at `align`, or NULL. */
static w_arena_chunk *chunk_for(w_arena *a, size_t size, size_t align) {
    w_arena_chunk *head = a->head;
    if (head && W_ALIGN_UP(head->used, align) <= head->size && head->size - W_ALIGN_UP(head->used, align) >= size)
        return head;
    bool own = size >= CHUNK / 4;
    w_arena_chunk *c = chunk_new(a, own ? size : CHUNK - HEADER);
    if (!c) return NULL;
    if (own && head) {
        c->next = head->next;
        head->next = c;
    } else {
        c->next = head;
        a->head = c;
    }
    return c;
}

static void *take(w_arena *a, size_t size, size_t align) {
    w_arena_chunk *c = chunk_for(a, size, align);
    if (!c) return NULL;
    size_t at = W_ALIGN_UP(c->used, align);
    c->used = at + size;
    return (char *)c + at;
}

void *w_arena_alloc(w_arena *a, size_t size) {
    void *p = take(a, size, 16);
    if (p) memset(p, 0, size);
    return p;
}

void *w_arena_alloc_aligned(w_arena *a, size_t size) { return take(a, size, 64); }

void *w_arena_array(w_arena *a, size_t n, size_t elem) {
    size_t size;
    return w_mul_size(n, elem, &size) ? w_arena_alloc(a, size) : NULL;
}

static char *copy_text(w_arena *a, const char *s, size_t len) {
    char *p = take(a, len + 1, 1);
    if (!p) return NULL;
    memcpy(p, s, len);
    p[len] = 0;
    return p;
}

char *w_arena_strdup(w_arena *a, const char *s) { return copy_text(a, s, strlen(s)); }
char *w_arena_strndup(w_arena *a, const char *s, size_t n) { return copy_text(a, s, strnlen(s, n)); }

char *w_arena_printf(w_arena *a, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = n < 0 ? NULL : take(a, (size_t)n + 1, 1);
    if (p) vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}
