/* The recipe search: what its files share.
 *
 * One trial = one recipe applied, planned and measured on the search samples against the float network. Trials are pure
 * functions of (model, data, CPU set, recipe): the store remembers them by a hash of all four, so a search that was killed
 * walks the same way again and repeats at most the trial that it was in. */
#ifndef W_SEARCH_H
#define W_SEARCH_H
#include "lab.h"
#include "timing.h"

/* ---- outputs of a network on samples (outputs.c) ---- */
typedef struct w_outputs { size_t n, classes; float *logit; int32_t *label; } w_outputs; /* context's allocator */
weir_status w_outputs_run(const weir_model *model, const w_samples *s, w_outputs *out, weir_error *e);
void w_outputs_fini(weir_context *ctx, w_outputs *o);
int32_t w_outputs_class(const w_outputs *o, size_t i);

#define W_MARGINS 16
/* Paired comparison with the baseline on the same samples. */
typedef struct w_paired {
    size_t n;
    size_t lost, won;          /* right before and wrong now; wrong before and right now */
    size_t moved;              /* another class than before, right or wrong */
    double top1, base_top1;    /* percent */
    double kl;                 /* mean Kullback-Leibler divergence of the class probabilities, baseline to this, in nats; finite */
    double rate[W_MARGINS];    /* share that moves, by the baseline's margin (margins.c); of full trials */
} w_paired;
w_paired w_paired_compare(const w_outputs *base, const w_outputs *now);
double w_paired_drop(const w_paired *p);                /* points */
/* Upper end of the one-sided interval of the drop at the given confidence, in points (paired proportions, half a sample
 * added to each cell as Agresti and Min do, Statistics in Medicine 24, 2005). */
double w_paired_upper(const w_paired *p, double confidence);
double w_normal_quantile(double confidence);

/* ---- the trial store (store.c), sqlite ---- */
typedef struct w_store w_store;
weir_status w_store_open(weir_context *ctx, const char *path /* NULL: in memory */, bool resume, w_store **out, weir_error *e);
void w_store_close(w_store *s);
weir_status w_store_get(w_store *s, const char *key, json_t **out /* NULL: not there */, weir_error *e);
/* An entry must hold these numbers (NULL-terminated): a store is a file like any other. */
weir_status w_store_numbers(const w_store *s, const char *key, const json_t *value, const char *const *names, weir_error *e);
weir_status w_store_begin(w_store *s, const char *key, weir_error *e);                /* counts an attempt */
weir_status w_store_put(w_store *s, const char *key, const json_t *value, weir_error *e);
weir_status w_store_count(w_store *s, const char *prefix, size_t *trials, weir_error *e);

/* ---- what a network costs (file_bits.c, predict.c) ---- */
typedef struct w_stock { double bits, elements, zeros; } w_stock;
/* Constants of the file: bits as the entropy of their symbols allows, elements, and zeros among those kept as real numbers. */
w_stock w_graph_stock(const w_graph *g);
/* Times kernels of this network that the machine model does not know, once a machine; folds what a prediction rests on in *h. */
weir_status w_predict_learn(const weir_model *model, uint64_t *h, weir_error *e);
/* Predicted seconds of one batch-1 run, and the plan's cold bytes. */
weir_status w_predict(const weir_model *model, double *seconds, double *dram_bytes, weir_error *e);

/* ---- layers and what may be done to them (layers.c, set_rules.c) ---- */
#define W_LADDERS 16           /* at least as many as there are techniques */
/* One setting of one technique on one layer, and what it does alone, on the quick samples. */
typedef struct w_rung {
    json_t *params;            /* of the rule, without "nodes" and "technique"; owned by the search's settings */
    bool measured;
    double kl, drop;
    double saved_bits, saved_s, saved_dram;  /* of the whole network, against the float one */
    double gone, zeros, symbol_bits; /* elements that leave the file; share of zeros in the layer; bits of one of its other weights */
    double seconds, dram;      /* change of a run against the solver's context (context.c) */
} w_rung;
typedef struct w_ladder {
    const w_technique *technique; /* NULL: not for this layer */
    w_rung *rung; size_t n;
    bool fixed;                /* --set asks for rung 0 */
    bool files_only;           /* no rung of it changes the plan */
    bool shelved;              /* not tried: another technique that recodes the same weights serves the objective better */
    double off_seconds, off_dram; /* change of a run against the context when it is not used */
} w_ladder;
typedef struct w_layer {
    w_id node;                 /* in the model's canonical graph */
    const char *label;
    double weights;            /* how many; 0: the node has none */
    bool frozen;               /* --set REGEX=f32: only what loses nothing */
    w_ladder ladder[W_LADDERS]; /* by place in w_techniques */
} w_layer;
/* A choice: for each layer and technique (layer * W_LADDERS + technique) the rung, or W_OFF. */
#define W_OFF (-1)
typedef int8_t w_choice;

typedef enum w_set { W_SET_QUICK, W_SET_FULL, W_SET_VERIFY, W_SETS } w_set; /* of samples */
typedef struct w_trial { w_paired p; w_stock stock; double predicted_s, dram_bytes; } w_trial;
/* A joint trial, kept for the front. */
typedef struct w_point { w_choice *choice; w_trial t; double kl_sum /* of the parts */; bool inside; } w_point;

typedef struct w_search {
    weir_context *ctx;
    w_arena arena;
    const weir_model *model;
    const weir_optimize_options *o;
    w_samples calibration_set, quick, full, verify;
    w_calibration *calibration;
    w_outputs base_of[W_SETS]; /* what the float network answers, made on first use (trial.c) */
    double margin[W_MARGINS];  /* where each bin of margins begins, ascending */
    double worth[W_MARGINS];   /* points that are lost on the evaluation samples if all of a bin move (margins.c) */
    w_stock base;              /* of the network with nothing chosen: what loses nothing, and what --set fixed */
    double base_s, base_dram, base_kl, base_drop;
    w_store *store;
    uint64_t kernels;          /* what predictions rest on */
    uint64_t identity;         /* of a trial: model, search data, CPU set, machine model, version */
    uint64_t looked_at;        /* of a look: model and evaluation data */
    w_layer *layer; size_t nlayer;
    json_t *settings;          /* owns the parameters of all rungs */
    w_choice *context;         /* where the solver prices time and bytes (context.c) */
    double context_s, context_dram;
    double blanket_gain[W_LADDERS]; /* share of the objective that a technique's mildest rung gains on all layers */
    uint32_t collective;       /* techniques (bit by place) that gain more together than alone */
    w_point *point; size_t npoint, cap_point;
    size_t trials_run;
    double limit;              /* points that may be lost, on the search samples */
    size_t failed_looks, looks_taken;
    double ceiling;            /* points that a recipe may be predicted to lose, by what failed looks showed */
    double started;
} w_search;

/* ---- what moves, and what a move costs (margins.c) ---- */
weir_status w_search_margins(w_search *s, weir_error *e); /* fills margin and worth */
weir_status w_margin_edges(weir_context *ctx, const w_outputs *base, double edge[W_MARGINS], weir_error *e);
void w_margin_rates(const w_outputs *base, const w_outputs *now, const double edge[W_MARGINS], double rate[W_MARGINS]);
void w_margin_worth(const w_outputs *base, const double edge[W_MARGINS], double worth[W_MARGINS]);
json_t *w_margins_json(const double x[W_MARGINS]);                   /* NULL: out of memory */
weir_status w_margins_from(const w_search *s, const char *key, const json_t *value, double out[W_MARGINS], weir_error *e);

/* ---- recipes of choices (choice.c) ---- */
w_choice *w_choice_new(w_search *s);                                 /* all off, but for what --set fixed; arena; NULL: out of memory */
w_choice *w_choice_copy(w_search *s, const w_choice *c);
double w_choice_kl(const w_search *s, const w_choice *c);            /* sum of what its parts cost alone */
/* annotate: each rule with what it cost and saved alone. draft: as quick as possible, only for planning. NULL: out of memory. */
typedef enum w_recipe_kind { W_RECIPE_PLAIN, W_RECIPE_ANNOTATED, W_RECIPE_DRAFT } w_recipe_kind;
json_t *w_choice_recipe(const w_search *s, const w_choice *c, w_recipe_kind kind);

/* ---- one search ---- */
weir_status w_search_samples(w_search *s, weir_error *e);            /* samples.c */
/* Sample i of the list. Where it is to be shifted, an image (the last two dimensions) goes a pixel to a side that its number
 * chooses: to a network, images near those that it was trained on are as new ones are, more than these themselves. */
void w_sample_copy(const w_samples *s, size_t i, float *to);
weir_status w_search_layers(w_search *s, weir_error *e);             /* layers.c: what may be changed, and how */
weir_status w_set_rules(w_search *s, w_layer *l, bool *any, weir_error *e); /* set_rules.c: --set for one layer */
weir_status w_pattern_matches(const char *pattern, const char *option, const char *label, bool *out, weir_error *e);
weir_status w_base_outputs(w_search *s, w_set set, const w_outputs **out, weir_error *e);
weir_status w_trial_run(w_search *s, const json_t *recipe, w_set set, w_trial *out, weir_error *e);
weir_status w_trial_cost(w_search *s, const json_t *recipe, double *seconds, double *dram, weir_error *e); /* planned, not run; remembered */
double w_search_used(const w_search *s);                             /* share of the time limit; 0 without one */
bool w_search_expired(const w_search *s);                            /* the time limit has passed */
/* Shares of the time limit by which the steps of a search end: each needs what the ones before it found. */
#define W_MEASURED_BY 0.5
#define W_PRICED_BY 0.7
#define W_UNSHELVED_BY 0.8
weir_status w_sensitivity(w_search *s, double until /* share of the time limit */, weir_error *e); /* every rung alone */
weir_status w_search_kernels(w_search *s, weir_error *e);            /* context.c: the kernels of each technique everywhere, learnt */
weir_status w_search_blankets(w_search *s, weir_error *e);           /* context.c: each technique everywhere; shelves */
weir_status w_search_context(w_search *s, weir_error *e);            /* context.c: prices */
weir_status w_choice_cost(w_search *s, const w_choice *c, double *seconds, double *dram, weir_error *e); /* exact, by planning */
typedef enum w_objective_kind { W_OBJECTIVE_TIME, W_OBJECTIVE_BYTES, W_OBJECTIVE_SIZE } w_objective_kind;
w_objective_kind w_objective(const w_search *s);

/* What the solver weighs, as shares of the float network's, and which techniques it may use (bit by place). */
typedef struct w_aim {
    double time, dram, file;
    uint32_t allowed;
    const w_choice *as_fast_as; /* no layer may take more of the objective than here; NULL: any */
} w_aim;
/* Least weighted cost with at most this much divergence by the sum of the parts. */
weir_status w_choose(w_search *s, const w_aim *a, double kl, w_choice *out, weir_error *e);
weir_status w_joint_trial(w_search *s, const w_choice *c, w_point **out, weir_error *e);
/* Joint trials until the divergence that the budget allows is bracketed; *kl: the most, by parts, that was inside. */
weir_status w_bracket(w_search *s, const w_aim *a, double from, int steps, double *kl, weir_error *e);
/* The best point inside the budget for the objective, or the mildest where none is inside; NULL: no joint trial yet. */
const w_point *w_best_point(const w_search *s);
weir_status w_solver_search(w_search *s, const w_point **best, weir_error *e);
double w_objective_of(const w_search *s, const w_trial *t);          /* seconds, bytes or bits */
void w_points_judge(w_search *s);                                    /* sets inside of every point anew */
uint32_t w_point_families(const w_search *s, const w_point *p);      /* techniques used (bit by place), without the lossless */

/* ---- what a recipe will cost on unseen data (estimate.c) ---- */
double w_predicted_drop(const w_search *s, const w_paired *p);       /* points */
#define W_LOOKS 3
double w_look_confidence(const w_search *s);                         /* of one look; with --accept point, the middle */
/* The most that a look at n samples will show with the confidence that a look is held to. */
double w_predicted_upper(const w_search *s, const w_paired *p);
/* A look at a recipe showed `excess` points too many: the next one must be predicted to lose that much less. */
void w_look_failed(w_search *s, const w_paired *predicted, double excess);

/* ---- verification (verify.c) and the document (optimize_doc.c) ---- */
typedef struct w_verdict { w_paired p; double drop, upper, excess /* over what is allowed */; size_t looks; bool met, last; } w_verdict;
double w_verify_limit(const w_search *s, const w_paired *p);         /* allowed drop in points */
weir_status w_verify(w_search *s, const weir_model *m, uint64_t recipe_hash, w_verdict *out, weir_error *e);
weir_status w_optimize_document(w_search *s, const weir_model *m, const json_t *recipe, const w_point *p, const w_verdict *v, uint64_t file_bytes, weir_document **out, weir_error *e);
/* Parts of the document (search_doc.c): what was tried on each layer, and all joint trials with the front of those that no
 * other beats in predicted time, bytes, file and drop. */
void w_doc_layers(w_doc *d, const w_search *s, const w_choice *chosen);
void w_doc_pareto(w_doc *d, const w_search *s, const w_choice *chosen);
/* Adds "weights": histograms of each layer before and after, and of the error (histograms.c). */
weir_status w_histograms(w_doc *d, const w_graph *before, const w_graph *after, weir_error *e);
#endif
