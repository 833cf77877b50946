/* JSON documents over jansson. Building is sticky: a failed allocation marks the document and the end call
 * reports it, so that call sites stay one line a field. */
#ifndef W_DOC_H
#define W_DOC_H
#include "context.h"
#include <jansson.h>

/* Setters that take ownership like jansson's *_new; each returns false on failure and sets *bad. */
typedef struct w_doc { json_t *root; bool bad; } w_doc;
void w_doc_begin(w_doc *d);                                                  /* root = {} */
json_t *w_doc_obj(w_doc *d, json_t *parent, const char *key);                /* new {} in parent (object: key; array: key NULL) */
json_t *w_doc_arr(w_doc *d, json_t *parent, const char *key);
void w_doc_int(w_doc *d, json_t *parent, const char *key, int64_t v);
void w_doc_num(w_doc *d, json_t *parent, const char *key, double v);         /* NaN, Inf: null */
void w_doc_str(w_doc *d, json_t *parent, const char *key, const char *v);    /* NULL: null; invalid UTF-8 is escaped */
void w_doc_bool(w_doc *d, json_t *parent, const char *key, bool v);
void w_doc_null(w_doc *d, json_t *parent, const char *key);
void w_doc_add(w_doc *d, json_t *parent, const char *key, json_t *owned);
void w_doc_drop(w_doc *d);
weir_status w_doc_end(w_doc *d, weir_document **out, weir_error *e);         /* frees root in every case */
weir_document *w_document_text(const char *text);                            /* a document that holds plain text; NULL on failure */
/* As json_dumps, but NULL whenever memory was short: jansson 2.14 drops keys then and says nothing. Freed with free. */
char *w_json_text(const json_t *j, size_t flags);
json_t *w_json_copy(const json_t *object); /* as json_copy, but NULL whenever memory was short: it drops keys, too */
/* Parses JSON from memory with depth and size limits; `what` names the source in messages. */
weir_status w_json_parse(const char *text, size_t size, const char *what, json_t **out, weir_error *e);
#endif
