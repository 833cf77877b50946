/* model.h: what a weir_model is. Shared by src/api and the lab, and private to them.
 *
 * Invariants:
 *  - graph is canonical and symbolic, and points into map (or into the model it was derived from): both outlive it;
 *  - a model lives until its owner and everything made from it (sessions, derived models) have let go of it;
 *  - output names are those of the file, whatever the passes did to the values. */
#ifndef W_MODEL_H
#define W_MODEL_H
#include "file.h"
#include "passes.h"
#include "plan.h"

typedef struct w_file_counts {    /* of the graph as it stood in the file, before any pass */
    int64_t params;
    uint32_t ops[W_OP_COUNT];
} w_file_counts;

struct weir_model {
    weir_context *ctx;
    w_graph *graph;
    w_map map;                    /* closed (NULL, 0) for a derived model */
    char *path;                   /* in the graph's arena */
    char *recipe;                 /* JSON text in the graph's arena, or NULL */
    size_t file_bytes;
    w_file_counts counts;
    char **output_name;           /* [graph->noutput], in the graph's arena */
    size_t open_peak;             /* highest live bytes of the context while this was opened */
    weir_model *base;             /* derived from it; held */
    unsigned holders;             /* the owner, sessions, derived models */
};

/* A model over `g`, a changed clone of model->graph, with the recipe's text (copied; may be NULL). Takes g in every case. */
weir_status w_model_derive(const weir_model *model, w_graph *g, const char *recipe, weir_model **out, weir_error *e);
void w_model_hold(const weir_model *model);
void w_model_release(const weir_model *model);
#endif
