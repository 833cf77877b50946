/* The recipe search: what its files share.
 *
 * One trial = one recipe applied, planned and measured on the search samples against the float network. Trials are pure
 * functions of (model, data, CPU set, recipe): the store remembers them by a hash of all four, so a search that was killed
 * walks the same way again and repeats at most the trial that it was in. */
#ifndef W_SEARCH_H
#define W_SEARCH_H
#include "lab.h"

/* ---- outputs of a network on samples (outputs.c) ---- */
typedef struct w_outputs { size_t n, classes; float *logit; int32_t *label; } w_outputs; /* context's allocator */
weir_status w_outputs_run(const weir_model *model, const w_samples *s, w_outputs *out, weir_error *e);
void w_outputs_fini(weir_context *ctx, w_outputs *o);
int32_t w_outputs_class(const w_outputs *o, size_t i);
double w_outputs_top1(const w_outputs *o);              /* percent */

/* Paired comparison with the baseline on the same samples. */
typedef struct w_paired {
    size_t n;
    size_t lost, won;          /* right before and wrong now; wrong before and right now */
    double top1, base_top1;    /* percent */
    double kl;                 /* mean Kullback-Leibler divergence of the class probabilities, baseline to this, in nats */
} w_paired;
w_paired w_paired_compare(const w_outputs *base, const w_outputs *now);
double w_paired_drop(const w_paired *p);                /* points */
/* Upper end of the one-sided interval of the drop at the given confidence, in points (paired proportions, half a sample
 * added to each cell as Agresti and Min do, Statistics in Medicine 24, 2005). */
double w_paired_upper(const w_paired *p, double confidence);

/* ---- the trial store (store.c), sqlite ---- */
typedef struct w_store w_store;
weir_status w_store_open(weir_context *ctx, const char *path /* NULL: in memory */, bool resume, w_store **out, weir_error *e);
void w_store_close(w_store *s);
weir_status w_store_get(w_store *s, const char *key, json_t **out /* NULL: not there */, weir_error *e);
weir_status w_store_begin(w_store *s, const char *key, weir_error *e);                /* counts an attempt */
weir_status w_store_put(w_store *s, const char *key, const json_t *value, weir_error *e);
weir_status w_store_count(w_store *s, const char *prefix, size_t *trials, weir_error *e);

double w_graph_bits(const w_graph *g); /* constants in the file, as the entropy of their symbols allows */

/* ---- one search (trial.c, layers.c, choice.c, sensitivity.c, solver.c, verify.c, optimize.c) ---- */
typedef struct w_trial { w_paired p; double file_bits; double predicted_s; double dram_bytes; } w_trial;

/* A rung: one setting of one layer. */
typedef struct w_rung { int bits; float density; bool measured; double file_bits /* of the layer */, kl, drop; } w_rung;
typedef struct w_layer {
    w_id node;                 /* in the model's canonical graph */
    const char *label;
    bool integer;              /* computes in int8; else f32 with a codebook of 2^bits values */
    bool fixed;                /* --set chose its bits */
    double weights;            /* how many */
    w_rung *bits; size_t nbits;        /* ladder of bits at density 1; [0] is 8 bits (or f32 when not integer) */
    w_rung *sparse; size_t nsparse;    /* ladder of densities at [0]'s bits; [0] is density 1 */
    size_t at_bits, at_sparse;         /* the choice */
} w_layer;

typedef struct w_search {
    weir_context *ctx;
    w_arena arena;
    const weir_model *model;
    const weir_optimize_options *o;
    w_samples calibration_set, quick, full, verify;
    w_calibration *calibration;
    w_outputs base_quick, base_full;
    double base_bits;          /* of the float network's constants */
    w_store *store;
    uint64_t identity;         /* model, data, CPU set, version */
    w_layer *layer; size_t nlayer;
    size_t trials_run;
    double started;
} w_search;

weir_status w_trial_run(w_search *s, const json_t *recipe, bool full, w_trial *out, weir_error *e);
weir_status w_search_layers(w_search *s, weir_error *e);             /* layers.c: what may be changed, and the rungs of each */
weir_status w_sensitivity(w_search *s, weir_error *e);               /* fills kl, drop, file_bits of every rung */
json_t *w_search_recipe(const w_search *s, bool annotate);           /* recipe of the present choice; NULL: out of memory */
json_t *w_rung_recipe(const w_layer *l, const w_rung *r);            /* one layer alone; NULL: out of memory */
bool w_search_expired(const w_search *s);                            /* the time limit has passed */
/* Least size for total divergence weighted by lambda (bits per nat); sets at_bits and at_sparse. */
void w_solver_choose(w_search *s, double lambda);
/* The cheapest recipe whose drop on the full search set is inside `points`; leaves it chosen. *found false: not even the mildest. */
weir_status w_solver_search(w_search *s, double points, bool *found, w_trial *out, weir_error *e);
/* ---- verification (verify.c) and the document (optimize_doc.c) ---- */
typedef struct w_verdict { w_paired p; double drop, upper; size_t looks; bool met, last; } w_verdict;
weir_status w_search_samples(w_search *s, weir_error *e);            /* samples.c */
double w_verify_limit(const w_search *s, const w_paired *p);         /* allowed drop in points */
weir_status w_verify(w_search *s, const weir_model *m, uint64_t recipe_hash, w_verdict *out, weir_error *e);
weir_status w_optimize_document(w_search *s, const weir_model *m, const json_t *recipe, const w_trial *t, const w_verdict *v, uint64_t file_bytes, weir_document **out, weir_error *e);
double w_now(void);
/* Predicted seconds of one batch-1 run, and the plan's cold bytes. */
weir_status w_predict(const weir_model *model, double *seconds, double *dram_bytes, weir_error *e);
#endif
