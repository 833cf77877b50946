/* Interned names: text <-> dense id, and which value carries a name now. Id 0 is the empty name. */
#ifndef W_NAMES_H
#define W_NAMES_H
#include "graph.h"

typedef struct w_names w_names;
w_names *w_names_create(weir_context *ctx); /* NULL on failure */
void w_names_destroy(w_names *t);
/* The id of n bytes of text, copied into `a` when new; W_NONE when out of memory. */
w_id w_names_intern(w_names *t, w_arena *a, const char *s, size_t n);
w_id w_names_lookup(const w_names *t, const char *s, size_t n); /* W_NONE if never interned */
size_t w_names_count(const w_names *t);
const char *w_names_text(const w_names *t, w_id name);
w_id w_names_value(const w_names *t, w_id name);
/* Where a search for NAME.2, NAME.3 ... goes on: every call gives the next number. */
unsigned w_names_serial(w_names *t, w_id name);
void w_names_set_value(w_names *t, w_id name, w_id value);
#endif
