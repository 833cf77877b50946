/* Pooling. f32 maxima are exact, averages within the roundings of their sum; u8: the promised bits. */
#include "check.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct pool_case {
    w_window g;
    size_t images, rows;
    bool average;
    uint16_t *county, *countx;
    w_kepi ep;
} pool_case;

static pool_case draw_case(check *c, size_t index, bool exact) {
    pool_case k = {.g = check_draw_window(c, index), .images = (size_t)check_range(c, 1, 2), .average = check_range(c, 0, 1)};
    k.rows = k.images * k.g.oh;
    k.county = check_guarded(c, k.g.oh * 2);
    k.countx = check_guarded(c, k.g.ow * 2);
    for (size_t y = 0; y < k.g.oh; y++) k.county[y] = (uint16_t)check_range(c, 1, (int64_t)k.g.kh);
    for (size_t x = 0; x < k.g.ow; x++) k.countx[x] = (uint16_t)check_range(c, 1, (int64_t)k.g.kw);
    k.ep = check_draw_act(c, exact);
    return k;
}

static void fail_at(check *c, const pool_case *k, size_t at, double got, double want) {
    char text[160];
    check_fail(c, "element %zu = %.9g, expected %.9g (%s, %s, act %d, seed %llu)", at, got, want, k->average ? "average" : "maximum",
               check_describe_window(&k->g, k->images, text), k->ep.act, (unsigned long long)c->seed);
}

typedef struct taken { double sum, mag, max; int64_t n; } taken;

/* Exactly one of f and b is given. */
static taken take(const pool_case *k, const float *f, const uint8_t *b, size_t r, size_t x, size_t ch) {
    const w_window *g = &k->g;
    taken t = {0, 0, -INFINITY, 0};
    size_t at, base = r / g->oh * g->ih * g->iw * g->c;
    for (size_t ky = 0; ky < g->kh; ky++)
        for (size_t kx = 0; kx < g->kw; kx++) {
            if (!check_tap(g, r % g->oh, x, ky, kx, &at)) continue;
            double v = f ? f[base + at + ch] : b[base + at + ch];
            t.sum += v;
            t.mag += fabs(v);
            t.max = fmax(t.max, v);
            t.n++;
        }
    return t;
}

static void f32_case(check *c, w_fn_pool_f32 *fn, size_t index) {
    pool_case k = draw_case(c, index, false);
    const w_window *g = &k.g;
    size_t before = c->failures, cut = (size_t)check_range(c, 0, (int64_t)k.rows);
    w_pool_f32 p = {*g, check_f32(c, k.images * g->ih * g->iw * g->c), check_f32(c, k.rows * g->ow * g->c), k.average,
                    k.county, k.countx, k.ep};
    fn(&p, 0, cut);
    fn(&p, cut, k.rows);
    for (size_t r = 0; r < k.rows; r++)
        for (size_t x = 0; x < g->ow; x++)
            for (size_t ch = 0; ch < g->c; ch++) {
                taken t = take(&k, p.in, NULL, r, x, ch);
                if (!k.average && t.n == 0) continue; /* no tap inside: nothing to say */
                double slack, div = (double)k.county[r % g->oh] * k.countx[x];
                double want = check_act(&k.ep, k.average ? t.sum / div : t.max, &slack), got = p.out[(r * g->ow + x) * g->c + ch];
                double bound = slack + (k.average ? (double)(t.n + 4) * 0x1p-24 * t.mag : 0);
                if (!check_close(got, want, bound)) fail_at(c, &k, (r * g->ow + x) * g->c + ch, got, want);
            }
    if (c->failures > before) c->failures = before + 1;
    c->cases++;
    check_release_all();
}

static void u8_case(check *c, w_fn_pool_u8 *fn, size_t index) {
    pool_case k = draw_case(c, index, true);
    const w_window *g = &k.g;
    size_t before = c->failures, cut = (size_t)check_range(c, 0, (int64_t)k.rows);
    w_pool_u8 p = {*g, check_u8(c, k.images * g->ih * g->iw * g->c), check_u8(c, k.rows * g->ow * g->c), k.average,
                   k.county, k.countx, (int32_t)check_range(c, 0, 255), 0.02f, check_draw_requant(c, 2.0f), k.ep};
    fn(&p, 0, cut);
    fn(&p, cut, k.rows);
    for (size_t r = 0; r < k.rows; r++)
        for (size_t x = 0; x < g->ow; x++)
            for (size_t ch = 0; ch < g->c; ch++) {
                taken t = take(&k, NULL, p.in, r, x, ch);
                if (!k.average && t.n == 0) continue;
                float mul = p.scale / (float)(k.county[r % g->oh] * k.countx[x]);
                float y = check_act_exact(&k.ep, (float)(t.sum - (double)t.n * p.zx) * mul);
                double want = k.average ? check_requant(&p.q, y) : t.max, got = p.out[(r * g->ow + x) * g->c + ch];
                if (got != want) fail_at(c, &k, (r * g->ow + x) * g->c + ch, got, want);
            }
    if (c->failures > before) c->failures = before + 1;
    c->cases++;
    check_release_all();
}

/* ---- time ---- */

typedef struct timed { w_fn_pool_f32 *f32; w_fn_pool_u8 *u8; w_fn_global_pool *global; const void *p; size_t rows; } timed;
static void call(void *arg) {
    const timed *t = arg;
    if (t->f32) t->f32(t->p, 0, t->rows);
    else if (t->u8) t->u8(t->p, 0, t->rows);
    else t->global(t->p, 0, ((const w_global_pool *)t->p)->c);
}

static const w_window resnet_pool = {112, 112, 56, 56, 64, 3, 3, 2, 2, 1, 1, 1, 1};

static void print_pool(check *c, const timed *t, const w_window *g, double elem) {
    double bytes = elem * (double)((g->ih * g->iw + g->oh * g->ow) * g->c);
    check_print_speed(c, "maxpool 112x112x64 3x3/2", check_time(call, (void *)t), 0, bytes, 0);
    check_release_all();
}

void check_pool_f32(check *c, w_fn_pool_f32 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t i = 0; i < 200; i++) f32_case(c, fn, i);
    if (!c->bench) return;
    const w_window *g = &resnet_pool;
    w_pool_f32 p = {.g = *g, .in = check_f32(c, g->ih * g->iw * g->c), .out = check_f32(c, g->oh * g->ow * g->c)};
    print_pool(c, &(timed){fn, NULL, NULL, &p, g->oh}, g, 4);
}

void check_pool_u8(check *c, w_fn_pool_u8 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    for (size_t i = 0; i < 200; i++) u8_case(c, fn, i);
    if (!c->bench) return;
    const w_window *g = &resnet_pool;
    w_pool_u8 p = {.g = *g, .in = check_u8(c, g->ih * g->iw * g->c), .out = check_u8(c, g->oh * g->ow * g->c)};
    print_pool(c, &(timed){NULL, fn, NULL, &p, g->oh}, g, 1);
}

/* ---- global ---- */

static w_global_pool draw_global(check *c, bool u8) {
    return (w_global_pool){.rows = (size_t)check_range(c, 1, 60), .c = (size_t)check_range(c, 1, 200),
                           .average = check_range(c, 0, 1), .out_u8 = u8 && check_range(c, 0, 1),
                           .zx = u8 ? (int32_t)check_range(c, 0, 255) : 0, .scale = u8 ? 0.02f : 1.0f,
                           .q = check_draw_requant(c, 2.0f), .ep = check_draw_act(c, u8)};
}

static void global_expect(check *c, const w_global_pool *k, size_t ch, bool u8) {
    double sum = 0, mag = 0, max = -INFINITY, slack = 0, bound = 0;
    for (size_t r = 0; r < k->rows; r++) {
        double v = u8 ? ((const uint8_t *)k->in)[r * k->c + ch] : ((const float *)k->in)[r * k->c + ch];
        sum += v;
        mag += fabs(v);
        max = fmax(max, v);
    }
    double got = k->out_u8 ? ((uint8_t *)k->out)[ch] : ((float *)k->out)[ch], want;
    if (u8) {
        float mul = k->average ? k->scale / (float)k->rows : k->scale;
        float y = check_act_exact(&k->ep, (float)(k->average ? sum - (double)k->rows * k->zx : max - k->zx) * mul);
        want = k->out_u8 ? check_requant(&k->q, y) : y;
    } else {
        want = check_act(&k->ep, k->average ? sum / (double)k->rows : max, &slack);
        bound = slack + (k->average ? 1.5 * 0x1p-24 * mag : 0) + 1e-7;
    }
    if (!check_close(got, want, bound))
        check_fail(c, "channel %zu of %zu over %zu rows = %.9g, expected %.9g (act %d, seed %llu)", ch, k->c, k->rows, got, want,
                   k->ep.act, (unsigned long long)c->seed);
}

static void check_global(check *c, w_fn_global_pool *fn, bool u8) {
    for (size_t i = 0; i < 200; i++, c->cases++) {
        w_global_pool k = draw_global(c, u8);
        size_t before = c->failures, cut = (size_t)check_range(c, 0, (int64_t)k.c);
        k.in = u8 ? (void *)check_u8(c, k.rows * k.c) : (void *)check_f32(c, k.rows * k.c);
        k.out = k.out_u8 ? (void *)check_u8(c, k.c) : (void *)check_f32(c, k.c);
        fn(&k, 0, cut);
        fn(&k, cut, k.c);
        for (size_t ch = 0; ch < k.c; ch++) global_expect(c, &k, ch, u8);
        if (c->failures > before) c->failures = before + 1;
        check_release_all();
    }
    if (!c->bench) return;
    w_global_pool k = {.rows = 49, .c = 1024, .average = true, .scale = 1, .in = u8 ? (void *)check_u8(c, 49 * 1024) : check_f32(c, 49 * 1024),
                       .out = check_f32(c, 1024)};
    timed t = {NULL, NULL, fn, &k, 0};
    check_print_speed(c, "global average 7x7x1024", check_time(call, &t), 0, (u8 ? 1 : 4) * 49 * 1024 + 4096, 0);
    check_release_all();
}

void check_global_f32(check *c, w_fn_global_f32 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    check_global(c, fn, false);
}

void check_global_u8(check *c, w_fn_global_u8 *fn, int mr, int nr, int pack) {
    (void)mr, (void)nr, (void)pack;
    check_global(c, fn, true);
}
