/* DepthToSpace and SpaceToDepth: blocks of pixels become channels, and back. */
#include "op_attr_table.h"
#include "op_util.h"
#include <string.h>

enum { N, C, H, W };

static weir_status check_block(const w_graph *g, const w_node *n, weir_error *e) {
    const w_depth_attr *a = n->attr;
    if (a->blocksize < 1 || a->blocksize > 1 << 14)
        return w_node_fail(e, g, n, "blocksize is %lld, expected 1 to 16384", (long long)a->blocksize);
    if (strcmp(a->mode, "DCR") != 0 && strcmp(a->mode, "CRD") != 0)
        return w_node_fail(e, g, n, "mode is '%.40s', expected DCR or CRD", a->mode);
    return WEIR_OK;
}

static weir_status divide(const w_graph *g, const w_node *n, const char *what, int64_t by, int64_t *dim, weir_error *e) {
    if (*dim % by) return w_node_fail(e, g, n, "%s is %lld, expected a multiple of %lld", what, (long long)*dim, (long long)by);
    *dim /= by;
    return WEIR_OK;
}

/* Symbols on the axes that change are not known until they are bound; a block of 1 changes none. */
static weir_status infer(w_graph *g, w_node *n, weir_error *e) {
    W_BEGIN(g, n, e);
    const w_value *x = w_node_in(g, n, 0);
    w_shape s = x->shape;
    int64_t b = ((const w_depth_attr *)n->attr)->blocksize;
    W_TRY(w_check_type(g, n, 0, "input", W_T_ALL, e));
    W_TRY(w_check_rank(g, n, 0, "input", 4, 4, e));
    W_TRY(check_block(g, n, e));
    if (b > 1 && (s.dim[C] < 0 || s.dim[H] < 0 || s.dim[W] < 0)) return w_set_unknown(g, n, 0, w_real_type(x)), WEIR_OK;
    if (b > 1 && n->op == W_OP_DepthToSpace) {
        W_TRY(divide(g, n, "the number of channels", b * b, &s.dim[C], e));
        s.dim[H] *= b, s.dim[W] *= b;
    } else if (b > 1) {
        W_TRY(divide(g, n, "height", b, &s.dim[H], e));
        W_TRY(divide(g, n, "width", b, &s.dim[W], e));
        s.dim[C] = w_sat_mul(s.dim[C], b * b);
    }
    return w_set_out(g, n, 0, w_real_type(x), &s, e);
}

static bool is_dense(const w_box *b, int axis) { return b->step[axis] == 1 || b->n[axis] == 1; }

static bool is_aligned(const w_box *b, int axis, int64_t to) { return is_dense(b, axis) && b->lo[axis] % to == 0 && b->n[axis] % to == 0; }

/* All channels of the pixels (blocks of pixels) that the box touches; exact when the box has them all in turn. */
static w_tag map(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    (void)o;
    (void)i;
    const w_shape *x = &w_node_in(g, n, 0)->shape;
    bool to_space = n->op == W_OP_DepthToSpace;
    int64_t b = ((const w_depth_attr *)n->attr)->blocksize, channels = to_space ? x->dim[C] / (b * b) : x->dim[C] * b * b;
    bool exact = is_dense(out, C) && out->n[C] == channels;
    *in = *out;
    if (w_box_count(out) == 0) return W_UNUSED;
    w_box_axis(in, C, 0, x->dim[C], 1);
    for (int k = H; k <= W; k++) {
        int64_t lo = out->lo[k], hi = lo + (out->n[k] - 1) * out->step[k];
        exact &= to_space ? is_aligned(out, k, b) : is_dense(out, k);
        if (to_space) w_box_axis(in, k, lo / b, hi / b - lo / b + 1, 1);
        else w_box_axis(in, k, lo * b, (hi - lo + 1) * b, 1);
    }
    return w_box_end(in, exact ? W_EXACT : W_COVER);
}

void w_depth_strides(const w_node *n, int64_t depth_channels, int64_t to[W_DEPTH_RANK], const int64_t depth[4], const int64_t space[4], bool is_space) {
    const w_depth_attr *a = n->attr;
    int64_t b = a->blocksize, channels = depth_channels / (b * b);
    bool crd = strcmp(a->mode, "CRD") == 0;
    const int64_t of_space[W_DEPTH_RANK] = {space[N], space[C], space[H] * b, space[H], space[W] * b, space[W]};
    const int64_t of_depth[W_DEPTH_RANK] = {depth[N], depth[C] * (crd ? b * b : 1), depth[H], depth[C] * b * (crd ? 1 : channels),
                                            depth[W], depth[C] * (crd ? 1 : channels)};
    memcpy(to, is_space ? of_space : of_depth, sizeof of_space);
}

static weir_status ref(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, weir_error *e) {
    (void)g;
    (void)e;
    bool to_space = n->op == W_OP_DepthToSpace;
    const w_shape *depth = to_space ? &in->shape : &out->shape;
    int64_t b = ((const w_depth_attr *)n->attr)->blocksize, ds[W_MAX_RANK], ss[W_MAX_RANK], to[W_DEPTH_RANK], from[W_DEPTH_RANK];
    const int64_t dim[W_DEPTH_RANK] = {depth->dim[N], depth->dim[C] / (b * b), depth->dim[H], b, depth->dim[W], b};
    w_strides(depth, ds);
    w_strides(to_space ? &out->shape : &in->shape, ss);
    w_depth_strides(n, depth->dim[C], to, ds, ss, to_space);
    w_depth_strides(n, depth->dim[C], from, ds, ss, !to_space);
    if (w_count(out)) w_copy_strided(out->data, to, in->data, from, dim, W_DEPTH_RANK, w_type_size(in->type));
    return WEIR_OK;
}

static const w_attr_def attrs[] = {A_INT_REQUIRED(w_depth_attr, blocksize), A_STRING(w_depth_attr, mode, "DCR")};

/* Op: DepthToSpace
 * ONNX: 1, 11, 13
 * Inputs: input
 * Attributes: blocksize, mode
 * Limits: none
 * Map: all channels of the pixels that the box touches; exact where it has whole blocks and all channels, else cover
 */
W_OP_DEFINE(DepthToSpace, "DepthToSpace", 1, 1, 1, 1, 1, w_depth_attr, attrs, infer, map, w_work_none, ref);

/* Op: SpaceToDepth
 * ONNX: 1, 13, 28
 * Inputs: input
 * Attributes: blocksize, mode (from 28 on)
 * Limits: none
 * Map: all channels of the blocks that the box touches; exact where it has all channels, else cover
 */
W_OP_DEFINE(SpaceToDepth, "SpaceToDepth", 1, 1, 1, 1, 1, w_depth_attr, attrs, infer, map, w_work_none, ref);
