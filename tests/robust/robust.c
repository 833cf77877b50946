/* What the robustness tests share: robust.h. */
#include "robust.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

weir_context *robust_context(void) {
    weir_context_options o = weir_context_options_default();
    weir_context *ctx;
    weir_error e;
    o.threads = 1;
    if (weir_context_create(&o, &ctx, &e) == WEIR_OK) return ctx;
    fprintf(stderr, "no context: %s\n", e.message);
    return NULL;
}

bool robust_load(const char *path, uint8_t **data, size_t *size) {
    FILE *f = fopen(path, "rb");
    long n = -1;
    if (f && fseek(f, 0, SEEK_END) == 0) n = ftell(f);
    *data = n >= 0 ? malloc((size_t)n + (n == 0)) : NULL;
    *size = n > 0 ? (size_t)n : 0;
    bool ok = *data && fseek(f, 0, SEEK_SET) == 0 && fread(*data, 1, *size, f) == *size;
    if (f) fclose(f);
    if (!ok) fprintf(stderr, "%s: cannot be read\n", path);
    return ok;
}

bool robust_save(const char *path, const void *data, size_t size) {
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(data, 1, size, f) == size;
    if (f) ok = fclose(f) == 0 && ok;
    return ok;
}

weir_status robust_open(weir_context *ctx, const char *name, const uint8_t *data, size_t size, w_graph **out, weir_error *e) {
    w_map map = {.data = size ? data : NULL, .size = size};
    char *recipe;
    *out = NULL;
    if (w_weir_is(&map)) W_TRY(w_weir_read(ctx, name, &map, out, &recipe, e));
    else W_TRY(w_onnx_read(ctx, name, &map, out, e));
    weir_status st = w_passes_canonical(*out, e);
    if (st == WEIR_OK) return st;
    w_graph_destroy(*out);
    *out = NULL;
    return st;
}

bool robust_allowed(weir_status s, const weir_error *e) {
    if (s == WEIR_OK) return true;
    return (s == WEIR_BAD_INPUT || s == WEIR_NO_RESOURCE) && e->status == s && e->message[0] != 0;
}

/* ---- codings ---- */

enum { LEVELS = 8 };

static float threshold(const float *v, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += fabs(v[i]);
    return (float)(2 * sum / (double)n);
}

static weir_status share(w_graph *g, w_value *v, float *data, size_t n, bool shared, weir_error *e) {
    w_coding *c = w_arena_alloc(&g->arena, sizeof *c);
    float *book = w_arena_array(&g->arena, 2 * LEVELS + 1, sizeof *book), t = threshold(data, n);
    size_t kept = 0;
    if (!c || !book) return w_oom(e, sizeof *c, "a coding");
    for (int k = 1; k <= LEVELS; k++) book[k] = t * (1 + 0.25f * (float)k), book[LEVELS + k] = -book[k];
    for (size_t i = 0; i < n; i++) {
        float a = fabsf(data[i]);
        int k = (int)fminf(fmaxf(roundf(4 * (a / t - 1)), 1), LEVELS);
        if (a < t) data[i] = 0;
        else if (shared) data[i] = data[i] > 0 ? book[k] : book[LEVELS + k];
        kept += a >= t;
    }
    *c = (w_coding){.ans = true, .ncodebook = shared ? 2 * LEVELS + 1 : 0, .codebook = shared ? book : NULL, .density = (float)kept / (float)n};
    v->coding = c;
    v->data = data;
    v->is_mapped = false;
    return WEIR_OK;
}

static weir_status quantise(w_graph *g, w_value *v, const float *data, size_t n, weir_error *e) {
    size_t rows = (size_t)v->shape.dim[0], cols = n / rows;
    w_coding *c = w_arena_alloc(&g->arena, sizeof *c);
    w_quant *q = w_arena_alloc(&g->arena, sizeof *q);
    float *scale = w_arena_array(&g->arena, rows, sizeof *scale);
    int32_t *zero = w_arena_array(&g->arena, rows, sizeof *zero);
    int8_t *out = w_arena_alloc_aligned(&g->arena, n);
    if (!c || !q || !scale || !zero || !out) return w_oom(e, n, "quantised weights");
    for (size_t r = 0; r < rows; r++) {
        float top = 1e-6f;
        for (size_t k = 0; k < cols; k++) top = fmaxf(top, fabsf(data[r * cols + k]));
        scale[r] = top / 127;
        for (size_t k = 0; k < cols; k++) out[r * cols + k] = (int8_t)rintf(data[r * cols + k] / scale[r]);
    }
    *q = (w_quant){.n = (uint32_t)rows, .axis = 0, .scale = scale, .zero = zero};
    *c = (w_coding){.ans = true, .density = 1};
    v->quant = q, v->coding = c, v->data = out, v->type = WEIR_S8, v->is_mapped = false;
    return WEIR_OK;
}

weir_status robust_code(w_graph *g, int how, weir_error *e) {
    for (size_t k = 0; k < g->nnode; k++) {
        const w_node *node = &g->node[k];
        float *data;
        size_t n;
        if ((node->op != W_OP_Conv && node->op != W_OP_Gemm) || node->nin < 2) continue;
        w_value *v = &g->value[node->in[1]];
        if (v->kind != W_VALUE_CONST || v->type != WEIR_F32 || v->coding || v->shape.rank < 2) continue;
        W_TRY(w_const_f32(g, node->in[1], &g->arena, &data, &n, e));
        if (n < 32) continue;
        if (how == 1) W_TRY(quantise(g, v, data, n, e));
        else W_TRY(share(g, v, data, n, how == 0, e));
    }
    return WEIR_OK;
}
