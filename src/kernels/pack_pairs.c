/* Orders the elements of a group so that u8 x s8 products of two neighbours sum up inside 16 bits: 255 times what the weights
 * of one sign add up to is at most 32767 when they add up to 128. Where weights are light, more than two do. Trained weights are mostly far smaller, so nearly every
 * element finds a partner that suits it in all columns of the block; an order is a perfect matching of a graph of 16 elements.
 * Instructions that saturate at 16 bits then give exact sums. */
#include "kernels.h"
#include <string.h>

#define LIMIT 128      /* of the weights of one sign in a pair */
#define TRIES 400      /* partial matchings looked at before a group is given up */

typedef struct matching {
    uint16_t suits[W_GROUP];   /* bit j: elements i and j may be neighbours */
    uint8_t order[W_GROUP];
    size_t tries;
} matching;

typedef uint8_t lanes __attribute__((vector_size(16)));
typedef int8_t shorts __attribute__((vector_size(16)));

/* An element's weights, zeros beyond the columns; n vectors are in use. */
typedef struct element { lanes v[W_MAX_NR / 16]; } element;

/* Sets the highest bit of a lane where the sum of two weights is no 8-bit number: so it is where the weights of one sign add up
 * to more than LIMIT, and where they do to LIMIT of positive ones, which is rare. */
static lanes past_short(const element *a, const element *b, size_t n) {
    lanes past = {0};
    for (size_t i = 0; i < n; i++) {
        lanes sum = a->v[i] + b->v[i];
        past |= (a->v[i] ^ sum) & (b->v[i] ^ sum);
    }
    return past;
}

static bool highest_clear(lanes v) {
    uint64_t half[2];
    memcpy(half, &v, sizeof half);
    return !((half[0] | half[1]) & UINT64_C(0x8080808080808080));
}

static bool suit(const element *a, const element *b, size_t n) { return highest_clear(past_short(a, b, n)); }

static bool suits_as_is(const element *x, size_t n, size_t count) {
    lanes past = {0};
    for (size_t i = 0; i < count; i += 2) past |= past_short(&x[i], &x[i + 1], n);
    return highest_clear(past);
}

static int count_bits(uint16_t x) { /* a call to a library on CPUs that may lack the instruction */
    x = (uint16_t)(x - (x >> 1 & 0x5555));
    x = (uint16_t)((x & 0x3333) + (x >> 2 & 0x3333));
    x = (uint16_t)((x + (x >> 4)) & 0x0f0f);
    return (x + (x >> 8)) & 31;
}

/* The element of `left` with the fewest partners there. */
static int rarest(const matching *m, uint16_t left, uint16_t among) {
    int best = -1;
    for (int i = 0; i < W_GROUP; i++)
        if (among >> i & 1 && (best < 0 || count_bits(m->suits[i] & left) < count_bits(m->suits[best] & left))) best = i;
    return best;
}

static inline __attribute__((always_inline)) bool change_partners(uint8_t pair[2], uint8_t other[2], const element *x, size_t n) {
    for (size_t i = 0; i < 2; i++) {
        if (!suit(&x[pair[0]], &x[other[i]], n) || !suit(&x[pair[1]], &x[other[1 - i]], n)) continue;
        uint8_t mine = other[i];
        other[i] = pair[1];
        pair[1] = mine;
        return true;
    }
    return false;
}

/* Everybody with the first that suits; two that are left over change partners with a pair. Most often that is enough, and few
 * pairs are looked at. Inlined with the number of vectors that most blocks have. */
static inline __attribute__((always_inline)) bool match_plainly(matching *m, const element *x, size_t n, uint16_t left, size_t count) {
    size_t at = 0, over = count;
    while (left) {
        int i = __builtin_ctz(left), j = i;
        left &= (uint16_t)(left - 1);
        uint16_t others = left;
        for (; others; others &= (uint16_t)(others - 1)) {
            j = __builtin_ctz(others);
            if (suit(&x[i], &x[j], n)) break;
        }
        if (!others) {
            m->order[--over] = (uint8_t)i;
            continue;
        }
        m->order[at++] = (uint8_t)i;
        m->order[at++] = (uint8_t)j;
        left &= (uint16_t)~(1u << j);
    }
    for (; at < count; at += 2) {
        size_t i = 0;
        while (i < at && !change_partners(m->order + at, m->order + i, x, n)) i += 2;
        if (i >= at) return false;
    }
    return true;
}

static void find_partners(matching *m, const element *x, size_t n, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if (suit(&x[i], &x[j], n)) m->suits[i] |= (uint16_t)(1u << j), m->suits[j] |= (uint16_t)(1u << i);
}

/* Pairs up all elements of `left`; places from `at` on. */
static bool match(matching *m, uint16_t left, size_t at) {
    if (!left) return true;
    if (m->tries++ > TRIES) return false;
    int first = rarest(m, left, left);
    uint16_t rest = (uint16_t)(left & ~(1u << first));
    for (int j = 0; j < W_GROUP; j++) {
        if (!(rest >> j & m->suits[first] >> j & 1)) continue;
        m->order[at] = (uint8_t)first;
        m->order[at + 1] = (uint8_t)j;
        if (match(m, (uint16_t)(rest & ~(1u << j)), at + 2)) return true;
    }
    return false;
}

/* Pairs from the end down, rare elements first; those without a partner come to stand at the start. Returns their number. */
static size_t match_some(matching *m, uint16_t left, size_t count) {
    size_t end = count, start = 0;
    while (left) {
        int i = rarest(m, left, left);
        left &= (uint16_t)~(1u << i);
        int j = rarest(m, left, left & m->suits[i]);
        if (j < 0) {
            m->order[start++] = (uint8_t)i;
            continue;
        }
        left &= (uint16_t)~(1u << j);
        m->order[--end] = (uint8_t)i;
        m->order[--end] = (uint8_t)j;
    }
    return start;
}

/* Magnitudes of the positive weights of an element, then of the negative ones, in n vectors each. */
typedef struct sides { lanes v[2 * W_MAX_NR / 16]; } sides;

static sides split(const element *x, size_t n) {
    sides s;
    for (size_t i = 0; i < n; i++) {
        lanes negative = (lanes)((shorts)x->v[i] < 0);
        s.v[i] = x->v[i] & ~negative;
        s.v[n + i] = (lanes){0} - (x->v[i] & negative);
    }
    return s;
}

/* Adds b to a, whose weights of one sign add up to at most LIMIT; false when they then do not. */
static bool join(sides *a, const sides *b, size_t n) {
    lanes fits = ~(lanes){0};
    for (size_t i = 0; i < 2 * n; i++) {
        fits &= (lanes)(b->v[i] <= LIMIT - a->v[i]);
        a->v[i] += b->v[i];
    }
    return highest_clear(~fits);
}

/* The neighbouring quads of an ordered group without wide ones whose sums fit: light weights, such as those of few bits. */
static int sums_of(const element *x, const uint8_t *order, size_t n) {
    int sums = 4;
    sides side[W_GROUP];
    for (size_t i = 0; i < W_GROUP; i++) side[i] = split(&x[i], n);
    for (size_t pair = 0; pair < 2; pair++) { /* of the two in a quad */
        sides two[2];
        for (size_t i = 0; i < 2; i++) {
            const uint8_t *o = order + 8 * i + 2 * pair;
            two[i] = side[o[0]];
            join(&two[i], &side[o[1]], n);
            sides next = side[o[4]];
            join(&next, &side[o[5]], n);
            if (!join(&two[i], &next, n)) return 1;
        }
        if (!join(&two[0], &two[1], n)) sums = 2;
    }
    return sums;
}

static void load(element *x, const int8_t *w, size_t width, size_t n) {
    for (size_t i = 0; i < W_GROUP; i++) {
        if (width == 16) {
            memcpy(&x[i].v[0], w + i * 16, 16);
            continue;
        }
        x[i].v[n - 1] = (lanes){0};
        memcpy(x[i].v, w + i * width, width);
    }
}

int w_pair_order(uint8_t order[W_GROUP], const int8_t *w, size_t width, size_t count, bool light) {
    element x[W_GROUP];
    matching m = {.tries = 0};
    uint16_t all = (uint16_t)((1u << count) - 1);
    size_t n = (width + sizeof(lanes) - 1) / sizeof(lanes), alone = 0;
    load(x, w, width, n);
    for (size_t i = 0; i < W_GROUP; i++) order[i] = (uint8_t)i;
    if (suits_as_is(x, n, count)) return light ? sums_of(x, order, n) : 1;
    if (!(n == 1 ? match_plainly(&m, x, 1, all, count) : match_plainly(&m, x, n, all, count))) {
        find_partners(&m, x, n, count);
        if (!match(&m, all, 0)) alone = match_some(&m, all, count);
    }
    memcpy(order, m.order, count);
    int sums = alone || !light ? 1 : sums_of(x, order, n);
    order[0] |= (uint8_t)((alone + 3) / 4 << 4);
    return sums;
}
