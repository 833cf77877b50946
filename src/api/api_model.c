/* api_model.c: opening, deriving, saving and letting go of models. */
#include "io.h"
#include "model.h"
#include <string.h>

static void count_file(const w_graph *g, w_file_counts *c) {
    c->params = w_weight_count(g);
    for (size_t i = 0; i < g->nnode; i++)
        c->ops[g->node[i].op]++;
}

static weir_status keep_output_names(weir_model *m, weir_error *e) {
    w_graph *g = m->graph;
    m->output_name = w_arena_array(&g->arena, g->noutput + 1, sizeof *m->output_name);
    if (!m->output_name)
        return w_oom(e, g->noutput * sizeof *m->output_name, "the names of outputs");
    for (size_t i = 0; i < g->noutput; i++)
        if (!(m->output_name[i] = w_arena_strdup(&g->arena, w_value_name(g, g->output[i]))))
            return w_oom(e, 0, "the name of an output");
    return WEIR_OK;
}

static weir_status load(weir_model *m, const char *path, weir_error *e) {
    W_TRY(w_map_open(m->ctx, path, &m->map, e));
    m->file_bytes = m->map.size;
    if (w_weir_is(&m->map))
        W_TRY(w_weir_read(m->ctx, path, &m->map, &m->graph, &m->recipe, e));
    else
        W_TRY(w_onnx_read(m->ctx, path, &m->map, &m->graph, e));
    m->graph->file = &m->map;
    m->path = w_arena_strdup(&m->graph->arena, path);
    if (!m->path)
        return w_oom(e, strlen(path), "the path of a model");
    count_file(m->graph, &m->counts);
    if (m->counts.params < 0)
        return w_oom(e, m->graph->nvalue, "the count of parameters");
    W_TRY(keep_output_names(m, e));
    W_TRY(w_passes_canonical(m->graph, e));
    w_map_forget(&m->map, 0, m->map.size); /* what checks and folding read */
    return WEIR_OK;
}

weir_status weir_model_open(weir_context *context, const char *path, weir_model **out, weir_error *error) {
    size_t peak_before = context->peak;
    *out = NULL;
    context->peak = context->live;
    weir_model *m = w_calloc(context, 1, sizeof *m);
    weir_status s = WEIR_OK;
    if (!m) {
        s = w_oom(error, sizeof *m, "a model");
    } else {
        m->ctx = context;
        m->holders = 1;
        s = load(m, path, error);
        m->open_peak = context->peak;
    }
    context->peak = W_MAX(context->peak, peak_before);
    if (s != WEIR_OK)
        weir_model_destroy(m);
    else
        *out = m;
    return s;
}

static char *copy_recipe(w_graph *g, const char *recipe) { return recipe ? w_arena_strdup(&g->arena, recipe) : NULL; }

weir_status w_model_derive(const weir_model *model, w_graph *g, const char *recipe, weir_model **out, weir_error *e) {
    weir_model *m = w_calloc(model->ctx, 1, sizeof *m);
    *out = NULL;
    if (!m) {
        w_graph_destroy(g);
        return w_oom(e, sizeof *m, "a model");
    }
    m->ctx = model->ctx;
    m->graph = g;
    m->holders = 1;
    m->path = model->path;
    m->file_bytes = model->file_bytes;
    m->counts = model->counts;
    m->output_name = model->output_name;
    m->open_peak = model->open_peak;
    m->base = (weir_model *)model;
    w_model_hold(model);
    m->recipe = copy_recipe(g, recipe);
    if (recipe && !m->recipe) {
        weir_model_destroy(m);
        return w_oom(e, strlen(recipe), "the text of a recipe");
    }
    *out = m;
    return WEIR_OK;
}

/* Holding does not change a model for its callers, who therefore keep it const. */
void w_model_hold(const weir_model *model) { ((weir_model *)model)->holders++; }

void w_model_release(const weir_model *model) {
    weir_model *m = (weir_model *)model;
    while (m && --m->holders == 0) {
        weir_model *base = m->base;
        w_graph_destroy(m->graph);
        w_map_close(m->ctx, &m->map);
        w_free(m->ctx, m, sizeof *m);
        m = base;
    }
}

void weir_model_destroy(weir_model *model) { w_model_release(model); }

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), k = strlen(end);
    return n > k && strcmp(s + n - k, end) == 0;
}

weir_status weir_model_save(const weir_model *model, const char *path, weir_error *error) {
    uint64_t bytes;
    if (ends_with(path, ".weir"))
        return w_weir_write(model->graph, model->recipe, path, &bytes, error);
    if (ends_with(path, ".onnx"))
        return w_onnx_write(model->graph, path, error);
    return w_fail(error, WEIR_USAGE, "%s: expected a name that ends in .weir or .onnx", path);
}

const char *weir_model_recipe(const weir_model *model) { return model->recipe; }
size_t weir_model_file_bytes(const weir_model *model) { return model->file_bytes; }
