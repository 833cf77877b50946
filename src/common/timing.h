/* Monotonic time, and what sums up repeated measurements. */
#ifndef W_TIMING_H
#define W_TIMING_H
#include <stddef.h>

double w_now(void);                    /* seconds since some moment */
double w_median(double *v, size_t n);  /* the upper one of an even number; sorts v; n > 0 */
#endif
