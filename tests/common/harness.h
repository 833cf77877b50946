/* What the tests of src/common share: cmocka, and a context whose allocator counts blocks and fails on request. */
#ifndef TEST_COMMON_HARNESS_H
#define TEST_COMMON_HARNESS_H
#include "context.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct counting {
    int calls, blocks; /* allocate calls; blocks not yet released */
    int fail_at;       /* the call that fails, from 0; -1: none */
};
void *counting_allocate(void *user, size_t size, size_t align);
void counting_release(void *user, void *block, size_t size);
weir_context counting_context(struct counting *c);
#endif
