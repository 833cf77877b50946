/* The backend interface: what the planner asks and the executor calls. src/run fills it in; ctx->backend points at it.
 *
 * An impl is one way to execute one operator. For each operator the backend has an ordered list, best first, the reference
 * last; the planner takes the first that does not refuse and keeps the refusals for people to read. */
#ifndef W_BACKEND_H
#define W_BACKEND_H
#include "plan.h"

/* Announces what a step touches, in the order in which it does; the ledger runs it through a cache model.
 * Units are bytes; `loc` ranges are offset + size inside that operand's storage. */
typedef struct w_touch w_touch;
typedef enum w_touch_kind { W_READ, W_WRITE } w_touch_kind;
void w_touch_loc(w_touch *t, const w_loc *loc, size_t offset, size_t bytes, w_touch_kind k);
/* Rows [row, row + rows) of `bytes` each, wherever the operand's rows lie. */
void w_touch_rows(w_touch *t, const w_loc *loc, size_t row, size_t rows, size_t bytes, w_touch_kind k);
void w_touch_packed(w_touch *t, const w_step *s, size_t offset, size_t bytes);   /* the step's packed weights */
void w_touch_scratch(w_touch *t, const w_step *s, size_t offset, size_t bytes, w_touch_kind k);
void w_touch_l1(w_touch *t, double bytes_loaded, double bytes_stored);           /* by instructions, whole step */

/* What a step gets at run time. */
typedef struct w_bindings {
    weir_context *ctx;
    uint8_t *arena;
    void *const *input;
    void *const *output;
    w_pool *pool;
} w_bindings;
static inline void *w_loc_ptr(const w_loc *l, const w_bindings *b) {
    switch (l->place) {
    case W_PLACE_ARENA: return b->arena + l->offset;
    case W_PLACE_CONST: return (void *)l->data;
    case W_PLACE_INPUT: return (uint8_t *)b->input[l->index] + l->offset;
    case W_PLACE_OUTPUT: return (uint8_t *)b->output[l->index] + l->offset;
    default: return NULL;
    }
}
static inline void *w_scratch_ptr(const w_step *s, const w_bindings *b) { return b->arena + s->scratch_offset; }

typedef struct w_impl {
    const char *name;                          /* "conv_f32_igemm" */
    uint16_t op;
    /* NULL: takes the node. Otherwise why not, in words for people ("needs AVX-512", "groups 4 > 1"); static or from `a`. */
    const char *(*refuse)(const w_plan *p, const w_node *n, w_arena *a);
    /* Fills kernel, tile, params, packed_bytes, scratch_bytes, inplace, threads, peak of *s (node, operands' values and bytes
     * are set; offsets are not yet). Memory from p->arena_mem. */
    weir_status (*prepare)(w_plan *p, w_step *s, weir_error *e);
    void (*run)(const w_step *s, const w_bindings *b);
    void (*touch)(const w_plan *p, const w_step *s, w_touch *t);
} w_impl;

typedef struct w_backend {
    const char *name;
    /* Candidates for an operator, best first; ends with NULL. Never empty for an operator in ops.inc: the last one runs
     * the operator's reference. */
    const w_impl *const *(*impls)(uint16_t op);
    /* Decides, before any step is chosen, what the steps of a plan have to share; p->shared is the backend's to keep it. */
    weir_status (*share)(w_plan *p, weir_error *e);
    /* Whether the result of impl may have its rows apart (out[0].pitch), or impl joins operands that do. */
    bool (*rows_apart)(const w_impl *impl);
} w_backend;
extern const w_backend w_backend_cpu; /* src/run/cpu */
#endif
