/* A bias in whole steps of its layer's integer sums: what ONNX says with a DequantizeLinear of 32-bit integers, and what
 * engines need to run the layer in integers. */
#include "ops.h"
#include <math.h>

static bool has_steps(const w_graph *g, const w_node *n) {
    const w_value *data, *weight, *b;
    if ((n->op != W_OP_Conv && n->op != W_OP_Gemm) || n->nin < 3 || n->in[2] == W_NONE || w_has_late_scale(n)) return false;
    data = &g->value[n->in[0]], weight = &g->value[n->in[1]], b = &g->value[n->in[2]];
    return data->quant && data->quant->n == 1 && weight->quant && b->kind == W_VALUE_CONST && !b->quant && b->type == WEIR_F32 &&
           b->shape.rank == 1 && (weight->quant->n == 1 || (int64_t)weight->quant->n == b->shape.dim[0]);
}

weir_status w_bias_steps_of(const w_graph *g, const w_node *n, w_arena *a, w_bias_steps *out, weir_error *e) {
    float *real;
    size_t count;
    *out = (w_bias_steps){.n = 0};
    if (!has_steps(g, n)) return WEIR_OK;
    W_TRY(w_const_f32(g, n->in[2], a, &real, &count, e));
    const w_quant *qx = g->value[n->in[0]].quant, *qw = g->value[n->in[1]].quant;
    float *scale = w_arena_array(a, count + 1, sizeof *scale);
    int32_t *step = w_arena_array(a, count + 1, sizeof *step);
    if (!scale || !step) return w_oom(e, count * 8, "a bias in whole steps");
    for (size_t k = 0; k < count; k++) {
        scale[k] = qx->scale[0] * qw->scale[qw->n > 1 ? k : 0];
        double v = nearbyint((double)real[k] / scale[k]);
        if (!(fabs(v) < 2147483647.0)) return WEIR_OK;
        step[k] = (int32_t)v;
    }
    *out = (w_bias_steps){.scale = scale, .step = step, .n = count};
    return WEIR_OK;
}
