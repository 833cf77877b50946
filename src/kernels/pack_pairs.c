/* Orders the elements of a group so that u8 x s8 products of two neighbours sum up inside 16 bits: 255 times what the weights
 * of one sign add up to is at most 32767 when they add up to 128. Trained weights are mostly far smaller, so nearly every
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

static bool suit(const uint8_t *a, const uint8_t *b, size_t n) {
    uint8_t most = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t room = (uint8_t)(LIMIT - a[i]), over = b[i] > room ? 1 : 0;
        most |= over;
    }
    return most == 0;
}

static int count_bits(uint16_t x) { return __builtin_popcount(x); }

/* The element of `left` with the fewest partners there. */
static int rarest(const matching *m, uint16_t left, uint16_t among) {
    int best = -1;
    for (int i = 0; i < W_GROUP; i++)
        if (among >> i & 1 && (best < 0 || count_bits(m->suits[i] & left) < count_bits(m->suits[best] & left))) best = i;
    return best;
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

void w_pair_order(uint8_t order[W_GROUP], const int8_t *w, size_t width, size_t count) {
    uint8_t sides[W_GROUP][2 * W_MAX_NR]; /* magnitudes of the positive weights, then of the negative ones */
    matching m = {.tries = 0};
    uint16_t all = (uint16_t)((1u << count) - 1);
    for (size_t i = 0; i < W_GROUP; i++) {
        order[i] = (uint8_t)i;
        for (size_t j = 0; j < width; j++) {
            int v = w[i * width + j];
            sides[i][j] = (uint8_t)(v > 0 ? v : 0);
            sides[i][width + j] = (uint8_t)(v < 0 ? -v : 0);
        }
    }
    bool as_is = true;
    for (size_t i = 0; as_is && i < count; i += 2) as_is = suit(sides[i], sides[i + 1], 2 * width);
    if (as_is) return;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if (suit(sides[i], sides[j], 2 * width)) m.suits[i] |= (uint16_t)(1u << j), m.suits[j] |= (uint16_t)(1u << i);
    size_t alone = match(&m, all, 0) ? 0 : match_some(&m, all, count);
    memcpy(order, m.order, count);
    order[0] |= (uint8_t)((alone + 3) / 4 << 4);
}
