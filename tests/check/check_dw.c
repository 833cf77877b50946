/* Depthwise convolution. f32 against sums in double: taps + 8 roundings of the sum of magnitudes. u8: the promised bits. */
#include "check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- f32 ---- */

typedef struct f32_case { w_dw_f32 d; size_t images; float *w; } f32_case;

static void f32_make(check *c, w_window g, size_t images, f32_case *k) {
    size_t taps = g.kh * g.kw, cp = W_ALIGN_UP(g.c, (size_t)W_DW_PAD), out = images * g.oh * g.ow * g.c;
    float *packed = check_guarded(c, (taps + 1) * cp * sizeof(float)), *in = check_f32(c, images * g.ih * g.iw * g.c);
    k->images = images;
    k->w = check_f32(c, g.c * taps);
    for (size_t i = 0; i < cp; i++) packed[i] = i < g.c ? check_unit(c) : 0;
    w_pack_dw_f32(packed + cp, k->w, taps, g.c, cp);
    k->d = (w_dw_f32){.g = g, .in = in, .out = check_f32(c, out), .w = packed + cp, .bias = packed, .cp = cp};
}

static void f32_compare(check *c, const f32_case *k, size_t r, size_t x, size_t ch) {
    const w_window *g = &k->d.g;
    double sum = k->d.bias[ch], mag = fabs(sum), slack;
    size_t y = r % g->oh, base = r / g->oh * g->ih * g->iw * g->c, at;
    for (size_t ky = 0; ky < g->kh; ky++)
        for (size_t kx = 0; kx < g->kw; kx++) {
            if (!check_tap(g, y, x, ky, kx, &at)) continue;
            double v = (double)k->d.in[base + at + ch] * k->w[(ch * g->kh + ky) * g->kw + kx];
            sum += v;
            mag += fabs(v);
        }
    at = (r * g->ow + x) * g->c + ch;
    if (k->d.res) {
        sum += k->d.res[at];
        mag += fabs((double)k->d.res[at]);
    }
    double want = check_act(&k->d.ep, sum, &slack), got = k->d.out[at];
    double bound = (double)(g->kh * g->kw + 8) * 0x1p-24 * mag + slack;
    char text[160];
    if (!check_close(got, want, bound))
        check_fail(c, "row %zu column %zu channel %zu = %.9g, expected %.9g within %.3g (%s, act %d, seed %llu)", r, x, ch, got,
                   want, bound, check_describe_window(g, k->images, text), k->d.ep.act, (unsigned long long)c->seed);
}

static void f32_check(check *c, w_fn_dw_f32 *fn, size_t index) {
    f32_case k;
    size_t before = c->failures;
    f32_make(c, check_draw_window(c, index), (size_t)check_range(c, 1, 2), &k);
    size_t rows = k.images * k.d.g.oh, cut = (size_t)check_range(c, 0, (int64_t)rows);
    if (check_range(c, 0, 2) == 0) k.d.res = check_f32(c, rows * k.d.g.ow * k.d.g.c);
    k.d.ep = check_draw_act(c, false);
    fn(&k.d, 0, cut, 0, k.d.g.c);
    for (size_t c0 = 0; c0 < k.d.g.c; c0 += W_DW_PAD) fn(&k.d, cut, rows, c0, W_MIN(c0 + W_DW_PAD, k.d.g.c));
    for (size_t r = 0; r < rows; r++)
        for (size_t x = 0; x < k.d.g.ow; x++)
            for (size_t ch = 0; ch < k.d.g.c; ch++) f32_compare(c, &k, r, x, ch);
    if (c->failures > before) c->failures = before + 1;
    c->cases++;
    check_release_all();
}

/* Layers of MobileNet, at 224 and at 28 pixels. */
static const struct layer { const char *name; size_t size, c, k, s; } layers[] = {
    {"dw 112x112x32 3x3", 112, 32, 3, 1}, {"dw 112x112x64 3x3/2", 112, 64, 3, 2}, {"dw 56x56x128 3x3", 56, 128, 3, 1},
    {"dw 28x28x256 3x3", 28, 256, 3, 1},  {"dw 14x14x512 3x3", 14, 512, 3, 1},   {"dw 7x7x1024 3x3", 7, 1024, 3, 1},
    {"dw 28x28x120 5x5", 28, 120, 5, 1},  {"dw 14x14x24 3x3", 14, 24, 3, 1},     {"dw 7x7x128 3x3", 7, 128, 3, 1},
    {"dw 56x56x144 3x3", 56, 144, 3, 1},  {"dw 28x28x192 3x3/2", 28, 192, 3, 2}, {"dw 14x14x480 5x5", 14, 480, 5, 1},
    {"dw 14x14x672 5x5/2", 14, 672, 5, 2},
};

static w_window layer_window(const struct layer *l) {
    w_window g = {l->size, l->size, (l->size - 1) / l->s + 1, (l->size - 1) / l->s + 1, l->c, l->k, l->k, l->s, l->s, 1, 1,
                  l->k / 2, l->k / 2};
    return g;
}

typedef struct f32_timed { w_fn_dw_f32 *fn; const f32_case *k; } f32_timed;
static void f32_call(void *arg) {
    const f32_timed *t = arg;
    t->fn(&t->k->d, 0, t->k->images * t->k->d.g.oh, 0, t->k->d.g.c);
}

static double dw_macs(const w_window *g) { return (double)(g->oh * g->ow * g->c) * (double)(g->kh * g->kw); }
static double dw_bytes(const w_window *g) { return (double)((g->ih * g->iw + g->oh * g->ow) * g->c); }

void check_dw_f32(check *c, w_fn_dw_f32 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t i = 0; i < 300; i++) f32_check(c, fn, i);
    for (size_t i = 0; c->bench && i < W_COUNT(layers); i++) {
        f32_case k;
        f32_make(c, layer_window(&layers[i]), 1, &k);
        k.d.ep = (w_kepi){W_KACT_CLIP, 0, 6};
        f32_timed t = {fn, &k};
        check_print_speed(c, layers[i].name, check_time(f32_call, &t), dw_macs(&k.d.g), 4 * dw_bytes(&k.d.g), c->peak_f32);
        check_release_all();
    }
}

/* ---- u8 ---- */

typedef struct u8_case { w_dw_u8 d; size_t images; int8_t *w; float *mul, *bias; int32_t zx; } u8_case; /* zx: of the input */

static void u8_make(check *c, w_window g, size_t images, u8_case *k) {
    size_t taps = g.kh * g.kw, out = images * g.oh * g.ow * g.c, blocks = (g.c + 63) / 64;
    memset(k, 0, sizeof *k);
    k->images = images;
    k->zx = (int32_t)check_range(c, 0, 255);
    k->w = (int8_t *)check_u8(c, g.c * taps);
    k->mul = check_f32(c, g.c);
    k->bias = check_f32(c, g.c);
    bool out_u8 = check_range(c, 0, 3) != 0;
    check_target to = check_draw_target(c, out_u8 ? (float)check_range(c, 20, 300) / 3.0f : 1.0f);
    for (size_t i = 0; i < g.c; i++) k->mul[i] = fabsf(k->mul[i]) * 1e-4f * to.unit, k->bias[i] *= to.unit;
    uint8_t *zero = check_guarded(c, g.c), *in = check_u8(c, images * g.ih * g.iw * g.c);
    memset(zero, k->zx, g.c);
    if (check_range(c, 0, 7) == 0) { /* the largest sums, which nothing on the way may saturate */
        memset(k->w, check_range(c, 0, 1) ? 0x80 : 0x7f, g.c * taps);
        memset(in, 255, images * g.ih * g.iw * g.c);
    }
    void *packed = check_guarded(c, blocks * w_dw_u8_block(&g));
    bool late = check_range(c, 0, 2) == 0;
    w_pack_dw_u8(packed, &(w_pack_dw_u8_args){k->w, g.c, g.kh, g.kw, late ? 1 : k->zx, k->mul, k->bias});
    k->d = (w_dw_u8){.g = g, .in = in, .zero = zero, .late_zero = late ? k->zx : 1, .late_scale = late ? 0.3f : 1, .w = packed, .out_u8 = out_u8,
                     .ep = to.ep, .act_scale = to.act_scale, .out_zero = (int32_t)check_range(c, 0, 255)};
    k->d.out = k->d.out_u8 ? (void *)check_u8(c, out) : (void *)check_f32(c, out);
}

static float u8_expect(const u8_case *k, size_t r, size_t x, size_t ch) {
    const w_window *g = &k->d.g;
    int64_t acc = 0;
    size_t at, base = r / g->oh * g->ih * g->iw * g->c;
    for (size_t ky = 0; ky < g->kh; ky++)
        for (size_t kx = 0; kx < g->kw; kx++)
            if (check_tap(g, r % g->oh, x, ky, kx, &at))
                acc += (int64_t)(k->d.in[base + at + ch] - k->zx) * k->w[(ch * g->kh + ky) * g->kw + kx];
    return check_act_steps(&k->d.ep, k->d.act_scale, fmaf((float)acc, k->mul[ch] * k->d.late_scale, k->bias[ch]));
}

static void u8_compare(check *c, const u8_case *k, size_t r, size_t x, size_t ch) {
    const w_window *g = &k->d.g;
    size_t at = (r * g->ow + x) * g->c + ch;
    float y = u8_expect(k, r, x, ch);
    double got = k->d.out_u8 ? ((uint8_t *)k->d.out)[at] : ((float *)k->d.out)[at];
    double want = k->d.out_u8 ? check_round(y, k->d.out_zero) : y;
    char text[160];
    if (got != want)
        check_fail(c, "row %zu column %zu channel %zu = %.9g, expected %.9g (%s, act %d, seed %llu)", r, x, ch, got, want,
                   check_describe_window(g, k->images, text), k->d.ep.act, (unsigned long long)c->seed);
}

static void u8_check(check *c, w_fn_dw_u8 *fn, size_t index) {
    u8_case k;
    size_t before = c->failures;
    u8_make(c, check_draw_window(c, index), (size_t)check_range(c, 1, 2), &k);
    size_t rows = k.images * k.d.g.oh, cut = (size_t)check_range(c, 0, (int64_t)rows);
    fn(&k.d, 0, cut, 0, k.d.g.c);
    for (size_t c0 = 0; c0 < k.d.g.c; c0 += W_DW_PAD) fn(&k.d, cut, rows, c0, W_MIN(c0 + W_DW_PAD, k.d.g.c));
    for (size_t r = 0; r < rows; r++)
        for (size_t x = 0; x < k.d.g.ow; x++)
            for (size_t ch = 0; ch < k.d.g.c; ch++) u8_compare(c, &k, r, x, ch);
    if (c->failures > before) c->failures = before + 1;
    c->cases++;
    check_release_all();
}

typedef struct u8_timed { w_fn_dw_u8 *fn; const u8_case *k; } u8_timed;
static void u8_call(void *arg) {
    const u8_timed *t = arg;
    t->fn(&t->k->d, 0, t->k->images * t->k->d.g.oh, 0, t->k->d.g.c);
}

void check_dw_u8(check *c, w_fn_dw_u8 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t i = 0; i < 300; i++) u8_check(c, fn, i);
    for (size_t i = 0; c->bench && i < W_COUNT(layers); i++) {
        u8_case k;
        u8_make(c, layer_window(&layers[i]), 1, &k);
        k.d.out_u8 = true; /* whose range is all that a ReLU or a Clip leaves */
        k.d.ep = (w_kepi){0};
        u8_timed t = {fn, &k};
        check_print_speed(c, layers[i].name, check_time(u8_call, &t), dw_macs(&k.d.g), dw_bytes(&k.d.g), c->peak_f32);
        check_release_all();
    }
}
