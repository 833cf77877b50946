/* Reading constants as f32 or s64, in ONNX order, from any alignment, type, layout and quantisation; and giving their pages
 * back. */
#include "graph.h"
#include <string.h>

#define LOAD(type, p, i)                                                                                               \
    ({                                                                                                                 \
        type load_;                                                                                                    \
        memcpy(&load_, (const char *)(p) + (i) * sizeof load_, sizeof load_);                                          \
        load_;                                                                                                         \
    })

static float load_bf16(const void *p, size_t i) {
    uint32_t bits = (uint32_t)LOAD(uint16_t, p, i) << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static double load_real(const void *p, w_type t, size_t i) {
    switch (t) {
    case WEIR_F32: return LOAD(float, p, i);
    case WEIR_F16: return w_f16_to_f32(LOAD(uint16_t, p, i));
    case WEIR_BF16: return load_bf16(p, i);
    case WEIR_F64: return LOAD(double, p, i);
    case WEIR_U8: return LOAD(uint8_t, p, i);
    case WEIR_S8: return LOAD(int8_t, p, i);
    case WEIR_U16: return LOAD(uint16_t, p, i);
    case WEIR_S16: return LOAD(int16_t, p, i);
    case WEIR_S32: return LOAD(int32_t, p, i);
    case WEIR_S64: return (double)LOAD(int64_t, p, i);
    case WEIR_BOOL: return LOAD(uint8_t, p, i) != 0;
    }
    return 0;
}

static int64_t load_int(const void *p, w_type t, size_t i) {
    switch (t) {
    case WEIR_U8: return LOAD(uint8_t, p, i);
    case WEIR_S8: return LOAD(int8_t, p, i);
    case WEIR_U16: return LOAD(uint16_t, p, i);
    case WEIR_S16: return LOAD(int16_t, p, i);
    case WEIR_S32: return LOAD(int32_t, p, i);
    case WEIR_S64: return LOAD(int64_t, p, i);
    case WEIR_BOOL: return LOAD(uint8_t, p, i) != 0;
    default: return 0;
    }
}

static weir_status check_const(const w_graph *g, w_id id, size_t elem, size_t *n, weir_error *e) {
    if (id >= g->nvalue || g->value[id].kind != W_VALUE_CONST)
        return w_fail(e, WEIR_BAD_INPUT, "tensor '%s' is not constant: expected a constant", w_value_name(g, id));
    int64_t count = w_shape_count(&g->value[id].shape);
    size_t bytes;
    if (count < 0 || !w_mul_size((size_t)count, elem, &bytes) || (count && !g->value[id].data))
        return w_fail(e, WEIR_BAD_INPUT, "constant '%s' has no usable shape or no data", w_value_name(g, id));
    *n = (size_t)count;
    return WEIR_OK;
}

/* Where element i (ONNX order) of a channels-last constant lies. */
static size_t nhwc_index(const w_shape *s, size_t i) {
    size_t c = (size_t)s->dim[1], hw = (size_t)s->dim[2] * (size_t)s->dim[3];
    size_t p = i % hw, ch = i / hw % c, b = i / hw / c;
    return (b * hw + p) * c + ch;
}

static void dequantise(const w_shape *s, const w_quant *q, float *x, size_t n) {
    size_t inner = 1;
    if (q->n > 1)
        for (unsigned k = (unsigned)q->axis + 1; k < s->rank; k++) inner *= (size_t)s->dim[k];
    for (size_t i = 0; i < n; i++) {
        size_t k = q->n > 1 ? i / inner % q->n : 0;
        x[i] = q->scale[k] * (x[i] - (float)q->zero[k]);
    }
}

static bool is_permuted(const w_value *v) { return v->layout == W_NHWC && v->shape.rank == 4; }

weir_status w_const_f32(const w_graph *g, w_id id, w_arena *a, float **out, size_t *n, weir_error *e) {
    W_TRY(check_const(g, id, sizeof(float), n, e));
    const w_value *v = &g->value[id];
    float *x = w_arena_alloc_aligned(a, W_MAX(*n, 1) * sizeof *x);
    if (!x) return w_oom(e, *n * sizeof *x, "a constant");
    bool permuted = is_permuted(v);
    if (v->type == WEIR_F32 && !permuted && *n) memcpy(x, v->data, *n * sizeof *x);
    else
        for (size_t i = 0; i < *n; i++) x[i] = (float)load_real(v->data, v->type, permuted ? nhwc_index(&v->shape, i) : i);
    if (v->quant) dequantise(&v->shape, v->quant, x, *n);
    *out = x;
    return WEIR_OK;
}

weir_status w_const_view_f32(const w_graph *g, w_id id, w_arena *a, const void **out, size_t *n, weir_error *e) {
    W_TRY(check_const(g, id, sizeof(float), n, e));
    const w_value *v = &g->value[id];
    if (*n && v->type == WEIR_F32 && !v->quant && !is_permuted(v)) {
        *out = v->data;
        return WEIR_OK;
    }
    float *copy;
    W_TRY(w_const_f32(g, id, a, &copy, n, e));
    *out = copy;
    return WEIR_OK;
}

bool w_const_one_f32(const w_graph *g, w_id id, float *x) {
    size_t n = 0;
    if (check_const(g, id, sizeof *x, &n, NULL) != WEIR_OK || n != 1) return false;
    const w_value *v = &g->value[id];
    *x = (float)load_real(v->data, v->type, 0);
    if (v->quant) dequantise(&v->shape, v->quant, x, 1);
    return true;
}

weir_status w_const_i64(const w_graph *g, w_id id, w_arena *a, int64_t **out, size_t *n, weir_error *e) {
    W_TRY(check_const(g, id, sizeof(int64_t), n, e));
    const w_value *v = &g->value[id];
    if (v->type == WEIR_F32 || v->type == WEIR_F16 || v->type == WEIR_BF16 || v->type == WEIR_F64 || v->quant)
        return w_fail(e, WEIR_BAD_INPUT, "constant '%s' has type %s: expected integers", w_value_name(g, id),
                      w_type_name(v->type));
    int64_t *x = w_arena_alloc_aligned(a, W_MAX(*n, 1) * sizeof *x);
    if (!x) return w_oom(e, *n * sizeof *x, "a constant");
    for (size_t i = 0; i < *n; i++) x[i] = load_int(v->data, v->type, i);
    *out = x;
    return WEIR_OK;
}

#define LARGE ((size_t)256 << 10) /* bytes; below, memory is not worth the calls */

void w_const_rest(const w_graph *g, const void *data, size_t bytes) {
    uintptr_t at = (uintptr_t)data, file = g->file ? (uintptr_t)g->file->data : 0;
    if (bytes >= LARGE && file && at >= file && at - file < g->file->size) w_map_forget(g->file, at - file, bytes);
}
