/* Range ANS. The stream:
 *
 *   byte     form in the low 2 bits (0 raw, 1 one symbol, 2 coded); raw: bits per symbol - 1 in bits 2..4;
 *            coded: probability bits - 12 in bits 2..3, bit 4 set for four states; other bits 0
 *   varint   number of symbols
 *   raw      the symbols, low bits first, the last byte filled with 0
 *   one      the symbol
 *   coded    the table (ans_model.c), the states, 4 bytes each, little endian, then 16-bit words, little endian
 *
 * Symbol i belongs to state i mod states. A state is a 32-bit x >= 2^16; coding runs backwards from x = 2^16, so that
 * decoding runs forwards and must end there, with every word used. */
#include "ans.h"
#include "ans_model.h"
#include <math.h>
#include <string.h>

enum { RAW = 0, ONE = 1, CODED = 2 };
#define LOW 0x10000u
#define HEAD_MAX 11        /* form and count */
#define MANY ((size_t)8192) /* symbols from which the speed of four states is worth their bytes */

size_t w_ans_bound(size_t n) { return n > SIZE_MAX - 64 ? SIZE_MAX : n + 64; }

static size_t put_head(uint8_t *out, unsigned form, size_t n) {
    size_t at = 0;
    out[at++] = (uint8_t)form;
    for (; n >= 0x80; n >>= 7) out[at++] = (uint8_t)(n | 0x80);
    out[at++] = (uint8_t)n;
    return at;
}

/* ---- encoding ------------------------------------------------------------------------------ */

typedef struct choice {
    w_ans_model model;
    uint16_t freq[256]; /* by flipped symbol */
    unsigned prob_bits;
    double size;        /* estimated bytes, table and states included */
} choice;

static double payload_bits(const size_t *count, const uint16_t *freq, unsigned prob_bits) {
    double sum = 0;
    for (unsigned i = 0; i < 256; i++)
        if (count[i]) sum += (double)count[i] * (prob_bits - log2(freq[i]));
    return sum;
}

/* Range of symbols under a flip: the narrower one gives the smaller table. */
static unsigned spread(const size_t *count, unsigned flip) {
    unsigned lo = 255, hi = 0;
    for (unsigned i = 0; i < 256; i++) {
        if (!count[i ^ flip]) continue;
        lo = W_MIN(lo, i);
        hi = i;
    }
    return hi - lo;
}

static void choose(choice *best, const size_t *by_symbol, size_t n) {
    unsigned flip = spread(by_symbol, 0x80) < spread(by_symbol, 0);
    size_t count[256];
    for (unsigned i = 0; i < 256; i++) count[i] = by_symbol[i ^ (flip ? 0x80 : 0)];
    best->size = INFINITY;
    choice c;
    for (unsigned fine = 0; fine <= W_ANS_MAX_FINE; fine++) {
        size_t table = w_ans_model_fit(&c.model, count, n, flip, fine);
        for (c.prob_bits = W_ANS_MIN_BITS; c.prob_bits <= W_ANS_MAX_BITS; c.prob_bits++) {
            if (!w_ans_model_freqs(&c.model, c.prob_bits, c.freq)) continue;
            c.size = (double)table + payload_bits(count, c.freq, c.prob_bits) / 8 + 4.0 * (n < MANY ? 1 : 4);
            if (c.size < best->size) *best = c;
        }
    }
}

/* Writes the words backwards from out + limit and then closes the gap; 0 when they do not fit. */
static size_t code(const choice *c, const uint8_t *sym, size_t n, uint8_t *out, size_t limit) {
    unsigned states = n < MANY ? 1 : 4, flip = c->model.flip ? 0x80 : 0;
    uint8_t table[W_ANS_TABLE_MAX + HEAD_MAX];
    size_t head = put_head(table, CODED | (c->prob_bits - W_ANS_MIN_BITS) << 2 | (states == 4) << 4, n);
    head += w_ans_model_write(&c->model, table + head);
    if (head + 4 * states > limit) return 0;
    uint32_t start[256], x[4] = {LOW, LOW, LOW, LOW};
    for (uint32_t i = 0, sum = 0; i < 256; sum += c->freq[i++]) start[i] = sum;
    size_t at = limit;
    for (size_t i = n; i-- > 0;) {
        unsigned s = sym[i] ^ flip, f = c->freq[s];
        uint32_t *v = &x[i % states];
        if (*v >= (uint64_t)f << (32 - c->prob_bits)) {
            if (at < head + 4 * states + 2) return 0;
            at -= 2;
            out[at] = (uint8_t)*v;
            out[at + 1] = (uint8_t)(*v >> 8);
            *v >>= 16;
        }
        *v = (*v / f << c->prob_bits) + *v % f + start[s];
    }
    memcpy(out, table, head);
    for (unsigned k = 0; k < states; k++)
        for (unsigned b = 0; b < 4; b++) out[head++] = (uint8_t)(x[k] >> 8 * b);
    memmove(out + head, out + at, limit - at);
    return head + limit - at;
}

static unsigned symbol_bits(const size_t *count) {
    unsigned top = 255;
    while (top && !count[top]) top--;
    return top ? 32 - (unsigned)__builtin_clz(top) : 1;
}

static size_t packed_size(size_t n, unsigned b) { return n / 8 * b + (n % 8 * b + 7) / 8; }

static void pack(const uint8_t *sym, size_t n, unsigned b, uint8_t *out) {
    uint32_t acc = 0;
    unsigned have = 0;
    for (size_t i = 0; i < n; i++) {
        acc |= (uint32_t)sym[i] << have;
        for (have += b; have >= 8; have -= 8, acc >>= 8) *out++ = (uint8_t)acc;
    }
    if (have) *out = (uint8_t)acc;
}

bool w_ans_encode(const uint8_t *sym, size_t n, uint8_t *out, size_t cap, size_t *written) {
    size_t count[256] = {0};
    unsigned distinct = 0;
    for (size_t i = 0; i < n; i++) distinct += count[sym[i]]++ == 0;
    unsigned b = symbol_bits(count);
    uint8_t head[HEAD_MAX];
    size_t head_size = put_head(head, distinct == 1 ? ONE : RAW | (b - 1) << 2, n);
    size_t plain = head_size + (distinct == 1 ? 1 : packed_size(n, b));
    if (distinct > 1) {
        choice c;
        choose(&c, count, n);
        *written = c.size < (double)plain ? code(&c, sym, n, out, W_MIN(cap, plain)) : 0;
        if (*written) return true;
    }
    if (plain > cap) return false;
    memcpy(out, head, head_size);
    if (distinct == 1)
        out[head_size] = sym[0];
    else
        pack(sym, n, b, out + head_size);
    *written = plain;
    return true;
}

/* ---- decoding ------------------------------------------------------------------------------ */

typedef struct decoder {
    const uint8_t *in, *end;
    uint32_t x[4];
    unsigned states, prob_bits, flip;
    uint16_t freq[256], start[256];            /* by flipped symbol */
    uint8_t symbol[1u << W_ANS_MAX_BITS];      /* by slot */
} decoder;

static weir_status damaged(weir_error *e, const char *what) {
    return w_fail(e, WEIR_BAD_INPUT, "damaged coded stream: %s", what);
}

static weir_status unpack(const uint8_t *in, size_t size, unsigned b, uint8_t *sym, size_t n, weir_error *e) {
    if (size != packed_size(n, b)) return damaged(e, "the raw symbols have the wrong size");
    uint32_t acc = 0;
    unsigned have = 0;
    for (size_t i = 0; i < n; i++) {
        if (have < b) {
            acc |= (uint32_t)*in++ << have;
            have += 8;
        }
        sym[i] = (uint8_t)(acc & ((1u << b) - 1));
        acc >>= b;
        have -= b;
    }
    return acc ? damaged(e, "bits after the last raw symbol") : WEIR_OK;
}

static inline uint32_t step(const decoder *d, uint32_t x, uint8_t *sym) {
    uint32_t slot = x & ((1u << d->prob_bits) - 1);
    uint8_t s = d->symbol[slot];
    *sym = (uint8_t)(s ^ d->flip);
    return d->freq[s] * (x >> d->prob_bits) + slot - d->start[s];
}

static inline uint32_t refill(const uint8_t **in, uint32_t x) {
    if (x >= LOW) return x;
    x = x << 16 | (*in)[0] | (uint32_t)(*in)[1] << 8;
    *in += 2;
    return x;
}

/* Four symbols at a time as long as four words are sure to be there. */
static size_t run_fast(decoder *d, uint8_t *sym, size_t n) {
    if (d->states != 4) return 0;
    uint32_t a = d->x[0], b = d->x[1], c = d->x[2], f = d->x[3];
    const uint8_t *in = d->in;
    size_t i = 0;
    for (; i + 4 <= n && d->end - in >= 8; i += 4) {
        a = refill(&in, step(d, a, sym + i));
        b = refill(&in, step(d, b, sym + i + 1));
        c = refill(&in, step(d, c, sym + i + 2));
        f = refill(&in, step(d, f, sym + i + 3));
    }
    d->in = in;
    memcpy(d->x, (uint32_t[]){a, b, c, f}, sizeof d->x);
    return i;
}

static weir_status run(decoder *d, uint8_t *sym, size_t n, weir_error *e) {
    for (size_t i = run_fast(d, sym, n); i < n; i++) {
        uint32_t *x = &d->x[i % d->states];
        *x = step(d, *x, sym + i);
        if (*x >= LOW) continue;
        if (d->end - d->in < 2) return damaged(e, "it ends early");
        *x = refill(&d->in, *x);
    }
    if (d->in != d->end) return damaged(e, "bytes after the last symbol");
    for (unsigned k = 0; k < d->states; k++)
        if (d->x[k] != LOW) return damaged(e, "the final state is wrong");
    return WEIR_OK;
}

static weir_status open_coded(decoder *d, unsigned form, const uint8_t *in, size_t size, weir_error *e) {
    w_ans_model m;
    size_t table = w_ans_model_read(&m, in, size);
    d->prob_bits = W_ANS_MIN_BITS + (form >> 2 & 3);
    d->states = form >> 4 & 1 ? 4 : 1;
    d->flip = m.flip ? 0x80 : 0;
    if (!table || d->prob_bits > W_ANS_MAX_BITS || !w_ans_model_freqs(&m, d->prob_bits, d->freq))
        return damaged(e, "the probability table is wrong");
    if (size - table < 4 * d->states) return damaged(e, "it ends early");
    for (unsigned k = 0; k < d->states; k++) {
        const uint8_t *p = in + table + 4 * k;
        d->x[k] = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        if (d->x[k] < LOW) return damaged(e, "an initial state is wrong");
    }
    d->in = in + table + 4 * d->states;
    d->end = in + size;
    for (unsigned i = 0, sum = 0; i < 256; sum += d->freq[i++]) {
        d->start[i] = (uint16_t)sum;
        memset(d->symbol + sum, (int)i, d->freq[i]);
    }
    return WEIR_OK;
}

weir_status w_ans_decode(const uint8_t *in, size_t size, uint8_t *sym, size_t n, weir_error *e) {
    uint8_t head[HEAD_MAX];
    unsigned form = size ? in[0] : 0;
    size_t head_size = put_head(head, form, n);
    if (size < head_size || memcmp(in, head, head_size) != 0) return damaged(e, "another number of symbols");
    in += head_size;
    size -= head_size;
    if (form >> 5) return damaged(e, "unknown form");
    if ((form & 3) == RAW) return unpack(in, size, (form >> 2) + 1, sym, n, e);
    if (form == ONE) {
        if (size != 1) return damaged(e, "one symbol takes one byte");
        memset(sym, in[0], n);
        return WEIR_OK;
    }
    if ((form & 3) != CODED) return damaged(e, "unknown form");
    decoder d;
    W_TRY(open_coded(&d, form, in, size, e));
    return run(&d, sym, n, e);
}
