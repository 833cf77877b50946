/* JSON documents over jansson: sticky building, weir_document, and parsing with limits.
 *
 * jansson reports a failed allocation and invalid UTF-8 alike, so text is made valid first; what fails then is memory. */
#include "doc.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define JSON_SIZE_MAX ((size_t)256 << 20)

struct weir_document {
    char *text;
};

/* ---- text ---------------------------------------------------------------------------------- */

/* Length of the well-formed UTF-8 sequence at s (n bytes left), or 0. */
static size_t utf8_len(const uint8_t *s, size_t n) {
    if (s[0] < 0x80) return 1;
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || len > n) return 0;
    uint32_t c = s[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    bool overlong = c < (len == 2 ? 0x80u : len == 3 ? 0x800u : 0x10000u);
    return overlong || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

static bool utf8_valid(const char *s, size_t n) {
    for (size_t i = 0, len; i < n; i += len)
        if ((len = utf8_len((const uint8_t *)s + i, n - i)) == 0) return false;
    return true;
}

/* A malloc'ed copy with each byte that is no UTF-8 as \xNN; NULL: no memory. */
static char *escaped(const char *s, size_t n) {
    static const char hex[] = "0123456789abcdef";
    if (n > (SIZE_MAX - 1) / 4) return NULL;
    char *copy = malloc(4 * n + 1), *to = copy;
    if (!copy) return NULL;
    for (size_t i = 0; i < n;) {
        size_t len = utf8_len((const uint8_t *)s + i, n - i);
        if (len) {
            memcpy(to, s + i, len);
        } else {
            uint8_t b = (uint8_t)s[i];
            memcpy(to, (char[]){'\\', 'x', hex[b >> 4], hex[b & 15]}, 4);
        }
        to += len ? len : 4;
        i += len ? len : 1;
    }
    *to = 0;
    return copy;
}

static json_t *string_new(const char *s) {
    size_t n = strlen(s);
    if (utf8_valid(s, n)) return json_stringn(s, n);
    char *copy = escaped(s, n);
    json_t *j = copy ? json_string(copy) : NULL;
    free(copy);
    return j;
}

/* ---- building ------------------------------------------------------------------------------ */

void w_doc_begin(w_doc *d) {
    d->root = json_object();
    d->bad = d->root == NULL;
}

static int set_key(json_t *parent, const char *key, json_t *owned) {
    size_t n = strlen(key);
    if (utf8_valid(key, n)) return json_object_set_new(parent, key, owned);
    char *copy = escaped(key, n);
    if (!copy) {
        json_decref(owned);
        return -1;
    }
    int r = json_object_set_new(parent, copy, owned);
    free(copy);
    return r;
}

void w_doc_add(w_doc *d, json_t *parent, const char *key, json_t *owned) {
    if (!owned || !parent) {
        json_decref(owned);
        d->bad = true;
        return;
    }
    int r = key ? set_key(parent, key, owned) : json_array_append_new(parent, owned);
    if (r != 0) d->bad = true;
}

/* The new member, or NULL when it did not get in; NULL parents only mark the document again. */
static json_t *add_container(w_doc *d, json_t *parent, const char *key, json_t *made) {
    bool before = d->bad;
    d->bad = false;
    w_doc_add(d, parent, key, made);
    bool failed = d->bad;
    d->bad = before || failed;
    return failed ? NULL : made;
}

json_t *w_doc_obj(w_doc *d, json_t *parent, const char *key) { return add_container(d, parent, key, json_object()); }
json_t *w_doc_arr(w_doc *d, json_t *parent, const char *key) { return add_container(d, parent, key, json_array()); }

void w_doc_int(w_doc *d, json_t *parent, const char *key, int64_t v) { w_doc_add(d, parent, key, json_integer(v)); }

void w_doc_num(w_doc *d, json_t *parent, const char *key, double v) {
    w_doc_add(d, parent, key, isfinite(v) ? json_real(v) : json_null());
}

void w_doc_str(w_doc *d, json_t *parent, const char *key, const char *v) {
    w_doc_add(d, parent, key, v ? string_new(v) : json_null());
}

void w_doc_bool(w_doc *d, json_t *parent, const char *key, bool v) { w_doc_add(d, parent, key, json_boolean(v)); }
void w_doc_null(w_doc *d, json_t *parent, const char *key) { w_doc_add(d, parent, key, json_null()); }

void w_doc_drop(w_doc *d) {
    json_decref(d->root);
    d->root = NULL;
}

/* ---- JSON to text -------------------------------------------------------------------------- */

typedef struct text_sink {
    char *s;
    size_t n, cap;
    bool bad;
} text_sink;

static int to_sink(const char *data, size_t size, void *user) {
    text_sink *t = user;
    if (!t->bad && t->cap - t->n <= size) {
        size_t cap = 2 * t->cap + size + 256;
        char *grown = realloc(t->s, cap);
        if (grown) t->s = grown, t->cap = cap;
        t->bad = !grown;
    }
    if (t->bad) return -1;
    memcpy(t->s + t->n, data, size);
    t->n += size;
    return 0;
}

char *w_json_text(const json_t *j, size_t flags) {
    text_sink t = {0};
    if (json_dump_callback(j, to_sink, &t, flags) != 0 || t.bad || !t.s) {
        free(t.s);
        return NULL;
    }
    t.s[t.n] = 0;
    return t.s;
}

json_t *w_json_copy(const json_t *object) {
    json_t *copy = json_copy((json_t *)(uintptr_t)object);
    if (!copy || json_object_size(copy) == json_object_size(object)) return copy;
    json_decref(copy);
    return NULL;
}

weir_status w_doc_end(w_doc *d, weir_document **out, weir_error *e) {
    *out = NULL;
    weir_document *doc = d->bad ? NULL : malloc(sizeof *doc);
    if (doc) doc->text = w_json_text(d->root, JSON_COMPACT | JSON_REAL_PRECISION(15));
    if (doc && !doc->text) {
        free(doc);
        doc = NULL;
    }
    w_doc_drop(d);
    if (!doc) return w_oom(e, 0, "a JSON document");
    *out = doc;
    return WEIR_OK;
}

weir_document *w_document_text(const char *text) {
    weir_document *doc = malloc(sizeof *doc);
    if (!doc) return NULL;
    doc->text = strdup(text);
    if (doc->text) return doc;
    free(doc);
    return NULL;
}

const char *weir_document_text(const weir_document *document) { return document->text; }

void weir_document_destroy(weir_document *document) {
    if (!document) return;
    free(document->text);
    free(document);
}

/* ---- parsing ------------------------------------------------------------------------------- */

/* jansson does not tell an allocation that failed from bad text, and goes on with half a number where its scanner runs out of
 * memory: so its allocator is watched. */
static pthread_once_t watched = PTHREAD_ONCE_INIT;
static json_malloc_t allocate;
static _Thread_local bool failed;

static void *watched_malloc(size_t n) {
    void *p = allocate(n);
    if (!p) failed = true;
    return p;
}

static void watch(void) {
    json_free_t release;
    json_get_alloc_funcs(&allocate, &release);
    json_set_alloc_funcs(watched_malloc, release);
}

weir_status w_json_parse(const char *text, size_t size, const char *what, json_t **out, weir_error *e) {
    *out = NULL;
    if (size > JSON_SIZE_MAX)
        return w_fail(e, WEIR_BAD_INPUT, "%s: %zu bytes of JSON; expected at most %zu", what, size, JSON_SIZE_MAX);
    json_error_t err = {.line = 0};
    pthread_once(&watched, watch);
    failed = false;
    *out = json_loadb(size ? text : "", size, JSON_REJECT_DUPLICATES, &err);
    if (failed) {
        json_decref(*out);
        *out = NULL;
        return w_oom(e, 0, what);
    }
    if (*out) return WEIR_OK;
    return w_fail(e, WEIR_BAD_INPUT, "%s: line %d, column %d: %s", what, err.line, err.column, err.text);
}
