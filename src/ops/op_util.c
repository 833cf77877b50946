/* Looking at a node's operands, messages, and the checks that every shape rule opens with. */
#include "op_util.h"
#include <stdio.h>
#include <string.h>

const w_value *w_node_in(const w_graph *g, const w_node *n, uint32_t i) {
    return i < n->nin && n->in[i] != W_NONE ? &g->value[n->in[i]] : NULL;
}

w_value *w_node_out(const w_graph *g, const w_node *n, uint32_t i) {
    return i < n->nout && n->out[i] != W_NONE ? &g->value[n->out[i]] : NULL;
}

weir_status w_node_fail(weir_error *e, const w_graph *g, const w_node *n, const char *fmt, ...) {
    char text[700];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const w_op_def *def = w_op_get(n->op);
    return w_fail(e, WEIR_BAD_INPUT, "node '%.200s' (%s): %s", w_node_label(g, n), def ? def->name : "none", text);
}

int64_t w_opset(const w_graph *g) { return g->opset > 0 ? g->opset : INT64_MAX; }

w_type w_real_type(const w_value *v) { return v->quant ? WEIR_F32 : v->type; }

static weir_status check_arity(const w_graph *g, const w_node *n, const w_op_def *def, weir_error *e) {
    if (n->nin < def->min_in || n->nin > def->max_in)
        return w_node_fail(e, g, n, "has %u inputs, expected %s%u", n->nin, n->nin < def->min_in ? "at least " : "at most ",
                           n->nin < def->min_in ? def->min_in : def->max_in);
    if (n->nout < def->min_out || n->nout > def->max_out)
        return w_node_fail(e, g, n, "has %u outputs, expected %s%u", n->nout, n->nout < def->min_out ? "at least " : "at most ",
                           n->nout < def->min_out ? def->min_out : def->max_out);
    for (uint32_t i = 0; i < n->nin; i++) {
        bool required = i < def->min_in || def->max_in == UINT32_MAX;
        if (n->in[i] == W_NONE && required) return w_node_fail(e, g, n, "required input %u is missing", i);
        if (n->in[i] != W_NONE && n->in[i] >= g->nvalue) return w_node_fail(e, g, n, "input %u is no value of the graph", i);
    }
    for (uint32_t i = 0; i < n->nout; i++) {
        bool required = i < def->min_out || def->max_out == UINT32_MAX;
        if (n->out[i] == W_NONE && required) return w_node_fail(e, g, n, "required output %u is missing", i);
        if (n->out[i] != W_NONE && n->out[i] >= g->nvalue) return w_node_fail(e, g, n, "output %u is no value of the graph", i);
    }
    return WEIR_OK;
}

static weir_status check_operand(const w_graph *g, const w_node *n, uint32_t i, weir_error *e) {
    const w_shape *s = &g->value[n->in[i]].shape;
    if (s->rank > W_MAX_RANK) return w_node_fail(e, g, n, "input %u has rank %u, at most %d is supported", i, s->rank, W_MAX_RANK);
    for (int k = 0; k < s->rank; k++)
        if (s->dim[k] > W_MAX_DIM)
            return w_node_fail(e, g, n, "input %u has dimension %lld, at most %lld is supported", i, (long long)s->dim[k],
                               (long long)W_MAX_DIM);
    return WEIR_OK;
}

weir_status w_infer_begin(w_graph *g, w_node *n, bool *ready, weir_error *e) {
    const w_op_def *def = w_op_get(n->op);
    *ready = true;
    if (!def) return w_fail(e, WEIR_INTERNAL, "a node without an operator has no shape rule");
    W_TRY(check_arity(g, n, def, e));
    if (def->attr_size && !n->attr) return w_fail(e, WEIR_INTERNAL, "node '%s' (%s) has no attributes", w_node_label(g, n), def->name);
    for (uint32_t i = 0; i < n->nin; i++) {
        const w_value *v = w_node_in(g, n, i);
        if (!v) continue;
        if (v->shape.known) W_TRY(check_operand(g, n, i, e));
        else *ready = false;
        if (!v->type) *ready = false;
    }
    if (*ready) return WEIR_OK;
    for (uint32_t i = 0; i < n->nout; i++) {
        w_value *v = w_node_out(g, n, i);
        if (v) v->shape.known = false;
    }
    return WEIR_OK;
}

weir_status w_check_type(const w_graph *g, const w_node *n, uint32_t i, const char *what, unsigned allowed, weir_error *e) {
    const w_value *v = w_node_in(g, n, i);
    if (!v) return WEIR_OK;
    w_type t = w_real_type(v);
    if ((unsigned)t < 32 && (allowed & W_T(t))) return WEIR_OK;
    const char *hint = allowed == W_T_FLOATS ? "a float type" : allowed == W_T_INDEX ? "s32 or s64" :
                       allowed == W_T(WEIR_S64) ? "s64" : allowed == W_T(WEIR_BOOL) ? "bool" : "another type";
    return w_node_fail(e, g, n, "%s has type %s, expected %s", what, w_type_name(t), hint);
}

weir_status w_check_bytes(const w_graph *g, const w_node *n, uint32_t i, const char *what, weir_error *e) {
    const w_value *v = w_node_in(g, n, i);
    if (v->type == WEIR_U8 || v->type == WEIR_S8) return WEIR_OK;
    return w_node_fail(e, g, n, "%s has type %s, expected u8 or s8", what, w_type_name(v->type));
}

static bool single(const w_value *v, w_type t) { return v->type == t && !v->quant && w_shape_count(&v->shape) == 1; }

weir_status w_check_product(const w_graph *g, const w_node *n, const char *what, w_type *t, weir_error *e) {
    const w_value *x = w_node_in(g, n, 0), *scale = w_node_in(g, n, W_IN_SCALE), *zero = w_node_in(g, n, W_IN_ZERO);
    if (!scale != !zero) return w_node_fail(e, g, n, "has a scale or a zero point of %s, expected both or none", what);
    if (scale && (!single(scale, WEIR_F32) || !single(zero, WEIR_U8)))
        return w_node_fail(e, g, n, "scale and zero point of %s have types %s and %s, expected one f32 and one u8", what,
                           w_type_name(scale->type), w_type_name(zero->type));
    if (scale && (x->type != WEIR_U8 || x->quant)) return w_node_fail(e, g, n, "%s has a scale of its own, expected u8 without one", what);
    if (!scale) W_TRY(w_check_type(g, n, 0, what, W_T_FLOATS, e));
    for (uint32_t i = 1; i < W_IN_SCALE; i++) W_TRY(w_check_same_type(g, n, scale ? W_IN_SCALE : 0, i, e));
    *t = scale ? WEIR_F32 : w_real_type(x);
    return WEIR_OK;
}

w_numbers w_product_data(const w_node *n, const w_tensor *in, double *scale) {
    *scale = 1;
    if (!w_has_late_scale(n)) return w_numbers_of(&in[0], 0);
    *scale = w_load_real(in[W_IN_SCALE].data, in[W_IN_SCALE].type, 0);
    return w_numbers_of(&in[0], w_load_int(in[W_IN_ZERO].data, in[W_IN_ZERO].type, 0));
}

static bool short_constant(const w_value *v) {
    return v->kind == W_VALUE_CONST && (v->type == WEIR_F16 || v->type == WEIR_BF16);
}

weir_status w_check_same_type(const w_graph *g, const w_node *n, uint32_t i, uint32_t j, weir_error *e) {
    const w_value *a = w_node_in(g, n, i), *b = w_node_in(g, n, j);
    if (!a || !b) return WEIR_OK;
    w_type ta = w_real_type(a), tb = w_real_type(b);
    if (ta == tb || !ta || !tb) return WEIR_OK; /* not known before shapes are */
    if ((W_T(ta) & W_T_FLOATS) && short_constant(b)) return WEIR_OK;
    if ((W_T(tb) & W_T_FLOATS) && short_constant(a)) return WEIR_OK;
    return w_node_fail(e, g, n, "input %u has type %s, expected %s as input %u", j, w_type_name(tb), w_type_name(ta), i);
}

weir_status w_check_rank(const w_graph *g, const w_node *n, uint32_t i, const char *what, int lo, int hi, weir_error *e) {
    const w_value *v = w_node_in(g, n, i);
    char t[W_SHAPE_TEXT];
    if (!v || (v->shape.rank >= lo && v->shape.rank <= hi)) return WEIR_OK;
    if (lo == hi) return w_node_fail(e, g, n, "%s has shape %s, expected rank %d", what, w_shape_text(g, &v->shape, t), lo);
    return w_node_fail(e, g, n, "%s has shape %s, expected rank %d to %d", what, w_shape_text(g, &v->shape, t), lo, hi);
}

weir_status w_set_out(w_graph *g, w_node *n, uint32_t o, w_type t, const w_shape *s, weir_error *e) {
    w_value *v = w_node_out(g, n, o);
    if (!v) return WEIR_OK;
    int64_t bytes = (int64_t)w_type_size(t);
    char text[W_SHAPE_TEXT];
    for (int i = 0; i < s->rank; i++) {
        if (s->dim[i] > W_MAX_DIM)
            return w_node_fail(e, g, n, "output %u would have dimension %lld, at most %lld is supported", o, (long long)s->dim[i],
                               (long long)W_MAX_DIM);
        if (s->dim[i] > 0 && (!w_mul_i64(bytes, s->dim[i], &bytes) || bytes > W_BYTES_LIMIT))
            return w_node_fail(e, g, n, "output %u would have shape %s, more than 2^40 bytes", o, w_shape_text(g, s, text));
    }
    if (!v->quant) v->type = t;
    v->shape = *s;
    v->shape.known = true;
    return WEIR_OK;
}

void w_set_unknown(w_graph *g, w_node *n, uint32_t o, w_type t) {
    w_value *v = w_node_out(g, n, o);
    if (!v) return;
    if (!v->quant) v->type = t;
    v->shape.known = false;
}

weir_status w_infer_same(w_graph *g, w_node *n, unsigned allowed, weir_error *e) {
    W_BEGIN(g, n, e);
    W_TRY(w_check_type(g, n, 0, "X", allowed, e));
    const w_value *x = w_node_in(g, n, 0);
    w_shape s = x->shape;
    return w_set_out(g, n, 0, w_real_type(x), &s, e);
}

int64_t w_load_int(const void *data, w_type t, size_t i) {
    const uint8_t *p = (const uint8_t *)data + i * w_type_size(t);
    int64_t r = 0;
    int32_t i32;
    int16_t i16;
    uint16_t u16;
    switch (t) {
    case WEIR_S64: memcpy(&r, p, 8); return r;
    case WEIR_S32: memcpy(&i32, p, 4); return i32;
    case WEIR_S16: memcpy(&i16, p, 2); return i16;
    case WEIR_U16: memcpy(&u16, p, 2); return u16;
    case WEIR_S8: return (int8_t)*p;
    case WEIR_U8: return *p;
    case WEIR_BOOL: return *p != 0;
    default: return 0;
    }
}

void w_store_int(void *data, w_type t, size_t i, int64_t x) {
    switch (t) {
    case WEIR_S64: ((int64_t *)data)[i] = x; break;
    case WEIR_S32: ((int32_t *)data)[i] = (int32_t)x; break;
    case WEIR_S16: ((int16_t *)data)[i] = (int16_t)x; break;
    case WEIR_U16: ((uint16_t *)data)[i] = (uint16_t)x; break;
    case WEIR_S8: ((int8_t *)data)[i] = (int8_t)x; break;
    case WEIR_U8: ((uint8_t *)data)[i] = (uint8_t)x; break;
    case WEIR_BOOL: ((uint8_t *)data)[i] = x != 0; break;
    default: break;
    }
}

weir_status w_in_ints(const w_graph *g, const w_node *n, uint32_t i, const char *what, int64_t *out, uint32_t cap, uint32_t *count,
                      bool *known, weir_error *e) {
    const w_value *v = w_node_in(g, n, i);
    *count = 0;
    *known = true;
    if (!v) return WEIR_OK;
    if (v->type != WEIR_S64 && v->type != WEIR_S32)
        return w_node_fail(e, g, n, "%s has type %s, expected s64", what, w_type_name(v->type));
    if (v->shape.rank > 1) return w_node_fail(e, g, n, "%s has rank %u, expected a vector", what, v->shape.rank);
    *known = v->kind == W_VALUE_CONST && v->data;
    int64_t have = v->shape.rank ? v->shape.dim[0] : 1;
    if (have < 0) return WEIR_OK;
    if (have > cap) return w_node_fail(e, g, n, "%s has %lld elements, expected at most %u", what, (long long)have, cap);
    *count = (uint32_t)have;
    for (uint32_t k = 0; *known && k < *count; k++) out[k] = w_load_int(v->data, v->type, k);
    return WEIR_OK;
}

uint32_t w_tensor_ints(const w_tensor *t, int64_t *out, uint32_t cap) {
    if (!t->data) return 0;
    uint32_t n = (uint32_t)W_MIN(w_count(t), (int64_t)cap);
    for (uint32_t i = 0; i < n; i++) out[i] = w_load_int(t->data, t->type, i);
    return n;
}
