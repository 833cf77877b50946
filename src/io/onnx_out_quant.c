/* Quantised values in ONNX: a QuantizeLinear after their producer, a DequantizeLinear before their readers, so that ONNX
 * Runtime finds the pairs around each operator and runs it in integers. Constants need the second half only. */
#include "onnx_out.h"

const char *w_out_raw(w_exporter *x, w_id v) {
    const w_value *value = &x->g->value[v];
    const char *name = w_value_name(x->g, v);
    if (value->kind == W_VALUE_CONST && !x->written[v]) {
        x->written[v] = true;
        w_out_init(x, name, value->type, &value->shape, value->data, w_value_bytes(x->g, v));
    }
    return name;
}

static const char *zero_point(w_exporter *x, w_id v) {
    const w_value *value = &x->g->value[v];
    const w_quant *q = value->quant;
    int8_t *zero = w_arena_alloc(&x->scratch, q->n); /* the low byte is the same for u8 and s8 */
    if (!zero) {
        x->oom = true;
        return "";
    }
    for (uint32_t i = 0; i < q->n; i++) zero[i] = (int8_t)(uint8_t)(q->zero ? q->zero[i] : 0);
    w_shape s = {.rank = q->n > 1, .known = true, .dim = {q->n}};
    const char *name = w_out_name(x, w_value_name(x->g, v), "zero");
    w_out_init(x, name, value->type, &s, zero, q->n);
    return name;
}

static const char *scale(w_exporter *x, w_id v) {
    const w_quant *q = x->g->value[v].quant;
    w_shape s = {.rank = q->n > 1, .known = true, .dim = {q->n}};
    const char *name = w_out_name(x, w_value_name(x->g, v), "scale");
    w_out_init(x, name, WEIR_F32, &s, q->scale, q->n * sizeof(float));
    return name;
}

/* Both halves of a pair share scale and zero point: the value's names are made by whichever half comes first. */
static void border(w_exporter *x, const char *op, const char *in, w_id v, const char *out, const char *s, const char *z) {
    const w_quant *q = x->g->value[v].quant;
    w_out_begin(x, op, "");
    w_out_in(x, in);
    w_out_in(x, s);
    w_out_in(x, z);
    w_out_out(x, out);
    if (q->n > 1) w_out_int(x, "axis", q->axis);
    w_out_end(x);
}

static const char *dequantised(w_exporter *x, w_id v, const char *s, const char *z) {
    const char *raw = w_out_raw(x, v);
    const char *name = w_out_name(x, w_value_name(x->g, v), "real");
    border(x, "DequantizeLinear", raw, v, name, s, z);
    return name;
}

void w_out_quantize(w_exporter *x, const char *real, w_id v) {
    const char *s = scale(x, v), *z = zero_point(x, v);
    border(x, "QuantizeLinear", real, v, w_value_name(x->g, v), s, z);
    x->real[v] = dequantised(x, v, s, z);
}

const char *w_out_real(w_exporter *x, w_id v) {
    const w_value *value = &x->g->value[v];
    if (value->quant && !x->real[v]) {
        const char *s = scale(x, v), *z = zero_point(x, v);
        x->real[v] = dequantised(x, v, s, z);
    }
    if (x->real[v]) return x->real[v];
    const char *raw = w_out_raw(x, v);
    if (value->kind != W_VALUE_CONST || (value->type != WEIR_F16 && value->type != WEIR_BF16)) return raw;
    if (!x->wide[v]) {
        x->wide[v] = w_out_name(x, raw, "f32");
        w_out_begin(x, "Cast", "");
        w_out_in(x, raw);
        w_out_out(x, x->wide[v]);
        w_out_int(x, "to", w_onnx_type_code(WEIR_F32));
        w_out_end(x);
    }
    return x->wide[v];
}

const char *w_out_bias(w_exporter *x, const w_node *n, const char *base) {
    w_bias_steps b;
    if (w_bias_steps_of(x->g, n, &x->scratch, &b, x->e) != WEIR_OK) {
        x->oom = true;
        return NULL;
    }
    if (!b.n) return NULL;
    const char *sn = w_out_vector(x, base, "bias_scale", WEIR_F32, b.scale, b.n), *qn = w_out_vector(x, base, "bias_s32", WEIR_S32, b.step, b.n);
    const char *name = w_out_name(x, base, "bias_real");
    w_out_begin(x, "DequantizeLinear", "");
    w_out_in(x, qn);
    w_out_in(x, sn);
    w_out_out(x, name);
    w_out_int(x, "axis", 0);
    w_out_end(x);
    return name;
}
