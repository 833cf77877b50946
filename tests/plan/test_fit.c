/* test_fit.c: placements of intervals are legal, and as low as an exhaustive search that shares no idea with the planner's. */
#include "planner.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint32_t next_random(uint64_t *s) {
    *s = *s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*s >> 33);
}

static bool overlap_allowed(const w_fit *f, uint32_t a, uint32_t b) {
    const w_fit_item *x = &f->item[a], *y = &f->item[b];
    for (uint32_t k = 0; k < y->nmay; k++)
        if (y->may_share[k] == a && x->offset == y->offset)
            return true;
    for (uint32_t k = 0; k < x->nmay; k++)
        if (x->may_share[k] == b && x->offset == y->offset)
            return true;
    return false;
}

static bool clash(const w_fit *f, uint32_t a, uint32_t b) {
    const w_fit_item *x = &f->item[a], *y = &f->item[b];
    return x->first <= y->last && y->first <= x->last && x->offset < y->offset + y->size && y->offset < x->offset + x->size &&
           !overlap_allowed(f, a, b);
}

static void assert_legal(const w_fit *f) {
    size_t top = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        top = W_MAX(top, f->item[i].offset + f->item[i].size);
        for (uint32_t j = 0; j < i; j++)
            assert_false(clash(f, i, j));
        if (f->item[i].shared != UINT32_MAX)
            assert_int_equal(f->item[i].offset, f->item[f->item[i].shared].offset);
    }
    assert_int_equal(top, f->height);
    assert_true(f->height >= f->bound);
}

/* Tries every offset of every item below `limit`: exponential, for tiny cases. */
static bool fits_below(w_fit *f, uint32_t i, size_t limit) {
    if (i == f->n)
        return true;
    for (size_t at = 0; at + f->item[i].size <= limit; at++) {
        f->item[i].offset = at;
        bool ok = true;
        for (uint32_t j = 0; j < i && ok; j++)
            ok = !clash(f, i, j);
        if (ok && fits_below(f, i + 1, limit))
            return true;
    }
    return false;
}

static void random_case(w_fit *f, uint64_t *s, uint32_t n, uint32_t steps, uint32_t largest, bool share) {
    f->n = n;
    f->steps = steps;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t first = next_random(s) % steps, last = first + next_random(s) % (steps - first);
        f->item[i] = (w_fit_item){.size = 1 + next_random(s) % largest, .first = first, .last = last, .shared = UINT32_MAX};
    }
    /* One result a step may lie over one item of its size that dies there. */
    for (uint32_t i = 0; share && i < n; i++)
        for (uint32_t j = 0; j < n; j++) {
            bool first_of_step = true;
            for (uint32_t k = 0; k < i; k++)
                first_of_step &= f->item[k].first != f->item[i].first;
            if (i != j && first_of_step && f->item[j].last == f->item[i].first && f->item[j].first < f->item[i].first &&
                f->item[j].size == f->item[i].size && f->item[i].nmay < 2)
                f->item[i].may_share[f->item[i].nmay++] = j;
        }
}

static size_t live_bound(const w_fit *f) {
    size_t bound = 0;
    for (uint32_t t = 0; t < f->steps; t++) {
        size_t live = 0;
        for (uint32_t i = 0; i < f->n; i++)
            if (f->item[i].first <= t && t <= f->item[i].last && !(f->item[i].first == t && f->item[i].nmay > 0))
                live += f->item[i].size;
        bound = W_MAX(bound, live);
    }
    return bound;
}

static void test_small_cases_are_optimal(void **state) {
    (void)state;
    uint64_t s = 7;
    for (int k = 0; k < 3000; k++) {
        w_fit_item item[10] = {{0}};
        w_fit f = {.item = item};
        random_case(&f, &s, 3 + next_random(&s) % 8, 8, 4, k % 2);
        assert_int_equal(w_fit_place(&f, NULL), WEIR_OK);
        assert_legal(&f);
        assert_string_not_equal(f.proof, "none");
        assert_int_equal(f.bound, f.height);
        assert_string_equal(f.proof, f.height == live_bound(&f) ? "max-live" : "search");
        if (f.height > live_bound(&f))
            assert_false(fits_below(&f, 0, f.height - 1));
    }
}

/* Every step is full to the brim, which leaves a placement no slack: some such cases cannot be placed without a gap. */
static void tight_case(w_fit *f, uint64_t *s, uint32_t full, uint32_t steps) {
    uint32_t live[64], nlive = 0, room = full;
    f->n = 0;
    f->steps = steps;
    for (uint32_t t = 0; t < steps; t++) {
        for (uint32_t i = 0; i < nlive;) {
            if (next_random(s) % 100 >= 40) {
                i++;
                continue;
            }
            room += (uint32_t)f->item[live[i]].size;
            f->item[live[i]].last = t - 1;
            live[i] = live[--nlive];
        }
        while (room > 0) {
            uint32_t size = 1 + next_random(s) % room;
            f->item[f->n] = (w_fit_item){.size = size, .first = t, .last = steps - 1, .shared = UINT32_MAX};
            live[nlive++] = f->n++;
            room -= size;
        }
    }
}

static void test_gaps_are_proved(void **state) {
    (void)state;
    uint64_t s = 7;
    uint32_t above = 0;
    for (int k = 0; k < 8000; k++) {
        w_fit_item item[64] = {{0}};
        w_fit f = {.item = item};
        tight_case(&f, &s, 8, 6);
        assert_int_equal(w_fit_place(&f, NULL), WEIR_OK);
        assert_legal(&f);
        assert_string_not_equal(f.proof, "none");
        if (f.height == 8)
            continue;
        above++;
        assert_string_equal(f.proof, "search");
        assert_int_equal(f.bound, f.height);
        assert_false(fits_below(&f, 0, f.height - 1));
    }
    assert_true(above > 0);
}

static void test_large_cases_are_legal(void **state) {
    (void)state;
    uint64_t s = 11;
    w_fit_item *item = calloc(400, sizeof *item);
    for (int k = 0; k < 12; k++) {
        w_fit f = {.item = item};
        random_case(&f, &s, 20 + next_random(&s) % 380, 60, 1000, k % 2);
        assert_int_equal(w_fit_place(&f, NULL), WEIR_OK);
        assert_legal(&f);
    }
    free(item);
}

static void test_nothing_to_place(void **state) {
    (void)state;
    w_fit_item item[1];
    w_fit f = {.item = item};
    assert_int_equal(w_fit_place(&f, NULL), WEIR_OK);
    assert_int_equal(f.height, 0);
    assert_int_equal(f.bound, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_cases_are_optimal),
        cmocka_unit_test(test_gaps_are_proved),
        cmocka_unit_test(test_large_cases_are_legal),
        cmocka_unit_test(test_nothing_to_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
