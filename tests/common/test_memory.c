/* The context's accounts, growing arrays and arenas, with an allocator that fails on request. */
#include "arena.h"
#include "harness.h"
#include <string.h>

static void accounts_are_exact(void **state) {
    struct counting c = {.fail_at = -1};
    weir_context ctx = counting_context(&c);
    void *a = w_alloc(&ctx, 100), *b = w_calloc(&ctx, 7, 3);
    assert_non_null(a);
    assert_true((uintptr_t)a % 64 == 0 && (uintptr_t)b % 64 == 0);
    assert_int_equal(ctx.live, 121);
    w_free(&ctx, a, 100);
    assert_int_equal(ctx.live, 21);
    assert_int_equal(ctx.peak, 121);
    void *none = w_alloc(&ctx, 0);
    assert_non_null(none);
    w_free(&ctx, none, 0);
    w_free(&ctx, NULL, 55);
    w_free(&ctx, b, 21);
    assert_int_equal(ctx.live, 0);
    assert_int_equal(c.blocks, 0);
}

static void overflow_fails(void **state) {
    struct counting c = {.fail_at = -1};
    weir_context ctx = counting_context(&c);
    size_t cap = 0;
    void *p = NULL;
    assert_null(w_calloc(&ctx, SIZE_MAX / 2, 3));
    assert_false(w_grow(&ctx, &p, 16, &cap, SIZE_MAX / 8));
    w_arena a;
    w_arena_init(&a, &ctx);
    assert_null(w_arena_array(&a, SIZE_MAX / 4, 8));
    assert_null(w_arena_alloc(&a, SIZE_MAX - 8));
    w_arena_fini(&a);
    assert_int_equal(c.calls, 0);
}

static void failure_leaves_the_account(void **state) {
    struct counting c = {.fail_at = 1};
    weir_context ctx = counting_context(&c);
    int *p = NULL;
    size_t cap = 0;
    assert_true(w_grow(&ctx, (void **)&p, sizeof *p, &cap, 1));
    p[0] = 42;
    size_t live = ctx.live, old = cap;
    assert_false(w_grow(&ctx, (void **)&p, sizeof *p, &cap, old + 1));
    assert_int_equal(ctx.live, live);
    assert_int_equal(cap, old);
    assert_true(w_grow(&ctx, (void **)&p, sizeof *p, &cap, old + 1));
    assert_int_equal(p[0], 42);
    assert_int_equal(ctx.live, cap * sizeof *p);
    w_free(&ctx, p, cap * sizeof *p);
    assert_int_equal(c.blocks, 0);
}

static void arena_places(void **state) {
    struct counting c = {.fail_at = -1};
    weir_context ctx = counting_context(&c);
    w_arena a;
    w_arena_init(&a, &ctx);
    for (size_t size = 0; size < 200000; size = size * 2 + 13) {
        unsigned char *p = w_arena_alloc(&a, size), *q = w_arena_alloc_aligned(&a, size);
        assert_true(p && q && (uintptr_t)p % 16 == 0 && (uintptr_t)q % 64 == 0);
        for (size_t i = 0; i < size; i++) assert_int_equal(p[i], 0);
        memset(p, 1, size);
        memset(q, 2, size);
    }
    assert_string_equal(w_arena_strndup(&a, "abcdef", 3), "abc");
    assert_string_equal(w_arena_strdup(&a, ""), "");
    assert_string_equal(w_arena_printf(&a, "%d-%s", 7, "x"), "7-x");
    assert_true(ctx.live > 0);
    w_arena_fini(&a);
    assert_int_equal(ctx.live, 0);
    assert_int_equal(c.blocks, 0);
}

static void arena_survives_failures(void **state) {
    for (int n = 0; n < 6; n++) {
        struct counting c = {.fail_at = n};
        weir_context ctx = counting_context(&c);
        w_arena a;
        w_arena_init(&a, &ctx);
        int failures = 0;
        for (int i = 0; i < 5; i++) failures += w_arena_alloc(&a, 70000) == NULL;
        assert_int_equal(failures, n < 5);
        w_arena_fini(&a);
        assert_int_equal(c.blocks, 0);
    }
}

static void big_blocks_are_freed(void **state) {
    weir_context_options o = {.struct_size = sizeof o, .threads = 1, .machine_file = "some/machine.json"};
    weir_context ctx;
    assert_int_equal(w_context_init(&ctx, &o, NULL), WEIR_OK);
    assert_string_equal(ctx.machine_file, "some/machine.json");
    size_t size = (size_t)5 << 20;
    char *p = w_alloc(&ctx, size);
    assert_non_null(p);
    memset(p, 1, size);
    w_free(&ctx, p, size);
    w_context_fini(&ctx);
    assert_int_equal(ctx.live, 0);
}

static void options_are_checked(void **state) {
    weir_context_options o = {.struct_size = sizeof o, .threads = -1};
    weir_context ctx;
    weir_error e;
    assert_int_equal(w_context_init(&ctx, &o, &e), WEIR_USAGE);
    o = (weir_context_options){.struct_size = sizeof o, .threads = 1, .cpu = "pentium"};
    assert_int_equal(w_context_init(&ctx, &o, &e), WEIR_USAGE);
    assert_non_null(strstr(e.message, "pentium"));
    o = (weir_context_options){.struct_size = sizeof o, .allocator = {.allocate = counting_allocate}};
    assert_int_equal(w_context_init(&ctx, &o, &e), WEIR_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_are_exact),    cmocka_unit_test(overflow_fails),
        cmocka_unit_test(failure_leaves_the_account), cmocka_unit_test(arena_places),
        cmocka_unit_test(arena_survives_failures), cmocka_unit_test(big_blocks_are_freed),
        cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
