/* ONNX's shape rules, written from its specification: what a node of a random graph gives, or that it is not valid. Operands
 * that say a shape (Reshape's second ...) carry their numbers, constants or not. */
#include "rg.h"
#include <string.h>

static const rg_value *in(const rg_graph *g, const rg_op *n, int i) { return i < n->nin && n->in[i] >= 0 ? &g->value[n->in[i]] : NULL; }

static bool give(rg_graph *g, rg_op *n, int o, int type, int rank, const int64_t *dim) {
    rg_value *v = &g->value[n->out[o]];
    if (rank > RG_RANK) return false;
    v->type = type;
    v->rank = rank;
    for (int i = 0; i < rank; i++) v->dim[i] = dim[i];
    return true;
}

static bool like_first(rg_graph *g, rg_op *n) { return give(g, n, 0, in(g, n, 0)->type, in(g, n, 0)->rank, in(g, n, 0)->dim); }

/* An axis in [0, rank), or -1. */
static int axis_of(int64_t axis, int rank) { return (int)(axis < -rank || axis >= rank ? -1 : axis < 0 ? axis + rank : axis); }

/* Numbers of an attribute, or else of operand `i`; the count, or -1 where there are none. */
static int numbers(const rg_graph *g, const rg_op *n, const char *name, int i, int64_t out[RG_INTS]) {
    const rg_attr *a = rg_get(n, name);
    const rg_value *v = in(g, n, i);
    int count = a ? a->n : v && v->data && v->rank < 2 ? (int)rg_count(v) : -1;
    if (count > RG_INTS) return -1;
    for (int k = 0; k < count; k++) out[k] = a ? a->i[k] : ((const int64_t *)v->data)[k];
    return count;
}

/* ---- windows ---- */

typedef struct axis_window { int64_t k, s, d, lo, hi; } axis_window;

static axis_window window_at(const rg_op *n, int sp, int axis, int64_t k) {
    const rg_attr *s = rg_get(n, "strides"), *d = rg_get(n, "dilations"), *p = rg_get(n, "pads");
    return (axis_window){k, s ? s->i[axis] : 1, d ? d->i[axis] : 1, p ? p->i[axis] : 0, p ? p->i[axis + sp] : 0};
}

static int64_t slide(const rg_op *n, const axis_window *w, int64_t size, bool *ok) {
    const rg_attr *pad = rg_get(n, "auto_pad");
    int64_t span = (w->k - 1) * w->d + 1, room = size + w->lo + w->hi - span;
    if (pad && strncmp(pad->s, "SAME", 4) == 0) return (size + w->s - 1) / w->s;
    if (room < 0) *ok = false;
    if (room < 0 || !rg_get_i(n, "ceil_mode", 0)) return room / w->s + 1;
    int64_t out = (room + w->s - 1) / w->s + 1;
    if ((out - 1) * w->s >= size + w->lo) *ok = false; /* a window that begins behind the image: versions of ONNX disagree */
    return out;
}

static bool window(rg_graph *g, rg_op *n, const int64_t *kernel, int64_t channels, int type) {
    const rg_value *x = in(g, n, 0);
    int64_t dim[RG_RANK] = {x->dim[0], channels};
    bool ok = x->rank >= 3 && x->rank <= 5;
    for (int i = 2; ok && i < x->rank; i++) {
        axis_window w = window_at(n, x->rank - 2, i - 2, kernel[i - 2]);
        dim[i] = slide(n, &w, x->dim[i], &ok);
    }
    for (int o = 1; ok && o < n->nout; o++) ok = give(g, n, o, RG_S64, x->rank, dim);
    return ok && give(g, n, 0, type, x->rank, dim);
}

static bool conv(rg_graph *g, rg_op *n) {
    const rg_value *x = in(g, n, 0), *w = in(g, n, 1), *b = in(g, n, 2);
    int64_t group = rg_get_i(n, "group", 1);
    if (x->rank != w->rank || w->dim[1] * group != x->dim[1] || w->dim[0] % group || (b && b->dim[0] != w->dim[0])) return false;
    return window(g, n, w->dim + 2, w->dim[0], x->type);
}

static bool pool(rg_graph *g, rg_op *n) { return window(g, n, rg_get(n, "kernel_shape")->i, in(g, n, 0)->dim[1], in(g, n, 0)->type); }

static bool global(rg_graph *g, rg_op *n) {
    int64_t dim[RG_RANK] = {in(g, n, 0)->dim[0], in(g, n, 0)->dim[1], 1, 1, 1, 1};
    return in(g, n, 0)->rank >= 3 && give(g, n, 0, in(g, n, 0)->type, in(g, n, 0)->rank, dim);
}

/* ---- broadcasting and products ---- */

static bool join(int64_t *dim, int *rank, const int64_t *other, int orank) {
    int r = *rank > orank ? *rank : orank;
    int64_t out[RG_RANK];
    for (int i = 0; i < r; i++) {
        int64_t a = i < r - *rank ? 1 : dim[i - (r - *rank)], b = i < r - orank ? 1 : other[i - (r - orank)];
        if (a != b && a != 1 && b != 1) return false;
        out[i] = a == 1 ? b : a;
    }
    memcpy(dim, out, (size_t)r * sizeof *dim);
    *rank = r;
    return true;
}

static bool broadcast(rg_graph *g, rg_op *n) {
    int64_t dim[RG_RANK];
    int rank = 0;
    for (int i = 0; i < n->nin; i++) {
        if (in(g, n, i)->type != in(g, n, 0)->type || !join(dim, &rank, in(g, n, i)->dim, in(g, n, i)->rank)) return false;
    }
    return give(g, n, 0, in(g, n, 0)->type, rank, dim);
}

static bool gemm(rg_graph *g, rg_op *n) {
    const rg_value *a = in(g, n, 0), *b = in(g, n, 1), *c = in(g, n, 2);
    int ta = rg_get_i(n, "transA", 0) != 0, tb = rg_get_i(n, "transB", 0) != 0, rank = 2;
    if (a->rank != 2 || b->rank != 2 || a->dim[!ta] != b->dim[tb]) return false;
    int64_t dim[RG_RANK] = {a->dim[ta], b->dim[!tb]};
    if (c && (!join(dim, &rank, c->dim, c->rank) || rank != 2 || dim[0] != a->dim[ta] || dim[1] != b->dim[!tb])) return false;
    return give(g, n, 0, a->type, 2, dim);
}

static bool matmul(rg_graph *g, rg_op *n) {
    const rg_value *a = in(g, n, 0), *b = in(g, n, 1);
    if (a->rank < 1 || b->rank < 1) return false;
    bool row = a->rank == 1, column = b->rank == 1;
    int64_t inner = a->dim[a->rank - 1], other = column ? b->dim[0] : b->dim[b->rank - 2], dim[RG_RANK] = {0};
    int rank = 0;
    if (inner != other) return false;
    if (!join(dim, &rank, a->dim, row ? 0 : a->rank - 2) || !join(dim, &rank, b->dim, column ? 0 : b->rank - 2) || rank > RG_RANK - 2) return false;
    if (!row) dim[rank++] = a->dim[a->rank - 2];
    if (!column) dim[rank++] = b->dim[b->rank - 1];
    return give(g, n, 0, a->type, rank, dim);
}

/* ---- axes ---- */

static bool reduce(rg_graph *g, rg_op *n) {
    const rg_value *x = in(g, n, 0);
    bool arg = strncmp(n->op, "Arg", 3) == 0, gone[RG_RANK] = {false}, keep = rg_get_i(n, "keepdims", 1) != 0;
    int64_t axes[RG_INTS], dim[RG_RANK];
    int count = arg ? 1 : numbers(g, n, "axes", 1, axes), rank = 0;
    if (arg) axes[0] = rg_get_i(n, "axis", 0);
    if (count <= 0 && rg_get_i(n, "noop_with_empty_axes", 0)) return like_first(g, n);
    for (int i = 0; i < x->rank && count <= 0; i++) gone[i] = true;
    for (int i = 0; i < count; i++) {
        int at = axis_of(axes[i], x->rank);
        if (at < 0 || gone[at]) return false;
        gone[at] = true;
    }
    for (int i = 0; i < x->rank; i++)
        if (!gone[i] || keep) dim[rank++] = gone[i] ? 1 : x->dim[i];
    return give(g, n, 0, arg ? RG_S64 : x->type, rank, dim);
}

static bool squeeze(rg_graph *g, rg_op *n) {
    const rg_value *x = in(g, n, 0);
    bool gone[RG_RANK] = {false};
    int64_t axes[RG_INTS], dim[RG_RANK];
    int count = numbers(g, n, "axes", 1, axes), rank = 0;
    for (int i = 0; i < count; i++) {
        int at = axis_of(axes[i], x->rank);
        if (at < 0 || gone[at] || x->dim[at] != 1) return false;
        gone[at] = true;
    }
    for (int i = 0; i < x->rank; i++)
        if (!(count < 0 ? x->dim[i] == 1 : gone[i])) dim[rank++] = x->dim[i];
    return give(g, n, 0, x->type, rank, dim);
}

static bool unsqueeze(rg_graph *g, rg_op *n) {
    const rg_value *x = in(g, n, 0);
    bool made[RG_RANK] = {false};
    int64_t axes[RG_INTS], dim[RG_RANK];
    int count = numbers(g, n, "axes", 1, axes), rank = x->rank + count, from = 0;
    if (count < 1 || rank > RG_RANK) return false;
    for (int i = 0; i < count; i++) {
        int at = axis_of(axes[i], rank);
        if (at < 0 || made[at]) return false;
        made[at] = true;
    }
    for (int i = 0; i < rank; i++) dim[i] = made[i] ? 1 : x->dim[from++];
    return give(g, n, 0, x->type, rank, dim);
}

static bool flatten(rg_graph *g, rg_op *n) {
    const rg_value *x = in(g, n, 0);
    int64_t axis = rg_get_i(n, "axis", 1), dim[2] = {1, 1};
    if (axis < 0) axis += x->rank;
    if (axis < 0 || axis > x->rank) return false;
    for (int i = 0; i < x->rank; i++) dim[i >= axis] *= x->dim[i];
    return give(g, n, 0, x->type, 2, dim);
}

static bool transpose(rg_graph *g, rg_op *n) {
    const rg_value *x = in(g, n, 0);
    const rg_attr *perm = rg_get(n, "perm");
    int64_t dim[RG_RANK];
    if (perm && perm->n != x->rank) return false;
    for (int i = 0; i < x->rank; i++) dim[i] = x->dim[perm ? perm->i[i] : x->rank - 1 - i];
    return give(g, n, 0, x->type, x->rank, dim);
}

static bool reshape(rg_graph *g, rg_op *n) {
    const rg_value *x = in(g, n, 0);
    int64_t want[RG_INTS], known = 1;
    int rank = numbers(g, n, "", 1, want), open = -1;
    if (rank < 0 || rank > RG_RANK) return false;
    for (int i = 0; i < rank; i++) {
        if (want[i] == 0 && (i >= x->rank || rg_get_i(n, "allowzero", 0))) return false;
        if (want[i] == 0) want[i] = x->dim[i];
        if (want[i] == -1 && open >= 0) return false;
        if (want[i] == -1) open = i;
        else known *= want[i];
    }
    if (open >= 0) want[open] = rg_count(x) / known;
    if (known * (open >= 0 ? want[open] : 1) != rg_count(x)) return false;
    return give(g, n, 0, x->type, rank, want);
}

static bool expand(rg_graph *g, rg_op *n) {
    int64_t want[RG_INTS];
    int rank = numbers(g, n, "", 1, want);
    if (rank < 0 || rank > RG_RANK || !join(want, &rank, in(g, n, 0)->dim, in(g, n, 0)->rank)) return false;
    return give(g, n, 0, in(g, n, 0)->type, rank, want);
}

static bool concat(rg_graph *g, rg_op *n) {
    const rg_value *x = in(g, n, 0);
    int axis = axis_of(rg_get_i(n, "axis", 0), x->rank);
    if (axis < 0) return false;
    int64_t dim[RG_RANK];
    memcpy(dim, x->dim, sizeof dim);
    for (int i = 1; i < n->nin; i++) {
        const rg_value *y = in(g, n, i);
        if (y->rank != x->rank || y->type != x->type) return false;
        for (int k = 0; k < x->rank; k++)
            if (k != axis && y->dim[k] != x->dim[k]) return false;
        dim[axis] += y->dim[axis];
    }
    return give(g, n, 0, x->type, x->rank, dim);
}

static bool split(rg_graph *g, rg_op *n) {
    const rg_value *x = in(g, n, 0);
    int axis = axis_of(rg_get_i(n, "axis", 0), x->rank);
    int64_t parts[RG_INTS], sum = 0, dim[RG_RANK];
    int count = numbers(g, n, "split", 1, parts);
    if (axis < 0 || (count >= 0 && count != n->nout)) return false;
    if (count < 0 && g->opset < 18 && x->dim[axis] % n->nout) return false;
    int64_t each = (x->dim[axis] + n->nout - 1) / n->nout;
    memcpy(dim, x->dim, sizeof dim);
    for (int o = 0; o < n->nout; o++) {
        dim[axis] = count >= 0 ? parts[o] : o + 1 < n->nout ? each : x->dim[axis] - sum;
        sum += dim[axis];
        if (dim[axis] < 1 || !give(g, n, o, x->type, x->rank, dim)) return false;
        g->value[n->out[o]].batch = g->value[n->out[0]].batch;
    }
    return sum == x->dim[axis];
}

static bool gather(rg_graph *g, rg_op *n) {
    const rg_value *x = in(g, n, 0), *i = in(g, n, 1);
    int axis = axis_of(rg_get_i(n, "axis", 0), x->rank), rank = 0;
    int64_t dim[2 * RG_RANK];
    if (axis < 0) return false;
    for (int k = 0; k < axis; k++) dim[rank++] = x->dim[k];
    for (int k = 0; k < i->rank; k++) dim[rank++] = i->dim[k];
    for (int k = axis + 1; k < x->rank; k++) dim[rank++] = x->dim[k];
    return give(g, n, 0, x->type, rank, dim);
}

static int64_t cut(int64_t v, int64_t lo, int64_t hi) { return v < lo ? lo : v > hi ? hi : v; }

static bool slice(rg_graph *g, rg_op *n) {
    const rg_value *x = in(g, n, 0);
    int64_t from[RG_INTS], to[RG_INTS], axes[RG_INTS], step[RG_INTS], dim[RG_RANK];
    int count = numbers(g, n, "starts", 1, from), naxes = numbers(g, n, "axes", 3, axes), nstep = numbers(g, n, "", 4, step);
    if (numbers(g, n, "ends", 2, to) != count || (naxes >= 0 && naxes != count) || (nstep >= 0 && nstep != count)) return false;
    memcpy(dim, x->dim, sizeof dim);
    for (int i = 0; i < count; i++) {
        int at = axis_of(naxes >= 0 ? axes[i] : i, x->rank);
        if (at < 0) return false;
        int64_t s = nstep >= 0 ? step[i] : 1, size = x->dim[at], a = from[i] < 0 ? from[i] + size : from[i], b = to[i] < 0 ? to[i] + size : to[i];
        a = s > 0 ? cut(a, 0, size) : cut(a, 0, size - 1);
        b = s > 0 ? cut(b, 0, size) : cut(b, -1, size - 1);
        dim[at] = s > 0 ? (b - a + s - 1) / s : (a - b - s - 1) / -s;
        if (dim[at] < 1) return false;
    }
    return give(g, n, 0, x->type, x->rank, dim);
}

static bool pad(rg_graph *g, rg_op *n) {
    const rg_value *x = in(g, n, 0);
    const rg_attr *mode = rg_get(n, "mode");
    int64_t pads[RG_INTS], axes[RG_INTS], dim[RG_RANK];
    int count = numbers(g, n, "pads", 1, pads), naxes = numbers(g, n, "", 3, axes), each = naxes >= 0 ? naxes : x->rank;
    if (count != 2 * each) return false;
    memcpy(dim, x->dim, sizeof dim);
    for (int i = 0; i < each; i++) {
        int at = axis_of(naxes >= 0 ? axes[i] : i, x->rank);
        if (at < 0) return false;
        bool reflects = mode && strcmp(mode->s, "reflect") == 0, wraps = mode && strcmp(mode->s, "wrap") == 0;
        if (reflects && (pads[i] >= x->dim[at] || pads[i + each] >= x->dim[at])) return false;
        if (wraps && (pads[i] > x->dim[at] || pads[i + each] > x->dim[at])) return false;
        dim[at] += pads[i] + pads[i + each];
    }
    return give(g, n, 0, x->type, x->rank, dim);
}

static bool to_depth(rg_graph *g, rg_op *n) {
    const rg_value *x = in(g, n, 0);
    int64_t b = rg_get_i(n, "blocksize", 1);
    if (x->rank != 4 || x->dim[2] % b || x->dim[3] % b) return false;
    int64_t dim[4] = {x->dim[0], x->dim[1] * b * b, x->dim[2] / b, x->dim[3] / b};
    return give(g, n, 0, x->type, 4, dim);
}

/* ---- types ---- */

static bool cast(rg_graph *g, rg_op *n) { return give(g, n, 0, (int)rg_get_i(n, "to", 0), in(g, n, 0)->rank, in(g, n, 0)->dim); }
static bool quantise(rg_graph *g, rg_op *n) { return give(g, n, 0, in(g, n, 2) ? in(g, n, 2)->type : RG_U8, in(g, n, 0)->rank, in(g, n, 0)->dim); }
static bool dequantise(rg_graph *g, rg_op *n) { return give(g, n, 0, in(g, n, 1)->type, in(g, n, 0)->rank, in(g, n, 0)->dim); }

static bool shape(rg_graph *g, rg_op *n) {
    int64_t rank = in(g, n, 0)->rank, lo = rg_get_i(n, "start", 0), hi = rg_get_i(n, "end", rank);
    lo = cut(lo < 0 ? lo + rank : lo, 0, rank), hi = cut(hi < 0 ? hi + rank : hi, 0, rank);
    int64_t dim = hi - lo, *data = rg_alloc(g, RG_RANK * sizeof *data);
    for (int64_t i = 0; data && i < dim; i++) data[i] = in(g, n, 0)->dim[lo + i];
    g->value[n->out[0]].data = data;
    g->value[n->out[0]].batch = false;
    return dim > 0 && give(g, n, 0, RG_S64, 1, &dim);
}

static bool filled(rg_graph *g, rg_op *n) {
    int64_t want[RG_INTS];
    int rank = numbers(g, n, "", 0, want);
    return rank >= 0 && rank <= RG_RANK && give(g, n, 0, RG_F32, rank, want);
}

static const struct { const char *op; bool (*rule)(rg_graph *, rg_op *); } rules[] = {
    {"Conv", conv}, {"MaxPool", pool}, {"AveragePool", pool}, {"GlobalAveragePool", global}, {"GlobalMaxPool", global},
    {"Add", broadcast}, {"Sub", broadcast}, {"Mul", broadcast}, {"Div", broadcast}, {"Pow", broadcast}, {"Min", broadcast},
    {"Max", broadcast}, {"Sum", broadcast}, {"Mean", broadcast}, {"Gemm", gemm}, {"MatMul", matmul}, {"ReduceMean", reduce}, {"ReduceSum", reduce},
    {"ReduceMax", reduce}, {"ReduceL2", reduce}, {"SpaceToDepth", to_depth}, {"ReduceMin", reduce}, {"ArgMax", reduce}, {"ArgMin", reduce}, {"Squeeze", squeeze}, {"Unsqueeze", unsqueeze},
    {"Flatten", flatten}, {"Transpose", transpose}, {"Reshape", reshape}, {"Expand", expand}, {"Concat", concat}, {"Split", split},
    {"Gather", gather}, {"Slice", slice}, {"Pad", pad}, {"Cast", cast}, {"QuantizeLinear", quantise}, {"DequantizeLinear", dequantise},
    {"Shape", shape}, {"ConstantOfShape", filled},
};

bool rg_infer(rg_graph *g, rg_op *n) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].op, n->op) == 0) return rules[i].rule(g, n);
    return like_first(g, n);
}
