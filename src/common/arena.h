/* Arena: objects that die together. Blocks come from the context's allocator in chunks; only a large
 * object may go before its arena does. All functions return NULL on failure (and never abort). */
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
/* Gives an object back to the allocator. False: it is none of this arena's, or shares its chunk with others; nothing happens. */
bool w_arena_free(w_arena *a, const void *object);
void *w_arena_array(w_arena *a, size_t n, size_t elem);    /* overflow-checked, cleared */
char *w_arena_strdup(w_arena *a, const char *s);
char *w_arena_strndup(w_arena *a, const char *s, size_t n);
char *w_arena_printf(w_arena *a, const char *fmt, ...) WEIR_PRINTF(2, 3);
#endif
