/* rg_run.h: running a random graph: inputs, the oracle, sessions and what they gave. */
#ifndef RG_RUN_H
#define RG_RUN_H
#include "rg.h"
#include "rg_bound.h"
#include "session.h"

/* The graph as it was read, by references, before any pass: values and error bounds by value id. */
typedef struct rg_oracle {
    w_graph *g;
    w_map map;
    w_arena arena;
    w_tensor *value;
    rg_known *known;
} rg_oracle;
/* false and report->refused: weir does not take the graph. */
bool rg_oracle_make(const rg_graph *g, weir_context *ctx, const char *path, rg_oracle *o, rg_report *report);
void rg_oracle_free(rg_oracle *o);

typedef struct rg_results { int n; void *data[RG_OUTPUTS]; size_t bytes[RG_OUTPUTS]; } rg_results;
void rg_results_free(rg_results *r);

/* Numbers of input `name` ("v3") from element `first` on; hostile: with NaN, infinities and very large numbers among them. */
void rg_fill(const rg_graph *g, const char *name, int64_t first, const weir_tensor_info *info, void *data, bool hostile);

typedef struct rg_how { int64_t batch, row; bool keep_all, hostile; } rg_how;
typedef struct rg_run { weir_session *session; rg_results results; } rg_run; /* session NULL after rg_run_free */
bool rg_run_make(const rg_graph *g, const weir_model *m, const rg_how *how, rg_run *run, rg_report *report);
void rg_run_free(rg_run *run);

/* a against the oracle's outputs, within `times` their bounds. */
bool rg_compare(const rg_oracle *o, const rg_results *a, double times, const char *what, const char *set, rg_report *report);
bool rg_same_bits(const rg_oracle *o, const rg_results *a, const rg_results *b, const char *what, const char *set, rg_report *report);
bool rg_close(const rg_oracle *o, int output, const void *a, const void *b, size_t first, size_t n, double times, size_t *at, double *off);

/* rg_steps.c: what the steps of one run gave, to be compared with those of another CPU set. */
typedef struct rg_mark { char name[160]; uint64_t hash; } rg_mark;
typedef struct rg_marks { rg_mark *v; size_t n; } rg_marks;
/* Every step of a run that kept all against its reference on the step's own operands; integer results also against `other`
 * (marks of another set's run; NULL: none), bit by bit. Fills *own. */
bool rg_steps(weir_session *s, const rg_marks *other, rg_marks *own, const char *set, rg_report *report);
#endif
