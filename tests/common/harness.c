/* The counting allocator: each block ends with a guard that holds its size, so that a wrong size at release shows. */
#include "harness.h"
#include <stdlib.h>
#include <string.h>

void *counting_allocate(void *user, size_t size, size_t align) {
    struct counting *c = user;
    if (c->calls++ == c->fail_at) return NULL;
    void *p = NULL;
    if (size > SIZE_MAX - sizeof size || posix_memalign(&p, align, size + sizeof size) != 0) return NULL;
    memcpy((char *)p + size, &size, sizeof size);
    c->blocks++;
    return p;
}

void counting_release(void *user, void *block, size_t size) {
    struct counting *c = user;
    assert_memory_equal((char *)block + size, &size, sizeof size);
    c->blocks--;
    free(block);
}

weir_context counting_context(struct counting *c) {
    return (weir_context){.allocator = {counting_allocate, counting_release, c}};
}
