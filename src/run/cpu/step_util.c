/* What the steps share: operands, attributes, constants, the decision to split, the default traffic, conversions. */
#include "step.h"
#include <math.h>
#include <string.h>

/* ---- operands ---- */

bool w_is_nhwc(const w_value *v) {
    return v->shape.rank == 4 && (w_value_layout(v) == W_NHWC || w_layouts_agree(&v->shape));
}

bool w_is_real_f32(const w_value *v) { return v->type == WEIR_F32 && !v->quant; }

bool w_is_quant8(const w_value *v) {
    return (v->type == WEIR_U8 || v->type == WEIR_S8) && v->quant && v->quant->n == 1;
}

bool w_same_quant(const w_value *a, const w_value *b) {
    if (a->type != b->type || !a->quant != !b->quant) return false;
    if (!a->quant) return true;
    return a->quant->n == 1 && b->quant->n == 1 && a->quant->scale[0] == b->quant->scale[0] &&
           a->quant->zero[0] == b->quant->zero[0];
}

/* ---- attributes ---- */

static const void *attr_field(const w_node *n, const char *name, w_attr_kind kind) {
    const w_op_def *def = w_op_get(n->op);
    for (uint32_t i = 0; n->attr && i < def->nattrs; i++)
        if (def->attrs[i].kind == kind && strcmp(def->attrs[i].name, name) == 0)
            return (const char *)n->attr + def->attrs[i].offset;
    return NULL;
}

int64_t w_attr_int(const w_node *n, const char *name, int64_t missing) {
    const int64_t *v = attr_field(n, name, W_ATTR_INT);
    return v ? *v : missing;
}

float w_attr_float(const w_node *n, const char *name, float missing) {
    const float *v = attr_field(n, name, W_ATTR_FLOAT);
    return v ? *v : missing;
}

const w_ints *w_attr_ints(const w_node *n, const char *name) { return attr_field(n, name, W_ATTR_INTS); }

const char *w_attr_str(const w_node *n, const char *name) {
    const char *const *v = attr_field(n, name, W_ATTR_STRING);
    return v ? *v : NULL;
}

/* ---- prepare ---- */

void *w_step_params(w_plan *p, w_step *s, size_t size, weir_error *e) {
    s->params = w_arena_alloc(&p->arena_mem, size);
    if (!s->params) w_oom(e, size, "the parameters of a step");
    return s->params;
}

void *w_step_packed(w_plan *p, w_step *s, size_t size, weir_error *e) {
    void *m = w_arena_alloc_aligned(&p->arena_mem, size ? size : 1);
    if (!m) w_oom(e, size, "packed weights");
    else s->packed_bytes += size;
    return m;
}

weir_status w_step_const(w_plan *p, const w_step *s, uint32_t i, float **out, size_t *n, weir_error *e) {
    const w_node *node = w_step_node(p, s);
    const w_value *v = w_node_in(p->graph, node, i);
    if (!v || v->kind != W_VALUE_CONST)
        return w_fail(e, WEIR_INTERNAL, "%s: input %u: expected a constant", w_node_label(p->graph, node), i);
    return w_const_f32(p->graph, node->in[i], &p->arena_mem, out, n, e);
}

/* A parallel region costs a few microseconds; below this a second thread cannot win. */
#define SPLIT_SECONDS 20e-6

int w_step_threads(const w_plan *p, double seconds) {
    int threads = p->options.threads > 0 ? p->options.threads : p->ctx->threads;
    return seconds < SPLIT_SECONDS || threads < 1 ? 1 : threads;
}

double w_step_seconds(double macs, double bytes) { return macs / 3e10 + bytes / 2e10; }

size_t w_step_row(const w_plan *p, const w_step *s) {
    const w_value *y = w_step_out(p, s, 0);
    return s->out[0].pitch ? s->out[0].pitch / w_type_size(y->type) : (size_t)y->shape.dim[1];
}

double w_step_io_bytes(const w_step *s) {
    double bytes = 0;
    for (uint32_t i = 0; i < s->nin; i++) bytes += (double)s->in[i].bytes;
    for (uint32_t i = 0; i < s->nout; i++) bytes += (double)s->out[i].bytes;
    return bytes;
}

/* ---- late scales ---- */

w_late w_late_of(const w_step *s, const w_bindings *b) {
    w_late l = {false, 1.0f, 1};
    if (s->nin <= W_IN_ZERO || s->in[W_IN_SCALE].place == W_PLACE_NONE) return l;
    l.there = true;
    memcpy(&l.scale, w_loc_ptr(&s->in[W_IN_SCALE], b), sizeof l.scale);
    l.zero = *(const uint8_t *)w_loc_ptr(&s->in[W_IN_ZERO], b);
    return l;
}

int32_t w_packed_zero(const w_plan *p, const w_step *s) {
    const w_quant *q = w_step_in(p, s, 0)->quant;
    return q ? q->zero[0] : 1;
}

void w_touch_late(const w_step *s, w_touch *t, size_t padding) {
    for (uint32_t i = W_IN_SCALE; i <= W_IN_ZERO && i < s->nin; i++) w_touch_loc(t, &s->in[i], 0, s->in[i].bytes, W_READ);
    if (!padding) return;
    w_touch_scratch(t, s, 0, padding, W_WRITE);
    w_touch_l1(t, 0, (double)padding);
}

/* ---- touch ---- */

void w_touch_streaming(const w_plan *p, const w_step *s, w_touch *t) {
    double in = (double)s->packed_bytes, out = 0;
    for (uint32_t i = 0; i < s->nin; i++) {
        if (s->in[i].place == W_PLACE_NONE) continue;
        w_touch_loc(t, &s->in[i], 0, s->in[i].bytes, W_READ);
        in += (double)s->in[i].bytes;
    }
    if (s->packed_bytes) w_touch_packed(t, s, 0, s->packed_bytes);
    if (s->scratch_bytes) {
        w_touch_scratch(t, s, 0, s->scratch_bytes, W_WRITE);
        w_touch_scratch(t, s, 0, s->scratch_bytes, W_READ);
        in += (double)s->scratch_bytes;
        out += (double)s->scratch_bytes;
    }
    for (uint32_t i = 0; i < s->nout; i++) {
        if (s->out[i].place == W_PLACE_NONE) continue;
        w_touch_loc(t, &s->out[i], 0, s->out[i].bytes, W_WRITE);
        out += (double)s->out[i].bytes;
    }
    w_touch_l1(t, in, out);
}

/* ---- conversions ---- */

static uint16_t float_to_bf16(float f) {
    uint32_t b;
    memcpy(&b, &f, sizeof b);
    if (f != f) return (uint16_t)(b >> 16 | 0x40);
    return (uint16_t)((b + 0x7fff + (b >> 16 & 1)) >> 16);
}

static float load_real(w_type type, const void *data, int64_t i) {
    switch (type) {
    case WEIR_F32: return ((const float *)data)[i];
    case WEIR_F16: return w_f16_to_f32(((const uint16_t *)data)[i]);
    case WEIR_BF16: {
        uint32_t b = (uint32_t)((const uint16_t *)data)[i] << 16;
        float f;
        memcpy(&f, &b, sizeof f);
        return f;
    }
    case WEIR_F64: return (float)((const double *)data)[i];
    case WEIR_S8: return ((const int8_t *)data)[i];
    case WEIR_U16: return ((const uint16_t *)data)[i];
    case WEIR_S16: return ((const int16_t *)data)[i];
    case WEIR_S32: return (float)((const int32_t *)data)[i];
    case WEIR_S64: return (float)((const int64_t *)data)[i];
    case WEIR_U8:
    case WEIR_BOOL: return ((const uint8_t *)data)[i];
    }
    return 0;
}

static float clamp_round(float x, float lo, float hi) {
    x = rintf(x);
    return !(x > lo) ? lo : x > hi ? hi : x;
}

static void store_real(w_type type, void *data, int64_t i, float x) {
    switch (type) {
    case WEIR_F32: ((float *)data)[i] = x; break;
    case WEIR_F16: ((uint16_t *)data)[i] = w_f32_to_f16(x); break;
    case WEIR_BF16: ((uint16_t *)data)[i] = float_to_bf16(x); break;
    case WEIR_F64: ((double *)data)[i] = x; break;
    case WEIR_U8: ((uint8_t *)data)[i] = (uint8_t)clamp_round(x, 0, 255); break;
    case WEIR_S8: ((int8_t *)data)[i] = (int8_t)clamp_round(x, -128, 127); break;
    case WEIR_U16: ((uint16_t *)data)[i] = (uint16_t)clamp_round(x, 0, 65535); break;
    case WEIR_S16: ((int16_t *)data)[i] = (int16_t)clamp_round(x, -32768, 32767); break;
    case WEIR_S32: ((int32_t *)data)[i] = (int32_t)clamp_round(x, -2147483648.0f, 2147483520.0f); break;
    case WEIR_S64: ((int64_t *)data)[i] = (int64_t)clamp_round(x, -9.2233715e18f, 9.2233715e18f); break;
    case WEIR_BOOL: ((uint8_t *)data)[i] = x != 0; break;
    }
}

/* Calls once per element in row-major order with its place in memory and its place along the quantisation axis. */
typedef struct walk { int64_t index[W_MAX_RANK], stride[W_MAX_RANK], mem; const w_shape *shape; } walk;

static void walk_init(walk *k, const w_shape *shape, w_layout layout) {
    memset(k, 0, sizeof *k);
    k->shape = shape;
    w_layout_strides(shape, layout, k->stride);
}

static void walk_next(walk *k) {
    for (int d = k->shape->rank; d-- > 0;) {
        k->mem += k->stride[d];
        if (++k->index[d] < k->shape->dim[d]) return;
        k->mem -= k->index[d] * k->stride[d];
        k->index[d] = 0;
    }
}

static uint32_t quant_channel(const w_quant *q, const walk *k) { return q->n > 1 ? (uint32_t)k->index[q->axis] : 0; }

void w_value_to_real(const w_value *v, w_layout layout, const void *data, float *out) {
    int64_t n = w_shape_count(&v->shape);
    walk k;
    walk_init(&k, &v->shape, layout);
    for (int64_t i = 0; i < n; i++, walk_next(&k)) {
        float x = load_real(v->type, data, k.mem);
        if (v->quant) {
            uint32_t c = quant_channel(v->quant, &k);
            x = (x - (float)v->quant->zero[c]) * v->quant->scale[c];
        }
        out[i] = x;
    }
}

void w_value_from_real(const w_value *v, const float *in, void *data) {
    int64_t n = w_shape_count(&v->shape);
    walk k;
    walk_init(&k, &v->shape, v->layout);
    for (int64_t i = 0; i < n; i++, walk_next(&k)) {
        float x = in[i];
        if (v->quant) {
            uint32_t c = quant_channel(v->quant, &k);
            x = x != x ? 0.0f : rintf(x / v->quant->scale[c]) + (float)v->quant->zero[c];
        }
        store_real(v->type, data, k.mem, x);
    }
}
