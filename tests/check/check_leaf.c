/* What the checks of the leaf kernels share (check_leaf.h). */
#include "check.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static size_t draw(check *c, int64_t lo, int64_t hi) { return (size_t)check_range(c, lo, hi); }

w_window check_draw_window(check *c, size_t index) {
    static const uint8_t common[][4] = {{3, 3, 1, 1}, {3, 3, 2, 2}, {5, 5, 1, 1}, {5, 5, 2, 2}, {2, 2, 2, 2}, {1, 1, 1, 1}};
    w_window g = {.dh = 1, .dw = 1};
    if (index % 2) {
        const uint8_t *k = common[index / 2 % W_COUNT(common)];
        g.kh = k[0], g.kw = k[1], g.sh = k[2], g.sw = k[3];
    } else {
        g.kh = draw(c, 1, 6), g.kw = draw(c, 1, 6), g.sh = draw(c, 1, 3), g.sw = draw(c, 1, 3);
        g.dh = draw(c, 1, 2), g.dw = draw(c, 1, 2);
    }
    static const uint8_t channels[] = {1, 3, 8, 16, 24, 32, 40, 63, 64, 65, 96, 128, 130};
    g.c = check_range(c, 0, 3) ? channels[check_range(c, 0, W_COUNT(channels) - 1)] : draw(c, 1, 140);
    g.pt = draw(c, 0, (int64_t)g.kh - 1), g.pl = draw(c, 0, (int64_t)g.kw - 1);
    size_t pb = draw(c, 0, (int64_t)g.kh - 1), pr = draw(c, 0, (int64_t)g.kw - 1);
    size_t eh = (g.kh - 1) * g.dh + 1, ew = (g.kw - 1) * g.dw + 1;
    g.ih = draw(c, 1, 12), g.iw = draw(c, 0, 7) ? draw(c, 1, 24) : draw(c, 25, 90);
    if (g.ih + g.pt + pb < eh) g.ih = eh;
    if (g.iw + g.pl + pr < ew) g.iw = ew;
    g.oh = (g.ih + g.pt + pb - eh) / g.sh + 1, g.ow = (g.iw + g.pl + pr - ew) / g.sw + 1;
    return g;
}

bool check_tap(const w_window *g, size_t y, size_t x, size_t ky, size_t kx, size_t *at) {
    int64_t iy = (int64_t)(y * g->sh + ky * g->dh) - (int64_t)g->pt, ix = (int64_t)(x * g->sw + kx * g->dw) - (int64_t)g->pl;
    if (iy < 0 || ix < 0 || iy >= (int64_t)g->ih || ix >= (int64_t)g->iw) return false;
    *at = ((size_t)iy * g->iw + (size_t)ix) * g->c;
    return true;
}

const char *check_describe_window(const w_window *g, size_t images, char text[160]) {
    snprintf(text, 160, "%zu x %zux%zux%zu, %zux%zu stride %zux%zu dilation %zux%zu pad %zu,%zu -> %zux%zu", images, g->ih,
             g->iw, g->c, g->kh, g->kw, g->sh, g->sw, g->dh, g->dw, g->pt, g->pl, g->oh, g->ow);
    return text;
}

w_kepi check_draw_act(check *c, bool exact) {
    static const w_kepi acts[] = {
        {W_KACT_NONE, 0, 0}, {W_KACT_RELU, 0, 0}, {W_KACT_CLIP, 0, 6}, {W_KACT_CLIP, -0.5f, 0.75f}, {W_KACT_LEAKY, 0.1f, 0},
        {W_KACT_HARDSWISH, 0, 0}, {W_KACT_HARDSIGMOID, 0.2f, 0.5f}, {W_KACT_SIGMOID, 0, 0}, {W_KACT_TANH, 0, 0},
        {W_KACT_SILU, 0, 0}, {W_KACT_GELU, 0, 0}, {W_KACT_ELU, 1.0f, 0}};
    return acts[check_range(c, 0, exact ? 6 : W_COUNT(acts) - 1)];
}

double check_act(const w_kepi *ep, double x, double *slack) {
    double big = 4e-7 * fmax(1.0, fabs(x));
    *slack = 0;
    switch (ep->act) {
    case W_KACT_RELU: return isnan(x) ? x : x > 0 ? x : 0;
    case W_KACT_CLIP: return isnan(x) ? x : x < ep->a ? ep->a : x > ep->b ? ep->b : x;
    case W_KACT_LEAKY: *slack = 1e-7 * fabs(x); return x < 0 ? x * ep->a : x;
    case W_KACT_HARDSWISH: *slack = big; return x * fmin(1, fmax(0, x / 6 + 0.5)) + (isnan(x) ? x : 0);
    case W_KACT_HARDSIGMOID: *slack = 2e-7; return isnan(x) ? x : fmin(1, fmax(0, x * ep->a + ep->b));
    case W_KACT_SIGMOID: *slack = 4e-7; return 1 / (1 + exp(-x));
    case W_KACT_TANH: *slack = 4e-7; return tanh(x);
    case W_KACT_SILU: *slack = big; return x / (1 + exp(-x));
    case W_KACT_GELU: *slack = big; return 0.5 * x * (1 + erf(x / sqrt(2)));
    case W_KACT_ELU: *slack = 4e-7; return x < 0 ? ep->a * expm1(x) : x;
    default: return x;
    }
}

float check_act_exact(const w_kepi *ep, float x) {
    volatile float t = x; /* every operation rounds on its own */
    switch (ep->act) {
    case W_KACT_RELU: return x > 0 ? x : 0;
    case W_KACT_CLIP: return x < ep->a ? ep->a : x > ep->b ? ep->b : x;
    case W_KACT_LEAKY: return x < 0 ? x * ep->a : x;
    case W_KACT_HARDSWISH:
    case W_KACT_HARDSIGMOID:
        t = x * (ep->act == W_KACT_HARDSWISH ? 1.0f / 6.0f : ep->a);
        t = t + (ep->act == W_KACT_HARDSWISH ? 0.5f : ep->b);
        t = t < 0 ? 0 : t > 1 ? 1 : t;
        return ep->act == W_KACT_HARDSWISH ? x * t : t;
    default: return x;
    }
}

uint8_t check_round(float y, int32_t zero) {
    if (!(y > (float)-zero)) return 0;
    if (y >= (float)(255 - zero)) return 255;
    return (uint8_t)(lrintf(y) + zero);
}

uint8_t check_requant(const w_requant *q, float y) { return check_round(y * q->inv_scale, q->zero); }

check_target check_draw_target(check *c, float steps) {
    w_kepi ep = check_draw_act(c, true);
    if (ep.act == W_KACT_HARDSWISH || ep.act == W_KACT_HARDSIGMOID) return (check_target){ep, 1.0f, steps};
    if (ep.act == W_KACT_CLIP) ep.a *= steps, ep.b *= steps;
    return (check_target){ep, steps, 1.0f};
}

float check_act_steps(const w_kepi *ep, float act_scale, float y) {
    y = check_act_exact(ep, y);
    return ep->act == W_KACT_HARDSWISH || ep->act == W_KACT_HARDSIGMOID ? y * act_scale : y;
}

w_requant check_draw_requant(check *c, float range) {
    return (w_requant){(float)check_range(c, 20, 300) / range, (int32_t)check_range(c, 0, 255)};
}

bool check_close(double got, double want, double bound) {
    return isnan(want) ? isnan(got) : isinf(want) ? got == want : fabs(got - want) <= bound;
}

float *check_f32(check *c, size_t n) {
    float *p = check_guarded(c, n * sizeof *p);
    for (size_t i = 0; i < n; i++) p[i] = check_unit(c);
    return p;
}

uint8_t *check_u8(check *c, size_t n) {
    uint8_t *p = check_guarded(c, n);
    int64_t kind = check_range(c, 0, 9);
    if (kind < 2) memset(p, kind ? 255 : 0, n);
    else
        for (size_t i = 0; i < n; i++) p[i] = (uint8_t)check_random(c);
    return p;
}
