/* Shape rules that recur: broadcasting, axes, sliding windows. Symbols (negative dims) agree with anything that binding could
 * make equal; the rules run again on bound shapes. */
#include "op_util.h"
#include <stdio.h>
#include <string.h>

const char *w_shape_text(const w_graph *g, const w_shape *s, char buf[W_SHAPE_TEXT]) {
    size_t at = 0;
    buf[at++] = '[';
    for (int i = 0; i < s->rank && at < W_SHAPE_TEXT - 40; i++) {
        int64_t d = s->dim[i];
        const char *comma = i ? ", " : "";
        if (d >= 0) at += (size_t)snprintf(buf + at, 24, "%s%lld", comma, (long long)d);
        else at += (size_t)snprintf(buf + at, 24, "%s%.16s", comma, (uint64_t)(-(d + 1)) < g->nsymbol ? g->symbol[-(d + 1)] : "?");
    }
    snprintf(buf + at, W_SHAPE_TEXT - at, "]");
    return buf;
}

bool w_dim_is_symbol(int64_t d) { return d < 0; }

bool w_dims_agree(int64_t a, int64_t b) { return a == b || a < 0 || b < 0; }

int64_t w_dim_pick(int64_t a, int64_t b) { return a < 0 && b >= 0 ? b : a; }

static bool broadcast_dim(int64_t a, int64_t b, int64_t *r) {
    if (a == 1 || a == b) *r = b;
    else if (b == 1) *r = a;
    else if (a < 0 || b < 0) *r = w_dim_pick(a, b);
    else return false;
    return true;
}

weir_status w_broadcast(const w_graph *g, const w_node *n, const w_shape *a, const w_shape *b, w_shape *out, weir_error *e) {
    w_shape r = {.rank = W_MAX(a->rank, b->rank), .known = true};
    for (int i = 0; i < r.rank; i++) {
        int ia = i - (r.rank - a->rank), ib = i - (r.rank - b->rank);
        if (broadcast_dim(ia < 0 ? 1 : a->dim[ia], ib < 0 ? 1 : b->dim[ib], &r.dim[i])) continue;
        char ta[W_SHAPE_TEXT], tb[W_SHAPE_TEXT];
        return w_node_fail(e, g, n, "shapes %s and %s do not broadcast: %lld and %lld on axis %d, expected equal or 1",
                           w_shape_text(g, a, ta), w_shape_text(g, b, tb), (long long)a->dim[ia], (long long)b->dim[ib], i);
    }
    *out = r;
    return WEIR_OK;
}

bool w_shape_positive(const w_shape *s) {
    for (int i = 0; i < s->rank; i++)
        if (s->dim[i] == 0) return false;
    return true;
}

weir_status w_axis(const w_graph *g, const w_node *n, int64_t axis, int rank, int *out, weir_error *e) {
    if (axis < -rank || axis >= rank)
        return w_node_fail(e, g, n, "axis is %lld, expected %d to %d", (long long)axis, -rank, rank - 1);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return WEIR_OK;
}

weir_status w_axis_mask(const w_graph *g, const w_node *n, const int64_t *axes, uint32_t count, int rank, unsigned *mask, weir_error *e) {
    *mask = 0;
    for (uint32_t i = 0; i < count; i++) {
        int axis = 0;
        W_TRY(w_axis(g, n, axes[i], rank, &axis, e));
        if (*mask & 1u << axis) return w_node_fail(e, g, n, "axis %d is given twice", axis);
        *mask |= 1u << axis;
    }
    return WEIR_OK;
}

uint32_t w_axis_mask_unchecked(const int64_t *axes, uint32_t count, int rank) {
    uint32_t mask = 0;
    for (uint32_t i = 0; i < count; i++) {
        int64_t a = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (a >= 0 && a < rank) mask |= 1u << a;
    }
    return mask;
}

weir_status w_check_dim_equal(const w_graph *g, const w_node *n, const char *what, int64_t found, const char *other, int64_t expected,
                              weir_error *e) {
    if (w_dims_agree(found, expected)) return WEIR_OK;
    return w_node_fail(e, g, n, "%s is %lld, expected %lld as %s", what, (long long)found, (long long)expected, other);
}

/* ---- windows ---- */

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static bool auto_same(const char *a) { return a && strncmp(a, "SAME_", 5) == 0; }

/* Extents of one axis once kernel, stride, dilation and explicit pads are set. All are below 2^31 and >= 0. */
static void window_axis(const w_window_spec *spec, w_window *win, int i) {
    int64_t reach = (win->k[i] - 1) * win->d[i] + 1, in = win->in[i], s = win->s[i];
    if (auto_same(spec->auto_pad)) {
        int64_t out = ceil_div(in, s), total = W_MAX((out - 1) * s + reach - in, 0);
        win->lo[i] = strcmp(spec->auto_pad, "SAME_LOWER") == 0 ? total - total / 2 : total / 2;
        win->hi[i] = total - win->lo[i];
        win->out[i] = out;
        return;
    }
    int64_t room = in + win->lo[i] + win->hi[i] - reach;
    if (room < 0) {
        win->out[i] = 0;
        return;
    }
    win->out[i] = (spec->ceil_mode ? ceil_div(room, s) : room / s) + 1;
    if (spec->ceil_mode && (win->out[i] - 1) * s >= in + win->lo[i]) win->out[i]--; /* a window must start inside */
}

static int64_t int_or(const w_ints *a, uint32_t i, int64_t missing) { return a && a->n > i ? a->v[i] : missing; }

void w_window_get(const w_window_spec *spec, const w_shape *x, const w_shape *w, w_window *win) {
    int nsp = x->rank - 2;
    *win = (w_window){.nsp = nsp};
    for (int i = 0; i < 3; i++) win->in[i] = win->out[i] = win->k[i] = win->s[i] = win->d[i] = 1;
    bool explicit_pads = !spec->auto_pad || strcmp(spec->auto_pad, "NOTSET") == 0;
    for (int i = 0; i < nsp; i++) {
        int j = 3 - nsp + i;
        uint32_t u = (uint32_t)i;
        win->in[j] = x->dim[2 + i];
        win->k[j] = w ? w->dim[2 + i] : int_or(spec->kernel, u, 1);
        win->s[j] = int_or(spec->strides, u, 1);
        win->d[j] = int_or(spec->dilations, u, 1);
        win->lo[j] = explicit_pads ? int_or(spec->pads, u, 0) : 0;
        win->hi[j] = explicit_pads ? int_or(spec->pads, u + (uint32_t)nsp, 0) : 0;
        window_axis(spec, win, j);
    }
}

static weir_status check_list(const w_graph *g, const w_node *n, const w_ints *a, const char *what, uint32_t expected, int64_t lo,
                              weir_error *e) {
    if (!a || !a->n) return WEIR_OK;
    if (a->n != expected) return w_node_fail(e, g, n, "%s has %u entries, expected %u", what, a->n, expected);
    for (uint32_t i = 0; i < a->n; i++)
        if (a->v[i] < lo || a->v[i] > W_MAX_DIM)
            return w_node_fail(e, g, n, "%s[%u] is %lld, expected %lld to %lld", what, i, (long long)a->v[i], (long long)lo,
                               (long long)W_MAX_DIM);
    return WEIR_OK;
}

static weir_status check_auto_pad(const w_graph *g, const w_node *n, const w_window_spec *spec, weir_error *e) {
    const char *a = spec->auto_pad;
    if (!a || strcmp(a, "NOTSET") == 0) return WEIR_OK;
    if (strcmp(a, "SAME_UPPER") != 0 && strcmp(a, "SAME_LOWER") != 0 && strcmp(a, "VALID") != 0)
        return w_node_fail(e, g, n, "auto_pad is '%.40s', expected NOTSET, SAME_UPPER, SAME_LOWER or VALID", a);
    for (uint32_t i = 0; spec->pads && i < spec->pads->n; i++)
        if (spec->pads->v[i]) return w_node_fail(e, g, n, "auto_pad %s and pads exclude each other", a);
    return WEIR_OK;
}

weir_status w_window_check(const w_graph *g, const w_node *n, const w_window_spec *spec, const w_shape *x, const w_shape *w, w_window *win,
                           weir_error *e) {
    uint32_t nsp = (uint32_t)x->rank - 2u;
    W_TRY(check_list(g, n, spec->kernel, "kernel_shape", nsp, 1, e));
    W_TRY(check_list(g, n, spec->strides, "strides", nsp, 1, e));
    W_TRY(check_list(g, n, spec->dilations, "dilations", nsp, 1, e));
    W_TRY(check_list(g, n, spec->pads, "pads", 2 * nsp, 0, e));
    W_TRY(check_auto_pad(g, n, spec, e));
    if (!w && (!spec->kernel || !spec->kernel->n)) return w_node_fail(e, g, n, "required attribute kernel_shape is missing");
    for (uint32_t i = 0; w && spec->kernel && i < spec->kernel->n; i++)
        if (spec->kernel->v[i] != w->dim[2 + i])
            return w_node_fail(e, g, n, "kernel_shape[%u] is %lld, W has %lld there", i, (long long)spec->kernel->v[i],
                               (long long)w->dim[2 + i]);
    w_window_get(spec, x, w, win);
    for (int i = 3 - (int)nsp; i < 3; i++) {
        int64_t reach = (win->k[i] - 1) * win->d[i] + 1;
        if (win->out[i] < 1)
            return w_node_fail(e, g, n, "the kernel spans %lld on spatial axis %d, the padded input has only %lld", (long long)reach,
                               i - 3 + (int)nsp, (long long)(win->in[i] + win->lo[i] + win->hi[i]));
    }
    return WEIR_OK;
}
