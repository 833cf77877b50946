/* The probability model of w_ans: levels from counts, frequencies from levels, and the table in the stream.
 *
 * Table: flip (1 bit), fine (2), golomb (2), 3 bits 0; byte lo; byte hi; then per symbol of lo..hi the zigzag difference
 * of its level to the one before (first: to 0) in Exp-Golomb code, bits from the low end of each byte, the last byte
 * filled with 0. */
#include "ans_model.h"
#include <math.h>
#include <string.h>

/* ---- bits ---------------------------------------------------------------------------------- */

typedef struct bits {
    uint8_t *out;       /* writing; NULL: count only */
    const uint8_t *in;  /* reading */
    size_t size, at;    /* bytes there are to read; bits passed */
    bool bad;
} bits;

static void put(bits *b, uint32_t v, unsigned n) {
    for (unsigned i = 0; i < n; i++, b->at++) {
        if (!b->out) continue;
        if (b->at % 8 == 0) b->out[b->at / 8] = 0;
        b->out[b->at / 8] |= (uint8_t)((v >> i & 1) << b->at % 8);
    }
}

static uint32_t get(bits *b, unsigned n) {
    uint32_t v = 0;
    for (unsigned i = 0; i < n; i++, b->at++) {
        if (b->at / 8 >= b->size) {
            b->bad = true;
            return 0;
        }
        v |= (uint32_t)(b->in[b->at / 8] >> b->at % 8 & 1) << i;
    }
    return v;
}

/* Exp-Golomb of order k: q zeros, a one, then q + k low bits of v + 2^k. */
static void put_golomb(bits *b, uint32_t v, unsigned k) {
    uint32_t x = v + (1u << k);
    unsigned q = 31 - (unsigned)__builtin_clz(x) - k;
    put(b, 1u << q, q + 1);
    put(b, x & ((1u << (q + k)) - 1), q + k);
}

static uint32_t get_golomb(bits *b, unsigned k) {
    unsigned q = 0;
    while (!b->bad && get(b, 1) == 0)
        if (++q > 12) b->bad = true;
    if (b->bad) return 0;
    return (1u << (q + k)) + get(b, q + k) - (1u << k);
}

/* ---- levels -------------------------------------------------------------------------------- */

static unsigned level_of(size_t count, size_t n, unsigned fine) {
    if (!count) return 0;
    double octave = W_ANS_OCTAVES - 2 + log2((double)count / (double)n);
    long steps = lround(octave * (double)(1u << fine));
    return 1 + (unsigned)W_MAX(steps, 0);
}

/* 256 * 2^(step/8); the level's weight is a plain integer on every machine. */
static uint64_t level_weight(unsigned level, unsigned fine) {
    static const uint16_t mantissa[8] = {256, 279, 304, 332, 362, 395, 431, 470};
    if (!level) return 0;
    unsigned steps = (level - 1) << (W_ANS_MAX_FINE - fine);
    return (uint64_t)mantissa[steps % 8] << (steps / 8);
}

static unsigned biggest(const uint16_t *freq) {
    unsigned best = 0;
    for (unsigned i = 1; i < 256; i++)
        if (freq[i] > freq[best]) best = i;
    return best;
}

bool w_ans_model_freqs(const w_ans_model *m, unsigned bits_, uint16_t *freq) {
    uint64_t sum = 0, run = 0;
    unsigned present = 0;
    for (unsigned i = 0; i < 256; i++) sum += level_weight(m->level[i], m->fine);
    if (sum == 0) return false;
    unsigned before = 0, need = 0;
    for (unsigned i = 0; i < 256; i++) {
        run += level_weight(m->level[i], m->fine);
        unsigned upto = (unsigned)((run << bits_) / sum);
        freq[i] = (uint16_t)(upto - before);
        before = upto;
        if (!m->level[i]) continue;
        present++;
        if (freq[i] == 0) {
            freq[i] = 1;
            need++;
        }
    }
    for (; need; need--) freq[biggest(freq)]--; /* 256 symbols in at least 4096 slots: the biggest stays above 1 */
    return present >= 2;
}

/* ---- the table in the stream --------------------------------------------------------------- */

size_t w_ans_model_write(const w_ans_model *m, uint8_t *out) {
    bits b = {.out = out};
    put(&b, m->flip | m->fine << 1 | m->golomb << 3, 8);
    put(&b, m->lo, 8);
    put(&b, m->hi, 8);
    for (unsigned i = m->lo, last = 0; i <= m->hi; last = m->level[i++]) {
        int d = (int)m->level[i] - (int)last;
        put_golomb(&b, d >= 0 ? 2u * (unsigned)d : 2u * (unsigned)-d - 1, m->golomb);
    }
    return (b.at + 7) / 8;
}

static bool read_levels(w_ans_model *m, bits *b) {
    int last = 0;
    for (unsigned i = m->lo; i <= m->hi; i++) {
        uint32_t z = get_golomb(b, m->golomb);
        last += z & 1 ? -(int)(z / 2) - 1 : (int)(z / 2);
        if (b->bad || last < 0 || last > 1 + (W_ANS_OCTAVES << m->fine)) return false;
        m->level[i] = (uint16_t)last;
    }
    return true;
}

size_t w_ans_model_read(w_ans_model *m, const uint8_t *in, size_t size) {
    bits b = {.in = in, .size = size};
    memset(m, 0, sizeof *m);
    uint32_t head = get(&b, 8);
    m->flip = head & 1;
    m->fine = head >> 1 & 3;
    m->golomb = head >> 3 & 3;
    m->lo = get(&b, 8);
    m->hi = get(&b, 8);
    if (b.bad || head >> 5 || m->lo >= m->hi || !read_levels(m, &b)) return 0;
    while (b.at % 8)
        if (get(&b, 1)) return 0;
    return b.at / 8;
}

size_t w_ans_model_fit(w_ans_model *m, const size_t *count, size_t n, unsigned flip, unsigned fine) {
    *m = (w_ans_model){.flip = flip, .fine = fine, .lo = 255};
    for (unsigned i = 0; i < 256; i++) {
        m->level[i] = (uint16_t)level_of(count[i], n, fine);
        if (!count[i]) continue;
        m->lo = W_MIN(m->lo, i);
        m->hi = i;
    }
    size_t best = SIZE_MAX;
    unsigned best_k = 0;
    for (unsigned k = 0; k < 4; k++) {
        m->golomb = k;
        size_t size = w_ans_model_write(m, NULL);
        if (size >= best) continue;
        best = size;
        best_k = k;
    }
    m->golomb = best_k;
    return best;
}
