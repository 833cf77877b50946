/* Status and message. Every fallible function returns weir_status and takes a weir_error that may be NULL. */
#ifndef W_STATUS_H
#define W_STATUS_H
#include "weir.h"
#include <stdbool.h>
#include <stdarg.h>

/* Fills *e (if any) and returns s, so that a failure is one line: return w_fail(e, WEIR_BAD_INPUT, "..."). */
weir_status w_fail(weir_error *e, weir_status s, const char *fmt, ...) WEIR_PRINTF(3, 4);
/* Puts "prefix: " before the message that is already in e (e.g. the file name); returns e->status or s. */
weir_status w_fail_prefix(weir_error *e, weir_status s, const char *fmt, ...) WEIR_PRINTF(3, 4);
weir_status w_oom(weir_error *e, size_t bytes, const char *what); /* WEIR_NO_RESOURCE */

#define W_TRY(expr) do { weir_status w_try_ = (expr); if (w_try_ != WEIR_OK) return w_try_; } while (0)
#define W_COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define W_MIN(a, b) ((a) < (b) ? (a) : (b))
#define W_MAX(a, b) ((a) > (b) ? (a) : (b))
#define W_ALIGN_UP(x, a) (((x) + (a) - 1) / (a) * (a))

/* Checked size arithmetic: false on overflow. */
static inline bool w_mul_size(size_t a, size_t b, size_t *r) { return !__builtin_mul_overflow(a, b, r); }
static inline bool w_add_size(size_t a, size_t b, size_t *r) { return !__builtin_add_overflow(a, b, r); }
static inline bool w_mul_i64(int64_t a, int64_t b, int64_t *r) { return !__builtin_mul_overflow(a, b, r); }
#endif
