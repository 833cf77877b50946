/* Running references: operands come as their values store them (types, layout, quantisation) and leave the same way; in between
 * lie dense row-major tensors of the types that references know: f32, integers and bool. */
#include "op_util.h"
#include <math.h>
#include <string.h>

/* ---- single numbers ---- */

static float half_to_float(uint16_t h) {
    uint32_t sign = (uint32_t)(h >> 15) << 31, exp = h >> 10 & 31u, mant = h & 1023u, bits;
    float f;
    if (exp == 0) {
        f = ldexpf((float)mant, -24);
        return sign ? -f : f;
    }
    bits = sign | (exp == 31 ? 0x7f800000u : (exp + 112) << 23) | mant << 13;
    memcpy(&f, &bits, 4);
    return f;
}

static uint16_t float_to_half(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
    if (isnan(x)) return sign | 0x7e00u;
    float a = fabsf(x);
    if (a >= 65520.0f) return sign | 0x7c00u;
    if (a < ldexpf(1.0f, -14)) return (uint16_t)(sign | (uint16_t)rintf(ldexpf(a, 24)));
    uint32_t magnitude = (bits & 0x7fffffffu) - (112u << 23);
    magnitude += 0xfffu + (magnitude >> 13 & 1u);
    return (uint16_t)(sign | (uint16_t)(magnitude >> 13));
}

static float bf16_to_float(uint16_t h) {
    uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static uint16_t float_to_bf16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    if (isnan(x)) return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

float w_load_real(const void *data, w_type t, size_t i) {
    const uint8_t *p = (const uint8_t *)data + i * w_type_size(t);
    float f;
    double d;
    uint16_t h;
    switch (t) {
    case WEIR_F32: memcpy(&f, p, 4); return f;
    case WEIR_F64: memcpy(&d, p, 8); return (float)d;
    case WEIR_F16: memcpy(&h, p, 2); return half_to_float(h);
    case WEIR_BF16: memcpy(&h, p, 2); return bf16_to_float(h);
    default: return (float)w_load_int(data, t, i);
    }
}

static double clamp_to(double x, w_type t) {
    switch (t) {
    case WEIR_U8: return fmin(fmax(x, 0.0), 255.0);
    case WEIR_S8: return fmin(fmax(x, -128.0), 127.0);
    case WEIR_U16: return fmin(fmax(x, 0.0), 65535.0);
    case WEIR_S16: return fmin(fmax(x, -32768.0), 32767.0);
    default: return fmin(fmax(x, -2147483648.0), 2147483647.0);
    }
}

static void store_real(void *data, w_type t, size_t i, float x) {
    switch (t) {
    case WEIR_F32: ((float *)data)[i] = x; break;
    case WEIR_F64: ((double *)data)[i] = x; break;
    case WEIR_F16: ((uint16_t *)data)[i] = float_to_half(x); break;
    case WEIR_BF16: ((uint16_t *)data)[i] = float_to_bf16(x); break;
    default: break;
    }
}

/* ---- whole tensors ---- */

static w_type ref_type(w_type t) { return t == WEIR_F16 || t == WEIR_BF16 || t == WEIR_F64 ? WEIR_F32 : t; }

/* The quantisation by which an operand is translated; QuantizeLinear's result and DequantizeLinear's operand stay integers. */
static const w_quant *quant_in(const w_node *n, const w_value *v, uint32_t i) {
    return n->op == W_OP_DequantizeLinear && i == 0 ? NULL : v->quant;
}

static const w_quant *quant_out(const w_node *n, const w_value *v) { return n->op == W_OP_QuantizeLinear ? NULL : v->quant; }

/* Place of row-major element number i in the storage of v; constants are always row-major. */
typedef struct places { bool nhwc; int64_t channels, image; } places;

static places places_of(const w_value *v, const w_shape *s) {
    places p = {v->layout == W_NHWC && v->kind != W_VALUE_CONST && s->rank == 4, 1, 1};
    if (p.nhwc) p.channels = s->dim[1], p.image = s->dim[2] * s->dim[3];
    return p;
}

static size_t place(const places *p, int64_t i) {
    if (!p->nhwc) return (size_t)i;
    int64_t plane = i / p->image, c = plane % p->channels, b = plane / p->channels;
    return (size_t)((b * p->image + i % p->image) * p->channels + c);
}

/* Which scale element i has. */
typedef struct quant_at { const w_quant *q; int64_t inner; } quant_at;

static quant_at quant_of(const w_quant *q, const w_shape *s) {
    quant_at r = {q, 1};
    for (int i = q && q->n > 1 ? q->axis + 1 : s->rank; i < s->rank; i++) r.inner *= s->dim[i];
    return r;
}

static uint32_t quant_index(const quant_at *r, int64_t i) { return r->q->n > 1 ? (uint32_t)(i / r->inner % r->q->n) : 0; }

static bool as_stored(const w_value *v, const w_quant *q, const w_tensor *t) {
    return !q && ref_type(v->type) == v->type && !places_of(v, &t->shape).nhwc && !v->is_mapped;
}

static weir_status to_real(const w_value *v, const w_quant *quant, const w_tensor *stored, w_tensor *real, w_arena *scratch, weir_error *e) {
    *real = *stored;
    if (!stored->data || as_stored(v, quant, stored)) return WEIR_OK;
    real->type = quant ? WEIR_F32 : ref_type(v->type);
    int64_t count = w_count(stored);
    size_t bytes = (size_t)W_MAX(count, 1) * w_type_size(real->type);
    real->data = w_arena_alloc_aligned(scratch, bytes);
    if (!real->data) return w_oom(e, bytes, "a reference operand");
    places p = places_of(v, &stored->shape);
    quant_at q = quant_of(quant, &stored->shape);
    if (!quant && real->type == v->type && !p.nhwc) { /* mapped: only the alignment is wrong */
        memcpy(real->data, stored->data, (size_t)count * w_type_size(v->type));
        return WEIR_OK;
    }
    for (int64_t i = 0; i < count; i++) {
        size_t at = place(&p, i);
        if (quant) {
            uint32_t k = quant_index(&q, i);
            ((float *)real->data)[i] = (float)(w_load_int(stored->data, v->type, at) - quant->zero[k]) * quant->scale[k];
        } else if (real->type == WEIR_F32) ((float *)real->data)[i] = w_load_real(stored->data, v->type, at);
        else w_store_int(real->data, real->type, (size_t)i, w_load_int(stored->data, v->type, at));
    }
    return WEIR_OK;
}

static void from_real(const w_value *v, const w_quant *quant, const w_tensor *real, w_tensor *stored) {
    if (real->data == stored->data) return;
    places p = places_of(v, &stored->shape);
    quant_at q = quant_of(quant, &stored->shape);
    for (int64_t i = 0, count = w_count(stored); i < count; i++) {
        size_t at = place(&p, i);
        if (quant) {
            uint32_t k = quant_index(&q, i);
            double x = rint((double)(((const float *)real->data)[i] / quant->scale[k])) + quant->zero[k];
            w_store_int(stored->data, v->type, at, isnan(x) ? 0 : (int64_t)clamp_to(x, v->type));
        } else if (real->type == WEIR_F32) store_real(stored->data, v->type, at, ((const float *)real->data)[i]);
        else w_store_int(stored->data, v->type, at, w_load_int(real->data, real->type, (size_t)i));
    }
}

static weir_status real_output(const w_value *v, const w_quant *quant, const w_tensor *stored, w_tensor *real, w_arena *scratch, weir_error *e) {
    *real = *stored;
    if (!stored->data || as_stored(v, quant, stored)) return WEIR_OK;
    real->type = quant ? WEIR_F32 : ref_type(v->type);
    size_t bytes = (size_t)W_MAX(w_count(stored), 1) * w_type_size(real->type);
    real->data = w_arena_alloc_aligned(scratch, bytes);
    return real->data ? WEIR_OK : w_oom(e, bytes, "a reference result");
}

weir_status w_ref_node(const w_graph *g, const w_node *n, const w_tensor *in, w_tensor *out, w_arena *scratch, weir_error *e) {
    const w_op_def *def = w_op_get(n->op);
    if (!def) return w_fail(e, WEIR_INTERNAL, "a node without an operator cannot run");
    w_tensor *x = w_arena_array(scratch, (size_t)n->nin + n->nout + 1, sizeof *x), *y = x + n->nin;
    if (!x) return w_oom(e, ((size_t)n->nin + n->nout + 1) * sizeof *x, "the operands of a reference");
    for (uint32_t i = 0; i < n->nin; i++) {
        const w_value *v = w_node_in(g, n, i);
        if (v) W_TRY(to_real(v, quant_in(n, v, i), &in[i], &x[i], scratch, e));
    }
    for (uint32_t o = 0; o < n->nout; o++) {
        const w_value *v = w_node_out(g, n, o);
        if (v) W_TRY(real_output(v, quant_out(n, v), &out[o], &y[o], scratch, e));
    }
    W_TRY(def->ref(g, n, x, y, e));
    for (uint32_t o = 0; o < n->nout; o++) {
        const w_value *v = w_node_out(g, n, o);
        if (v && out[o].data) from_real(v, quant_out(n, v), &y[o], &out[o]);
    }
    return WEIR_OK;
}

/* ---- the whole graph ---- */

static weir_status place_value(const w_graph *g, w_id id, w_tensor *t, w_arena *a, weir_error *e) {
    const w_value *v = &g->value[id];
    int64_t count = w_shape_count(&v->shape);
    if (!v->type || count < 0) return w_fail(e, WEIR_BAD_INPUT, "value '%s' has no known type and shape", w_value_name(g, id));
    *t = (w_tensor){v->type, v->shape, NULL};
    size_t bytes = (size_t)W_MAX(count, 1) * w_type_size(v->type);
    t->data = w_arena_alloc_aligned(a, bytes);
    return t->data ? WEIR_OK : w_oom(e, bytes, w_value_name(g, id));
}

static weir_status run_one(const w_graph *g, const w_node *n, w_tensor *values, w_arena *a, weir_error *e) {
    w_arena scratch;
    w_tensor *in = w_arena_array(a, (size_t)n->nin + n->nout + 1, sizeof *in), *out = in + n->nin;
    if (!in) return w_oom(e, ((size_t)n->nin + n->nout + 1) * sizeof *in, "the operands of a reference");
    for (uint32_t i = 0; i < n->nin; i++) {
        if (n->in[i] == W_NONE) continue;
        in[i] = values[n->in[i]];
        if (!in[i].data) return w_fail(e, WEIR_INTERNAL, "value '%s' is used before it is computed", w_value_name(g, n->in[i]));
    }
    for (uint32_t o = 0; o < n->nout; o++) {
        if (n->out[o] == W_NONE) continue;
        W_TRY(place_value(g, n->out[o], &values[n->out[o]], a, e));
        out[o] = values[n->out[o]];
    }
    w_arena_init(&scratch, g->ctx);
    weir_status s = w_ref_node(g, n, in, out, &scratch, e);
    w_arena_fini(&scratch);
    return s;
}

weir_status w_ref_graph(const w_graph *g, w_tensor *values, w_arena *a, weir_error *e) {
    for (w_id id = 0; id < g->nvalue; id++) {
        const w_value *v = &g->value[id];
        if (v->kind != W_VALUE_CONST) continue;
        if (w_shape_count(&v->shape) < 0) return w_fail(e, WEIR_BAD_INPUT, "constant '%s' has no known shape", w_value_name(g, id));
        values[id] = (w_tensor){v->type, v->shape, (void *)v->data};
    }
    for (size_t i = 0; i < g->nnode; i++)
        if (g->node[i].op != W_OP_NONE) W_TRY(run_one(g, &g->node[i], values, a, e));
    return WEIR_OK;
}
