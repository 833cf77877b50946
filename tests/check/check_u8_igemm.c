/* The u8 x s8 implicit GEMM: every result equals the plain computation, sums in 64 bits, epilogue in single f32 operations. */
#include "check_igemm.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* V_TOP: 255 x -128 or 127 everywhere, where 16-bit sums would saturate; V_BELL: weights as training leaves them, most of them
 * small, some at the ends of the range; V_TWO, V_FOUR: as light as two and four quads may be to sum up at 16 bits, or by 1 too
 * heavy. */
enum { V_RANDOM, V_TOP, V_ALTERNATE, V_BELL, V_TWO, V_FOUR, V_KINDS };

typedef struct operands {
    igemm_shape s;
    int values;
    w_u8_igemm g;
    uint8_t *in;
    int8_t *w;                 /* [n][k] */
    float *mul, *bias;
    int32_t zx;
    size_t rows_out, k, elem;
    w_block_kind kind;         /* that W_PACK_S8_PAIRS has at least */
} operands;

static void *get(size_t bytes) {
    void *p = malloc(bytes ? bytes : 1);
    if (!p) exit(WEIR_NO_RESOURCE);
    return p;
}

static int8_t draw_bell(check *c) {
    float x = check_unit(c) + check_unit(c) + check_unit(c) + check_unit(c);
    return (int8_t)(x * 31);
}

static int8_t draw_weight(check *c, int values, int end, size_t i) {
    if (values == V_RANDOM) return (int8_t)check_random(c);
    if (values == V_BELL) return draw_bell(c);
    if (values == V_ALTERNATE) return i % 2 ? 127 : -128;
    return (int8_t)end;
}

static void draw_values(check *c, operands *o, float unit) {
    const int most = o->values == V_TWO ? 32 : o->values == V_FOUR ? 16 : 127, beyond = (int)check_range(c, 0, 3) == 0;
    o->kind = beyond ? W_BLOCK_ANY : o->values == V_TWO ? W_BLOCK_TWO : o->values == V_FOUR ? W_BLOCK_FOUR : W_BLOCK_ANY;
    for (size_t i = 0; i < o->s.elements; i++)
        o->in[i] = o->values == V_RANDOM ? (uint8_t)check_random(c) : o->values != V_ALTERNATE ? 255 : i % 2 ? 255 : 0;
    for (size_t j = 0; j < o->s.n; j++) {
        int end = check_range(c, 0, 1) ? most : -most - (most == 127);
        if (most < 127) end += end > 0 ? beyond : -beyond;
        bool mixed = most < 127 && check_range(c, 0, 2) == 0;
        for (size_t i = 0; i < o->k; i++)
            o->w[j * o->k + i] = mixed ? (int8_t)check_range(c, -most, most) : draw_weight(c, o->values, end, i);
        o->mul[j] = (1.1f + check_unit(c)) / (float)(o->k * 2000) * unit;
        o->bias[j] = check_unit(c) * unit;
    }
}

static void draw_residual(check *c, operands *o, float unit) {
    w_u8_igemm *g = &o->g;
    g->res_kind = (w_res_kind)check_range(c, 0, 2);
    if (g->res_kind == W_RES_NONE) return;
    g->res_stride = o->s.n + (size_t)check_range(c, 0, 3);
    size_t count = (o->s.p - 1) * g->res_stride + o->s.n;
    void *res = check_guarded(c, count * (g->res_kind == W_RES_F32 ? 4 : 1));
    for (size_t i = 0; i < count; i++)
        if (g->res_kind == W_RES_F32) ((float *)res)[i] = check_unit(c) * 20;
        else ((uint8_t *)res)[i] = (uint8_t)check_random(c);
    g->res = res;
    g->res_scale = (g->res_kind == W_RES_F32 ? 1.0f : 0.02f) * unit;
    g->res_zero = (int32_t)check_range(c, 0, 255);
}

static void draw(check *c, size_t index, int mr, int nr, int pack, operands *o) {
    memset(o, 0, sizeof *o);
    o->s = igemm_draw(c, index, mr, nr);
    o->values = (int)(index / 3 % V_KINDS);
    o->k = o->s.taps * o->s.c;
    o->zx = (int32_t[]){0, 255, 128, 3}[check_range(c, 0, 3)];
    igemm_shape *s = &o->s;
    w_u8_igemm *g = &o->g;
    igemm_rows(c, s, &g->rows);
    g->rows.in = o->in = check_guarded(c, s->elements);
    uint8_t *zero = check_guarded(c, s->c);
    memset(zero, o->zx, s->c);
    g->rows.zero = zero;
    g->n = s->n;
    g->out_u8 = check_range(c, 0, 3) != 0;
    o->elem = g->out_u8 ? 1 : 4;
    g->out_stride = s->n + (size_t)check_range(c, 0, 3);
    o->rows_out = (s->p - 1) * g->out_stride + s->n;
    g->out = check_guarded(c, o->rows_out * o->elem);
    memset(g->out, 0xa5, o->rows_out * o->elem);
    check_target to = check_draw_target(c, g->out_u8 ? 1.0f / (0.001f + fabsf(check_unit(c)) * 0.05f) : 1.0f);
    g->ep = to.ep;
    g->act_scale = to.act_scale;
    g->zero = (int32_t)check_range(c, 0, 255);
    o->w = get(s->n * o->k);
    o->mul = get(s->n * sizeof(float));
    o->bias = get(s->n * sizeof(float));
    draw_values(c, o, to.unit);
    draw_residual(c, o, to.unit);
    bool late = check_range(c, 0, 2) == 0;
    g->late_zero = late ? o->zx : 1;
    g->late_scale = late ? 0.3f + 0.2f * check_unit(c) : 1;
    void *packed = check_guarded(c, w_u8_packed((w_pack_kind)pack, (size_t)nr, s->n, s->taps, s->c));
    w_pack_u8(packed, (w_pack_kind)pack, (size_t)nr,
              &(w_pack_u8_args){o->w, o->k, 1, s->n, s->taps, s->c, late ? 1 : o->zx, o->mul, o->bias});
    g->w = packed;
    const uint8_t *order = (const uint8_t *)packed + w_block_width((size_t)nr, s->n) * 12;
    if (pack == W_PACK_S8_PAIRS && W_BLOCK_OF(order) < o->kind)
        check_fail(c, "light weights packed as kind %d, not %d (values %d, seed %llu)", W_BLOCK_OF(order), o->kind, o->values, (unsigned long long)c->seed);
}

static int64_t sum_of(const operands *o, size_t p, size_t j) {
    int64_t sum = 0;
    for (size_t t = 0; t < o->s.taps; t++) {
        const igemm_shape *s = &o->s;
        int64_t at = s->mode == ROWS_PLAIN ? (int64_t)(p * s->row_stride)
                     : s->mode == ROWS_STRIDED ? s->offset[p] + (int64_t)(t * s->tap_stride) : s->offset[t * s->p + p];
        for (size_t i = 0; at >= 0 && i < s->c; i++) sum += (o->in[at + (int64_t)i] - o->zx) * o->w[j * o->k + t * s->c + i];
    }
    return sum;
}

static float result_of(const operands *o, size_t p, size_t j) {
    const w_u8_igemm *g = &o->g;
    float y = fmaf((float)(int32_t)sum_of(o, p, j), o->mul[j] * g->late_scale, o->bias[j]);
    size_t r = p * g->res_stride + j;
    if (g->res_kind == W_RES_F32) y = fmaf(((const float *)g->res)[r], g->res_scale, y);
    if (g->res_kind == W_RES_U8) y = fmaf((float)(((const uint8_t *)g->res)[r] - g->res_zero), g->res_scale, y);
    return check_act_steps(&g->ep, g->act_scale, y);
}

static void compare(check *c, const operands *o, size_t p, size_t j) {
    char text[160];
    const w_u8_igemm *g = &o->g;
    float y = result_of(o, p, j);
    size_t at = p * g->out_stride + j;
    if (!g->out_u8) {
        float got = ((const float *)g->out)[at];
        if (got != y) check_fail(c, "[%zu][%zu] = %.9g, expected %.9g (%s, act %d, values %d, seed %llu)", p, j, (double)got, (double)y,
                                 igemm_describe(&o->s, text), g->ep.act, o->values, (unsigned long long)c->seed);
        return;
    }
    int want = check_round(y, g->zero), got = ((const uint8_t *)g->out)[at];
    if (got != want) check_fail(c, "[%zu][%zu] = %d, expected %d (%s, act %d, values %d, seed %llu)", p, j, got, want,
                                igemm_describe(&o->s, text), g->ep.act, o->values, (unsigned long long)c->seed);
}

static void check_case(check *c, w_fn_u8_igemm *fn, size_t index, int mr, int nr, int pack) {
    operands o;
    size_t before = c->failures;
    draw(c, index, mr, nr, pack, &o);
    size_t blocks = (o.s.n + (size_t)nr - 1) / (size_t)nr, cut = (size_t)check_range(c, 0, (int64_t)o.s.p);
    fn(&o.g, 0, cut, 0, blocks);
    fn(&o.g, cut, o.s.p, 0, blocks);
    for (size_t p = 0; p < o.s.p; p++)
        for (size_t j = 0; j < o.s.n; j++) compare(c, &o, p, j);
    for (size_t i = 0; i < o.rows_out * o.elem; i++)
        if (i / o.elem % o.g.out_stride >= o.s.n && ((uint8_t *)o.g.out)[i] != 0xa5) check_fail(c, "wrote outside the columns of the output");
    if (c->failures > before) c->failures = before + 1;
    c->cases++;
    free(o.w);
    free(o.mul);
    free(o.bias);
    igemm_free(&o.s);
    check_release_all();
}

typedef struct timed { w_fn_u8_igemm *fn; const w_u8_igemm *g; size_t p, blocks; } timed;
static void call(void *arg) {
    const timed *t = arg;
    t->fn(t->g, 0, t->p, 0, t->blocks);
}

/* light: weights of 5 bits. */
static void time_layer(check *c, w_fn_u8_igemm *fn, const igemm_layer *l, size_t nr, w_pack_kind pack, bool light) {
    size_t depth = l->taps > 1 ? W_ALIGN_UP(l->c, (size_t)4) : l->c, step = l->taps > 1 ? (l->c + l->taps - 1) / l->taps : l->c;
    size_t blocks = (l->n + nr - 1) / nr, row = l->taps > 1 ? 32 * step : 0, elements = l->p * step + l->taps * row + depth;
    size_t packed = w_u8_packed(pack, nr, l->n, l->taps, depth), k = l->taps * depth;
    int8_t *weights = get(l->n * k);
    float *mul = get(l->n * sizeof *mul);
    uint8_t *in = check_guarded(c, elements), *w = check_guarded(c, W_ALIGN_UP(packed, (size_t)64)), *out = check_guarded(c, l->p * l->n);
    for (size_t i = 0; i < elements; i++) in[i] = (uint8_t)check_random(c);
    for (size_t i = 0; i < l->n * k; i++) weights[i] = (int8_t)(draw_bell(c) / (light ? 8 : 1));
    for (size_t i = 0; i < l->n; i++) mul[i] = 0.001f;
    w_pack_u8(w, pack, nr, &(w_pack_u8_args){weights, k, 1, l->n, l->taps, depth, 1, mul, NULL});
    int32_t *offset = check_guarded(c, l->p * sizeof *offset);
    for (size_t i = 0; i < l->p; i++) offset[i] = (int32_t)(i * step);
    w_u8_igemm g = {.rows = {in, NULL, offset, 0, depth, row, l->taps, depth}, .w = w, .n = l->n, .late_zero = 1, .late_scale = 1, .out = out, .out_stride = l->n,
                    .out_u8 = true, .ep = {W_KACT_RELU, 0, 0}, .act_scale = 1.0f};
    timed t = {fn, &g, l->p, blocks};
    double macs = (double)l->p * (double)(l->taps * l->c) * (double)l->n, bytes = (double)(elements + l->taps * l->c * l->n + l->p * l->n);
    char name[64];
    snprintf(name, sizeof name, "%s%s", l->name, light ? ", light" : "");
    check_print_speed(c, name, check_time(call, &t), macs, bytes, c->peak_u8);
    free(weights);
    free(mul);
    check_release_all();
}

void check_u8_igemm(check *c, w_fn_u8_igemm *fn, int mr, int nr, int pack) {
    for (size_t i = 0; i < 400; i++) check_case(c, fn, i, mr, nr, pack);
    for (int light = 0; c->bench && light <= (pack == W_PACK_S8_PAIRS); light++)
        for (size_t i = 0; i < igemm_nlayers; i++) time_layer(c, fn, &igemm_layers[i], (size_t)nr, (w_pack_kind)pack, light);
}
