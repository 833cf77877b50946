/* Winograd on u8 images: the transform of the input and the products against their definition, and all three parts together against
 * the reference of the implicit GEMM on the same convolution: the same bits. */
#include "check.h"
#include <math.h>
#include <string.h>

enum { EDGE = 2, SIZE = EDGE + 2, PLACES = SIZE * SIZE, CANARY = 0xa5 };

typedef struct image { w_u8_wino g; size_t tiles; uint8_t *in; } image;

/* Values at the ends of their range make the largest places. */
static uint8_t draw_pixel(check *c, int ends, size_t i) { return ends ? (i % 3 ? 255 : 0) : (uint8_t)check_random(c); }

static image draw(check *c) {
    image m = {.tiles = 0};
    w_u8_wino *g = &m.g;
    int ends = (int)check_range(c, 0, 1);
    g->ih = (size_t)check_range(c, 3, 11);
    g->iw = (size_t)check_range(c, 3, 11);
    g->pt = (int)check_range(c, 0, 1);
    g->pl = (int)check_range(c, 0, 1);
    g->oh = g->ih - 2 + (size_t)g->pt + (size_t)check_range(c, 0, 1);
    g->ow = g->iw - 2 + (size_t)g->pl + (size_t)check_range(c, 0, 1);
    g->c = (size_t)(16 * check_range(c, 1, 3));
    g->to.n = (size_t)(8 * check_range(c, 1, 6));
    g->zero = (int32_t[]){0, 255, 128, 7}[check_range(c, 0, 3)];
    g->tiles_x = (g->ow + EDGE - 1) / EDGE;
    m.tiles = g->tiles_x * ((g->oh + EDGE - 1) / EDGE);
    m.in = check_guarded(c, g->ih * g->iw * g->c);
    for (size_t i = 0; i < g->ih * g->iw * g->c; i++) m.in[i] = draw_pixel(c, ends, i);
    g->in = m.in;
    return m;
}

static int pixel(const w_u8_wino *g, ptrdiff_t y, ptrdiff_t x, size_t k) {
    if (y < 0 || x < 0 || y >= (ptrdiff_t)g->ih || x >= (ptrdiff_t)g->iw) return 0;
    return g->in[((size_t)y * g->iw + (size_t)x) * g->c + k] - g->zero;
}

/* Place (py, px) of B^T d B. */
static int place_of(const w_u8_wino *g, size_t t, size_t k, size_t py, size_t px) {
    static const int bt[SIZE][SIZE] = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
    ptrdiff_t y0 = (ptrdiff_t)(t / g->tiles_x * EDGE) - g->pt, x0 = (ptrdiff_t)(t % g->tiles_x * EDGE) - g->pl;
    int sum = 0;
    for (ptrdiff_t y = 0; y < SIZE; y++)
        for (ptrdiff_t x = 0; x < SIZE; x++) sum += bt[py][y] * bt[px][x] * pixel(g, y0 + y, x0 + x, k);
    return sum;
}

static void places_in(const w_u8_wino *g, size_t t0, size_t t1) {
    for (size_t t = t0; t < t1; t++)
        for (size_t e = 0; e < PLACES; e++)
            for (size_t k = 0; k < g->c; k++) g->v[e * g->v_apart + (t - t0) * g->c + k] = (int16_t)place_of(g, t, k, e / SIZE, e % SIZE);
}

void check_u8_wino_in(check *c, w_fn_u8_wino_in *fn, int mr, int nr, int pack) {
    for (int i = 0; i < 60; i++, c->cases++) {
        image m = draw(c);
        size_t t0 = (size_t)check_range(c, 0, (int64_t)m.tiles - 1), t1 = (size_t)check_range(c, (int64_t)t0 + 1, (int64_t)m.tiles);
        m.g.v_apart = check_wino_apart(c, t1 - t0, m.g.c, 2);
        size_t n = (PLACES - 1) * m.g.v_apart + (t1 - t0) * m.g.c;
        int16_t *got = check_guarded(c, n * sizeof *got), *want = check_guarded(c, n * sizeof *want);
        memset(got, 0, n * sizeof *got);
        memset(want, 0, n * sizeof *want);
        m.g.v = want;
        places_in(&m.g, t0, t1);
        m.g.v = got;
        fn(&m.g, t0, t1);
        if (memcmp(got, want, n * sizeof *got)) check_fail(c, "image %zux%zux%zu, zero %d, tiles %zu..%zu: other places", m.g.ih, m.g.iw, m.g.c, m.g.zero, t0, t1);
        check_release_all();
    }
}

static void plain_product(const w_s16_gemm *g, size_t nr, size_t p0, size_t p1) {
    for (size_t p = p0; p < p1; p++)
        for (size_t j = 0; j < g->n; j++) {
            uint32_t sum = 0;
            for (size_t k = 0; k < g->k; k++) {
                const int16_t *w = g->w + j / nr * nr * g->k + (k / 2 * nr + j % nr) * 2 + k % 2;
                sum += (uint32_t)(g->in[p * g->row_stride + k] * *w);
            }
            g->out[p * g->out_stride + j] = (int32_t)sum;
        }
}

void check_s16_gemm(check *c, w_fn_s16_gemm *fn, int mr, int nr, int pack) {
    for (int i = 0; i < 120; i++, c->cases++) {
        size_t rows = (size_t)check_range(c, 1, 3 * mr + 1), width = (size_t)nr, most = check_range(c, 0, 1) ? 65535 : 2047;
        w_s16_gemm g = {.k = (size_t)(2 * check_range(c, 1, 40)), .n = (size_t)(pack * check_range(c, 1, 3 * nr / pack))};
        g.row_stride = g.k + (size_t)check_range(c, 0, 3);
        g.out_stride = g.n + (size_t)check_range(c, 0, 3);
        size_t blocks = (g.n + width - 1) / width, nin = (rows - 1) * g.row_stride + g.k, nw = blocks * width * g.k, nout = (rows - 1) * g.out_stride + g.n;
        int16_t *in = check_guarded(c, nin * 2), *w = check_guarded(c, nw * 2);
        int32_t *got = check_guarded(c, nout * 4), *want = check_guarded(c, nout * 4);
        for (size_t j = 0; j < nin; j++) in[j] = (int16_t)((check_random(c) & most) - most / 2);
        for (size_t j = 0; j < nw; j++) w[j] = (int16_t)((check_random(c) & most) - most / 2);
        memset(got, 0x5a, nout * 4);
        memset(want, 0x5a, nout * 4);
        g.in = in;
        g.w = w;
        size_t p0 = (size_t)check_range(c, 0, (int64_t)rows - 1);
        g.out = want;
        plain_product(&g, width, p0, rows);
        g.out = got;
        size_t cut = (size_t)check_range(c, 0, (int64_t)blocks);
        fn(&g, p0, rows, 0, cut);
        fn(&g, p0, rows, cut, blocks);
        if (memcmp(got, want, nout * 4)) check_fail(c, "%zu rows of %zu by %zu columns: other sums", rows, g.k, g.n);
        check_release_all();
    }
}

/* ---- the whole convolution ---- */

/* The factor of scales and biases. */
static float draw_output(check *c, w_u8_wino *g) {
    w_u8_igemm *to = &g->to;
    size_t n = g->oh * g->ow * to->n;
    to->out_u8 = check_range(c, 0, 2) > 0;
    to->res_stride = to->n;
    to->out_stride = to->n + (size_t)check_range(c, 0, 3);
    check_target as = check_draw_target(c, to->out_u8 ? 1.0f / (0.001f + fabsf(check_unit(c)) * 0.05f) : 1.0f);
    to->ep = as.ep;
    to->act_scale = as.act_scale;
    to->zero = (int32_t)check_range(c, 0, 255);
    to->late_zero = 1;
    to->late_scale = 1.0f;
    to->res_kind = (w_res_kind)check_range(c, 0, 2);
    to->res_scale = (to->res_kind == W_RES_F32 ? 1.0f : 0.02f) * as.unit;
    to->res_zero = (int32_t)check_range(c, 0, 255);
    if (to->res_kind == W_RES_NONE) return as.unit;
    void *res = check_guarded(c, n * (to->res_kind == W_RES_F32 ? 4 : 1));
    for (size_t i = 0; i < n; i++)
        if (to->res_kind == W_RES_F32) ((float *)res)[i] = 20 * check_unit(c);
        else ((uint8_t *)res)[i] = (uint8_t)check_random(c);
    to->res = res;
    return as.unit;
}

/* The same convolution as rows of a table of nine taps. */
static void direct(check *c, const w_u8_wino *g, const int8_t *w, void *out) {
    w_u8_igemm d = g->to;
    size_t pixels = g->oh * g->ow, n = d.n;
    int32_t *at = check_guarded(c, 9 * pixels * sizeof *at);
    uint8_t *zero = check_guarded(c, g->c);
    int8_t *ordered = check_guarded(c, n * 9 * g->c);
    memset(zero, g->zero, g->c);
    for (size_t t = 0; t < 9; t++)
        for (size_t p = 0; p < pixels; p++) {
            ptrdiff_t y = (ptrdiff_t)(p / g->ow + t / 3) - g->pt, x = (ptrdiff_t)(p % g->ow + t % 3) - g->pl;
            bool inside = y >= 0 && x >= 0 && y < (ptrdiff_t)g->ih && x < (ptrdiff_t)g->iw;
            at[t * pixels + p] = inside ? (int32_t)(((size_t)y * g->iw + (size_t)x) * g->c) : -1;
        }
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < g->c; i++)
            for (size_t t = 0; t < 9; t++) ordered[(j * 9 + t) * g->c + i] = w[(j * g->c + i) * 9 + t];
    void *packed = check_guarded(c, w_u8_packed(W_PACK_S8_QUAD, 8, n, 9, g->c));
    w_pack_u8(packed, W_PACK_S8_QUAD, 8, &(w_pack_u8_args){ordered, 9 * g->c, 1, n, 9, g->c, g->zero, g->mul, g->bias});
    d.rows = (w_rows){.in = g->in, .zero = zero, .offset = at, .tap_table = pixels, .taps = 9, .c = g->c};
    d.w = packed;
    d.out = out;
    w_u8_igemm_1x8__ref(&d, 0, pixels, 0, n / 8);
}

static void whole(check *c, w_fn_u8_wino_out *fn) {
    enum { NR = 16 };
    image m = draw(c);
    w_u8_wino *g = &m.g;
    size_t n = g->to.n, blocks = (n + NR - 1) / NR, apart = blocks * NR * g->c;
    float unit = draw_output(c, g);
    size_t bytes = ((g->oh * g->ow - 1) * g->to.out_stride + n) * (g->to.out_u8 ? 1 : 4);
    g->v_apart = check_wino_apart(c, m.tiles, g->c, 2);
    g->m_apart = check_wino_apart(c, m.tiles, n, 4);
    int8_t *w = check_guarded(c, n * g->c * 9);
    int16_t *u = check_guarded(c, PLACES * apart * 2);
    int32_t *places = check_guarded(c, PLACES * g->m_apart * 4);
    float *mul = check_guarded(c, n * 4), *bias = check_guarded(c, n * 4);
    uint8_t *got = check_guarded(c, bytes), *want = check_guarded(c, bytes);
    memset(got, CANARY, bytes);
    memset(want, CANARY, bytes);
    int ends = (int)check_range(c, 0, 1);
    for (size_t i = 0; i < n * g->c * 9; i++) w[i] = ends ? (i / (9 * g->c) % 2 ? 127 : -128) : (int8_t)check_random(c);
    for (size_t j = 0; j < n; j++) mul[j] = (1.1f + check_unit(c)) / (float)(g->c * 9000) * unit, bias[j] = check_unit(c) * unit;
    g->v = check_guarded(c, PLACES * g->v_apart * 2);
    g->m = places;
    g->mul = mul;
    g->bias = bias;
    w_wino_weights_s16(w, n, g->c, NR, u, apart);
    direct(c, g, w, want);
    size_t cut[3] = {0, (size_t)check_range(c, 0, (int64_t)m.tiles), m.tiles};
    g->to.out = got;
    for (int i = 0; i < 2; i++) {
        places_in(g, cut[i], cut[i + 1]);
        for (size_t e = 0; e < PLACES; e++) {
            w_s16_gemm p = {.in = g->v + e * g->v_apart, .row_stride = g->c, .k = g->c, .w = u + e * apart, .n = n,
                            .out = places + e * g->m_apart, .out_stride = n};
            plain_product(&p, NR, 0, cut[i + 1] - cut[i]);
        }
        fn(g, cut[i], cut[i + 1]);
    }
    if (memcmp(got, want, bytes)) check_fail(c, "image %zux%zux%zu to %zu: other bits than the direct sum, or between the pixels", g->ih, g->iw, g->c, n);
    check_release_all();
}

void check_u8_wino_out(check *c, w_fn_u8_wino_out *fn, int mr, int nr, int pack) {
    for (int i = 0; i < 80; i++, c->cases++) whole(c, fn);
}
