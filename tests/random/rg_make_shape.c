/* Makers of reductions and of what moves elements or only renames them. On a value whose first axis is the symbolic batch they
 * leave that axis alone. */
#include "rg.h"
#include <string.h>

/* First axis that may be touched. */
static int first_axis(const rg_value *v) { return v->batch ? 1 : 0; }

static int some_axis(rg_graph *g, const rg_value *v) { return v->rank > first_axis(v) ? rg_range(g, first_axis(v), v->rank - 1) : -1; }

/* The axis counted from the end at times, where the version of the operator allows it. */
static int64_t signed_axis(rg_graph *g, int axis, int rank) { return g->opset >= 11 && rg_chance(g, 30) ? axis - rank : axis; }

/* Some axes from `lo` on, at least one, in order. */
static int some_axes(rg_graph *g, int lo, int rank, int64_t axes[RG_RANK]) {
    int n = 0;
    for (int i = lo; i < rank; i++)
        if (rg_chance(g, 45)) axes[n++] = i;
    if (n == 0 && lo < rank) axes[n++] = rg_range(g, lo, rank - 1);
    return n;
}

/* Attribute before version `since`, operand from it on; ints may be empty. */
static rg_op *with_ints(rg_graph *g, const char *op, int x, const char *name, int since, int n, const int64_t *v) {
    int in[2] = {x, -1};
    bool operand = g->opset >= since;
    if (operand) in[1] = rg_ints(g, n, v);
    rg_op *node = rg_add(g, op, operand ? 2 : 1, in, 1);
    if (!operand) rg_set_ints(node, name, n, v);
    return node;
}

int rg_make_reduce(rg_graph *g, int x) {
    static const char *const ops[] = {"ReduceMean", "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"};
    const rg_value v = g->value[x];
    const char *op = ops[rg_pick(g, 5)];
    int64_t axes[RG_RANK];
    int since = strcmp(op, "ReduceSum") == 0 ? 13 : 18, n = some_axes(g, first_axis(&v), v.rank, axes);
    if (n == 0 || !rg_real(v.type) || v.mag > 50) return -1;
    for (int i = 0; i < n; i++) axes[i] = signed_axis(g, (int)axes[i], v.rank);
    bool all = !v.batch && rg_chance(g, 15);
    rg_op *node = all ? rg_add(g, op, 1, &x, 1) : with_ints(g, op, x, "axes", since, n, axes);
    if (rg_chance(g, 60)) rg_set_i(node, "keepdims", rg_chance(g, 40));
    return rg_done(g, node, v.mag * (since == 13 ? 4 : 1));
}

int rg_make_argmax(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    int axis = some_axis(g, &v);
    if (axis < 0 || !rg_real(v.type)) return -1;
    rg_op *n = rg_add(g, rg_chance(g, 85) ? "ArgMax" : "ArgMin", 1, &x, 1);
    rg_set_i(n, "axis", signed_axis(g, axis, v.rank));
    if (rg_chance(g, 60)) rg_set_i(n, "keepdims", rg_chance(g, 40));
    if (g->opset >= 12 && rg_chance(g, 25)) rg_set_i(n, "select_last_index", 1);
    int y = rg_done(g, n, v.mag);
    if (y < 0 || g->real != RG_F32 || rg_chance(g, 60)) return y;
    int64_t dim[2] = {v.dim[axis], rg_range(g, 1, 6)}; /* rows of a table */
    return rg_simple(g, "Gather", rg_const(g, RG_F32, 2, dim, -1, 1), y, 1);
}

/* ---- joining and cutting ---- */

static bool alike(const rg_value *a, const rg_value *b, int axis) {
    if (a->type != b->type || a->rank != b->rank || a->batch != b->batch || b->kind == RG_CONST) return false;
    for (int i = 0; i < a->rank; i++)
        if (i != axis && a->dim[i] != b->dim[i]) return false;
    return true;
}

int rg_make_concat(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    int in[RG_IN] = {x}, n = 1, most = rg_range(g, 1, 4), axis = some_axis(g, &v);
    if (axis < 0) return -1;
    for (int tries = 0; tries < 16 && n < most; tries++) {
        int y = rg_pick(g, g->nvalue);
        if (alike(&v, &g->value[y], axis)) in[n++] = y;
    }
    if (n < most && !v.batch && rg_real(v.type)) in[n++] = rg_const(g, v.type, v.rank, v.dim, -1, 1);
    if (rg_chance(g, 20)) {
        int t = in[0];
        in[0] = in[n - 1], in[n - 1] = t;
    }
    rg_op *c = rg_add(g, "Concat", n, in, 1);
    rg_set_i(c, "axis", signed_axis(g, axis, v.rank));
    return rg_done(g, c, v.mag);
}

int rg_make_split(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    int axis = some_axis(g, &v), n = rg_range(g, 1, 3), in[2] = {x, -1};
    if (axis < 0 || v.dim[axis] < n) return -1;
    bool even = v.dim[axis] % n == 0 && rg_chance(g, 50), listed = !even || rg_chance(g, 50);
    int64_t parts[RG_OUT], left = v.dim[axis];
    for (int i = 0; i < n; i++) {
        parts[i] = even ? v.dim[axis] / n : i + 1 == n ? left : rg_range(g, 1, (int)left - (n - 1 - i));
        left -= parts[i];
    }
    bool operand = listed && g->opset >= 13;
    if (operand) in[1] = rg_ints(g, n, parts);
    rg_op *s = rg_add(g, "Split", operand ? 2 : 1, in, n);
    if (listed && !operand) rg_set_ints(s, "split", n, parts);
    if (!listed && g->opset >= 18) rg_set_i(s, "num_outputs", n);
    if (axis || rg_chance(g, 50)) rg_set_i(s, "axis", signed_axis(g, axis, v.rank));
    int y = rg_done(g, s, v.mag);
    return y < 0 ? -1 : s->out[rg_pick(g, n)];
}

/* Ends of one axis: at times beyond it, negative, or backwards. */
static void cut_axis(rg_graph *g, int64_t size, int64_t *from, int64_t *to, int64_t *step) {
    *step = rg_chance(g, 70) ? 1 : rg_range(g, 2, 3);
    *from = rg_pick(g, (int)size);
    *to = rg_range(g, (int)*from + 1, (int)size);
    if (rg_chance(g, 25)) *to = rg_chance(g, 50) ? INT64_MAX : INT32_MAX;
    else if (rg_chance(g, 20) && *to < size) *to -= size;
    if (rg_chance(g, 20)) *from -= size;
    if (g->opset >= 10 && rg_chance(g, 12)) *step = -*step, *from = rg_chance(g, 50) ? -1 : size - 1, *to = rg_chance(g, 60) ? INT64_MIN : 0;
}

int rg_make_slice(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    int64_t axes[RG_RANK], from[RG_RANK], to[RG_RANK], step[RG_RANK];
    int n = some_axes(g, first_axis(&v), v.rank, axes), in[5] = {x, -1, -1, -1, -1};
    if (n == 0) return -1;
    bool steps = false;
    for (int i = 0; i < n; i++) {
        cut_axis(g, v.dim[axes[i]], &from[i], &to[i], &step[i]);
        if (g->opset < 10) step[i] = 1;
        steps |= step[i] != 1;
    }
    if (g->opset < 10) {
        rg_op *s = rg_add(g, "Slice", 1, &x, 1);
        rg_set_ints(s, "starts", n, from);
        rg_set_ints(s, "ends", n, to);
        rg_set_ints(s, "axes", n, axes);
        return rg_done(g, s, v.mag);
    }
    for (int i = 0; i < n; i++) axes[i] = signed_axis(g, (int)axes[i], v.rank);
    in[1] = rg_ints(g, n, from), in[2] = rg_ints(g, n, to), in[3] = rg_ints(g, n, axes);
    if (steps) in[4] = rg_ints(g, n, step);
    return rg_done(g, rg_add(g, "Slice", steps ? 5 : 4, in, 1), v.mag);
}

int rg_make_pad(rg_graph *g, int x) {
    static const char *const modes[] = {"constant", "constant", "constant", "reflect", "edge", "wrap"};
    const rg_value v = g->value[x];
    int in[4] = {x, -1, -1, -1}, lo = first_axis(&v);
    if (!rg_real(v.type) || v.rank < 1) return -1;
    const char *mode = modes[rg_pick(g, g->opset >= 19 ? 6 : 5)];
    int64_t pads[2 * RG_RANK] = {0}, axes[RG_RANK], part[2 * RG_RANK];
    bool zeros = strcmp(mode, "constant") == 0;
    for (int i = v.rank > 2 && rg_chance(g, 80) ? 2 : lo; i < v.rank; i++) {
        pads[i] = rg_pick(g, 3), pads[i + v.rank] = rg_pick(g, 3);
        if (zeros && rg_chance(g, 8) && v.dim[i] > 2) pads[i] = -1; /* negative: cuts */
    }
    if (g->opset < 11) {
        rg_op *n = rg_add(g, "Pad", 1, &x, 1);
        rg_set_ints(n, "pads", 2 * v.rank, pads);
        if (!zeros || rg_chance(g, 50)) rg_set_s(n, "mode", mode);
        if (zeros && rg_chance(g, 40)) rg_set_f(n, "value", 0.5f);
        return rg_done(g, n, v.mag);
    }
    bool some = g->opset >= 18 && rg_chance(g, 30);
    int n = some ? some_axes(g, lo, v.rank, axes) : 0;
    for (int i = 0; i < n; i++) part[i] = pads[axes[i]], part[i + n] = pads[axes[i] + v.rank];
    in[1] = some && n ? rg_ints(g, 2 * n, part) : rg_ints(g, 2 * v.rank, pads);
    if (zeros && rg_chance(g, 40)) in[2] = rg_scalar(g, v.type, 0.5);
    if (some && n) in[3] = rg_ints(g, n, axes);
    rg_op *p = rg_add(g, "Pad", in[3] >= 0 ? 4 : in[2] >= 0 ? 3 : 2, in, 1);
    if (!zeros || rg_chance(g, 50)) rg_set_s(p, "mode", mode);
    return rg_done(g, p, v.mag);
}

/* ---- other names for the same elements ---- */

int rg_make_reshape(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    int64_t dim[RG_RANK], left = 1;
    int rank = 0, lo = first_axis(&v), most = rg_range(g, 1, 4);
    for (int i = lo; i < v.rank; i++) left *= v.dim[i];
    if (v.batch) dim[rank++] = rg_chance(g, 60) || v.dim[0] != g->batch ? 0 : -1;
    for (int i = 1; i < most && rank < RG_RANK - 1; i++) {
        int64_t d = rg_range(g, 1, 6);
        while (left % d) d--;
        dim[rank++] = d;
        left /= d;
    }
    dim[rank++] = left;
    bool open = v.batch && dim[0] == -1;
    if (!open && rg_chance(g, 40)) dim[rank - 1] = -1;
    return rg_simple(g, "Reshape", x, rg_ints(g, rank, dim), v.mag);
}

int rg_make_flatten(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    if (v.rank < 1 || (g->opset < 9 && v.type != RG_F32 && v.type != RG_F16)) return -1; /* only floats then */
    rg_op *n = rg_add(g, "Flatten", 1, &x, 1);
    if (v.batch ? rg_chance(g, 40) : rg_chance(g, 60)) {
        int axis = v.batch ? 1 : rg_range(g, 0, v.rank);
        rg_set_i(n, "axis", axis < v.rank ? signed_axis(g, axis, v.rank) : axis);
    }
    return rg_done(g, n, v.mag);
}

int rg_make_transpose(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    int64_t perm[RG_RANK];
    for (int i = 0; i < v.rank; i++) perm[i] = i;
    for (int i = first_axis(&v); i + 1 < v.rank; i++) {
        int k = rg_range(g, i, v.rank - 1);
        int64_t t = perm[i];
        perm[i] = perm[k], perm[k] = t;
    }
    if (v.rank == 4 && rg_chance(g, 40)) { /* between the two orders of images */
        static const int64_t last[] = {0, 2, 3, 1}, first[] = {0, 3, 1, 2};
        memcpy(perm, rg_chance(g, 60) ? last : first, sizeof last);
    }
    rg_op *n = rg_add(g, "Transpose", 1, &x, 1);
    if (v.batch || v.rank < 2 || rg_chance(g, 85)) rg_set_ints(n, "perm", v.rank, perm);
    return rg_done(g, n, v.mag);
}

int rg_make_unsqueeze(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    int64_t axes[2];
    int n = v.rank + 2 <= RG_RANK && rg_chance(g, 30) ? 2 : 1, lo = first_axis(&v);
    if (v.rank + n > RG_RANK) return -1;
    axes[0] = rg_range(g, lo, v.rank);
    axes[1] = axes[0] + 1;
    for (int i = 0; i < n; i++) axes[i] = signed_axis(g, (int)axes[i], v.rank + n);
    return rg_done(g, with_ints(g, "Unsqueeze", x, "axes", 13, n, axes), v.mag);
}

int rg_make_squeeze(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    int64_t axes[RG_RANK];
    int n = 0;
    for (int i = first_axis(&v); i < v.rank; i++)
        if (v.dim[i] == 1 && rg_chance(g, 70)) axes[n++] = signed_axis(g, i, v.rank);
    if (n == 0) return -1;
    if (!v.batch && rg_chance(g, 15)) return rg_simple(g, "Squeeze", x, -1, v.mag);
    return rg_done(g, with_ints(g, "Squeeze", x, "axes", 13, n, axes), v.mag);
}

int rg_make_expand(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    int64_t dim[RG_RANK];
    int more = v.batch || v.rank == RG_RANK ? 0 : rg_chance(g, 25), rank = v.rank + more, lo = first_axis(&v);
    if (g->opset < 8) return -1;
    for (int i = 0; i < rank; i++) {
        int64_t own = i < more ? 1 : v.dim[i - more];
        dim[i] = i >= lo && own == 1 && rg_chance(g, 60) ? rg_range(g, 1, 4) : rg_chance(g, 30) || i < lo ? 1 : own;
    }
    return rg_simple(g, "Expand", x, rg_ints(g, rank, dim), v.mag);
}

int rg_make_gather(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    int axis = some_axis(g, &v), rank = rg_pick(g, 3);
    int64_t index[16], dim[2] = {rg_range(g, 1, 4), rg_range(g, 1, 3)};
    if (axis < 0 || v.rank + rank - 1 > RG_RANK) return -1;
    int64_t n = rank == 0 ? 1 : rank == 1 ? dim[0] : dim[0] * dim[1];
    for (int64_t i = 0; i < n; i++) index[i] = rg_pick(g, (int)v.dim[axis]) - (g->opset >= 11 && rg_chance(g, 25) ? v.dim[axis] : 0);
    int list = rg_ints(g, (int)n, index);
    g->value[list].rank = rank;
    memcpy(g->value[list].dim, dim, sizeof dim);
    int in[2] = {x, list};
    rg_op *node = rg_add(g, "Gather", 2, in, 1);
    if (axis || rg_chance(g, 50)) rg_set_i(node, "axis", signed_axis(g, axis, v.rank));
    return rg_done(g, node, v.mag);
}

/* Shape, Gather, Unsqueeze, Concat, Reshape: how exporters flatten. */
int rg_make_shaped(rg_graph *g, int x) {
    const rg_value v = g->value[x];
    int64_t zero = 0, rest = -1;
    if (v.rank < 2) return -1;
    int s = rg_simple(g, "Shape", x, -1, 1);
    if (s < 0) return -1;
    int first = rg_scalar(g, RG_S64, 0), in[2] = {s, first};
    rg_op *n = rg_add(g, "Gather", 2, in, 1);
    rg_set_i(n, "axis", 0);
    s = rg_done(g, n, 1);
    if (s < 0) return -1;
    s = rg_done(g, with_ints(g, "Unsqueeze", s, "axes", 13, 1, &zero), 1);
    if (s < 0) return -1;
    int both[2] = {s, rg_ints(g, 1, &rest)};
    n = rg_add(g, "Concat", 2, both, 1);
    rg_set_i(n, "axis", 0);
    s = rg_done(g, n, 1);
    int64_t *data = rg_alloc(g, 2 * sizeof *data);
    if (s < 0 || !data) return -1;
    data[0] = v.dim[0], data[1] = -1;
    g->value[s].data = data;
    return rg_simple(g, "Reshape", x, s, v.mag);
}
