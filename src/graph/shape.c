/* Shapes: counts with overflow checks, equality, binding of symbols. */
#include "graph.h"
#include <string.h>

bool w_shape_bound(const w_shape *s) {
    if (!s->known) return false;
    for (unsigned i = 0; i < s->rank; i++)
        if (s->dim[i] < 0) return false;
    return true;
}

int64_t w_shape_count(const w_shape *s) {
    if (!w_shape_bound(s)) return -1;
    int64_t n = 1;
    bool empty = false;
    for (unsigned i = 0; i < s->rank; i++) {
        if (s->dim[i] == 0) empty = true;
        else if (!w_mul_i64(n, s->dim[i], &n)) return -1;
    }
    return empty ? 0 : n;
}

bool w_shape_equal(const w_shape *a, const w_shape *b) {
    if (!a->known || !b->known || a->rank != b->rank) return false;
    for (unsigned i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

size_t w_tensor_count(const w_tensor *t) {
    int64_t n = w_shape_count(&t->shape);
    return n < 0 ? 0 : (size_t)n;
}

size_t w_tensor_bytes(const w_tensor *t) {
    size_t bytes;
    return w_mul_size(w_tensor_count(t), w_type_size(t->type), &bytes) ? bytes : 0;
}

size_t w_value_bytes(const w_graph *g, w_id v) {
    if (v >= g->nvalue) return 0;
    int64_t n = w_shape_count(&g->value[v].shape);
    size_t bytes;
    if (n < 0 || !w_mul_size((size_t)n, w_type_size(g->value[v].type), &bytes)) return 0;
    return bytes;
}

weir_status w_graph_symbol(w_graph *g, const char *name, int64_t *dim, weir_error *e) {
    size_t i = 0;
    while (i < g->nsymbol && strcmp(g->symbol[i], name)) i++;
    if (i == g->nsymbol) {
        if (!w_grow(g->ctx, (void **)&g->symbol, sizeof *g->symbol, &g->cap_symbol, i + 1))
            return w_oom(e, (i + 1) * sizeof *g->symbol, "symbolic dimensions");
        g->symbol[i] = w_arena_strdup(&g->arena, name);
        if (!g->symbol[i]) return w_oom(e, strlen(name), "a symbolic dimension");
        g->nsymbol++;
    }
    *dim = -(int64_t)i - 1;
    return WEIR_OK;
}

weir_status w_graph_bind(w_graph *g, const char *symbol, int64_t n, weir_error *e) {
    if (n < 1 || n > W_MAX_DIM)
        return w_fail(e, WEIR_USAGE, "dimension '%s' cannot be %lld: expected 1 to %lld", symbol, (long long)n,
                      (long long)W_MAX_DIM);
    size_t i = 0;
    while (i < g->nsymbol && strcmp(g->symbol[i], symbol)) i++;
    if (i == g->nsymbol) return w_fail(e, WEIR_USAGE, "the model has no symbolic dimension '%s'", symbol);
    for (size_t v = 0; v < g->nvalue; v++)
        for (unsigned k = 0; k < g->value[v].shape.rank; k++)
            if (g->value[v].shape.dim[k] == -(int64_t)i - 1) g->value[v].shape.dim[k] = n;
    return WEIR_OK;
}
