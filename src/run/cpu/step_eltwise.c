/* Add, Sub, Mul, Div, Min, Max, Sum of two operands, with ONNX broadcasting in any layout: f32, u8, or some of either.
 *
 * The loop nest is fixed at plan time (nd.h); the kernel takes its two innermost dims as a grid, where every operand
 * runs along the inner one by 0 or 1 element. Constants are brought to the output's layout at plan time. */
#include "step_window.h"
#include "steps_leaf.h"
#include <string.h>

typedef struct binary_params {
    w_nd nd;              /* operands: output, a, b */
    w_binary k;
    w_fn_binary *fn;
    float scale;          /* of an output of bytes */
    w_fn_quantize_u8 *quantize; /* this and the next are NULL unless types are mixed */
    w_fn_dequantize_u8 *dequantize;
    const void *fixed[2]; /* constant operands in the output's layout */
    size_t elem[3], chunk, tiles; /* elem: bytes of an element of the output, a, b */
} binary_params;

static const w_epilogue *epilogue(const w_node *n) {
    static const w_epilogue none;
    bool has = n->attr && w_op_get(n->op)->attr_size == sizeof(w_eltwise_attr);
    return has ? &((const w_eltwise_attr *)n->attr)->ep : &none;
}

static w_binary_op op_of(uint16_t op) {
    switch (op) {
    case W_OP_Sub: return W_BIN_SUB;
    case W_OP_Mul: return W_BIN_MUL;
    case W_OP_Div: return W_BIN_DIV;
    case W_OP_Min: return W_BIN_MIN;
    case W_OP_Max: return W_BIN_MAX;
    default: return W_BIN_ADD;
    }
}

/* Constants of four dims are moved to the output's layout, all others keep theirs. */
static w_layout operand_layout(const w_value *v, const w_value *out) {
    if (v->kind == W_VALUE_CONST) return v->shape.rank == 4 ? out->layout : W_ROW;
    return v->layout;
}

static void nest(const w_value *a, const w_value *b, const w_value *out, w_nd *nd) {
    int64_t stride[3][W_MAX_RANK];
    w_layout_strides(&out->shape, out->layout, stride[0]);
    w_nd_broadcast(&out->shape, &a->shape, operand_layout(a, out), stride[1]);
    w_nd_broadcast(&out->shape, &b->shape, operand_layout(b, out), stride[2]);
    w_nd_init(nd, &out->shape, 3, stride, NULL);
}

static const char *refuse_nest(const w_graph *g, const w_node *n) {
    w_nd nd;
    if (n->nin != 2) return "not two operands";
    nest(w_node_in(g, n, 0), w_node_in(g, n, 1), &g->value[n->out[0]], &nd);
    for (int o = 0; o < 3; o++)
        if (nd.stride[o][nd.rank - 1] != 1 && (o == 0 || nd.stride[o][nd.rank - 1] != 0))
            return "an operand is not contiguous along the inner dimension";
    return NULL;
}

static bool is_plain_const(const w_value *v) { return v->kind == W_VALUE_CONST && v->type != WEIR_F64; }

static const char *refuse_f32(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    if (!w_is_real_f32(&g->value[n->out[0]])) return "output is not f32";
    for (uint32_t i = 0; i < n->nin; i++)
        if (!w_is_real_f32(w_node_in(g, n, i)) && !is_plain_const(w_node_in(g, n, i))) return "an operand is not f32";
    return refuse_nest(g, n);
}

static const char *refuse_u8(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_value *out = &g->value[n->out[0]];
    if (!w_is_quant8(out) || out->type != WEIR_U8) return "output is not quantised to u8";
    for (uint32_t i = 0; i < n->nin; i++)
        if (!w_is_quant8(w_node_in(g, n, i)) || w_node_in(g, n, i)->type != WEIR_U8) return "an operand is not quantised to u8";
    if (epilogue(n)->act > W_ACT_HARDSIGMOID) return "the activation is not of exact arithmetic";
    return refuse_nest(g, n);
}

static bool is_bytes(const w_value *v) { return w_is_quant8(v) && v->type == WEIR_U8; }

/* Bytes among real numbers; what is all of one kind is for the others. */
static const char *refuse_mixed(const w_plan *p, const w_node *n, w_arena *a) {
    const w_graph *g = p->graph;
    const w_value *out = &g->value[n->out[0]];
    if (!is_bytes(out) && !w_is_real_f32(out)) return "output is neither f32 nor u8";
    for (uint32_t i = 0; i < n->nin; i++) {
        const w_value *v = w_node_in(g, n, i);
        if (!(v->kind == W_VALUE_CONST ? is_plain_const(v) : is_bytes(v) || w_is_real_f32(v))) return "an operand is neither f32 nor u8";
    }
    return refuse_nest(g, n);
}

/* A constant operand as the kernel reads it: f32 or its u8, in the layout that nest assumed. */
static weir_status fix_const(w_plan *p, w_step *s, binary_params *b, uint32_t i, weir_error *e) {
    const w_value *v = w_step_in(p, s, i), *out = w_step_out(p, s, 0);
    size_t n = (size_t)w_shape_count(&v->shape);
    if (v->kind != W_VALUE_CONST) return WEIR_OK;
    float *real;
    const void *data = v->data;
    size_t elem = b->elem[i + 1];
    if (elem == sizeof(float)) {
        W_TRY(w_step_const(p, s, i, &real, &n, e));
        data = real;
    }
    void *moved = w_step_packed(p, s, n * elem, e);
    if (!moved) return WEIR_NO_RESOURCE;
    int64_t stride[2][W_MAX_RANK];
    w_nd nd;
    w_layout_strides(&v->shape, operand_layout(v, out), stride[0]);
    w_layout_strides(&v->shape, W_ROW, stride[1]);
    w_nd_init(&nd, &v->shape, 2, stride, NULL);
    w_nd_copy(&nd, elem, moved, data, 0, nd.n[0]);
    b->fixed[i] = moved;
    return WEIR_OK;
}

#define CHUNK 16384 /* elements of a tile of a plain vector */

/* One dim: chunks of it. Two: groups of rows. More: the two inner dims are a tile. */
static void set_tiles(binary_params *b) {
    const w_nd *nd = &b->nd;
    uint32_t in = nd->rank - 1;
    b->k.n = (size_t)nd->n[in];
    b->k.step[0] = (size_t)nd->stride[1][in];
    b->k.step[1] = (size_t)nd->stride[2][in];
    if (nd->rank == 1) {
        b->chunk = CHUNK;
        b->tiles = (b->k.n + CHUNK - 1) / CHUNK;
        return;
    }
    for (int o = 0; o < 3; o++) b->k.stride[o] = (size_t)nd->stride[o][in - 1];
    b->chunk = nd->rank == 2 ? W_MAX(CHUNK / W_MAX(b->k.n, (size_t)1), (size_t)1) : (size_t)nd->n[in - 1];
    b->tiles = nd->rank == 2 ? ((size_t)nd->n[0] + b->chunk - 1) / b->chunk : 1;
    for (uint32_t d = 0; nd->rank > 2 && d < in - 1; d++) b->tiles *= (size_t)nd->n[d];
    if (w_nd_count(nd) == 0) b->tiles = 0;
}

static void set_quant(w_plan *p, w_step *s, binary_params *b) {
    for (uint32_t i = 0; i < 2; i++) {
        if (b->elem[i + 1] != 1) continue;
        b->k.scale[i] = w_step_in(p, s, i)->quant->scale[0];
        b->k.zero[i] = w_step_in(p, s, i)->quant->zero[0];
    }
    b->k.q = w_requant_of(w_step_out(p, s, 0));
    if (b->elem[0] == 1) b->scale = w_step_out(p, s, 0)->quant->scale[0];
}

/* Bytes of an element: constants among real numbers are such. */
static void set_elements(w_plan *p, w_step *s, binary_params *b, bool bytes) {
    b->elem[0] = w_type_size(w_step_out(p, s, 0)->type);
    for (uint32_t i = 0; i < 2; i++) {
        const w_value *v = w_step_in(p, s, i);
        b->elem[i + 1] = bytes || (v->kind != W_VALUE_CONST && v->quant) ? 1 : sizeof(float);
    }
}

static weir_status binary_prepare(w_plan *p, w_step *s, weir_error *e) {
    const w_node *n = w_step_node(p, s);
    const w_value *out = w_step_out(p, s, 0);
    const w_leaf_kernels *leaf = &p->ctx->kernels->leaf;
    binary_params *b = w_step_params(p, s, sizeof *b, e);
    if (!b) return WEIR_NO_RESOURCE;
    bool bytes = is_bytes(out) && is_bytes(w_step_in(p, s, 0)) && is_bytes(w_step_in(p, s, 1));
    set_elements(p, s, b, bytes);
    bool mixed = !bytes && b->elem[0] + b->elem[1] + b->elem[2] < 3 * sizeof(float);
    b->k.op = op_of(n->op);
    b->k.ep = w_kepi_of(epilogue(n), out);
    b->fn = bytes ? leaf->binary_u8 : leaf->binary_f32;
    b->quantize = mixed ? leaf->quantize_u8 : NULL;
    b->dequantize = mixed ? leaf->dequantize_u8 : NULL;
    if (bytes || mixed) set_quant(p, s, b);
    nest(w_step_in(p, s, 0), w_step_in(p, s, 1), out, &b->nd);
    set_tiles(b);
    for (uint32_t i = 0; i < 2; i++) {
        const w_value *v = w_step_in(p, s, i);
        W_TRY(fix_const(p, s, b, i, e));
        if (v->kind != W_VALUE_CONST && b->elem[i + 1] == b->elem[0] && w_shape_equal(&v->shape, &out->shape) && v->layout == out->layout)
            s->inplace |= 1u << i;
    }
    s->threads = w_step_threads(p, w_step_seconds(0, w_step_io_bytes(s)));
    s->kernel = w_arena_printf(&p->arena_mem, "%s_binary__%s", bytes ? "u8" : mixed ? "mixed" : "f32", bytes ? leaf->isa_u8 : leaf->isa_f32);
    s->tile = b->nd.rank == 1 ? "16384 elements" : w_arena_printf(&p->arena_mem, "%zu x %zu", b->chunk, b->k.n);
    return s->kernel && s->tile ? WEIR_OK : w_oom(e, 64, "names");
}

enum { PIECE = 512 }; /* elements that pass through the first cache as real numbers */

/* n elements of operand i as f32: themselves, or made in `real`. */
static const float *as_real(const binary_params *b, uint32_t i, const uint8_t *at, size_t n, float *real) {
    if (b->elem[i + 1] != 1) return (const float *)(const void *)at;
    b->dequantize(at, real, n, b->k.scale[i], b->k.zero[i]);
    return real;
}

static void mixed_row(const binary_params *b, const w_binary *k, uint8_t *out, const uint8_t *const in[2]) {
    float real[3][PIECE];
    w_binary piece = *k;
    for (size_t at = 0; at < k->n; at += piece.n) {
        const float *x[2];
        piece.n = W_MIN((size_t)PIECE, k->n - at);
        for (uint32_t i = 0; i < 2; i++)
            x[i] = as_real(b, i, in[i] + at * k->step[i] * b->elem[i + 1], k->step[i] ? piece.n : 1, real[i]);
        float *y = b->elem[0] == 1 ? real[2] : (float *)(void *)out + at;
        b->fn(&piece, y, x[0], x[1], 1);
        if (y == real[2]) b->quantize(y, out + at, piece.n, b->scale, b->k.q.zero);
    }
}

static void mixed(const binary_params *b, const w_binary *k, uint8_t *out, const uint8_t *const in[2], size_t rows) {
    for (size_t r = 0; r < rows; r++) {
        const uint8_t *const row[2] = {in[0] + r * k->stride[1] * b->elem[1], in[1] + r * k->stride[2] * b->elem[2]};
        mixed_row(b, k, out + r * k->stride[0] * b->elem[0], row);
    }
}

static void binary_tile(void *arg, size_t index) {
    const w_job *j = arg;
    const binary_params *b = j->s->params;
    const w_nd *nd = &b->nd;
    w_binary k = b->k;
    size_t rows = 1;
    int64_t off[W_ND_OPERANDS];
    if (nd->rank > 2) {
        w_nd_at(nd, nd->rank - 2, (int64_t)index, off);
        rows = b->chunk;
    } else {
        size_t first = index * b->chunk, total = (size_t)nd->n[0];
        for (int o = 0; o < 3; o++) off[o] = (int64_t)first * nd->stride[o][0];
        if (nd->rank == 1) k.n = W_MIN(b->chunk, total - first);
        else rows = W_MIN(b->chunk, total - first);
    }
    const uint8_t *in[2];
    for (uint32_t i = 0; i < 2; i++) in[i] = b->fixed[i] ? b->fixed[i] : w_loc_ptr(&j->s->in[i], j->b);
    for (uint32_t i = 0; i < 2; i++) in[i] += (size_t)off[i + 1] * b->elem[i + 1];
    uint8_t *out = (uint8_t *)w_loc_ptr(&j->s->out[0], j->b) + (size_t)off[0] * b->elem[0];
    if (b->dequantize) mixed(b, &k, out, in, rows);
    else b->fn(&k, out, in[0], in[1], rows);
}

static void binary_run(const w_step *s, const w_bindings *b) {
    w_step_for(s, b, binary_tile, ((const binary_params *)s->params)->tiles);
}

/* Constant operands are read in their packed form. */
static void binary_touch(const w_plan *p, const w_step *s, w_touch *t) {
    const binary_params *b = s->params;
    double in = 0, elements = (double)w_nd_count(&b->nd);
    for (uint32_t i = 0; i < 2; i++)
        if (!b->fixed[i]) w_touch_loc(t, &s->in[i], 0, s->in[i].bytes, W_READ);
    if (s->packed_bytes) w_touch_packed(t, s, 0, s->packed_bytes);
    for (int o = 1; o < 3; o++) in += (double)b->elem[o] * (b->nd.stride[o][b->nd.rank - 1] ? elements : elements / (double)b->k.n);
    w_touch_loc(t, &s->out[0], 0, s->out[0].bytes, W_WRITE);
    w_touch_l1(t, W_MAX(in, w_step_io_bytes(s) - (double)s->out[0].bytes), elements * (double)b->elem[0]);
}

#define BINARY(name, op)                                                                                               \
    const w_impl w_impl_##name##_f32 = {#name "_f32", op, refuse_f32, binary_prepare, binary_run, binary_touch};       \
    const w_impl w_impl_##name##_u8 = {#name "_u8", op, refuse_u8, binary_prepare, binary_run, binary_touch};           \
    const w_impl w_impl_##name##_mixed = {#name "_mixed", op, refuse_mixed, binary_prepare, binary_run, binary_touch};
BINARY(add, W_OP_Add)
BINARY(sub, W_OP_Sub)
BINARY(mul, W_OP_Mul)
BINARY(div, W_OP_Div)
BINARY(min, W_OP_Min)
BINARY(max, W_OP_Max)
BINARY(sum, W_OP_Sum)
