/* Fails the N-th allocation of the process, whoever makes it: libraries included. */
#ifndef ALLOC_FAIL_H
#define ALLOC_FAIL_H
#include <stdbool.h>
/* From now on the n-th allocation (from 1) and, if forever, all after it fail; 0: none. Restarts the count. */
void alloc_fail_at(long n, bool forever);
/* Asked at each allocation whether it fails; NULL: nobody. */
void alloc_fail_ask(bool (*fn)(void));
long alloc_fail_count(void); /* allocations since alloc_fail_at */
bool alloc_fail_happened(void);
long alloc_live(void); /* blocks given out and not released */
#endif
