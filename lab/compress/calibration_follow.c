/* Statistics of a network that rules have given other shapes or layers.
 *
 * The graph that a recipe works on dies with its trial, so a follower owns a copy, constants included, and may outlive it:
 * trials that begin with the same rules share the measurement. What lies in the file's mapping is not copied: the float
 * model, which is held, keeps it. */
#include "calibration.h"
#include <string.h>

static weir_status own_constants(w_graph *g, weir_error *e) {
    for (w_id v = 0; v < g->nvalue; v++) {
        w_value *x = &g->value[v];
        size_t bytes = w_value_bytes(g, v);
        if (x->kind != W_VALUE_CONST || !x->data || x->is_mapped || bytes == 0) continue;
        void *d = w_arena_alloc_aligned(&g->arena, bytes);
        if (!d) return w_oom(e, bytes, "a copy of the weights");
        memcpy(d, x->data, bytes);
        x->data = d;
    }
    return WEIR_OK;
}

static weir_status copy_model(const weir_model *model, const w_graph *g, weir_model **out, weir_error *e) {
    w_graph *copy;
    W_TRY(w_graph_clone(g, &copy, e));
    weir_status s = own_constants(copy, e);
    if (s != WEIR_OK) {
        w_graph_destroy(copy);
        return s;
    }
    return w_model_derive(model, copy, NULL, out, e);
}

static weir_status follower_new(w_calibration *c, const w_graph *g, uint64_t key, w_calibration **out, weir_error *e) {
    weir_model *m;
    W_TRY(copy_model(c->model, g, &m, e));
    weir_status s = w_calibration_new(m, &c->samples, out, e);
    if (s != WEIR_OK) {
        weir_model_destroy(m);
        return s;
    }
    (*out)->own = m;
    (*out)->root = c;
    (*out)->key = key;
    return WEIR_OK;
}

/* Moves entry i to the front. */
static void to_front(w_calibration **list, size_t i) {
    w_calibration *c = list[i];
    memmove(list + 1, list, i * sizeof *list);
    list[0] = c;
}

weir_status w_calibration_follow(w_calibration *c, const w_graph *g, uint64_t key, w_calibration **out, weir_error *e) {
    size_t last = W_CAL_FOLLOWED - 1;
    if (c->root) c = c->root;
    for (size_t i = 0; i < W_CAL_FOLLOWED; i++) {
        if (!c->followed[i] || c->followed[i]->key != key) continue;
        to_front(c->followed, i);
        *out = c->followed[0];
        return WEIR_OK;
    }
    w_calibration *made;
    W_TRY(follower_new(c, g, key, &made, e));
    w_calibration_destroy(c->followed[last]);
    c->followed[last] = made;
    to_front(c->followed, last);
    *out = made;
    return WEIR_OK;
}
