/* Steps of the CPU backend: what the step_*.c files share.
 *
 * A step_*.c file implements w_impl (backend.h) for one family of operators: it decides at plan time (refuse, prepare)
 * and only calls leaf kernels at run time. Everything a run needs is in s->params, written once by prepare. The impls
 * are declared in steps.h and steps_leaf.h; cpu.c gives their order. */
#ifndef W_STEP_H
#define W_STEP_H
#include "backend.h"
#include "kernels.h"
#include "nd.h"

/* ---- operands at plan time ---- */
static inline const w_node *w_step_node(const w_plan *p, const w_step *s) { return &p->graph->node[s->node]; }
static inline const w_value *w_step_in(const w_plan *p, const w_step *s, uint32_t i) {
    return w_node_in(p->graph, w_step_node(p, s), i);
}
static inline const w_value *w_step_out(const w_plan *p, const w_step *s, uint32_t i) {
    return &p->graph->value[w_step_node(p, s)->out[i]];
}
/* Layout of the bytes a step gets: constants are row-major whatever their value says. */
static inline w_layout w_value_layout(const w_value *v) { return v->kind == W_VALUE_CONST ? W_ROW : v->layout; }
bool w_is_nhwc(const w_value *v);                                      /* bytes lie [N][H*W][C]; rank 4 only */
bool w_is_real_f32(const w_value *v);                                  /* f32, not quantised */
bool w_is_quant8(const w_value *v);                                    /* u8 or s8 with one scale and zero point */
bool w_same_quant(const w_value *a, const w_value *b);                 /* same type, and the same real meaning of its bytes */

/* Attributes by name, so that a step needs no operator's private struct. */
int64_t w_attr_int(const w_node *n, const char *name, int64_t missing);
float w_attr_float(const w_node *n, const char *name, float missing);
const w_ints *w_attr_ints(const w_node *n, const char *name);          /* NULL when the operator has no such attribute */
const char *w_attr_str(const w_node *n, const char *name);

/* ---- prepare ---- */
void *w_step_params(w_plan *p, w_step *s, size_t size, weir_error *e); /* cleared; sets s->params; NULL after w_oom */
void *w_step_packed(w_plan *p, w_step *s, size_t size, weir_error *e); /* 64-byte aligned, adds to s->packed_bytes */
/* A constant input as f32 in plan memory; WEIR_INTERNAL if it is not constant. */
weir_status w_step_const(w_plan *p, const w_step *s, uint32_t i, float **out, size_t *n, weir_error *e);
/* Parts to split in: 1 when `seconds` of one thread are too few for a parallel region. */
int w_step_threads(const w_plan *p, double seconds);
/* Elements from a pixel of result 0, an image that lies channels-last, to the next. */
size_t w_step_row(const w_plan *p, const w_step *s);
double w_step_seconds(double macs, double bytes);                      /* of one thread, roughly: only for w_step_threads */
double w_step_io_bytes(const w_step *s);                               /* operands and results, once */

/* ---- run ---- */
typedef struct w_job { const w_step *s; const w_bindings *b; } w_job;  /* what a tile function gets as arg */
/* fn(w_job *, tile) for all tiles, on the pool when the step is split. */
static inline void w_step_for(const w_step *s, const w_bindings *b, w_task_fn fn, size_t tiles) {
    w_job job = {s, b};
    if (s->threads > 1) w_pool_for(b->pool, fn, &job, tiles);
    else
        for (size_t i = 0; i < tiles; i++) fn(&job, i);
}

/* ---- an input whose scale and zero point come from operands (W_IN_SCALE, W_IN_ZERO): the late factors of w_u8_igemm ---- */
typedef struct w_late { bool there; float scale; int32_t zero; } w_late; /* not there: the plan knows them, factors 1 and 1 */
w_late w_late_of(const w_step *s, const w_bindings *b);
/* The zero point that weights are packed for, and padding that the plan knows: 1 where only the run knows it. */
int32_t w_packed_zero(const w_plan *p, const w_step *s);
/* Announces the operands, and `padding` bytes of zero point that the run writes into scratch. */
void w_touch_late(const w_step *s, w_touch *t, size_t padding);

/* ---- touch: every operand once, in order: inputs, packed, scratch, outputs; L1 the same bytes ---- */
void w_touch_streaming(const w_plan *p, const w_step *s, w_touch *t);

/* ---- conversion, for the reference steps ---- */
/* Any stored value (layout, quantisation, f16, bf16) to row-major f32 and back. */
void w_value_to_real(const w_value *v, w_layout layout, const void *data, float *out);
void w_value_from_real(const w_value *v, const float *in, void *data);

/* ---- the reference step, for every operator ---- */
weir_status w_step_ref_prepare(w_plan *p, w_step *s, weir_error *e);
void w_step_ref_run(const w_step *s, const w_bindings *b);
#endif
