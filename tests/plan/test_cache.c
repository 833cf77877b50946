/* test_cache.c: the cache model on sequences whose traffic is known by hand. */
#include "planner.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { KB = 1024 };
static const size_t small[3] = {4 * KB, 16 * KB, 64 * KB};

static void test_cold_read_moves_each_line_once(void **state) {
    (void)state;
    w_cache *c = w_cache_create(256 * KB, small);
    w_cache_access(c, 0, 3 * KB, false, 0);
    w_cache_access(c, 0, 3 * KB, false, 0);
    for (int l = 0; l < 3; l++)
        assert_int_equal((int)w_cache_take(c, l).read, 3 * KB);
    w_cache_destroy(c);
}

static void test_partial_lines_count_whole(void **state) {
    (void)state;
    w_cache *c = w_cache_create(256 * KB, small);
    w_cache_access(c, 60, 8, false, 0);
    assert_int_equal((int)w_cache_take(c, 0).read, 128);
    w_cache_access(c, 64, 1, false, 0);
    assert_int_equal((int)w_cache_take(c, 0).read, 0);
    w_cache_destroy(c);
}

static void test_a_loop_larger_than_a_level_misses_it_every_time(void **state) {
    (void)state;
    w_cache *c = w_cache_create(256 * KB, small);
    for (int k = 0; k < 3; k++)
        w_cache_access(c, 0, 8 * KB, false, 0);
    assert_int_equal((int)w_cache_take(c, 0).read, 24 * KB);
    assert_int_equal((int)w_cache_take(c, 1).read, 8 * KB);
    w_cache_destroy(c);
}

static void test_stores_fetch_and_go_down_once(void **state) {
    (void)state;
    double dirty[2] = {0, 0};
    w_cache *c = w_cache_create(256 * KB, small);
    w_cache_access(c, 0, 2 * KB, true, 1);
    w_traffic t = w_cache_take(c, 2);
    assert_int_equal((int)t.read, 2 * KB);
    assert_int_equal((int)t.written, 0);
    w_cache_flush(c, 2, dirty);
    assert_int_equal((int)dirty[1], 2 * KB);
    w_cache_access(c, 128 * KB, 4 * KB, false, 0); /* drives the dirty lines out of the first level */
    assert_int_equal((int)w_cache_take(c, 0).written, 2 * KB);
    w_cache_destroy(c);
}

static void test_accesses_outside_the_space_are_ignored(void **state) {
    (void)state;
    w_cache *c = w_cache_create(4 * KB, small);
    w_cache_access(c, 1024 * KB, 64, true, 0);
    w_cache_access(c, 0, 0, true, 0);
    assert_int_equal((int)w_cache_take(c, 0).read, 0);
    w_cache_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cold_read_moves_each_line_once),
        cmocka_unit_test(test_partial_lines_count_whole),
        cmocka_unit_test(test_a_loop_larger_than_a_level_misses_it_every_time),
        cmocka_unit_test(test_stores_fetch_and_go_down_once),
        cmocka_unit_test(test_accesses_outside_the_space_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
