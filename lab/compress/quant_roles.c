/* Which operators work on unsigned 8-bit values as they are, and on which of their inputs. */
#include "quant.h"
#include <math.h>
#include <string.h>

bool w_epilogue_is_integer(const w_epilogue *ep) {
    switch (ep->act) {
    case W_ACT_NONE: case W_ACT_RELU: case W_ACT_CLIP: case W_ACT_LEAKY: case W_ACT_HARDSWISH: case W_ACT_HARDSIGMOID: return true;
    default: return false;
    }
}

static bool scalar_const(const w_graph *g, w_id v) {
    return g->value[v].kind == W_VALUE_CONST && w_shape_count(&g->value[v].shape) == 1;
}

/* Inputs from `first` on steer the operator: constants, or absent. */
static bool steered_by_constants(const w_graph *g, const w_node *n, uint32_t first) {
    for (uint32_t i = first; i < n->nin; i++)
        if (n->in[i] != W_NONE && g->value[n->in[i]].kind != W_VALUE_CONST) return false;
    return true;
}

/* Padding by anything but the real number 0 has no 8-bit form that all scales share. */
static bool pads_zeros(const w_graph *g, const w_node *n) {
    const w_pad_attr *a = n->attr;
    if (!steered_by_constants(g, n, 1) || (a->mode && strcmp(a->mode, "constant")) || a->value != 0) return false;
    if (n->nin <= 2 || n->in[2] == W_NONE) return true;
    const w_value *v = &g->value[n->in[2]];
    float x = 1;
    if (v->type != WEIR_F32 || w_shape_count(&v->shape) != 1) return false;
    memcpy(&x, v->data, sizeof x);
    return x == 0;
}

/* Dims of 1 in an image of the same rank are all the broadcasting that is worth an 8-bit kernel. */
static bool broadcasts(const w_shape *a, const w_shape *b) {
    if (w_shape_equal(a, b)) return true;
    if (a->rank != 4 || b->rank != 4) return false;
    for (int i = 0; i < 4; i++)
        if (a->dim[i] != b->dim[i] && a->dim[i] != 1 && b->dim[i] != 1) return false;
    return true;
}

static w_quant_role binary_role(const w_graph *g, const w_node *n) {
    if (n->nin != 2 || scalar_const(g, n->in[0]) || scalar_const(g, n->in[1])) return W_QROLE_REAL;
    const w_value *a = &g->value[n->in[0]], *b = &g->value[n->in[1]];
    if (a->kind == W_VALUE_CONST || b->kind == W_VALUE_CONST || !broadcasts(&a->shape, &b->shape)) return W_QROLE_REAL;
    bool fused = n->op == W_OP_Add || n->op == W_OP_Sub || n->op == W_OP_Mul;
    return !fused || w_epilogue_is_integer(&((const w_eltwise_attr *)n->attr)->ep) ? W_QROLE_RESCALE : W_QROLE_REAL;
}

static w_quant_role pool_role(const w_node *n) {
    bool average = n->op == W_OP_AveragePool || n->op == W_OP_GlobalAveragePool;
    bool global = n->op == W_OP_GlobalAveragePool || n->op == W_OP_GlobalMaxPool;
    const w_epilogue *ep = global ? &((const w_gpool_attr *)n->attr)->ep : &((const w_pool_attr *)n->attr)->ep;
    if (n->nout > 1 || !w_epilogue_is_integer(ep)) return W_QROLE_REAL;
    if (average || (global && ep->act != W_ACT_NONE)) return W_QROLE_RESCALE;
    return ep->act == W_ACT_NONE ? W_QROLE_CARRY : W_QROLE_REAL;
}

w_quant_role w_quant_role_of(const w_graph *g, const w_node *n, bool chosen) {
    if (chosen) return W_QROLE_CHOSEN;
    switch (n->op) {
    case W_OP_MaxPool: case W_OP_AveragePool: case W_OP_GlobalAveragePool: case W_OP_GlobalMaxPool: return pool_role(n);
    case W_OP_Reshape: case W_OP_Flatten: case W_OP_Squeeze: case W_OP_Unsqueeze: case W_OP_Identity: case W_OP_Transpose:
    case W_OP_Concat: case W_OP_DepthToSpace: case W_OP_SpaceToDepth: return W_QROLE_CARRY;
    case W_OP_Slice: case W_OP_Split: return steered_by_constants(g, n, 1) ? W_QROLE_CARRY : W_QROLE_REAL;
    case W_OP_Pad: return pads_zeros(g, n) ? W_QROLE_CARRY : W_QROLE_REAL;
    case W_OP_Add: case W_OP_Sub: case W_OP_Mul: case W_OP_Max: case W_OP_Min: return binary_role(g, n);
    case W_OP_Relu: case W_OP_LeakyRelu: case W_OP_Elu: case W_OP_Sigmoid: case W_OP_HardSigmoid: case W_OP_HardSwish: case W_OP_Tanh:
        return W_QROLE_RESCALE;
    case W_OP_Gelu: {
        const char *how = ((const w_gelu_attr *)n->attr)->approximate;
        return !how || !strcmp(how, "none") ? W_QROLE_RESCALE : W_QROLE_REAL;
    }
    case W_OP_Resize: return w_resize_copies(n) && steered_by_constants(g, n, 1) ? W_QROLE_CARRY : W_QROLE_REAL;
    case W_OP_Clip: return steered_by_constants(g, n, 1) ? W_QROLE_RESCALE : W_QROLE_REAL;
    default: return W_QROLE_REAL;
    }
}

uint32_t w_quant_data_inputs(const w_node *n) {
    switch (n->op) {
    case W_OP_Concat: return n->nin;
    case W_OP_Add: case W_OP_Sub: case W_OP_Mul: case W_OP_Max: case W_OP_Min: return 2;
    default: return 1;
    }
}

bool w_quant_takes_slot(w_quant_role r, const w_node *n, uint32_t i) {
    if (r == W_QROLE_REAL || n->in[i] == W_NONE) return false;
    return r == W_QROLE_CHOSEN ? i == 0 || i == 3 : i < w_quant_data_inputs(n);
}
