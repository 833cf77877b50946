/* Calibration: ranges, histograms and channel means of every activation of the float network.
 *
 * Two walks over the samples: the first finds minimum, maximum and channel sums, the second fills histograms over the
 * ranges found. Values are keyed by their name in the canonical graph, so that a plan may lay them out as it likes. */
#include "calibration.h"
#include <math.h>
#include <string.h>

typedef struct collect {
    w_calibration *c;
    bool second;
    double *seen; /* elements per channel so far, by value id of the model's graph */
} collect;

/* Visits each element of a rank >= 1 value with its channel (axis 1; axis 0 of a vector). */
static uint32_t channels_of(const w_shape *s) { return s->rank >= 2 ? (uint32_t)s->dim[1] : 1; }

static size_t channel_index(const w_value *v, size_t i, size_t inner, size_t channels) {
    return v->layout == W_NHWC && v->shape.rank == 4 ? i % channels : (i / inner) % channels;
}

static weir_status range_new(w_calibration *c, uint32_t channels, w_range **out, weir_error *e) {
    w_range *r = w_arena_alloc(&c->arena, sizeof *r);
    double *mean = r ? w_arena_array(&c->arena, channels, sizeof *mean) : NULL;
    float *hist = mean ? w_arena_array(&c->arena, W_CAL_BINS, sizeof *hist) : NULL;
    if (!hist) return w_oom(e, W_CAL_BINS * sizeof *hist, "calibration statistics");
    *r = (w_range){.min = INFINITY, .max = -INFINITY, .hist = hist, .mean = mean, .channels = channels};
    *out = r;
    return WEIR_OK;
}

static void add_range(w_range *r, const w_value *v, const float *x, size_t n) {
    size_t inner = 1;
    for (int d = 2; d < v->shape.rank; d++) inner *= (size_t)v->shape.dim[d];
    float lo = r->min, hi = r->max;
    for (size_t i = 0; i < n; i++) {
        lo = fminf(lo, x[i]);
        hi = fmaxf(hi, x[i]);
        r->mean[channel_index(v, i, inner, r->channels)] += x[i];
    }
    r->min = lo;
    r->max = hi;
}

static void add_histogram(w_range *r, const float *x, size_t n) {
    float width = r->max - r->min;
    float to_bin = width > 0 ? (float)W_CAL_BINS / width : 0;
    for (size_t i = 0; i < n; i++) {
        int b = (int)((x[i] - r->min) * to_bin);
        r->hist[W_MAX(0, W_MIN(b, W_CAL_BINS - 1))] += 1;
    }
}

static weir_status on_value(void *user, const w_graph *g, w_id value, const void *data, weir_error *e) {
    collect *co = user;
    const w_value *v = &g->value[value];
    w_id id = w_graph_find(co->c->model->graph, w_value_name(g, value));
    if (v->type != WEIR_F32 || id == W_NONE) return WEIR_OK;
    size_t n = (size_t)w_shape_count(&v->shape);
    w_range **r = &co->c->range[id];
    if (!co->second) {
        if (!*r) W_TRY(range_new(co->c, channels_of(&v->shape), r, e));
        add_range(*r, v, data, n);
        co->seen[id] += (double)n / (*r)->channels;
    } else if (*r) {
        add_histogram(*r, data, n);
    }
    return WEIR_OK;
}

static weir_status collect_all(w_calibration *c, weir_error *e) {
    size_t nvalue = c->model->graph->nvalue;
    collect co = {.c = c, .seen = w_arena_array(&c->arena, nvalue, sizeof(double))};
    if (!co.seen) return w_oom(e, nvalue * sizeof(double), "calibration statistics");
    W_TRY(w_tap_run(c->model, &c->samples, on_value, &co, e));
    for (size_t i = 0; i < nvalue; i++)
        for (uint32_t k = 0; c->range[i] && k < c->range[i]->channels; k++)
            if (co.seen[i] > 0) c->range[i]->mean[k] /= co.seen[i];
    co.second = true;
    W_TRY(w_tap_run(c->model, &c->samples, on_value, &co, e));
    c->measured = true;
    return WEIR_OK;
}

weir_status w_calibration_ranges(w_calibration *c, weir_error *e) {
    if (c->measured) return WEIR_OK;
    weir_status s = collect_all(c, e);
    if (s != WEIR_OK) memset(c->range, 0, c->model->graph->nvalue * sizeof *c->range); /* half sums would be added to */
    return s;
}

weir_status w_calibration_new(const weir_model *model, const w_samples *samples, w_calibration **out, weir_error *e) {
    weir_context *ctx = model->ctx;
    w_calibration *c = w_calloc(ctx, 1, sizeof *c);
    if (!c) return w_oom(e, sizeof *c, "calibration");
    c->ctx = ctx;
    c->model = model;
    c->samples = *samples;
    w_arena_init(&c->arena, ctx);
    c->range = w_arena_array(&c->arena, model->graph->nvalue + 1, sizeof *c->range);
    c->hessian = w_arena_array(&c->arena, model->graph->nnode + 1, sizeof *c->hessian);
    if (!c->range || !c->hessian) {
        w_calibration_destroy(c);
        return w_oom(e, model->graph->nvalue * sizeof *c->range, "calibration");
    }
    *out = c;
    return WEIR_OK;
}

weir_status w_calibration_create(const weir_model *model, const w_samples *samples, w_calibration **out, weir_error *e) {
    w_calibration *c;
    W_TRY(w_calibration_new(model, samples, &c, e));
    weir_status s = w_calibration_ranges(c, e);
    if (s != WEIR_OK) {
        w_calibration_destroy(c);
        return s;
    }
    *out = c;
    return WEIR_OK;
}

void w_calibration_destroy(w_calibration *c) {
    if (!c) return;
    weir_context *ctx = c->ctx;
    for (size_t i = 0; i < W_CAL_FOLLOWED; i++) w_calibration_destroy(c->followed[i]);
    weir_model_destroy(c->own);
    w_arena_fini(&c->arena);
    w_free(ctx, c, sizeof *c);
}

const w_range *w_calibration_range(const w_calibration *c, const char *value_name) {
    w_id id = w_graph_find(c->model->graph, value_name);
    return id == W_NONE ? NULL : c->range[id];
}
