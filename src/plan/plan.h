/* The plan: an ordered list of steps over one arena. Data that prints; the executor is a short walk over it.
 *
 * Invariants:
 *  - steps are in execution order; every operand of a step is a w_loc that names where its bytes lie;
 *  - a value whose rows lie apart (pitch) lies inside another one, the result of a Concat, which is its storage;
 *  - graph inputs and outputs lie outside the arena (the session's or the caller's buffers) and inputs are never written;
 *  - two buffers whose lifetimes (first step .. last step, inclusive) overlap do not overlap in the arena, except where a
 *    step declared the overlap (in-place);
 *  - the arena is as small as possible for this order; arena_lower_bound and its proof say so;
 *  - bytes and bounds are there after w_plan_ledger, everything else after w_plan_create. */
#ifndef W_PLAN_H
#define W_PLAN_H
#include "machine.h"
#include "ops.h"

typedef enum w_place { W_PLACE_NONE, W_PLACE_ARENA, W_PLACE_CONST, W_PLACE_INPUT, W_PLACE_OUTPUT } w_place;
/* Where a value lies. Views (Reshape ...) share a loc. */
typedef struct w_loc {
    w_place place;
    uint32_t index;            /* graph input / output number */
    size_t offset;             /* in the arena, or in the input/output buffer */
    const void *data;          /* W_PLACE_CONST: unpacked constant (packed ones live in step->params) */
    w_id value;
    size_t bytes;
    size_t within;             /* bytes from its storage's start to its own; offset includes it */
    size_t pitch;              /* bytes from one row of its innermost axis to the next; 0: they adjoin */
} w_loc;

typedef struct w_bytes {
    double compulsory;
    double level[4];           /* W_L1 .. W_DRAM, planned, cold: caches empty before, flushed after */
    double warm[4];            /* the same in steady state: caches as an earlier run left them, nothing flushed */
} w_bytes;

#define W_STEP_IN 8
struct w_impl;
typedef struct w_step {
    w_id node;
    const struct w_impl *impl;
    const char *kernel;        /* microkernel name, e.g. "f32_igemm_8x32__avx512" */
    const char *tile;          /* printable, arena or static */
    uint32_t nin, nout;
    w_loc *in, *out;           /* arrays in the plan's arena; nin entries as in the node, plus absent ones with W_PLACE_NONE */
    void *params;              /* the impl's, in the plan's arena: packed weights, indirection, constants */
    size_t packed_bytes;       /* of weights as the kernel reads them, with padding */
    size_t scratch_bytes;      /* arena bytes needed only while the step runs */
    size_t scratch_offset;
    uint32_t inplace;          /* bit i: output 0 may share the bytes of input i (same size, kernel reads before it writes) */
    bool bytewise;             /* copies bytes of its first operand, which may lie anywhere */
    int threads;               /* parts this step is split in at most (1: not split) */
    int64_t macs;              /* by the operator's definition */
    double macs_done;          /* that the kernel carries out, where it needs fewer (Winograd, light weights) or more (digits); 0: macs */
    double padded;             /* multiply-adds that the kernel's tile and its groups of inputs add, as a factor; 0: 1 */
    int peak;                  /* W_PEAK_* that bounds its arithmetic */
    w_bytes bytes;
    double bound_s; int bound_by; /* steady state (warm); by W_L1..W_DRAM, or W_LEVELS for arithmetic */
    const char **refusals; uint32_t nrefusals; /* "impl: reason", in order of preference, before the one taken */
} w_step;

typedef struct w_buffer {      /* an interval of the arena */
    w_id value;                /* W_NONE: scratch */
    size_t bytes, offset;
    uint32_t first, last;      /* steps, inclusive */
    uint32_t shared;           /* index of the buffer whose bytes it reuses in place, or UINT32_MAX */
    uint32_t may_share[W_STEP_IN], nmay_share; /* buffers whose bytes it might have reused */
} w_buffer;

typedef struct w_plan_options { int threads; bool keep_all; /* no sharing at all: every value readable after the run */ } w_plan_options;

typedef struct w_plan {
    weir_context *ctx;
    w_arena arena_mem;         /* memory of the plan itself */
    const w_graph *graph;      /* bound, laid out; owned by the plan */
    w_plan_options options;
    w_step *step; size_t nstep;
    w_loc *value_loc;          /* [graph->nvalue] */
    w_id *storage;             /* [graph->nvalue] the value whose bytes a view shares; itself where it has its own */
    w_buffer *buffer; size_t nbuffer;
    double spare_bytes;        /* that packed weights may take beyond the model's, for speed */
    const void *shared;        /* the backend's, of all steps */
    size_t arena_bytes, arena_lower_bound;
    const char *arena_bound_proof; /* "max-live", "search", "none" */
    bool order_proved;         /* no other order of the steps has a lower peak of live bytes */
    w_bytes bytes;             /* sums; compulsory: of the model (each weight, input, output once) */
    double bound_s;            /* steady state; bound_cold_s from the cold bytes */
    double bound_cold_s;
    bool ledgered;             /* bytes and bounds are there */
} w_plan;

/* Binds shapes on a clone of g ("NAME:1x3" texts, batch for a symbolic first dimension), runs w_passes_plan and plans. */
weir_status w_plan_create(const w_graph *g, const weir_session_options *so, const w_plan_options *po, w_plan **out, weir_error *e);
void w_plan_destroy(w_plan *p);
/* Fills the bytes and bounds of every step and of the plan, when first called: who only runs the plan does not pay for it. */
weir_status w_plan_ledger(w_plan *p, weir_error *e);
weir_status w_plan_doc(const w_plan *p, weir_document **out, weir_error *e);    /* fields of `weir plan --json` */
weir_status w_plan_text(const w_plan *p, weir_document **out, weir_error *e);
weir_status w_plan_ledger_doc(const w_plan *p, weir_document **out, weir_error *e);
/* Multiply-adds of convolutions and matrix products: what people count. */
int64_t w_plan_macs(const w_plan *p);
/* Weights in use (no shapes, axes or indices): how many, and their bytes by type. Negative: memory ran out. */
int64_t w_weight_count(const w_graph *g);
weir_status w_weight_bytes(const w_graph *g, double by_type[WEIR_BOOL + 1], weir_error *e);
/* Compulsory bytes of a whole model (weights in use, inputs, outputs, once, in the stored type, no padding);
 * negative when memory ran out. */
double w_compulsory_bytes(const w_graph *g);
#endif
