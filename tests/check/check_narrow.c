/* Products with weights of few bits against sums in double of the weights that they stand for. Magnitudes count codes and zero
 * points apart, as the kernels sum them: a result may differ by K + 8 roundings of 2^-24 of the sum of
 * |x| * (code + zero) * scale, and by what staging an element as small as 2^-126 loses, 2^-149 * 2^28 of each. An element that
 * is staged as digits loses at most half a unit, 1.01 * 2^-23 of the largest of its stretch. */
#include "check.h"
#include "check_igemm.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANARY 0x7fc0dead

typedef struct operands {
    size_t p, n, k, groups, out_elements;
    int values;
    const w_narrow_tile *tile;
    unsigned bits;
    w_f32_narrow g;
    w_narrow_source s;
    float *in, *weights, *size;   /* size: [n][k] (code + zero) * scale, or |w| */
    uint8_t *codes, *zeros;
    float *scales, *bias;
} operands;

static float value(check *c, int kind, size_t k) { return check_value(c, kind, 1e34f / (float)k, 1e-36f, 400); }

static size_t around(check *c, size_t tile) {
    int64_t v = (int64_t)tile * check_range(c, 1, 2) + check_range(c, -1, 1);
    return v < 1 ? 1 : (size_t)v;
}

static void *memory(size_t bytes) {
    void *p = calloc(bytes + 1, 1);
    if (!p) exit(WEIR_NO_RESOURCE);
    return p;
}

static void draw_shape(check *c, size_t index, operands *o) {
    static const size_t depths[] = {1, 2, 5, 16, 17, 31, 32, 33, 64, 100, 255, 256, 257, 600}, groups[] = {16, 32, 64, 128, 300, 5};
    o->p = index % 3 ? around(c, o->tile->mr) : (size_t)check_range(c, 1, 9);
    o->n = index % 4 ? around(c, o->tile->nr) : (size_t)check_range(c, 1, 2 * o->tile->nr + 20);
    o->k = depths[check_range(c, 0, W_COUNT(depths) - 1)];
    if (index % 50 == 7) o->k = 3000;
    if (index == 0) o->p = o->n = o->k = 1;
    o->g.group = o->bits == W_BITS_BF16 || check_range(c, 0, 3) == 0 ? o->k : groups[check_range(c, 0, W_COUNT(groups) - 1)];
    o->groups = (o->k + o->g.group - 1) / o->g.group;
}

/* Codes lie row by row or column by column, and may be signed. */
static void draw_source(check *c, operands *o) {
    bool by_column = check_range(c, 0, 1), coded = o->bits != W_BITS_BF16;
    size_t bytes = (o->n * o->k * o->bits + 7) / 8, heads = o->n * o->groups;
    int extreme = (int)check_range(c, 0, 3);
    o->codes = memory(bytes);
    o->scales = memory(heads * sizeof(float));
    o->zeros = memory(heads);
    o->bias = memory(o->n * sizeof(float));
    for (size_t i = 0; coded && i < bytes; i++) o->codes[i] = extreme == 0 ? 0xff : extreme == 1 ? 0 : (uint8_t)check_random(c);
    for (size_t i = 0; !coded && i < o->n * o->k; i++) {
        float w = check_unit(c);
        memcpy(o->codes + 2 * i, (const char *)&w + 2, 2);
    }
    for (size_t i = 0; i < heads; i++) {
        o->scales[i] = 0.1f + 0.1f * check_unit(c);
        o->zeros[i] = (uint8_t)(check_random(c) & ((1u << (coded ? o->bits : 1)) - 1));
    }
    for (size_t j = 0; j < o->n; j++) o->bias[j] = check_unit(c);
    o->g.zeros = coded && check_range(c, 0, 1);
    o->g.zero = coded ? (float)(1u << (o->bits - 1)) : 0;
    o->s = (w_narrow_source){.bits = o->bits, .w = o->codes, .stride_n = by_column ? o->k : 1, .stride_k = by_column ? 1 : o->n,
                             .flip = coded && check_range(c, 0, 1) ? (uint8_t)(1u << (o->bits - 1)) : 0, .scale = coded ? o->scales : NULL, .zero = o->g.zeros ? o->zeros : NULL,
                             .scale_n = by_column ? o->groups : 1, .scale_k = by_column ? 1 : o->n, .bias = o->bias,
                             .n = o->n, .k = o->k, .group = o->g.group};
    o->weights = memory(o->n * o->k * sizeof(float));
    o->size = memory(o->n * o->k * sizeof(float));
    w_unpack_narrow(o->weights, &o->s, o->g.zero, 0, o->n);
    for (size_t j = 0; j < o->n; j++)
        for (size_t i = 0; i < o->k; i++) {
            size_t at = j * o->k + i, head = j * o->s.scale_n + i / o->g.group * o->s.scale_k;
            float zero = o->g.zeros ? o->zeros[head] : o->g.zero;
            o->size[at] = coded ? fabsf(o->weights[at]) + 2 * zero * o->scales[head] : fabsf(o->weights[at]);
        }
}

static void draw(check *c, size_t index, const w_narrow_tile *t, int bits, operands *o) {
    *o = (operands){.values = (int)(index % VALUE_KINDS), .bits = (unsigned)bits, .tile = t};
    size_t nr = t->nr;
    draw_shape(c, index, o);
    draw_source(c, o);
    w_f32_igemm *g = &o->g.g;
    size_t row = o->k + (size_t)check_range(c, 0, 3), elements = (o->p - 1) * row + o->k;
    o->in = check_guarded(c, elements * sizeof(float));
    bool spread = index % 3 == 2;
    for (size_t i = 0; i < elements; i++) o->in[i] = ldexpf(value(c, o->values, o->k), spread ? -(int)check_range(c, 0, 30) : 0);
    void *packed = check_guarded(c, w_narrow_block(o->bits, o->g.zeros, w_packed_width(nr, o->n), o->k, o->g.group));
    w_pack_narrow(packed, nr, &o->s);
    size_t line = w_narrow_line(t->digits, o->k, o->g.group);
    uint8_t *staged = check_guarded(c, o->p * line);
    for (size_t p = 0; p < o->p; p++) t->stage(staged + p * line, o->in + p * row, o->bits, o->k, o->g.group);
    o->g.staged = staged;
    *g = (w_f32_igemm){.rows = {.in = o->in, .row_stride = row, .taps = 1, .c = o->k}, .w = packed, .n = o->n,
                       .out_stride = o->n + (size_t)check_range(c, 0, 3), .ep = check_draw_act(c, false)};
    if (o->values >= VALUE_HUGE && g->ep.act >= W_KACT_SIGMOID) g->ep.act = W_KACT_NONE;
    o->out_elements = (o->p - 1) * g->out_stride + o->n;
    g->out = check_guarded(c, o->out_elements * sizeof(float));
    for (size_t i = 0; i < o->out_elements; i++) memcpy(g->out + i, &(uint32_t){CANARY}, 4);
    if (check_range(c, 0, 2)) return;
    float *res = check_guarded(c, o->out_elements * sizeof(float));
    for (size_t i = 0; i < o->out_elements; i++) res[i] = check_unit(c);
    g->res = res;
    g->res_stride = g->out_stride;
}

static float largest(const float *x, size_t n) {
    float top = 0;
    for (size_t i = 0; i < n; i++) top = fmaxf(top, fabsf(x[i]));
    return top;
}

/* What a row loses by being staged as digits, as column j sees it. */
static double lost_in_staging(const operands *o, const float *row, size_t j) {
    double lost = 0;
    if (!o->tile->digits) return 0;
    for (size_t i = 0, end; i < o->k; i = end) {
        size_t group_end = i / o->g.group * o->g.group + o->g.group, offset = i % o->g.group;
        end = offset + W_NARROW_STRETCH < o->g.group ? i + W_NARROW_STRETCH : group_end;
        end = end < o->k ? end : o->k;
        float top = largest(row + i, end - i);
        for (size_t at = i; at < end; at++) lost += 1.01 * 0x1p-23 * top * fabs((double)o->weights[j * o->k + at]);
    }
    return lost;
}

static void compare(check *c, const operands *o, size_t p, size_t j) {
    const w_f32_igemm *g = &o->g.g;
    double sum = o->bias[j], mag = fabs(sum), slack;
    bool finite = true;
    for (size_t i = 0; i < o->k; i++) {
        double x = o->in[p * g->rows.row_stride + i];
        finite &= isfinite(x);
        sum += x * o->weights[j * o->k + i];
        mag += fabs(x) * o->size[j * o->k + i];
    }
    if (g->res) sum += g->res[p * g->res_stride + j], mag += fabs((double)g->res[p * g->res_stride + j]);
    double want = check_act(&g->ep, sum, &slack), got = g->out[p * g->out_stride + j];
    double bound = (double)(o->k + 8) * 0x1p-24 * mag * 1.2 + slack + (double)(o->k + 8) * 0x1p-121 + lost_in_staging(o, o->in + p * g->rows.row_stride, j);
    bool bounded = g->ep.act == W_KACT_RELU || g->ep.act == W_KACT_CLIP || g->ep.act == W_KACT_HARDSIGMOID;
    bool same = finite ? fabs(got - want) <= bound : !isfinite(got) || bounded;
    if (!same) check_fail(c, "[%zu][%zu] = %.9g, expected %.9g within %.3g (rows %zu, k %zu in %zu, n %zu, act %d, values %d, seed %llu)", p, j, got,
                          want, bound, o->p, o->k, o->g.group, o->n, g->ep.act, o->values, (unsigned long long)c->seed);
}

static void release(operands *o) {
    void *all[] = {o->codes, o->scales, o->zeros, o->bias, o->weights, o->size};
    for (size_t i = 0; i < W_COUNT(all); i++) free(all[i]);
    check_release_all();
}

static void check_case(check *c, const w_narrow_tile *t, size_t index, int bits) {
    operands o;
    size_t before = c->failures;
    draw(c, index, t, bits, &o);
    size_t blocks = (o.n + t->nr - 1) / t->nr, cut = (size_t)check_range(c, 0, (int64_t)o.p);
    t->fn(&o.g, 0, cut, 0, blocks);
    t->fn(&o.g, cut, o.p, 0, blocks);
    for (size_t p = 0; p < o.p; p++)
        for (size_t j = 0; j < o.n; j++) compare(c, &o, p, j);
    for (size_t i = 0; i < o.out_elements; i++) {
        uint32_t left;
        memcpy(&left, o.g.g.out + i, 4);
        if (i % o.g.g.out_stride >= o.n && left != CANARY) check_fail(c, "wrote outside the columns of the output");
    }
    if (c->failures > before) c->failures = before + 1;
    c->cases++;
    release(&o);
}

/* The bits of a row do not depend on which rows are computed with it. */
static void check_alone(check *c, const w_narrow_tile *t, size_t index, int bits) {
    operands o;
    draw(c, index, t, bits, &o);
    size_t blocks = (o.n + t->nr - 1) / t->nr, bytes = o.out_elements * sizeof(float);
    float *all = memory(bytes);
    t->fn(&o.g, 0, o.p, 0, blocks);
    memcpy(all, o.g.g.out, bytes);
    for (size_t p = 0; p < o.p; p++)
        for (size_t b = 0; b < blocks; b++) t->fn(&o.g, p, p + 1, b, b + 1);
    if (o.values != VALUE_SPECIAL && memcmp(all, o.g.g.out, bytes)) check_fail(c, "rows computed alone have other bits (rows %zu, k %zu, n %zu)", o.p, o.k, o.n);
    free(all);
    release(&o);
}

typedef struct timed { w_fn_f32_narrow *fn; const w_f32_narrow *g; size_t p, blocks; } timed;
static void call(void *arg) {
    const timed *t = arg;
    t->fn(t->g, 0, t->p, 0, t->blocks);
}

/* Bytes: those of the packed weights, which are what streams. */
static void time_shape(check *c, const w_narrow_tile *tile, size_t p, size_t k, size_t n, size_t group, unsigned bits) {
    size_t nr = tile->nr;
    size_t packed = w_narrow_block(bits, false, w_packed_width(nr, n), k, group);
    size_t line = w_narrow_line(tile->digits, k, group);
    float *in = check_guarded(c, p * k * 4), *out = check_guarded(c, p * n * 4);
    uint8_t *staged = check_guarded(c, p * line), *w = check_guarded(c, W_ALIGN_UP(packed, (size_t)64));
    char name[80];
    for (size_t i = 0; i < p * k; i++) in[i] = check_unit(c);
    for (size_t i = 0; i < packed; i++) w[i] = (uint8_t)(0x38 | (i * 2654435761u >> 13 & 7)); /* floats near 0.001 */
    for (size_t i = 0; i < p; i++) tile->stage(staged + i * line, in + i * k, bits, k, group);
    w_f32_narrow g = {.staged = staged, .g = {.rows = {.in = in, .row_stride = k, .taps = 1, .c = k}, .w = (const float *)(const void *)w, .n = n, .out = out, .out_stride = n},
                      .group = group, .zero = (float)(1u << (bits - 1))};
    timed t = {tile->fn, &g, p, (n + nr - 1) / nr};
    double seconds = check_time(call, &t), speed = check_read_speed();
    snprintf(name, sizeof name, "%zu x %zu - %zu, groups of %zu", p, k, n, group);
    check_print_speed(c, name, seconds, (double)(p * k * n), (double)packed, c->peak_f32);
    printf("    %.2f of the %.1f GB/s that one thread reads\n", (double)packed / seconds * 1e-9 / speed, speed);
    check_release_all();
}

static void check_tile(check *c, const w_narrow_tile *t, int bits) {
    for (size_t i = 0; i < 400; i++) check_case(c, t, i, bits);
    for (size_t i = 0; i < 40; i++) check_alone(c, t, i, bits);
    if (!c->bench) return;
    static const size_t shapes[][4] = {{1, 4096, 4096, 32}, {1, 4096, 16384, 32}, {1, 4096, 16384, 128}, {1, 8192, 32768, 32}, {1, 8192, 32768, 128}, {4, 4096, 16384, 32}, {8, 4096, 16384, 32}};
    for (size_t i = 0; i < W_COUNT(shapes); i++) {
        bool grouped = bits < 8;
        if (!grouped && shapes[i][3] == 128) continue;
        time_shape(c, t, shapes[i][0], shapes[i][1], shapes[i][2], grouped ? shapes[i][3] : shapes[i][1], (unsigned)bits);
    }
}

void check_f32_narrow(check *c, w_fn_f32_narrow *fn, int mr, int nr, int bits) {
    check_tile(c, &(w_narrow_tile){fn, c->kernel, (uint8_t)mr, (uint8_t)nr, false, w_stage_narrow}, bits);
}

void check_f32_digits(check *c, w_fn_f32_digits *fn, int mr, int nr, int bits) {
#if W_ARCH_X86
    check_tile(c, &(w_narrow_tile){fn, c->kernel, (uint8_t)mr, (uint8_t)nr, true, w_stage_digits__vnni}, bits);
#endif
}
