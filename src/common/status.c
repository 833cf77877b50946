/* Status and message: formatting into the caller's weir_error.
 *
 * Text is made in a buffer of its own first, so that the message already in *e may be an argument. */
#include "status.h"
#include <stdio.h>
#include <string.h>

static void store(weir_error *e, weir_status s, const char *text) {
    size_t n = strnlen(text, sizeof e->message - 1);
    memmove(e->message, text, n);
    e->message[n] = 0;
    e->status = s;
}

weir_status w_fail(weir_error *e, weir_status s, const char *fmt, ...) {
    if (!e) return s;
    char text[sizeof e->message];
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof text, fmt, ap) < 0) text[0] = 0;
    va_end(ap);
    store(e, s, text);
    return s;
}

weir_status w_fail_prefix(weir_error *e, weir_status s, const char *fmt, ...) {
    if (!e) return s;
    char text[2 * sizeof e->message];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof e->message, fmt, ap);
    va_end(ap);
    size_t at = n < 0 ? 0 : W_MIN((size_t)n, sizeof e->message - 1);
    if (strncmp(e->message, text, at) == 0 && e->message[at] == ':') return e->status; /* it says so already */
    snprintf(text + at, sizeof text - at, ": %s", e->message);
    store(e, e->status != WEIR_OK ? e->status : s, text);
    return e->status;
}

weir_status w_oom(weir_error *e, size_t bytes, const char *what) {
    if (bytes == 0) return w_fail(e, WEIR_NO_RESOURCE, "out of memory for %s", what);
    return w_fail(e, WEIR_NO_RESOURCE, "out of memory: %zu bytes for %s", bytes, what);
}
