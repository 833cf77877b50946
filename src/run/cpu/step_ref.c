/* The last resort for every operator: its reference (w_op_def.ref), on converted operands.
 *
 * References speak dense row-major tensors, real f32 for floats and for quantised values. Operands that lie otherwise
 * are converted into scratch before the call and back after it; constants are converted once, at plan time. Nothing is
 * allocated at run time. */
#include "step.h"
#include <string.h>

typedef enum ref_way {
    REF_ABSENT,
    REF_DIRECT,  /* the reference reads or writes the bytes in place */
    REF_REAL,    /* through real f32 */
    REF_MOVED,   /* another layout, same elements: a strided copy */
    REF_CONST,   /* converted at plan time */
} ref_way;

typedef struct ref_operand {
    ref_way way;
    const w_value *value;
    w_tensor tensor;  /* as the reference sees it; data only for REF_CONST */
    size_t scratch;   /* offset of the converted copy */
    w_nd nd;          /* REF_MOVED: value's bytes = operand 1 of the copy for inputs, operand 0 for outputs */
} ref_operand;

typedef struct ref_params {
    const w_graph *graph;
    const w_node *node;
    const w_op_def *def;
    uint32_t nin, nout;
    ref_operand *operand; /* inputs, then outputs */
} ref_params;

/* Floats that references do not know. */
static bool is_other_float(w_type t) { return t == WEIR_F16 || t == WEIR_BF16 || t == WEIR_F64; }

/* `integers`: the operand's stored integers are meant, not what they stand for. */
static ref_way way_of(const w_value *v, bool integers) {
    if ((v->quant && !integers) || is_other_float(v->type)) return REF_REAL;
    return w_value_layout(v) == W_NHWC && !w_layouts_agree(&v->shape) ? REF_MOVED : REF_DIRECT;
}

static void operand_init(ref_operand *o, const w_value *v, bool output, bool integers) {
    o->value = v;
    o->way = way_of(v, integers);
    o->tensor.type = o->way == REF_REAL ? WEIR_F32 : v->type;
    o->tensor.shape = v->shape;
    if (o->way != REF_MOVED) return;
    int64_t stride[W_ND_OPERANDS][W_MAX_RANK];
    w_layout_strides(&v->shape, output ? W_NHWC : W_ROW, stride[0]);
    w_layout_strides(&v->shape, output ? W_ROW : W_NHWC, stride[1]);
    w_nd_init(&o->nd, &v->shape, 2, stride, NULL);
}

static weir_status operand_const(w_plan *p, ref_operand *o, weir_error *e) {
    const w_value *v = o->value;
    void *copy = w_arena_alloc_aligned(&p->arena_mem, W_MAX(w_tensor_bytes(&o->tensor), (size_t)1));
    void *aligned = w_arena_alloc_aligned(&p->arena_mem, W_MAX(w_value_bytes(p->graph, (w_id)(v - p->graph->value)), (size_t)1));
    if (!copy || !aligned) return w_oom(e, w_tensor_bytes(&o->tensor), "a constant");
    memcpy(aligned, v->data, w_value_bytes(p->graph, (w_id)(v - p->graph->value)));
    if (o->way == REF_REAL) w_value_to_real(v, W_ROW, aligned, copy);
    o->tensor.data = o->way == REF_REAL ? copy : aligned;
    o->way = REF_CONST;
    return WEIR_OK;
}

static weir_status add_operand(w_plan *p, w_step *s, ref_operand *o, const w_value *v, bool output, weir_error *e) {
    uint16_t op = w_step_node(p, s)->op;
    if (!v) return WEIR_OK;
    operand_init(o, v, output, output ? op == W_OP_QuantizeLinear : op == W_OP_DequantizeLinear);
    if (v->kind == W_VALUE_CONST && !output) return operand_const(p, o, e);
    if (o->way == REF_DIRECT) return WEIR_OK;
    o->scratch = s->scratch_bytes;
    s->scratch_bytes += W_ALIGN_UP(w_tensor_bytes(&o->tensor), (size_t)64);
    return WEIR_OK;
}

weir_status w_step_ref_prepare(w_plan *p, w_step *s, weir_error *e) {
    ref_params *r = w_step_params(p, s, sizeof *r, e);
    if (!r) return WEIR_NO_RESOURCE;
    r->graph = p->graph;
    r->node = w_step_node(p, s);
    r->def = w_op_get(r->node->op);
    r->nin = r->node->nin;
    r->nout = r->node->nout;
    size_t n = (size_t)r->nin + r->nout;
    r->operand = w_arena_array(&p->arena_mem, W_MAX(n, (size_t)1), sizeof *r->operand);
    if (!r->operand) return w_oom(e, n * sizeof *r->operand, "the operands of a step");
    s->kernel = "reference";
    s->tile = "whole";
    s->threads = 1;
    s->scratch_bytes = W_ALIGN_UP(n * sizeof(w_tensor), (size_t)64); /* the tensors of the call, filled at run time */
    for (uint32_t i = 0; i < r->nin; i++) W_TRY(add_operand(p, s, &r->operand[i], w_step_in(p, s, i), false, e));
    for (uint32_t i = 0; i < r->nout; i++)
        if (r->node->out[i] != W_NONE)
            W_TRY(add_operand(p, s, &r->operand[r->nin + i], w_step_out(p, s, i), true, e));
    return WEIR_OK;
}

static void *load_operand(const ref_operand *o, void *bytes, uint8_t *scratch) {
    switch (o->way) {
    case REF_ABSENT: return NULL;
    case REF_CONST: return o->tensor.data;
    case REF_DIRECT: return bytes;
    case REF_REAL: w_value_to_real(o->value, w_value_layout(o->value), bytes, (float *)(scratch + o->scratch)); break;
    case REF_MOVED: w_nd_copy(&o->nd, w_type_size(o->tensor.type), scratch + o->scratch, bytes, 0, o->nd.n[0]); break;
    }
    return scratch + o->scratch;
}

static void store_operand(const ref_operand *o, void *bytes, const uint8_t *scratch) {
    if (o->way == REF_REAL) w_value_from_real(o->value, (const float *)(scratch + o->scratch), bytes);
    else if (o->way == REF_MOVED)
        w_nd_copy(&o->nd, w_type_size(o->tensor.type), bytes, scratch + o->scratch, 0, o->nd.n[0]);
}

void w_step_ref_run(const w_step *s, const w_bindings *b) {
    const ref_params *r = s->params;
    uint8_t *scratch = w_scratch_ptr(s, b);
    w_tensor *in = (w_tensor *)(void *)scratch, *out = in + r->nin;
    for (uint32_t i = 0; i < r->nin; i++) {
        in[i] = r->operand[i].tensor;
        in[i].data = load_operand(&r->operand[i], w_loc_ptr(&s->in[i], b), scratch);
    }
    for (uint32_t i = 0; i < r->nout; i++) {
        const ref_operand *o = &r->operand[r->nin + i];
        out[i] = o->tensor;
        out[i].data = o->way == REF_ABSENT ? NULL : o->way == REF_DIRECT ? w_loc_ptr(&s->out[i], b) : scratch + o->scratch;
    }
    if (r->def->ref(r->graph, r->node, in, out, NULL) != WEIR_OK)
        for (uint32_t i = 0; i < r->nout; i++)
            if (out[i].data) memset(out[i].data, 0, w_tensor_bytes(&out[i]));
    for (uint32_t i = 0; i < r->nout; i++)
        store_operand(&r->operand[r->nin + i], w_loc_ptr(&s->out[i], b), scratch);
}
