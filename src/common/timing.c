#include "timing.h"
#include <stdlib.h>
#include <time.h>

double w_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double w_median(double *v, size_t n) {
    qsort(v, n, sizeof *v, compare);
    return v[n / 2];
}
