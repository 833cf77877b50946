/* Growing and bounded byte buffers of the .weir container: weir_format.h. */
#include "weir_format.h"
#include <string.h>

uint8_t *w_put_space(w_wbuf *b, size_t n) {
    size_t need;
    if (b->bad) return NULL;
    if (!w_add_size(b->n, n, &need) || (need > b->cap && !w_grow(b->ctx, (void **)&b->p, 1, &b->cap, need))) {
        b->bad = true;
        return NULL;
    }
    uint8_t *p = b->p ? b->p + b->n : NULL;
    b->n = need;
    return p;
}

void w_put_bytes(w_wbuf *b, const void *data, size_t n) {
    uint8_t *p = n ? w_put_space(b, n) : NULL;
    if (p) memcpy(p, data, n);
}

void w_put_u8(w_wbuf *b, uint8_t v) { w_put_bytes(b, &v, 1); }

void w_put_u64(w_wbuf *b, uint64_t v) {
    for (int i = 0; i < 8; i++) w_put_u8(b, (uint8_t)(v >> 8 * i));
}

void w_put_varint(w_wbuf *b, uint64_t v) {
    for (; v >= 0x80; v >>= 7) w_put_u8(b, (uint8_t)(v | 0x80));
    w_put_u8(b, (uint8_t)v);
}

void w_put_signed(w_wbuf *b, int64_t v) { w_put_varint(b, (uint64_t)v << 1 ^ (uint64_t)(v >> 63)); }

void w_put_string(w_wbuf *b, const char *s) {
    size_t n = strlen(s);
    w_put_varint(b, n);
    w_put_bytes(b, s, n);
}

void w_wbuf_fini(w_wbuf *b) {
    w_free(b->ctx, b->p, b->cap);
    *b = (w_wbuf){.ctx = b->ctx};
}

const uint8_t *w_get_bytes(w_rbuf *b, uint64_t n) {
    if (b->bad || n > b->n - b->at) {
        b->bad = true;
        return NULL;
    }
    const uint8_t *p = b->p + b->at;
    b->at += n;
    return p;
}

uint8_t w_get_u8(w_rbuf *b) {
    const uint8_t *p = w_get_bytes(b, 1);
    return p ? *p : 0;
}

uint64_t w_get_u64(w_rbuf *b) {
    const uint8_t *p = w_get_bytes(b, 8);
    uint64_t v = 0;
    for (int i = 0; p && i < 8; i++) v |= (uint64_t)p[i] << 8 * i;
    return v;
}

uint64_t w_get_varint(w_rbuf *b) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t c = w_get_u8(b);
        if (shift == 63 && c > 1) break;
        v |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80) return b->bad ? 0 : v;
    }
    b->bad = true;
    return 0;
}

int64_t w_get_signed(w_rbuf *b) {
    uint64_t v = w_get_varint(b);
    return (int64_t)(v >> 1 ^ (~(v & 1) + 1));
}

size_t w_get_count(w_rbuf *b, size_t least) {
    uint64_t n = w_get_varint(b);
    if (!b->bad && n <= (b->n - b->at) / least) return (size_t)n;
    b->bad = true;
    return 0;
}

char *w_get_string(w_rbuf *b, w_arena *a) {
    size_t n = w_get_count(b, 1);
    const uint8_t *p = w_get_bytes(b, n);
    if (p && n && memchr(p, 0, n)) b->bad = true;
    return b->bad ? NULL : w_arena_strndup(a, n ? (const char *)p : "", n);
}

/* ---- floats: 0 f32, 1 bf16, 2 f16; byte planes (low bytes first), so that exponents stand together ---- */

enum { FLOATS_F32, FLOATS_BF16, FLOATS_F16 };

static uint32_t bits_of(float v) {
    uint32_t bits;
    memcpy(&bits, &v, 4);
    return bits;
}

static int floats_form(const float *v, size_t n) {
    bool bf16 = true, f16 = true;
    for (size_t i = 0; i < n; i++) {
        bf16 = bf16 && (bits_of(v[i]) & 0xffff) == 0;
        f16 = f16 && bits_of(w_f16_to_f32(w_f32_to_f16(v[i]))) == bits_of(v[i]);
    }
    return bf16 ? FLOATS_BF16 : f16 ? FLOATS_F16 : FLOATS_F32;
}

void w_put_floats(w_wbuf *b, const float *v, size_t n) {
    int form = floats_form(v, n);
    size_t planes = form == FLOATS_F32 ? 4 : 2;
    w_put_u8(b, (uint8_t)form);
    uint8_t *p = n ? w_put_space(b, n * planes) : NULL;
    for (size_t i = 0; p && i < n; i++) {
        uint32_t bits = form == FLOATS_F16 ? w_f32_to_f16(v[i]) : form == FLOATS_BF16 ? bits_of(v[i]) >> 16 : bits_of(v[i]);
        for (size_t k = 0; k < planes; k++) p[k * n + i] = (uint8_t)(bits >> 8 * k);
    }
}

bool w_get_floats(w_rbuf *b, float *out, size_t n) {
    int form = w_get_u8(b);
    size_t planes = form == FLOATS_F32 ? 4 : 2, size = 0;
    if (form > FLOATS_F16 || !w_mul_size(n, planes, &size)) b->bad = true;
    const uint8_t *p = b->bad ? NULL : w_get_bytes(b, size);
    for (size_t i = 0; p && i < n; i++) {
        uint32_t bits = 0;
        for (size_t k = 0; k < planes; k++) bits |= (uint32_t)p[k * n + i] << 8 * k;
        if (form == FLOATS_BF16) bits <<= 16;
        if (form == FLOATS_F16) bits = bits_of(w_f16_to_f32((uint16_t)bits));
        memcpy(out + i, &bits, 4);
    }
    return !b->bad;
}
