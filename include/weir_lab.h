/* weir_lab.h: change networks so that they move fewer bytes, and prove what it cost.
 *
 * The public interface of libweir-lab, on top of weir.h and with its conventions. Results are documents
 * (JSON); long calls report progress through the context and return WEIR_INTERRUPTED when cancelled.
 */
#ifndef WEIR_LAB_H
#define WEIR_LAB_H
#include "weir.h"
#ifdef __cplusplus
extern "C" {
#endif

/* ---- data --------------------------------------------------------------------------------- */

typedef struct weir_dataset weir_dataset;
/* spec: "FORMAT:PATH[,PATH]", the name of a known set ("fashion-mnist", "fashion-mnist:train"), or a JSON file
 * (fields in docs/cli.md). Formats: idx, npz, tar. Others return WEIR_USAGE ("not yet"). The images are decoded to
 * float32 in the layout of the model (NCHW), scaled and normalised, labels to class numbers; all in memory. */
WEIR_API weir_status weir_dataset_open(weir_context *context, const char *spec, weir_dataset **out, weir_error *error);
WEIR_API void weir_dataset_destroy(weir_dataset *dataset);
WEIR_API size_t weir_dataset_count(const weir_dataset *dataset);
WEIR_API const int64_t *weir_dataset_shape(const weir_dataset *dataset, int *rank); /* one sample, e.g. 1x28x28 */
WEIR_API const float *weir_dataset_sample(const weir_dataset *dataset, size_t index);
WEIR_API int weir_dataset_label(const weir_dataset *dataset, size_t index);
/* One image or array file as a tensor for `weir run`: .npy, .npz (first array or NAME), JPEG or PNG (float32 [1,C,H,W], 0 to
 * 1), told apart by content. The caller frees with
 * weir_array_destroy. */
typedef struct weir_array { weir_type type; int rank; int64_t dims[8]; void *data; size_t bytes; } weir_array;
WEIR_API weir_status weir_array_read(weir_context *context, const char *path, const char *name, weir_array *out, weir_error *error);
WEIR_API void weir_array_destroy(weir_context *context, weir_array *array);
/* .npy holds one array, .npz any number, by name. Appears whole or not at all. */
WEIR_API weir_status weir_array_write(weir_context *context, const char *path, const weir_array *arrays, const char *const *names, size_t n, weir_error *error);

/* ---- accuracy ------------------------------------------------------------------------------ */

/* {"n", "top1", "top5", "loss", "top1_ci95": [lo, hi]}. Percent. limit 0: all samples. batch 0: chosen. classes, if not NULL,
 * gets the predicted class of every sample (n entries). */
WEIR_API weir_status weir_eval(const weir_model *model, const weir_dataset *data, size_t limit, int64_t batch, int32_t *classes,
                               weir_document **out, weir_error *error);

/* ---- changing a model ---------------------------------------------------------------------- */

/* Applies a recipe (JSON text: {"rules": [{"nodes": REGEX, "technique": NAME, ...}]}) to a copy of the model. calibration may be
 * NULL when no rule needs data. */
WEIR_API weir_status weir_compress(const weir_model *model, const char *recipe_json, const weir_dataset *calibration,
                                   weir_model **out, weir_error *error);

typedef struct weir_optimize_options {
    size_t struct_size;
    const weir_dataset *data;      /* verification (and, split by hash, everything, without train) */
    const weir_dataset *train;     /* calibration and sensitivity; NULL: split data */
    double max_drop;               /* points of top-1, or percent of the baseline when relative */
    int relative;
    int accept_point;              /* compare the point value instead of the upper end of the interval */
    const char *objective;         /* "time", "bytes", "size"; NULL: least predicted time, then smallest file within 2 % of it */
    double time_limit_s;           /* 0: none */
    const char *only, *exclude;    /* regular expressions over node names; NULL: none */
    const char *techniques;        /* names, separated by commas: no others are used; NULL: all */
    const char *const *set;        /* "REGEX=int8" overrides, nset of them */
    size_t nset;
    const char *trial_store;       /* sqlite file; trials already in it are not repeated */
    int resume;                    /* zero: start the store afresh */
    int dry_run;                   /* search, no verification, no output */
    const char *output;            /* .weir or .onnx path; written only at the end */
} weir_optimize_options;
WEIR_API weir_optimize_options weir_optimize_options_default(void);
/* Search, apply, verify, write. The document has the fields that docs/cli.md lists for `optimize`, plus what the report
 * draws. WEIR_UNMET when the budget was not met (the document is given all the same). */
WEIR_API weir_status weir_optimize(const weir_model *model, const weir_optimize_options *options, weir_document **out, weir_error *error);

/* ---- verdicts ------------------------------------------------------------------------------ */

/* The ledger against the clock per step, with a verdict per technique: the fields of `profile`. Runs the model with random
 * (or the given, input_bytes long) input, `iterations` times. */
WEIR_API weir_status weir_profile(const weir_model *model, const weir_session_options *options, const float *input,
                                  size_t input_bytes, int iterations, weir_document **out, weir_error *error);
#ifdef __cplusplus
}
#endif
#endif
