/* A growable text whose failures are sticky: `bad` says that something is missing. */
#include "graph.h"
#include <stdio.h>

void w_text_init(w_text *t, weir_context *ctx) { *t = (w_text){.ctx = ctx}; }

void w_text_add(w_text *t, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || t->bad || !w_grow(t->ctx, (void **)&t->s, 1, &t->cap, t->n + (size_t)n + 1)) t->bad = true;
    else {
        vsnprintf(t->s + t->n, (size_t)n + 1, fmt, again);
        t->n += (size_t)n;
    }
    va_end(again);
}

void w_text_fini(w_text *t) {
    w_free(t->ctx, t->s, t->cap);
    t->s = NULL;
    t->n = t->cap = 0;
}
