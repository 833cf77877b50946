/* Arena: objects that die together. Blocks come from the context's allocator in chunks; nothing in an
 * arena is freed alone. All functions return NULL on failure (and never abort). */
#ifndef W_ARENA_H
#define W_ARENA_H
#include "context.h"

typedef struct w_arena_chunk w_arena_chunk;
typedef struct w_arena {
    weir_context *ctx;
    w_arena_chunk *head;
} w_arena;

void w_arena_init(w_arena *a, weir_context *ctx);
void w_arena_fini(w_arena *a);
void *w_arena_alloc(w_arena *a, size_t size);              /* 16-byte aligned, cleared */
void *w_arena_alloc_aligned(w_arena *a, size_t size);      /* 64-byte aligned, not cleared: tensors, packed weights */
void *w_arena_array(w_arena *a, size_t n, size_t elem);    /* overflow-checked, cleared */
char *w_arena_strdup(w_arena *a, const char *s);
char *w_arena_strndup(w_arena *a, const char *s, size_t n);
char *w_arena_printf(w_arena *a, const char *fmt, ...) WEIR_PRINTF(2, 3);
#endif
