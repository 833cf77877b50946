/* Operators that only move elements: Layout, Transpose, Slice, Concat, Split, Expand, Pad, DepthToSpace, SpaceToDepth.
 *
 * Each is one or more strided copies (nd.h) fixed at plan time, in whatever layouts its operands lie. A copy moves
 * stored elements, so operands must be stored the same way (type, quantisation). */
#include "step.h"
#include "steps_leaf.h"
#include <math.h>
#include <string.h>

typedef struct copy_piece { w_nd nd; uint32_t in, out; } copy_piece;
typedef struct copy_params {
    size_t elem;
    uint32_t npiece;
    copy_piece *piece;
    w_fn_transpose *transpose; /* for elements of this size; NULL: strided copies only */
    int64_t parts;       /* every piece is cut in this many ranges of its outermost dim */
    bool fill;           /* Pad: the output is filled first */
    uint8_t value[8];    /* with this element */
} copy_params;

/* ---- refusals ---- */

static const char *unlike(const w_value *a, const w_value *b) {
    if (!a) return "an operand is absent";
    if (a->quant && a->quant->n > 1) return "quantised per channel";
    return w_same_quant(a, b) ? NULL : "input and output are stored differently";
}

static const char *refuse_one(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    return unlike(w_node_in(g, n, 0), &g->value[n->out[0]]);
}

static const char *refuse_concat(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    for (uint32_t i = 0; i < n->nin; i++) {
        const char *why = unlike(w_node_in(g, n, i), &g->value[n->out[0]]);
        if (why) return why;
    }
    return NULL;
}

static const char *refuse_split(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    for (uint32_t i = 0; i < n->nout; i++) {
        const char *why = unlike(w_node_in(g, n, 0), &g->value[n->out[i]]);
        if (why) return why;
    }
    return NULL;
}

static bool all_const(const w_graph *g, const w_node *n, uint32_t first) {
    for (uint32_t i = first; i < n->nin; i++) {
        const w_value *v = w_node_in(g, n, i);
        if (v && v->kind != W_VALUE_CONST) return false;
    }
    return true;
}

static const char *refuse_slice(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    if (n->nin < 3) return "bounds are attributes of an old operator set";
    if (!all_const(g, n, 1)) return "bounds are not constant";
    return refuse_one(p, n, a);
}

static const char *refuse_pad(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const char *mode = w_attr_str(n, "mode");
    if (mode && strcmp(mode, "constant") != 0) return "mode is not constant";
    if (n->nin < 2) return "pads are attributes of an old operator set";
    if (n->nin > 3 && w_node_in(g, n, 3)) return "has axes";
    if (!all_const(g, n, 1)) return "pads are not constant";
    return refuse_one(p, n, a);
}

/* ---- prepare ---- */

/* The two inner dims are a transpose: the source runs along the outer one, the output along the inner one. */
static bool is_transpose(const w_nd *nd) {
    uint32_t in = nd->rank - 1, out = nd->rank - 2;
    return nd->rank >= 2 && nd->stride[0][in] == 1 && nd->stride[1][out] == 1 && nd->stride[1][in] > 1;
}

static copy_params *copy_begin(w_plan *p, w_step *s, uint32_t pieces, weir_error *e) {
    copy_params *c = w_step_params(p, s, sizeof *c, e);
    if (!c) return NULL;
    c->elem = w_type_size(w_step_in(p, s, 0)->type);
    c->npiece = pieces;
    const w_leaf_kernels *leaf = &p->ctx->kernels->leaf;
    c->transpose = c->elem == 4 ? leaf->transpose_x32 : c->elem == 1 ? leaf->transpose_x8 : NULL;
    c->piece = w_arena_array(&p->arena_mem, W_MAX(pieces, 1u), sizeof *c->piece);
    if (!c->piece) {
        w_oom(e, pieces * sizeof *c->piece, "the pieces of a copy");
        return NULL;
    }
    s->threads = w_step_threads(p, w_step_seconds(0, w_step_io_bytes(s)));
    c->parts = s->threads > 1 ? 8 : 1;
    s->kernel = "copy_strided";
    s->tile = c->parts > 1 ? "eighths" : "whole";
    return c;
}

static void piece_set(copy_piece *c, uint32_t in, uint32_t out, const w_shape *dims, int64_t (*stride)[W_MAX_RANK],
                      int64_t start_out, int64_t start_in) {
    int64_t start[2] = {start_out, start_in};
    c->in = in;
    c->out = out;
    w_nd_init(&c->nd, dims, 2, stride, start);
}

/* Layout and Transpose: one piece, most often a plain transpose. */
static void single_piece(w_step *s, copy_params *c, const w_shape *dims, int64_t (*stride)[W_MAX_RANK]) {
    piece_set(&c->piece[0], 0, 0, dims, stride, 0, 0);
    if (c->transpose && is_transpose(&c->piece[0].nd)) s->kernel = c->elem == 4 ? "transpose_x32" : "transpose_x8";
}

static weir_status layout_prepare(w_plan *p, w_step *s, weir_error *e) {
    copy_params *c = copy_begin(p, s, 1, e);
    if (!c) return WEIR_NO_RESOURCE;
    const w_value *in = w_step_in(p, s, 0), *out = w_step_out(p, s, 0);
    int64_t stride[2][W_MAX_RANK];
    w_layout_strides(&out->shape, out->layout, stride[0]);
    w_layout_strides(&in->shape, w_value_layout(in), stride[1]);
    single_piece(s, c, &out->shape, stride);
    return WEIR_OK;
}

static weir_status transpose_prepare(w_plan *p, w_step *s, weir_error *e) {
    copy_params *c = copy_begin(p, s, 1, e);
    if (!c) return WEIR_NO_RESOURCE;
    const w_value *in = w_step_in(p, s, 0), *out = w_step_out(p, s, 0);
    const w_ints *perm = w_attr_ints(w_step_node(p, s), "perm");
    int64_t own[W_MAX_RANK], stride[2][W_MAX_RANK];
    w_layout_strides(&out->shape, out->layout, stride[0]);
    w_layout_strides(&in->shape, w_value_layout(in), own);
    uint8_t rank = in->shape.rank;
    for (uint32_t d = 0; d < rank; d++) stride[1][d] = own[perm && perm->n == rank ? perm->v[d] : rank - 1 - d];
    single_piece(s, c, &out->shape, stride);
    return WEIR_OK;
}

static weir_status expand_prepare(w_plan *p, w_step *s, weir_error *e) {
    copy_params *c = copy_begin(p, s, 1, e);
    if (!c) return WEIR_NO_RESOURCE;
    const w_value *in = w_step_in(p, s, 0), *out = w_step_out(p, s, 0);
    int64_t stride[2][W_MAX_RANK];
    w_layout_strides(&out->shape, out->layout, stride[0]);
    w_nd_broadcast(&out->shape, &in->shape, w_value_layout(in), stride[1]);
    piece_set(&c->piece[0], 0, 0, &out->shape, stride, 0, 0);
    return WEIR_OK;
}

/* First index and step of one sliced axis, as ONNX clamps them. */
static int64_t slice_first(int64_t start, int64_t step, int64_t dim) {
    if (start < 0) start += dim;
    int64_t hi = step > 0 ? dim : dim - 1;
    return start < 0 ? 0 : start > hi ? hi : start;
}

static weir_status slice_prepare(w_plan *p, w_step *s, weir_error *e) {
    copy_params *c = copy_begin(p, s, 1, e);
    if (!c) return WEIR_NO_RESOURCE;
    const w_node *n = w_step_node(p, s);
    const w_value *in = w_step_in(p, s, 0), *out = w_step_out(p, s, 0);
    int64_t stride[2][W_MAX_RANK], start_in = 0, *starts, *axes = NULL, *steps = NULL;
    size_t count, naxes = 0, nsteps = 0;
    w_layout_strides(&out->shape, out->layout, stride[0]);
    w_layout_strides(&in->shape, w_value_layout(in), stride[1]);
    W_TRY(w_const_i64(p->graph, n->in[1], &p->arena_mem, &starts, &count, e));
    if (w_node_in(p->graph, n, 3)) W_TRY(w_const_i64(p->graph, n->in[3], &p->arena_mem, &axes, &naxes, e));
    if (w_node_in(p->graph, n, 4)) W_TRY(w_const_i64(p->graph, n->in[4], &p->arena_mem, &steps, &nsteps, e));
    for (size_t i = 0; i < count; i++) {
        int64_t d = i < naxes ? axes[i] : (int64_t)i, step = i < nsteps ? steps[i] : 1;
        if (d < 0) d += in->shape.rank;
        if (d < 0 || d >= in->shape.rank)
            return w_fail(e, WEIR_BAD_INPUT, "%s: axis outside the rank", w_node_label(p->graph, n));
        start_in += slice_first(starts[i], step, in->shape.dim[d]) * stride[1][d];
        stride[1][d] *= out->shape.dim[d] > 1 ? step : 1;
    }
    piece_set(&c->piece[0], 0, 0, &out->shape, stride, 0, start_in);
    return WEIR_OK;
}

static int64_t axis_of(const w_node *n, const w_shape *s) {
    int64_t axis = w_attr_int(n, "axis", 0);
    return axis < 0 ? axis + s->rank : axis;
}

/* Operands whose rows lie apart are in their places. */
static weir_status concat_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_node *n = w_step_node(p, s);
    copy_params *c = copy_begin(p, s, n->nin, e);
    if (!c) return WEIR_NO_RESOURCE;
    const w_value *out = w_step_out(p, s, 0);
    int64_t stride[2][W_MAX_RANK], axis = axis_of(n, &out->shape), at = 0;
    c->npiece = 0;
    for (uint32_t i = 0; i < n->nin; i++) {
        const w_value *in = w_step_in(p, s, i);
        w_layout_strides(&out->shape, out->layout, stride[0]);
        w_layout_strides(&in->shape, w_value_layout(in), stride[1]);
        if (!s->in[i].pitch) piece_set(&c->piece[c->npiece++], i, 0, &in->shape, stride, at * stride[0][axis], 0);
        at += in->shape.dim[axis];
    }
    if (c->npiece == n->nin) return WEIR_OK;
    s->tile = w_arena_printf(&p->arena_mem, "%u of %u operands", c->npiece, n->nin);
    if (c->npiece == 0) s->kernel = "in_place", s->threads = 1;
    return s->tile ? WEIR_OK : w_oom(e, 32, "a tile's description");
}

static weir_status split_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_node *n = w_step_node(p, s);
    copy_params *c = copy_begin(p, s, n->nout, e);
    if (!c) return WEIR_NO_RESOURCE;
    const w_value *in = w_step_in(p, s, 0);
    int64_t stride[2][W_MAX_RANK], axis = axis_of(n, &in->shape), at = 0;
    for (uint32_t i = 0; i < n->nout; i++) {
        const w_value *out = w_step_out(p, s, i);
        w_layout_strides(&out->shape, out->layout, stride[0]);
        w_layout_strides(&in->shape, w_value_layout(in), stride[1]);
        piece_set(&c->piece[i], 0, i, &out->shape, stride, 0, at * stride[1][axis]);
        at += out->shape.dim[axis];
    }
    return WEIR_OK;
}

/* Six dims: batch, channel, and each axis of the image as blocks and what is in them. */
static weir_status depth_prepare(w_plan *p, w_step *s, weir_error *e) {
    copy_params *c = copy_begin(p, s, 1, e);
    if (!c) return WEIR_NO_RESOURCE;
    const w_node *n = w_step_node(p, s);
    const w_value *in = w_step_in(p, s, 0), *out = w_step_out(p, s, 0);
    bool to_space = n->op == W_OP_DepthToSpace;
    const w_shape *depth = to_space ? &in->shape : &out->shape;
    int64_t b = w_attr_int(n, "blocksize", 1), from[W_MAX_RANK], to[W_MAX_RANK], stride[2][W_MAX_RANK];
    w_shape dims = {.rank = W_DEPTH_RANK, .known = true, .dim = {depth->dim[0], depth->dim[1] / (b * b), depth->dim[2], b, depth->dim[3], b}};
    w_layout_strides(&out->shape, out->layout, to);
    w_layout_strides(&in->shape, w_value_layout(in), from);
    w_depth_strides(n, depth->dim[1], stride[0], to_space ? from : to, to_space ? to : from, to_space);
    w_depth_strides(n, depth->dim[1], stride[1], to_space ? from : to, to_space ? to : from, !to_space);
    piece_set(&c->piece[0], 0, 0, &dims, stride, 0, 0);
    return WEIR_OK;
}

/* The stored form of the padding value: its own bytes, or quantised like the output. */
static weir_status pad_value(w_plan *p, w_step *s, copy_params *c, weir_error *e) {
    const w_value *out = w_step_out(p, s, 0), *v = w_step_in(p, s, 2);
    float *x, zero = 0;
    size_t n = 1;
    if (!out->quant && v && out->type == WEIR_F32) { /* whatever the value is stored as: constants of half graphs stay half */
        W_TRY(w_step_const(p, s, 2, &x, &n, e));
        if (n) memcpy(c->value, x, sizeof *x);
        return WEIR_OK;
    }
    if (!out->quant) {
        if (v && v->type != out->type)
            return w_fail(e, WEIR_BAD_INPUT, "%s: the padding value has another type than the data",
                          w_node_label(p->graph, w_step_node(p, s)));
        if (v) memcpy(c->value, v->data, c->elem);
        return WEIR_OK;
    }
    if (v) W_TRY(w_step_const(p, s, 2, &x, &n, e));
    else x = &zero;
    float q = n ? rintf(x[0] / out->quant->scale[0]) + (float)out->quant->zero[0] : 0;
    if (out->type == WEIR_U8) c->value[0] = (uint8_t)(q < 0 ? 0 : q > 255 ? 255 : q);
    else c->value[0] = (uint8_t)(int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
    return WEIR_OK;
}

/* Negative pads cut: both the source and the copied box shrink. */
static weir_status pad_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_node *n = w_step_node(p, s);
    copy_params *c = copy_begin(p, s, 1, e);
    if (!c) return WEIR_NO_RESOURCE;
    const w_value *in = w_step_in(p, s, 0), *out = w_step_out(p, s, 0);
    int64_t stride[2][W_MAX_RANK], start_out = 0, start_in = 0, *pads;
    size_t count;
    w_shape box = in->shape;
    w_layout_strides(&out->shape, out->layout, stride[0]);
    w_layout_strides(&in->shape, w_value_layout(in), stride[1]);
    W_TRY(w_const_i64(p->graph, n->in[1], &p->arena_mem, &pads, &count, e));
    if (count != 2u * box.rank) return w_fail(e, WEIR_BAD_INPUT, "%s: expected two pads an axis", w_node_label(p->graph, n));
    for (uint32_t d = 0; d < box.rank; d++) {
        int64_t lo = pads[d], hi = pads[box.rank + d];
        start_out += W_MAX(lo, 0) * stride[0][d];
        start_in += W_MAX(-lo, 0) * stride[1][d];
        box.dim[d] = W_MAX(box.dim[d] + W_MIN(lo, 0) + W_MIN(hi, 0), 0);
    }
    W_TRY(pad_value(p, s, c, e));
    c->fill = true;
    c->parts = 1;
    s->threads = 1;
    piece_set(&c->piece[0], 0, 0, &box, stride, start_out, start_in);
    return WEIR_OK;
}

/* ---- run ---- */

/* The range [first, last) of the outermost dim. */
static void transpose_part(const copy_params *c, const w_nd *nd, uint8_t *dst, const uint8_t *src, int64_t first, int64_t last) {
    uint32_t in = nd->rank - 1, out = nd->rank - 2;
    int64_t images = 1, off[W_ND_OPERANDS], cols = nd->n[out];
    if (nd->rank == 2) {
        dst += (size_t)(first * nd->stride[0][out]) * c->elem;
        src += (size_t)(first * nd->stride[1][out]) * c->elem;
        cols = last - first;
        first = 0, last = 1;
    } else
        for (uint32_t d = 1; d < out; d++) images *= nd->n[d];
    for (int64_t k = first * images; k < last * images; k++) {
        w_nd_at(nd, nd->rank == 2 ? 0 : out, k, off);
        c->transpose(dst + off[0] * (int64_t)c->elem, (size_t)nd->stride[0][out], src + off[1] * (int64_t)c->elem,
                     (size_t)nd->stride[1][in], (size_t)nd->n[in], (size_t)cols);
    }
}

static void copy_part(void *arg, size_t index) {
    const w_job *j = arg;
    const copy_params *c = j->s->params;
    const copy_piece *piece = &c->piece[index / (size_t)c->parts];
    int64_t part = (int64_t)index % c->parts, n = piece->nd.n[0];
    int64_t first = n * part / c->parts, last = n * (part + 1) / c->parts;
    void *out = w_loc_ptr(&j->s->out[piece->out], j->b);
    const void *in = w_loc_ptr(&j->s->in[piece->in], j->b);
    bool aligned = ((uintptr_t)in | (uintptr_t)out) % c->elem == 0; /* constants in a file mapping may lie anywhere */
    if (c->transpose && aligned && is_transpose(&piece->nd)) transpose_part(c, &piece->nd, out, in, first, last);
    else w_nd_copy(&piece->nd, c->elem, out, in, first, last);
}

static void fill(uint8_t *out, size_t bytes, const uint8_t *value, size_t elem) {
    bool flat = true;
    for (size_t i = 1; i < elem; i++) flat &= value[i] == value[0];
    if (flat) memset(out, value[0], bytes);
    else
        for (size_t i = 0; i < bytes; i += elem) memcpy(out + i, value, elem);
}

static void copy_run(const w_step *s, const w_bindings *b) {
    const copy_params *c = s->params;
    if (c->fill) fill(w_loc_ptr(&s->out[0], b), s->out[0].bytes, c->value, c->elem);
    w_step_for(s, b, copy_part, (size_t)c->npiece * (size_t)c->parts);
}

/* What a piece covers of one operand, in rows of its outermost dim there; the gaps between rows are left out. */
static void touch_piece(w_touch *t, const w_loc *loc, const copy_piece *k, int operand, size_t elem, w_touch_kind kind) {
    enum { MOST_ROWS = 65536 };
    const int64_t *stride = k->nd.stride[operand];
    int64_t lo = k->nd.start[operand], span = 1, step = 0, rows = 1;
    for (uint32_t d = 0; d < k->nd.rank; d++) {
        int64_t s = stride[d] < 0 ? -stride[d] : stride[d], reach = s * (k->nd.n[d] - 1);
        if (stride[d] < 0) lo -= reach;
        if (s > step) step = s, rows = k->nd.n[d];
        span += reach;
    }
    int64_t inner = span - step * (rows - 1);
    if (inner >= step || rows > MOST_ROWS) rows = 1, inner = span;
    for (int64_t r = 0; r < rows; r++) w_touch_loc(t, loc, (size_t)(lo + r * step) * elem, (size_t)inner * elem, kind);
}

/* Slice reads what it takes; the constants beside the data are read at plan time only. */
static void copy_touch(const w_plan *p, const w_step *s, w_touch *t) {
    const copy_params *c = s->params;
    double moved = 0, filled = 0;
    if (c->fill) {
        w_touch_loc(t, &s->out[0], 0, s->out[0].bytes, W_WRITE);
        filled = (double)s->out[0].bytes;
    }
    for (uint32_t i = 0; i < c->npiece; i++) {
        const copy_piece *k = &c->piece[i];
        size_t bytes = (size_t)w_nd_count(&k->nd) * c->elem;
        if (bytes == 0) continue;
        touch_piece(t, &s->in[k->in], k, 1, c->elem, W_READ);
        touch_piece(t, &s->out[k->out], k, 0, c->elem, W_WRITE);
        moved += (double)bytes;
    }
    w_touch_l1(t, moved, moved + filled);
}

const w_impl w_impl_layout = {"copy_layout", W_OP_Layout, refuse_one, layout_prepare, copy_run, copy_touch};
const w_impl w_impl_transpose = {"copy_transpose", W_OP_Transpose, refuse_one, transpose_prepare, copy_run, copy_touch};
const w_impl w_impl_slice = {"copy_slice", W_OP_Slice, refuse_slice, slice_prepare, copy_run, copy_touch};
const w_impl w_impl_concat = {"copy_concat", W_OP_Concat, refuse_concat, concat_prepare, copy_run, copy_touch};
const w_impl w_impl_split = {"copy_split", W_OP_Split, refuse_split, split_prepare, copy_run, copy_touch};
const w_impl w_impl_expand = {"copy_expand", W_OP_Expand, refuse_one, expand_prepare, copy_run, copy_touch};
const w_impl w_impl_pad = {"copy_pad", W_OP_Pad, refuse_pad, pad_prepare, copy_run, copy_touch};
const w_impl w_impl_depth_to_space = {"copy_depth_to_space", W_OP_DepthToSpace, refuse_one, depth_prepare, copy_run, copy_touch};
const w_impl w_impl_space_to_depth = {"copy_space_to_depth", W_OP_SpaceToDepth, refuse_one, depth_prepare, copy_run, copy_touch};
