/* bind.c: symbolic dimensions become numbers: first from the caller's shapes, then the batch, by name of the symbol.
 *
 * Afterwards no dimension of a graph input is symbolic. */
#include "planner.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static w_id find_input(const w_graph *g, const char *name, size_t n) {
    for (size_t i = 0; i < g->ninput; i++) {
        const char *s = w_value_name(g, g->input[i]);
        if (strlen(s) == n && memcmp(s, name, n) == 0)
            return g->input[i];
    }
    return W_NONE;
}

static const char *symbol_name(const w_graph *g, int64_t dim) {
    size_t id = (size_t)(-(dim + 1));
    return id < g->nsymbol ? g->symbol[id] : "?";
}

/* Reads "1x3x224x224"; false when it is anything else. */
static bool parse_dims(const char *s, w_shape *out) {
    out->rank = 0;
    out->known = true;
    for (;;) {
        if (*s < '0' || *s > '9' || out->rank == W_MAX_RANK)
            return false;
        int64_t v = 0;
        for (; *s >= '0' && *s <= '9'; s++)
            if ((v = v * 10 + (*s - '0')) > W_MAX_DIM)
                return false;
        if (v == 0)
            return false;
        out->dim[out->rank++] = v;
        if (*s == 0)
            return true;
        if (*s++ != 'x')
            return false;
    }
}

static weir_status bind_text(w_graph *g, const char *text, weir_error *e) {
    const char *colon = strrchr(text, ':');
    w_shape want;
    if (!colon || !parse_dims(colon + 1, &want))
        return w_fail(e, WEIR_USAGE, "shape '%s': expected NAME:1x3x224x224", text);
    w_id v = find_input(g, text, (size_t)(colon - text));
    if (v == W_NONE)
        return w_fail(e, WEIR_USAGE, "shape '%s': the model has no input of that name", text);
    if (!g->value[v].shape.known || g->value[v].shape.rank != want.rank)
        return w_fail(e, WEIR_USAGE, "shape '%s': input has %d dimensions, not %d", text, g->value[v].shape.rank, want.rank);
    for (int d = 0; d < want.rank; d++) {
        int64_t have = g->value[v].shape.dim[d];
        if (have >= 0 && have != want.dim[d])
            return w_fail(e, WEIR_USAGE, "shape '%s': dimension %d of the model is fixed at %" PRId64, text, d, have);
        if (have < 0)
            W_TRY(w_graph_bind(g, symbol_name(g, have), want.dim[d], e));
    }
    return WEIR_OK;
}

/* Some input leaves its first dimension open: the batch is for it, and others keep what they have. */
static bool any_open(const w_graph *g) {
    for (size_t i = 0; i < g->ninput; i++) {
        const w_shape *s = &g->value[g->input[i]].shape;
        if (s->known && s->rank > 0 && s->dim[0] < 0)
            return true;
    }
    return false;
}

static weir_status bind_batch(w_graph *g, w_id v, int64_t batch, bool open, weir_error *e) {
    const w_shape *s = &g->value[v].shape;
    if (!s->known)
        return w_fail(e, WEIR_BAD_INPUT, "%s: input '%s' has no shape", g->source, w_value_name(g, v));
    if (s->rank == 0)
        return WEIR_OK;
    if (s->dim[0] < 0)
        return w_graph_bind(g, symbol_name(g, s->dim[0]), batch ? batch : 1, e);
    if (batch && !open && batch != s->dim[0])
        return w_fail(e, WEIR_USAGE, "batch %" PRId64 ": the first dimension of input '%s' is fixed at %" PRId64, batch,
                      w_value_name(g, v), s->dim[0]);
    return WEIR_OK;
}

static weir_status check_bound(const w_graph *g, w_id v, weir_error *e) {
    const w_shape *s = &g->value[v].shape;
    for (int d = 0; d < s->rank; d++)
        if (s->dim[d] < 0)
            return w_fail(e, WEIR_USAGE, "dimension %d ('%s') of input '%s' is open: give it with --shape %s:AxBx...", d,
                          symbol_name(g, s->dim[d]), w_value_name(g, v), w_value_name(g, v));
    return WEIR_OK;
}

weir_status w_plan_bind(w_graph *g, const weir_session_options *so, weir_error *e) {
    if (so->batch < 0 || so->batch > W_MAX_DIM)
        return w_fail(e, WEIR_USAGE, "batch %" PRId64 ": expected 1 to %" PRId64, so->batch, W_MAX_DIM);
    for (size_t i = 0; i < so->nshapes; i++)
        W_TRY(bind_text(g, so->shapes[i], e));
    bool open = any_open(g);
    for (size_t i = 0; i < g->ninput; i++)
        W_TRY(bind_batch(g, g->input[i], so->nshapes ? 0 : so->batch, open, e));
    for (size_t i = 0; i < g->ninput; i++)
        W_TRY(check_bound(g, g->input[i], e));
    return WEIR_OK;
}
