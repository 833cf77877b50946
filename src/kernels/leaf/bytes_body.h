/* Kernels over bytes over the names of vec_*.h and vec_bytes.h; the including file sets NAME(kernel). Every element goes
 * through the same single operations as in the references. */
#include "kernels.h"
#include "vec_act.h"
#include "vec_bytes.h"

INLINE VI iload(const uint8_t *p, size_t n, bool full) { return full ? viload(p) : viload_n(p, n); }

INLINE void put(uint8_t *p, VI v, size_t n, bool full) {
    if (full) vistore(p, v);
    else vistore_n(p, n, v);
}

INLINE void put_real(const w_requant *q, bool u8, void *out, size_t at, V y, size_t n) {
    if (u8) put((uint8_t *)out + at, v_requant(q, y), n, n >= VL);
    else vstore_n((float *)out + at, n, y);
}

/* ---- pooling ---- */

typedef struct spot { const uint8_t *in; uint8_t *out; size_t ny, nx, down, right; } spot; /* taps and their steps */

INLINE VI taps(const spot *s, size_t c, size_t n, bool full, bool average) {
    VI acc = VISET1(0);
    for (size_t y = 0; y < s->ny; y++)
        for (size_t x = 0; x < s->nx; x++) {
            VI v = iload(s->in + c + y * s->down + x * s->right, n, full);
            acc = average ? VIADD(acc, v) : VIMAX(acc, v);
        }
    return acc;
}

INLINE V averaged(const w_kepi *ep, VI sum, int32_t zero, float mul) {
    V y = VMUL(VITOF(VISUB(sum, VISET1(zero))), VSET1(mul));
    v_act_exact(ep, v_bounds(ep), &y, 1);
    return y;
}

INLINE void average_pixel(const w_pool_u8 *k, const spot *s, float mul) {
    int32_t zero = (int32_t)(s->ny * s->nx) * k->zx;
    for (size_t c = 0; c < k->g.c; c += VL) {
        size_t n = k->g.c - c;
        VI sum = n >= VL ? taps(s, c, n, true, true) : taps(s, c, n, false, true);
        put(s->out + c, v_requant(&k->q, averaged(&k->ep, sum, zero, mul)), n, n >= VL);
    }
}

#if VL == 16
static void max_pixel(const w_pool_u8 *k, const spot *s) {
    for (size_t c = 0; c < k->g.c; c += 64) {
        size_t n = k->g.c - c;
        __mmask64 m = n >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1;
        __m512i acc = _mm512_setzero_si512();
        for (size_t y = 0; y < s->ny; y++)
            for (size_t x = 0; x < s->nx; x++)
                acc = _mm512_max_epu8(acc, _mm512_maskz_loadu_epi8(m, s->in + c + y * s->down + x * s->right));
        if (n >= 64) _mm512_storeu_si512(s->out + c, acc);
        else if (n == 32) _mm256_storeu_si256((__m256i *)(s->out + c), _mm512_castsi512_si256(acc));
        else _mm512_mask_storeu_epi8(s->out + c, m, acc);
    }
}
#elif VL == 4
static void max_pixel(const w_pool_u8 *k, const spot *s) {
    size_t c = 0;
    for (; c + 16 <= k->g.c; c += 16) {
        uint8x16_t acc = vdupq_n_u8(0);
        for (size_t y = 0; y < s->ny; y++)
            for (size_t x = 0; x < s->nx; x++) acc = vmaxq_u8(acc, vld1q_u8(s->in + c + y * s->down + x * s->right));
        vst1q_u8(s->out + c, acc);
    }
    for (; c < k->g.c; c += VL) {
        size_t n = k->g.c - c;
        put(s->out + c, taps(s, c, n, false, false), n, false);
    }
}
#else
static void max_pixel(const w_pool_u8 *k, const spot *s) {
    size_t c = 0;
    for (; c + 32 <= k->g.c; c += 32) {
        __m256i acc = _mm256_setzero_si256();
        for (size_t y = 0; y < s->ny; y++)
            for (size_t x = 0; x < s->nx; x++)
                acc = _mm256_max_epu8(acc, _mm256_loadu_si256((const __m256i *)(s->in + c + y * s->down + x * s->right)));
        _mm256_storeu_si256((__m256i *)(s->out + c), acc);
    }
    for (; c < k->g.c; c += VL) {
        size_t n = k->g.c - c;
        VI acc = n >= VL ? taps(s, c, n, true, false) : taps(s, c, n, false, false);
        put(s->out + c, acc, n, n >= VL);
    }
}
#endif

void NAME(pool_u8)(const w_pool_u8 *k, size_t r0, size_t r1) {
    const w_window *g = &k->g;
    for (size_t r = r0; r < r1; r++) {
        size_t image = r / g->oh, y = r % g->oh;
        w_taps ty = w_taps_at(y, g->kh, g->sh, g->dh, g->pt, g->ih);
        size_t iy = image * g->ih + (size_t)(w_window_start(y, g->sh, g->pt) + (ptrdiff_t)(ty.lo * g->dh));
        for (size_t x = 0; x < g->ow; x++) {
            w_taps tx = w_taps_at(x, g->kw, g->sw, g->dw, g->pl, g->iw);
            size_t ix = (size_t)(w_window_start(x, g->sw, g->pl) + (ptrdiff_t)(tx.lo * g->dw));
            spot s = {k->in + (iy * g->iw + ix) * g->c, k->out + (r * g->ow + x) * g->c, ty.hi - ty.lo, tx.hi - tx.lo,
                      g->dh * g->iw * g->c, g->dw * g->c};
            if (k->average) average_pixel(k, &s, k->scale / (float)(k->county[y] * k->countx[x]));
            else max_pixel(k, &s);
        }
    }
}

void NAME(global_u8)(const w_global_pool *k, size_t c0, size_t c1) {
    float mul = k->average ? k->scale / (float)k->rows : k->scale;
    int32_t zero = (k->average ? (int32_t)k->rows : 1) * k->zx;
    for (size_t c = c0; c < c1; c += VL) {
        size_t n = c1 - c;
        spot s = {k->in, NULL, k->rows, 1, k->c, 0};
        VI acc = k->average ? taps(&s, c, n, n >= VL, true) : taps(&s, c, n, n >= VL, false);
        put_real(&k->q, k->out_u8, k->out, c, averaged(&k->ep, acc, zero, mul), n);
    }
}

/* ---- two operands ---- */

INLINE V apply(w_binary_op op, V a, V b) {
    switch (op) {
    case W_BIN_ADD: return VADD(a, b);
    case W_BIN_SUB: return VSUB(a, b);
    case W_BIN_MUL: return VMUL(a, b);
    case W_BIN_DIV: return VDIV(a, b);
    case W_BIN_MIN: return VMIN(a, b);
    case W_BIN_MAX: return VMAX(a, b);
    }
    return a;
}

INLINE V real(const w_binary *k, int o, VI q) {
    return VMUL(VITOF(VISUB(q, VISET1(k->zero[o]))), VSET1(k->scale[o]));
}

/* sa, sb: whether an operand has a number for each of the n <= VL results. */
INLINE V result(const w_binary *k, w_binary_op op, w_bounds cl, const uint8_t *a, const uint8_t *b, size_t n, bool full, bool sa, bool sb) {
    V z = apply(op, real(k, 0, sa ? iload(a, n, full) : VISET1(a[0])), real(k, 1, sb ? iload(b, n, full) : VISET1(b[0])));
    if (k->ep.act != W_KACT_NONE) v_act_exact(&k->ep, cl, &z, 1);
    return z;
}

enum { AT_ONCE = 4 };

INLINE void row(const w_binary *k, w_binary_op op, w_bounds cl, uint8_t *o, const uint8_t *a, const uint8_t *b, bool sa, bool sb) {
    V inv = VSET1(k->q.inv_scale), lo = VSET1((float)-k->q.zero), hi = VSET1((float)(255 - k->q.zero));
    VI zero = ISET16(k->q.zero);
    size_t i = 0;
    for (; i + AT_ONCE * VL <= k->n; i += AT_ONCE * VL) {
        VI q[AT_ONCE];
        UNROLL for (size_t v = 0; v < AT_ONCE; v++) {
            size_t at = i + v * VL;
            q[v] = VFTOI(VCLAMP_Q(VMUL(result(k, op, cl, a + (sa ? at : 0), b + (sb ? at : 0), VL, true, sa, sb), inv), lo, hi));
        }
        ustore_pieces(o + i, upack_4(q[0], q[1], q[2], q[3], zero, false), 0, AT_ONCE);
    }
    for (; i < k->n; i += VL) {
        size_t n = k->n - i;
        V y = n >= VL ? result(k, op, cl, a + (sa ? i : 0), b + (sb ? i : 0), VL, true, sa, sb) : result(k, op, cl, a + (sa ? i : 0), b + (sb ? i : 0), n, false, sa, sb);
        put(o + i, v_requant(&k->q, y), n, n >= VL);
    }
}

/* By a copy of what it is told: stores of bytes may change anything that a pointer leads to. */
INLINE void rows_of(const w_binary *told, w_binary_op op, uint8_t *out, const uint8_t *a, const uint8_t *b, size_t rows) {
    const w_binary k = *told;
    w_bounds cl = v_bounds(&k.ep);
    for (size_t r = 0; r < rows; r++, out += k.stride[0], a += k.stride[1], b += k.stride[2]) {
        if (k.step[0] && k.step[1]) row(&k, op, cl, out, a, b, true, true);
        else row(&k, op, cl, out, a, b, k.step[0], k.step[1]);
    }
}

void NAME(binary_u8)(const w_binary *k, void *out, const void *a, const void *b, size_t rows) {
    switch (k->op) {
    case W_BIN_ADD: rows_of(k, W_BIN_ADD, out, a, b, rows); break;
    case W_BIN_SUB: rows_of(k, W_BIN_SUB, out, a, b, rows); break;
    case W_BIN_MUL: rows_of(k, W_BIN_MUL, out, a, b, rows); break;
    case W_BIN_DIV: rows_of(k, W_BIN_DIV, out, a, b, rows); break;
    case W_BIN_MIN: rows_of(k, W_BIN_MIN, out, a, b, rows); break;
    case W_BIN_MAX: rows_of(k, W_BIN_MAX, out, a, b, rows); break;
    }
}

/* ---- quantise and dequantise ---- */

typedef struct grid { V lo, hi; VI zero, zero16; } grid;

INLINE VI to_grid(const grid *g, V t) { return VIADD(VFTOI(VMIN(VMAX(t, g->lo), g->hi)), g->zero); }

/* As the reference does, by division. */
INLINE void quantize_exactly(const grid *g, V scale, const float *in, uint8_t *out, size_t n) {
    for (size_t i = 0; i < n; i += VL) put(out + i, to_grid(g, VDIV(vload_n(in + i, n - i), scale)), n - i, n - i >= VL);
}

/* AT_ONCE vectors by a product with 1 / scale, which is within 2^-14 of the quotient between 0 and 255: they round alike
 * unless a product lies that near the middle of two integers. False then, and what was written has to be written again. */
INLINE bool quantize_nearly(const grid *g, V inverse, const float *in, uint8_t *out) {
    V off = VSET1(0.0f);
    VI q[AT_ONCE];
    for (int k = 0; k < AT_ONCE; k++) {
        V t = VMIN(VMAX(VMUL(VLOAD(in + k * VL), inverse), g->lo), g->hi);
        VI r = VFTOI(t);
        off = VMAX(off, VABS(VSUB(t, VITOF(r))));
        q[k] = r;
    }
    ustore_pieces(out, upack_4(q[0], q[1], q[2], q[3], g->zero16, false), 0, 4);
    return !VANY_GT(off, VSET1(0.5f - 0x1p-12f));
}

void NAME(quantize_u8)(const float *in, uint8_t *out, size_t n, float scale, int32_t zero) {
    grid g = {VSET1((float)-zero), VSET1((float)(255 - zero)), VISET1(zero), ISET16(zero)};
    V s = VSET1(scale), inverse = VSET1(1.0f / scale);
    bool invertible = scale > 0x1p-100f && scale < 0x1p100f;
    size_t i = 0;
    for (; invertible && i + AT_ONCE * VL <= n; i += AT_ONCE * VL)
        if (!quantize_nearly(&g, inverse, in + i, out + i)) quantize_exactly(&g, s, in + i, out + i, AT_ONCE * VL);
    quantize_exactly(&g, s, in + i, out + i, n - i);
}

INLINE V dequantized(VI q, VI zero, V scale) { return VMUL(VITOF(VISUB(q, zero)), scale); }

void NAME(dequantize_u8)(const uint8_t *in, float *out, size_t n, float scale, int32_t zero) {
    V s = VSET1(scale);
    VI z = VISET1(zero);
    size_t i = 0;
    for (; i + VL <= n; i += VL) VSTORE(out + i, dequantized(viload(in + i), z, s));
    if (i < n) vstore_n(out + i, n - i, dequantized(viload_n(in + i, n - i), z, s));
}

/* ---- sums of products ---- */

INLINE void sums_vector(const w_sums *k, w_bounds cl, const int32_t *sums, const float *bias, uint8_t *out, size_t n, bool full) {
    V y = VMUL(VITOF(full ? ILOAD(sums) : ILOAD_N(sums, n)), VSET1(k->mul));
    if (bias) y = VADD(y, full ? VLOAD(bias) : vload_n(bias, n));
    v_act_exact(&k->ep, cl, &y, 1);
    put(out, v_requant(&k->q, y), n, full);
}

/* By a copy of what it is told: stores of bytes may change anything that a pointer leads to. */
void NAME(sums_u8)(const w_sums *told, const int32_t *sums, uint8_t *out, size_t n) {
    const w_sums k = *told;
    w_bounds cl = v_bounds(&k.ep);
    size_t i = 0;
    for (; i + VL <= n; i += VL) sums_vector(&k, cl, sums + i, k.bias ? k.bias + i : NULL, out + i, VL, true);
    if (i < n) sums_vector(&k, cl, sums + i, k.bias ? k.bias + i : NULL, out + i, n - i, false);
}
