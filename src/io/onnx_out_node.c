/* One node of the graph as ONNX nodes: the operator in the form of the opset that is written, then what weir fused into it.
 *
 * Operators with a changed form (attributes that became inputs) have a function each; all others go through the attribute
 * table. Operands are named first, because naming one may write nodes of its own. */
#include "onnx_out.h"
#include "attr.h"
#include <float.h>
#include <string.h>

/* ---- the opset ---- */

static int64_t node_opset(const w_graph *g, const w_node *n) {
    if (w_out_epilogue(n).act == W_ACT_HARDSWISH || n->op == W_OP_HardSwish) return 14;
    if (!n->attr) return 13;
    switch (n->op) {
    case W_OP_Reshape: return ((const w_reshape_attr *)n->attr)->allowzero ? 14 : 13;
    case W_OP_Shape: return ((const w_shape_attr *)n->attr)->start || n->nin > 1 ? 15 : 13;
    case W_OP_Split: return ((const w_split_attr *)n->attr)->num_outputs ? 18 : 13;
    case W_OP_LayerNormalization: return 17;
    case W_OP_Attention: return 23;
    case W_OP_SpaceToDepth: return strcmp(((const w_depth_attr *)n->attr)->mode, "DCR") ? 28 : 13;
    case W_OP_Resize: {
        const w_resize_attr *a = n->attr;
        if (!strcmp(a->coordinate_transformation_mode, "half_pixel_symmetric")) return 19;
        return a->antialias || a->axes.n || strcmp(a->keep_aspect_ratio_policy, "stretch") ? 18 : 13;
    }
    case W_OP_ReduceMean: case W_OP_ReduceMax: case W_OP_ReduceMin: return n->nin > 1 && n->in[1] != W_NONE ? 18 : 13;
    case W_OP_AveragePool: {
        const w_ints *d = &((const w_pool_attr *)n->attr)->dilations;
        for (uint32_t i = 0; i < d->n; i++) {
            if (d->v[i] != 1) return 19;
        }
        return 13;
    }
    default: return 13;
    }
}

int64_t w_out_opset(const w_graph *g) {
    int64_t opset = W_MAX(g->opset, 13);
    for (size_t k = 0; k < g->nnode; k++) {
        if (g->node[k].op) opset = W_MAX(opset, node_opset(g, &g->node[k]));
    }
    return opset;
}

/* ---- attributes ---- */

/* First opset that has the attribute, 0: all of 13 and later, INT64_MAX: none of them (it is an input there, or ours). */
static int64_t attr_since(const w_exporter *x, const w_node *n, const char *name) {
    static const struct { uint16_t op; const char *name; int64_t since; } rows[] = {
        {W_OP_BatchNormalization, "spatial", INT64_MAX}, {W_OP_BatchNormalization, "training_mode", 14}, {W_OP_Dropout, "ratio", INT64_MAX},
        {W_OP_Clip, "min", INT64_MAX}, {W_OP_Clip, "max", INT64_MAX}, {W_OP_Split, "split", INT64_MAX}, {W_OP_Split, "num_outputs", 18},
        {W_OP_Slice, "starts", INT64_MAX}, {W_OP_Slice, "ends", INT64_MAX}, {W_OP_Slice, "axes", INT64_MAX}, {W_OP_Pad, "pads", INT64_MAX},
        {W_OP_Pad, "value", INT64_MAX}, {W_OP_Squeeze, "axes", INT64_MAX}, {W_OP_Unsqueeze, "axes", INT64_MAX}, {W_OP_ReduceSum, "axes", INT64_MAX},
        {W_OP_ReduceMean, "noop_with_empty_axes", 18}, {W_OP_ReduceMax, "noop_with_empty_axes", 18}, {W_OP_ReduceMin, "noop_with_empty_axes", 18},
        {W_OP_Cast, "saturate", 19}, {W_OP_AveragePool, "storage_order", INT64_MAX}, {W_OP_AveragePool, "dilations", 19},
        {W_OP_MaxPool, "count_include_pad", INT64_MAX}, {W_OP_QuantizeLinear, "saturate", 19}, {W_OP_QuantizeLinear, "block_size", 21},
        {W_OP_QuantizeLinear, "output_dtype", 21}, {W_OP_Resize, "antialias", 18}, {W_OP_Resize, "axes", 18}, {W_OP_Resize, "keep_aspect_ratio_policy", 18},
        {W_OP_SpaceToDepth, "mode", 28}, {W_OP_DequantizeLinear, "block_size", 21}};
    bool reduces = n->op == W_OP_ReduceMean || n->op == W_OP_ReduceMax || n->op == W_OP_ReduceMin;
    if (strncmp(name, "weir_", 5) == 0) return INT64_MAX;
    if (reduces && strcmp(name, "axes") == 0) return x->opset >= 18 ? INT64_MAX : 0;
    for (size_t i = 0; i < W_COUNT(rows); i++) {
        if (rows[i].op == n->op && strcmp(rows[i].name, name) == 0) return rows[i].since;
    }
    return 0;
}

static void put_attr(w_exporter *x, const w_attr_def *d, const void *attr) {
    const void *field = (const char *)attr + d->offset;
    const w_ints *ints = field;
    const w_floats *floats = field;
    switch (d->kind) {
    case W_ATTR_INT: w_out_int(x, d->name, *(const int64_t *)field); break;
    case W_ATTR_FLOAT: w_out_float(x, d->name, *(const float *)field); break;
    case W_ATTR_STRING: w_out_string(x, d->name, *(const char *const *)field); break;
    case W_ATTR_INTS: w_out_ints(x, d->name, ints->v, ints->n); break;
    case W_ATTR_FLOATS: w_out_floats(x, d->name, floats->v, floats->n); break;
    case W_ATTR_TENSOR: w_out_tensor(x, d->name, *(w_tensor *const *)field); break;
    }
}

void w_out_attrs(w_exporter *x, const w_node *n) {
    const w_op_def *def = w_op_get(n->op);
    for (uint32_t i = 0; n->attr && i < def->nattrs; i++) {
        const w_attr_def *d = &def->attrs[i];
        if ((w_attr_is_set(d, n->attr) || d->required) && attr_since(x, n, d->name) <= x->opset) put_attr(x, d, n->attr);
    }
}

/* ---- operands ---- */

enum { EXTRA = 5 };

/* The operands of the ONNX node: those of the graph's node, then attributes that became inputs. */
typedef struct operands { const char **name; uint32_t n; } operands;

static const char *operand(w_exporter *x, const w_node *n, const char *base, uint32_t i) {
    if (i >= n->nin || n->in[i] == W_NONE) return "";
    if (n->op == W_OP_DequantizeLinear || (n->op == W_OP_QuantizeLinear && i > 0)) return w_out_raw(x, n->in[i]);
    if (i == 0 && w_has_late_scale(n)) return w_out_late_data(x, n, base);
    const char *bias = i == 2 ? w_out_bias(x, n, base) : NULL;
    return bias ? bias : w_out_real(x, n->in[i]);
}

/* Inputs that the ONNX operator has; weir's further ones are bias and residual. */
static uint32_t own_inputs(const w_node *n) {
    switch (n->op) {
    case W_OP_Conv: case W_OP_Gemm: return W_MIN(n->nin, 3u);
    case W_OP_MatMul: return W_MIN(n->nin, 2u);
    case W_OP_Dropout: return 1;
    default: return n->nin;
    }
}

/* An int64 list as operand `i` unless the node has one there. */
static void list_operand(w_exporter *x, operands *o, uint32_t i, const w_ints *v, const char *base, const char *kind) {
    while (o->n <= i) o->name[o->n++] = "";
    if (!o->name[i][0] && v->present) o->name[i] = w_out_vector(x, base, kind, WEIR_S64, v->v, v->n);
}

static void float_operand(w_exporter *x, operands *o, uint32_t i, bool there, float v, const char *base, const char *kind) {
    while (o->n <= i) o->name[o->n++] = "";
    if (!o->name[i][0] && there) o->name[i] = w_out_scalar(x, base, kind, v);
}

static void extra_operands(w_exporter *x, const w_node *n, operands *o, const char *base) {
    const w_slice_attr *slice = n->attr;
    const w_clip_attr *c = n->attr;
    const w_pad_attr *pad = n->attr;
    switch (n->attr ? n->op : W_OP_NONE) {
    case W_OP_Clip:
        float_operand(x, o, 1, c->min > -FLT_MAX, c->min, base, "min");
        float_operand(x, o, 2, c->max < FLT_MAX, c->max, base, "max");
        break;
    case W_OP_Pad:
        list_operand(x, o, 1, &pad->pads, base, "pads");
        float_operand(x, o, 2, pad->value != 0, pad->value, base, "value");
        break;
    case W_OP_Slice:
        list_operand(x, o, 1, &slice->starts, base, "starts");
        list_operand(x, o, 2, &slice->ends, base, "ends");
        list_operand(x, o, 3, &slice->axes, base, "axes");
        break;
    case W_OP_Split: list_operand(x, o, 1, &((const w_split_attr *)n->attr)->split, base, "split"); break;
    case W_OP_Squeeze: case W_OP_Unsqueeze: list_operand(x, o, 1, &((const w_axes_attr *)n->attr)->axes, base, "axes"); break;
    case W_OP_ReduceSum: list_operand(x, o, 1, &((const w_reduce_attr *)n->attr)->axes, base, "axes"); break;
    case W_OP_ReduceMean: case W_OP_ReduceMax: case W_OP_ReduceMin:
        if (x->opset >= 18) list_operand(x, o, 1, &((const w_reduce_attr *)n->attr)->axes, base, "axes");
        break;
    default: break;
    }
    while (o->n && !o->name[o->n - 1][0]) o->n--;
}

static bool find_operands(w_exporter *x, const w_node *n, const char *base, operands *o) {
    uint32_t own = own_inputs(n);
    o->n = 0;
    o->name = w_arena_array(&x->scratch, (size_t)own + EXTRA, sizeof *o->name);
    if (!o->name) {
        x->oom = true;
        return false;
    }
    while (o->n < own) {
        o->name[o->n] = operand(x, n, base, o->n);
        o->n++;
    }
    extra_operands(x, n, o, base);
    return true;
}

/* ---- the operator itself ---- */

static void plain(w_exporter *x, const w_node *n, const char *op, const operands *o, const char *out) {
    w_out_begin(x, op, w_graph_name(x->g, n->name));
    w_out_domain(x, w_op_domain(n->op));
    for (uint32_t i = 0; i < o->n; i++) w_out_in(x, o->name[i]);
    w_out_out(x, out);
    for (uint32_t i = 1; i < n->nout; i++) w_out_out(x, n->out[i] == W_NONE ? "" : w_value_name(x->g, n->out[i]));
    if (n->op != W_OP_Dropout) w_out_attrs(x, n);
    w_out_end(x);
}

/* Before opset 13 Softmax ran over all axes from one on: flattened, taken over rows, and given its shape again. */
static void coerced_softmax(w_exporter *x, const w_node *n, const char *op, const operands *o, const char *base, const char *out) {
    const char *flat = w_out_name(x, base, "flat"), *rows = w_out_name(x, base, "rows"), *shape = w_out_name(x, base, "shape");
    w_out_begin(x, "Flatten", "");
    w_out_in(x, o->name[0]);
    w_out_out(x, flat);
    w_out_int(x, "axis", ((const w_softmax_attr *)n->attr)->axis);
    w_out_end(x);
    w_out_begin(x, op, w_graph_name(x->g, n->name));
    w_out_in(x, flat);
    w_out_out(x, rows);
    w_out_int(x, "axis", 1);
    w_out_end(x);
    w_out_unary(x, "Shape", o->name[0], shape);
    w_out_binary(x, "Reshape", rows, shape, out);
}

static bool coerces(const w_exporter *x, const w_node *n) {
    if (n->op != W_OP_Softmax && n->op != W_OP_LogSoftmax) return false;
    const w_softmax_attr *a = n->attr;
    const w_shape *s = &x->g->value[n->in[0]].shape;
    return a && a->coerce && s->known && a->axis != s->rank - 1;
}

static bool core(w_exporter *x, const w_node *n, const char *base, const char *out) {
    operands o;
    if (!find_operands(x, n, base, &o)) return false;
    const char *op = n->op == W_OP_Dropout ? "Identity" : w_op_get(n->op)->name;
    if (coerces(x, n)) {
        coerced_softmax(x, n, op, &o, base, out);
    } else if (n->op == W_OP_Gelu && x->opset < 20) {
        const char *form = n->attr ? ((const w_gelu_attr *)n->attr)->approximate : NULL;
        w_out_gelu(x, base, form && strcmp(form, "tanh") == 0, o.name[0], out);
    } else {
        plain(x, n, op, &o, out);
    }
    return true;
}

/* ---- what was fused ---- */

/* Bias of MatMul and residual of products: inputs behind the operator's own. */
static uint32_t addends(w_exporter *x, const w_node *n, const char *name[2]) {
    uint32_t count = 0;
    if (n->op != W_OP_Conv && n->op != W_OP_Gemm && n->op != W_OP_MatMul) return 0;
    for (uint32_t i = own_inputs(n); i < W_MIN(n->nin, (uint32_t)W_IN_SCALE) && count < 2; i++) {
        if (n->in[i] != W_NONE) name[count++] = w_out_real(x, n->in[i]);
    }
    return count;
}

static void node_real(w_exporter *x, const w_node *n, const char *base, const char *target) {
    const char *add[2] = {NULL, NULL};
    w_epilogue ep = w_out_epilogue(n);
    uint32_t count = addends(x, n, add);
    bool acts = ep.act != W_ACT_NONE;
    const char *at = count || acts ? w_out_name(x, base, "op") : target;
    if (!w_out_late_product(x, n, base, at) && !core(x, n, base, at)) return;
    for (uint32_t i = 0; i < count; i++) {
        const char *to = i + 1 < count ? w_out_name(x, base, "bias") : acts ? w_out_name(x, base, "sum") : target;
        w_out_binary(x, "Add", at, add[i], to);
        at = to;
    }
    if (acts) w_out_act(x, &ep, base, at, target);
}

weir_status w_out_node(w_exporter *x, const w_node *n) {
    w_id v = n->out[0];
    const char *base = w_value_name(x->g, v);
    if (n->op == W_OP_Layout) {
        return w_fail(x->e, WEIR_INTERNAL, "node '%s' is a layout border: a model is written before layouts are chosen", w_node_label(x->g, n));
    }
    for (uint32_t i = 1; i < n->nout; i++) {
        if (n->out[i] != W_NONE && x->g->value[n->out[i]].quant) return w_fail(x->e, WEIR_INTERNAL, "node '%s': its output %u is quantised", w_node_label(x->g, n), i);
    }
    if (!x->g->value[v].quant || n->op == W_OP_QuantizeLinear) {
        node_real(x, n, base, base);
    } else {
        const char *real = w_out_name(x, base, "f32");
        node_real(x, n, base, real);
        w_out_quantize(x, real, v);
    }
    return x->oom ? w_oom(x->e, 1, "the ONNX file") : WEIR_OK;
}
