/* Parts of weir diff. Everything that is compared is a JSON document: a result of any verb, or the plan of a model made now.
 *
 * Invariants: in a side's document arrays of named things (steps, layers, rows, inputs) are objects by name, so that a place is
 * a path of keys everywhere; the result of an optimize has the fields of its optimized network at the top. */
#ifndef WEIR_DIFF_H
#define WEIR_DIFF_H
#include "cli.h"

typedef struct side {
    const char *path;
    const char *kind;          /* "model", or the verb that printed the document */
    json_t *doc;
} side;

typedef struct diff {
    side side[2];              /* A, B */
    json_t *doc;               /* what --json prints */
    bool bad;                  /* memory ran out on the way: nothing of it is to be believed */
} diff;

/* diff_side.c: opens a model or a document, told apart by content. *ctx is made when the first model needs it. 0, or an exit
 * code after a message. */
int side_open(side *s, const char *path, const common *c, const model_args *m, weir_context **ctx);

/* diff_path.c */
void side_names(json_t *doc);                         /* arrays of named things become objects */
/* Calls fn for each place that the pattern names: keys joined by dots, * for any key. A key may hold dots itself. */
typedef void (*place_fn)(void *to, const char *path, const json_t *value);
void each_place(const json_t *doc, const char *pattern, place_fn fn, void *to);
/* Calls fn for each text, number, truth value, null and short list below an object, leaving out what is no figure. */
void each_figure(const json_t *object, place_fn fn, void *to);

/* diff_decimal.c: m * 10^e, exact. Numbers of documents are taken as the decimals that were written. */
typedef struct decimal { __int128 m; int e; } decimal;
bool decimal_read(const char *text, const char **end, decimal *out); /* at most 18 digits that count */
decimal decimal_of(const json_t *number);
/* b - a > limit, with percent: > limit / 100 * |a|; falling: a - b instead. */
bool decimal_exceeds(decimal a, decimal b, decimal limit, bool percent, bool falling);
int decimal_compare(decimal a, decimal b);

/* diff_compare.c: fills d->doc. */
void diff_compare(diff *d);
/* {"path", "a", "b", "change", "relative"}; NULL when memory ran out. The values are borrowed, NULL: absent. */
json_t *diff_pair(const char *path, const json_t *a, const json_t *b);

/* diff_limit.c: --fail-on. Adds "limits" and "violated" to d->doc, says what is violated; 0, 1, or 2 after a message. */
int diff_limits(diff *d, const opt_list *limits, bool quiet);

/* diff_print.c */
void diff_print(const json_t *doc, bool all, bool colour);
#endif
