/* Entropy coding: round trips over many distributions, how close to the entropy, and damage at every byte. */
#include "ans.h"
#include "harness.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 88172645463325252u;

static uint32_t draw(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

/* The kinds of streams that techniques make. */
enum kind { UNIFORM, PEAKY, LAPLACE_S8, SPARSE, FEW, RARE_LAST, KINDS };

static uint8_t symbol(enum kind k, unsigned bits, size_t i, size_t n) {
    double u = (draw() + 0.5) / 4294967296.0;
    unsigned mask = (1u << bits) - 1;
    switch (k) {
    case UNIFORM: return (uint8_t)(draw() & mask);
    case PEAKY: return (uint8_t)((unsigned)(-log(u) * 1.3) & mask);
    case LAPLACE_S8: return (uint8_t)(int8_t)((draw() & 1 ? 1 : -1) * fmin(127, -log(u) * 9));
    case SPARSE: return draw() % 20 ? 0 : (uint8_t)(draw() & mask);
    case FEW: return (uint8_t)(draw() % 2 ? 3 & mask : mask);
    default: return i + 1 == n ? (uint8_t)mask : 0;
    }
}

static size_t encode(const uint8_t *sym, size_t n, uint8_t **coded) {
    size_t size = 0;
    *coded = malloc(w_ans_bound(n));
    assert_non_null(*coded);
    assert_true(w_ans_encode(sym, n, *coded, w_ans_bound(n), &size));
    assert_true(size <= w_ans_bound(n));
    *coded = realloc(*coded, size); /* so that the sanitizer sees a read past the end */
    assert_non_null(*coded);
    return size;
}

static size_t round_trip(const uint8_t *sym, size_t n) {
    uint8_t *coded, *back = malloc(n + 1);
    assert_non_null(back);
    size_t size = encode(sym, n, &coded);
    weir_error e = {.message = ""};
    if (w_ans_decode(coded, size, back, n, &e) != WEIR_OK) fail_msg("%s", e.message);
    assert_memory_equal(back, sym, n);
    assert_int_equal(w_ans_decode(coded, size, back, n + 1, &e), WEIR_BAD_INPUT);
    free(back);
    free(coded);
    return size;
}

static void round_trips(void **state) {
    static const size_t lengths[] = {0, 1, 2, 3, 7, 64, 500, 4000, 8191, 8192, 8195, 50001};
    static uint8_t sym[50001];
    for (int k = 0; k < KINDS; k++)
        for (unsigned bits = 1; bits <= 8; bits++)
            for (size_t l = 0; l < W_COUNT(lengths); l++) {
                for (size_t i = 0; i < lengths[l]; i++) sym[i] = symbol((enum kind)k, bits, i, lengths[l]);
                round_trip(sym, lengths[l]);
            }
}

static double entropy_bytes(const uint8_t *sym, size_t n) {
    size_t count[256] = {0};
    double bits = 0;
    for (size_t i = 0; i < n; i++) count[sym[i]]++;
    for (int i = 0; i < 256; i++)
        if (count[i]) bits += (double)count[i] * log2((double)n / (double)count[i]);
    return bits / 8;
}

/* Table, state and rounding together: a few tens of bytes and half a percent over the entropy of the stream. */
static void is_close_to_entropy(void **state) {
    static const struct { enum kind kind; unsigned bits; size_t n; double over; } cases[] = {
        {PEAKY, 4, 2000, 20}, {SPARSE, 4, 3000, 20}, {SPARSE, 5, 20000, 50},
        {LAPLACE_S8, 8, 5000, 60}, {LAPLACE_S8, 8, 200000, 120}, {FEW, 6, 4000, 40}, {UNIFORM, 4, 3000, 6}};
    static uint8_t sym[200000];
    for (size_t c = 0; c < W_COUNT(cases); c++) {
        for (size_t i = 0; i < cases[c].n; i++) sym[i] = symbol(cases[c].kind, cases[c].bits, i, cases[c].n);
        double size = (double)round_trip(sym, cases[c].n), best = entropy_bytes(sym, cases[c].n);
        print_message("case %zu: %.0f bytes, entropy %.0f\n", c, size, best);
        assert_true(size <= best * 1.005 + cases[c].over);
    }
}

static void small_buffers_fail(void **state) {
    uint8_t sym[3000], out[3200];
    size_t size, got;
    for (size_t i = 0; i < sizeof sym; i++) sym[i] = symbol(PEAKY, 4, i, sizeof sym);
    assert_true(w_ans_encode(sym, sizeof sym, out, sizeof out, &size));
    for (size_t cap = 0; cap < size + 4; cap++) {
        uint8_t *exact = malloc(cap + 1);
        assert_non_null(exact);
        assert_int_equal(w_ans_encode(sym, sizeof sym, exact, cap, &got), cap >= size);
        free(exact);
    }
}

/* A cut stream always fails. A changed bit fails or gives some symbols (the container's checksums tell); neither may
 * read or write outside. */
static void damage_is_found(void **state) {
    static const size_t lengths[] = {1, 40, 900, 9000};
    static uint8_t sym[9000], back[9000];
    for (int k = 0; k < KINDS; k++)
        for (size_t l = 0; l < W_COUNT(lengths); l++) {
            size_t n = lengths[l];
            for (size_t i = 0; i < n; i++) sym[i] = symbol((enum kind)k, 5, i, n);
            uint8_t *coded;
            size_t size = encode(sym, n, &coded);
            for (size_t cut = 0; cut < size; cut += 1 + size / 300) {
                uint8_t *part = malloc(cut + 1);
                assert_non_null(part);
                memcpy(part, coded, cut);
                assert_int_equal(w_ans_decode(part, cut, back, n, NULL), WEIR_BAD_INPUT);
                free(part);
            }
            for (size_t at = 0; at < size; at += 1 + size / 300)
                for (int bit = 0; bit < 8; bit++) {
                    coded[at] ^= (uint8_t)(1 << bit);
                    (void)w_ans_decode(coded, size, back, n, NULL);
                    coded[at] ^= (uint8_t)(1 << bit);
                }
            free(coded);
        }
}

static void noise_is_refused_or_decoded(void **state) {
    uint8_t noise[64], back[300];
    for (int t = 0; t < 200000; t++) {
        size_t size = draw() % sizeof noise, n = draw() % 300, at = 0;
        for (size_t i = 0; i < size; i++) noise[i] = (uint8_t)draw();
        if (size) noise[at++] = (uint8_t)(draw() % 32);
        if (size > 1 && n < 128) noise[at] = (uint8_t)n;
        (void)w_ans_decode(noise, size, back, n, NULL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips),        cmocka_unit_test(is_close_to_entropy),
        cmocka_unit_test(small_buffers_fail), cmocka_unit_test(damage_is_found),
        cmocka_unit_test(noise_is_refused_or_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
