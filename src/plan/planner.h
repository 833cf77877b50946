/* planner.h: the parts of the planner, in the order in which w_plan_create runs them. Private to src/plan. */
#ifndef W_PLANNER_H
#define W_PLANNER_H
#include "backend.h"
#include "passes.h"

/* bind.c: the shapes of the options and the batch take the place of the symbols of g. */
weir_status w_plan_bind(w_graph *g, const weir_session_options *so, weir_error *e);

/* place.c: gives every graph output a producer of its own (a copy where one value serves two outputs, or an input or a
 * constant is an output). */
weir_status w_plan_own_outputs(w_graph *g, weir_error *e);
/* place.c: fills storage and value_loc; is_step[node] says which nodes need work at run time. */
weir_status w_plan_place(w_plan *p, bool *is_step, weir_error *e);

/* inside.c: results that are made where a Concat would copy them. Before any step is chosen. */
weir_status w_plan_inside(w_plan *p, const bool *is_step, weir_error *e);

/* choose.c: the first implementation that takes n, or NULL; why[i], unless why is NULL: what those before it say against n. */
const w_impl *w_plan_impl(const w_plan *p, const w_node *n, w_arena *a, const char **why);
/* choose.c: a step for every such node, with the first implementation that does not refuse, prepared. */
weir_status w_plan_choose(w_plan *p, const bool *is_step, weir_error *e);

/* order.c: permutes the steps to the order with the least peak of live bytes, where few enough orders exist. */
weir_status w_plan_order(w_plan *p, weir_error *e);

/* memory.c: buffers, their offsets, the bound. */
weir_status w_plan_memory(w_plan *p, weir_error *e);
/* Whether result 0 of s may lie over operand i, provided that nobody needs the operand afterwards. */
bool w_may_share(const w_plan *p, const w_step *s, uint32_t i);

/* compulsory.c: operands and results of a step, once. */
double w_step_compulsory(const w_plan *p, const w_step *s);

/* ---- placing buffers (fit.c, fit_search.c): sizes in units, lifetimes in steps, both inclusive ---- */
typedef struct w_fit_item {
    size_t size, offset;
    uint32_t first, last;
    uint32_t shared;                    /* item at whose offset it lies in place, or UINT32_MAX */
    uint32_t may_share[W_STEP_IN], nmay; /* items it may be laid over: they die in the step that makes it */
} w_fit_item;
typedef struct w_fit {
    w_fit_item *item;
    uint32_t n, steps;
    size_t height;  /* units used */
    size_t bound;   /* no placement for this order is lower */
    const char *proof;
} w_fit;
weir_status w_fit_place(w_fit *f, weir_error *e);
/* fit_search.c: tries all placements below f->height, within a fixed effort; true when none was left untried. */
bool w_fit_search(w_fit *f);

/* ---- the cache model (cache.c) ---- */
typedef struct w_cache w_cache;
typedef struct w_traffic { double read, written; } w_traffic;
/* `space` bytes of address space; capacities of L1, L2 and LLC in bytes. NULL on failure. */
w_cache *w_cache_create(size_t space, const size_t capacity[3]);
void w_cache_destroy(w_cache *c);
void w_cache_access(w_cache *c, size_t address, size_t bytes, bool write, uint32_t step);
/* Bytes that crossed the boundary below cache `level` since the last call, both ways. */
w_traffic w_cache_take(w_cache *c, int level);
/* Adds the dirty bytes that are still in `level` to the step that wrote them last; they stay. */
void w_cache_flush(const w_cache *c, int level, double *per_step);
#endif
