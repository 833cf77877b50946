/* Winograd's transforms: each set's against the reference, bit for bit (both are sums in the same order), and the two around
 * plain products against a direct convolution in double. */
#include "check.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct image { w_f32_wino g; w_wino_tile reference; size_t tiles, places; float *in, *res, *bias; } image;

static float *numbers(check *c, size_t n) {
    float *p = check_guarded(c, n * sizeof *p);
    for (size_t i = 0; i < n; i++) p[i] = check_unit(c);
    return p;
}

static image draw(check *c, int edge, int lanes) {
    image m = {.places = w_wino_places((size_t)edge)};
    m.reference = edge == 2 ? (w_wino_tile){w_f32_wino2_in__ref, w_f32_wino2_out__ref, 2, 1} : (w_wino_tile){w_f32_wino4_in__ref, w_f32_wino4_out__ref, 4, 1};
    w_f32_wino *g = &m.g;
    g->ih = (size_t)check_range(c, 3, 13);
    g->iw = (size_t)check_range(c, 3, 13);
    g->pt = (int)check_range(c, 0, 1);
    g->pl = (int)check_range(c, 0, 1);
    g->oh = g->ih - 2 + (size_t)g->pt + (size_t)check_range(c, 0, 1);
    g->ow = g->iw - 2 + (size_t)g->pl + (size_t)check_range(c, 0, 1);
    g->c = (size_t)(lanes * check_range(c, 1, 48 / lanes));
    g->n = (size_t)(lanes * check_range(c, 1, 48 / lanes));
    g->out_stride = g->n + (size_t)check_range(c, 0, 3);
    g->tiles_x = (g->ow + (size_t)edge - 1) / (size_t)edge;
    m.tiles = g->tiles_x * ((g->oh + (size_t)edge - 1) / (size_t)edge);
    g->in = m.in = numbers(c, g->ih * g->iw * g->c);
    g->bias = m.bias = numbers(c, g->n);
    g->ep = check_draw_act(c, false);
    if (check_range(c, 0, 1)) g->res = m.res = numbers(c, g->oh * g->ow * g->n);
    return m;
}

/* Some of the tiles, as one of the threads would. */
static void split_in(w_fn_f32_wino_in *fn, const image *m, float *places, size_t apart, size_t t0, size_t t1) {
    w_f32_wino g = m->g;
    g.places = places;
    g.apart = apart;
    fn(&g, t0, t1);
}

size_t check_wino_apart(check *c, size_t tiles, size_t channels, size_t elem) {
    return check_range(c, 0, 1) ? tiles * channels : w_wino_apart(tiles, channels, elem);
}

void check_f32_wino_in(check *c, w_fn_f32_wino_in *fn, int mr, int nr, int pack) {
    for (int i = 0; i < 60; i++, c->cases++) {
        image m = draw(c, mr, nr);
        size_t t0 = (size_t)check_range(c, 0, (int64_t)m.tiles - 1), t1 = (size_t)check_range(c, (int64_t)t0 + 1, (int64_t)m.tiles);
        size_t run = (t1 - t0) * m.g.c, apart = check_wino_apart(c, t1 - t0, m.g.c, sizeof *m.in), n = (m.places - 1) * apart + run;
        float *got = check_guarded(c, n * sizeof *got), *want = check_guarded(c, n * sizeof *want);
        memset(got, 0, n * sizeof *got);
        memset(want, 0, n * sizeof *want);
        split_in(fn, &m, got, apart, t0, t1);
        split_in(m.reference.in, &m, want, apart, t0, t1);
        if (memcmp(got, want, n * sizeof *got)) check_fail(c, "image %zux%zux%zu, tiles %zu..%zu: other bits than the reference", m.g.ih, m.g.iw, m.g.c, t0, t1);
        check_release_all();
    }
}

/* One output by the definition: the direct sum. */
static double direct(const image *m, const float *w, size_t y, size_t x, size_t k, double *slack) {
    double sum = m->bias[k];
    for (size_t ky = 0; ky < 3; ky++)
        for (size_t kx = 0; kx < 3; kx++)
            for (size_t ci = 0; ci < m->g.c; ci++) {
                ptrdiff_t iy = (ptrdiff_t)(y + ky) - m->g.pt, ix = (ptrdiff_t)(x + kx) - m->g.pl;
                if (iy < 0 || ix < 0 || iy >= (ptrdiff_t)m->g.ih || ix >= (ptrdiff_t)m->g.iw) continue;
                sum += (double)m->in[((size_t)iy * m->g.iw + (size_t)ix) * m->g.c + ci] * w[(k * m->g.c + ci) * 9 + ky * 3 + kx];
            }
    if (m->res) sum += m->res[(y * m->g.ow + x) * m->g.n + k];
    return check_act(&m->g.ep, sum, slack);
}

/* The places of the outputs: those of the input x u, in f32 as the matrix kernels sum. */
static void products(const image *m, size_t tiles, const float *w, const float *v, size_t v_apart, float *out, size_t out_apart) {
    for (size_t k = 0; k < m->g.n; k++)
        for (size_t t = 0; t < tiles; t++)
            for (size_t e = 0; e < m->places; e++) out[e * out_apart + t * m->g.n + k] = 0;
    for (size_t k = 0; k < m->g.n; k++)
        for (size_t ci = 0; ci < m->g.c; ci++) {
            float u[W_WINO_PLACES_MOST];
            w_wino_weights(m->reference.edge, w + (k * m->g.c + ci) * 9, 9, 1, u, 1);
            for (size_t e = 0; e < m->places; e++)
                for (size_t t = 0; t < tiles; t++)
                    out[e * out_apart + t * m->g.n + k] += u[e] * v[e * v_apart + t * m->g.c + ci];
        }
}

/* Inputs and weights are at most 1. A place sums c products of at most |B| |G|, an output adds places times |A|: c + 24 roundings of
 * 2^-24 on the largest sum of |A| |B| |G| a channel; bias and residual, 1 each, round with the last ones. */
static double tolerance(const image *m) {
    double most = m->reference.edge == 2 ? 64 : 564;
    return ((double)m->g.c + 24) * 0x1p-24 * (most * (double)m->g.c + 2);
}

#define CANARY 0xa5 /* a byte between outputs */
#define STEEPEST 1.5 /* slope of an activation: of hard-swish at 3 */

static void whole(check *c, w_fn_f32_wino_out *fn, int edge, int lanes) {
    image m = draw(c, edge, lanes);
    w_f32_wino *g = &m.g;
    size_t v_apart = check_wino_apart(c, m.tiles, g->c, sizeof *m.in), p_apart = check_wino_apart(c, m.tiles, g->n, sizeof *m.in), no = g->oh * g->ow * g->n;
    float *w = numbers(c, g->n * g->c * 9), *v = check_guarded(c, m.places * v_apart * 4), *p = check_guarded(c, m.places * p_apart * 4);
    size_t pixels = g->oh * g->ow, reach = (pixels - 1) * g->out_stride + g->n;
    float *out = check_guarded(c, reach * 4);
    memset(out, CANARY, reach * 4);
    size_t cut[3] = {0, (size_t)check_range(c, 0, (int64_t)m.tiles), m.tiles};
    g->out = out;
    for (int i = 0; i < 2; i++) {
        split_in(m.reference.in, &m, v, v_apart, cut[i], cut[i + 1]);
        products(&m, cut[i + 1] - cut[i], w, v, v_apart, p, p_apart);
        g->places = p;
        g->apart = p_apart;
        fn(g, cut[i], cut[i + 1]);
    }
    for (size_t i = 0; i < no; i++) {
        double slack, want = direct(&m, w, i / g->n / g->ow, i / g->n % g->ow, i % g->n, &slack), got = out[i / g->n * g->out_stride + i % g->n];
        if (!(fabs(got - want) <= STEEPEST * tolerance(&m) + slack)) {
            check_fail(c, "image %zux%zux%zu to %zu, output %zu: %g, expected %g", g->ih, g->iw, g->c, g->n, i, got, want);
            break;
        }
    }
    for (size_t i = 0; i < reach * 4; i++)
        if (i / 4 % g->out_stride >= g->n && ((uint8_t *)out)[i] != CANARY) check_fail(c, "wrote between the pixels of the output");
    check_release_all();
}

void check_f32_wino_out(check *c, w_fn_f32_wino_out *fn, int mr, int nr, int pack) {
    for (int i = 0; i < 120; i++, c->cases++) whole(c, fn, mr, nr);
}
