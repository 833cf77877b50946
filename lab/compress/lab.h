/* What the techniques share: selected nodes, calibration statistics, error-feedback rounding, the table.
 *
 * Invariants:
 *  - a technique changes values of a canonical, symbolic graph (row-major, before pass_layout) and nothing else:
 *    constants are replaced by new data in the graph's arena, activations get a type and a quantisation;
 *  - calibration statistics describe the float network, by value name and node label, whatever rules ran before; rules
 *    after one that changed shapes or layers get those of the network as that rule left it (w_calibration_follow);
 *  - everything is deterministic: the same model, recipe and data give the same bytes. */
#ifndef W_LAB_H
#define W_LAB_H
#include "model.h"
#include "weir_lab.h"
#include "doc.h"
#include "passes.h"
#include "plan.h"

/* ---- samples: a choice from a data set ---- */
typedef struct w_samples {
    const weir_dataset *data;
    const uint32_t *index;         /* NULL: samples first, first + 1, ... */
    size_t first, n;
    bool shifted;                  /* images are taken a pixel off (w_sample_copy) */
} w_samples;
static inline size_t w_sample_at(const w_samples *s, size_t i) { return s->index ? s->index[i] : s->first + i; }

/* ---- calibration (calibration.c, tap.c) ---- */
#define W_CAL_BINS 2048
typedef struct w_range {           /* of one activation value over all calibration samples */
    float min, max;
    float *hist;                   /* W_CAL_BINS counts over [min, max] */
    double *mean;                  /* per channel (axis 1), `channels` entries */
    uint32_t channels;
} w_range;

#define W_CAL_FOLLOWED 4
typedef struct w_calibration {
    weir_context *ctx;
    w_arena arena;
    const weir_model *model;       /* the network described: float, canonical */
    w_samples samples;
    bool measured;                 /* ranges are */
    w_range **range;               /* [model->graph->nvalue], NULL where not an activation */
    struct w_hessian **hessian;    /* [model->graph->nnode], made on first use */
    struct w_calibration *root;    /* that of the float network which this one follows; NULL: this is it */
    weir_model *own;               /* model, where it is a copy that lives with this */
    uint64_t key;
    struct w_channel_order *order; /* of elimination (channel_choose.c), newest first */
    struct w_calibration *followed[W_CAL_FOLLOWED]; /* of a root: made last first */
} w_calibration;
weir_status w_calibration_create(const weir_model *model, const w_samples *samples, w_calibration **out, weir_error *e);
void w_calibration_destroy(w_calibration *c);
/* Measures the ranges where that is still to be done: only those techniques call it that `reshape` (below). */
weir_status w_calibration_ranges(w_calibration *c, weir_error *e);
const w_range *w_calibration_range(const w_calibration *c, const char *value_name); /* NULL: not an activation of the network */

/* Statistics of a changed graph: `g` is what the rules with the hash `key` made of c's float network. Nothing is measured
 * here: ranges when w_calibration_ranges asks (the recipe does, before a technique that does not reshape); second moments
 * on first use, and only of layers that read something else than in the float network: a layer with the same label, input
 * name and reduction length keeps those of the float network. Holds a copy of g; the last few are kept for rules that begin
 * with the same ones, so *out is good until the next call. */
weir_status w_calibration_follow(w_calibration *c, const w_graph *g, uint64_t key, w_calibration **out, weir_error *e);

/* ---- second moments of a layer's inputs (hessian.c) ---- */
typedef struct w_hessian {
    uint32_t k, groups;            /* reduction length per group: C/group * KH * KW, or K */
    double rows;                   /* patches summed */
    float **h;                     /* [groups] k*k, symmetric: sum of x x^T */
    double **sum;                  /* [groups] k: sum of x */
    float **u;                     /* [groups] k*k or NULL: upper factor of the damped inverse, made on first use */
    w_arena *arena;                /* where all of it lies: a follower may hand out its root's */
} w_hessian;
/* For the node that has this label in the calibrated network (Conv, Gemm, MatMul with a constant right side). The first
 * use measures as many other layers in the same run as fit into some memory. */
weir_status w_calibration_hessian(w_calibration *c, const char *label, w_hessian **out, weir_error *e);
/* Fills h->u[group] (feedback.c). */
weir_status w_hessian_factor(w_hessian *h, uint32_t group, weir_error *e);

/* ---- weights as a matrix: rows are output channels, columns the reduction in ONNX order (weights.c) ---- */
typedef struct w_weights {
    w_id node, value;
    uint32_t rows, cols, groups;   /* rows over all groups */
    bool transposed;               /* stored [cols][rows] (MatMul, Gemm with transB 0) */
    float *w;                      /* rows x cols, arena of the graph: a private copy */
} w_weights;
bool w_node_has_weights(const w_graph *g, const w_node *n);   /* Conv, Gemm, MatMul with constant weights */
weir_status w_weights_get(w_graph *g, w_id node, w_weights *out, weir_error *e);
/* Writes w back as a fresh f32 constant (keeps the name, drops no coding). */
weir_status w_weights_put(w_graph *g, const w_weights *w, weir_error *e);
/* Writes rows x cols integers with per-row scales as a fresh S8 constant. */
weir_status w_weights_put_s8(w_graph *g, const w_weights *w, const int8_t *q, const float *scale, weir_error *e);
/* Adds delta[rows] to the node's bias, making one where there is none. */
weir_status w_bias_add(w_graph *g, w_id node, const float *delta, uint32_t rows, weir_error *e);

/* Adds to the bias what the change of the weights took from the mean of each output (arXiv 1906.04721, section 4.2). */
weir_status w_bias_correct(w_graph *g, const w_weights *after, const float *before, w_calibration *c, weir_error *e);
float *w_weights_copy(w_graph *g, const w_weights *w);        /* in the graph's arena; NULL on failure */
weir_status w_coding_edit(w_graph *g, w_id value, w_coding **out, weir_error *e); /* a fresh copy of the value's coding, set */

/* ---- error feedback (feedback.c): GPTQ (arXiv 2210.17323) and SparseGPT (2301.00774) in one walk over columns ---- */
typedef struct w_feedback {
    float density;                 /* keep this share of the weights that are nonzero now; 1: no pruning */
    int levels;                    /* symmetric grid -levels..levels; 0: real numbers */
    const float *scale;            /* [rows], step of the grid; NULL with levels 0 */
    bool keep_zeros;               /* weights that are zero stay zero */
} w_feedback;
/* In place on w->w; q (rows x cols) gets the integers when levels > 0. h NULL: no feedback (plain magnitude, nearest). */
weir_status w_feedback_round(weir_context *ctx, w_weights *w, w_hessian *h, const w_feedback *f, int8_t *q, weir_error *e);

/* ---- techniques ---- */
/* The nodes of a rule, and the network as it was before the recipe's first rule. */
typedef struct w_selection { const w_id *node; size_t n; const w_graph *origin; } w_selection;
typedef struct w_technique {
    const char *name;              /* in recipes: "int8" */
    const char *row;               /* docs/techniques.md */
    const char *summary;           /* one line for people */
    const char *const *keys;       /* parameters it knows; NULL-terminated */
    bool (*needs_data)(const json_t *params); /* whether a rule with these needs calibration data; NULL: none does */
    const char *draft;             /* JSON of parameters that are quick to apply and give the same shapes and types; NULL: none */
    bool lossless;                 /* no answer changes: the search adds its first rung to every layer it may change */
    bool recodes;                  /* gives every weight one of a few values; of two such, a layer takes one */
    bool reshapes;                 /* shapes or layers change: the rules after it get statistics that follow */
    bool blind;                    /* apply never reads statistics */
    bool (*takes)(const w_graph *g, const w_node *n);
    /* Appends to `settings` (a list), mild to harsh, the parameters that the search may try on this node, which the technique
     * takes: objects without "nodes" and "technique". Of nodes that only change together, one has a ladder. NULL: never tried. */
    weir_status (*ladder)(const w_graph *g, w_id node, json_t *settings, weir_error *e);
    weir_status (*apply)(w_graph *g, const w_selection *s, const json_t *params, w_calibration *c, weir_error *e);
    /* What it would save on this step: *saves_s and *saves_bytes (cold DRAM) filled, NULL; or why not, static or from a. */
    const char *(*verdict)(const w_plan *p, const w_step *s, const w_machine *m, w_arena *a, double *saves_s, double *saves_bytes);
} w_technique;
extern const w_technique w_technique_channels, w_technique_lowrank, w_technique_equalise, w_technique_int8, w_technique_prune,
    w_technique_cluster, w_technique_ans;
extern const w_technique *const w_techniques[]; /* NULL-terminated, in the order in which recipes apply best */
const w_technique *w_technique_find(const char *name);
const char *w_technique_names(char text[200]); /* for messages: returns text */

/* The verdict of techniques that have no kernel yet: no time, no memory traffic. */
const char *w_verdict_file_only(const w_plan *p, const w_step *s, const w_machine *m, w_arena *a, double *saves_s, double *saves_bytes);

const char *w_verdict_equalise(const w_plan *p, const w_step *s, const w_machine *m, w_arena *a, double *saves_s, double *saves_bytes);
const char *w_verdict_int8(const w_plan *p, const w_step *s, const w_machine *m, w_arena *a, double *saves_s, double *saves_bytes);
const char *w_verdict_channels(const w_plan *p, const w_step *s, const w_machine *m, w_arena *a, double *saves_s, double *saves_bytes);
/* Ends a recipe that has static int8 rules: decides which activations become 8-bit. params: those of the first such rule. */
weir_status w_int8_finish(w_graph *g, const json_t *params, w_calibration *c, weir_error *e);

bool w_int8_is_static(const json_t *params); /* activations with scales from calibration data */

/* One rung of a ladder, as json_pack makes it: appended and owned by the list; NULL is a failed allocation. */
weir_status w_ladder_add(json_t *settings, json_t *rung, weir_error *e);
double w_node_weight_count(const w_graph *g, w_id node);      /* elements of the constant weights */
w_id w_node_by_label(const w_graph *g, const char *label);    /* W_NONE: there is none */
const char *w_node_layer(const w_graph *g, const w_node *n);  /* its label, or that of the layer that it was split off */

/* Parameters of a rule with defaults and range checks. */
weir_status w_param_num(const json_t *params, const char *key, double def, double lo, double hi, double *out, weir_error *e);
weir_status w_param_str(const json_t *params, const char *key, const char *def, const char *const *choices, const char **out, weir_error *e);
int w_param_index(const char *const *choices, const char *choice); /* of one that w_param_str gave */
weir_status w_param_bool(const json_t *params, const char *key, bool def, bool *out, weir_error *e);

/* ---- recipes (recipe.c) ---- */
/* Checks a recipe: fields, techniques, parameters, regular expressions; the message names the rule. */
weir_status w_recipe_parse(const char *text, const char *what, json_t **out, weir_error *e);
/* Whether compiling a regular expression takes a bounded time and memory, which the C library does not see to. */
bool w_pattern_is_modest(const char *re);
/* Applies all rules to a clone of the model; c may be NULL if no rule needs data. *out is destroyed before model. */
weir_status w_recipe_apply(const weir_model *model, const json_t *recipe, w_calibration *c, weir_model **out, weir_error *e);
bool w_recipe_needs_data(const json_t *recipe);

/* ---- reading intermediate values (tap.c) ---- */
typedef weir_status (*w_tap_fn)(void *user, const w_graph *g /* planned */, w_id value, const void *data, weir_error *e);
/* Runs the samples in whole batches through the model with every value kept, calling fn for each batch and each live
 * activation value of the plan. data lies in the plan's layout, and what the planner permuted (Flatten before a Gemm) in the model's. */
weir_status w_tap_run(const weir_model *model, const w_samples *samples, w_tap_fn fn, void *user, weir_error *e);
#endif
