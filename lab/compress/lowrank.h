/* Shared by the files of the lowrank technique. */
#ifndef W_LOWRANK_H
#define W_LOWRANK_H
#include "lab.h"

/* Singular values and vectors of W L, where L is the lower Cholesky factor of the second moments of the inputs (the identity
 * without them): the error of a layer's outputs that a rank leaves, ||(W - AB) L||^2, is the sum of the squares of the
 * singular values behind it. Row-major; n = min(rows, cols), largest first. */
typedef struct w_spectrum {
    uint32_t rows, cols, n;
    double *s;
    double *u;                     /* rows x n */
    double *vt;                    /* n x cols */
    double *l;                     /* cols x cols, or NULL */
} w_spectrum;

double w_spectrum_damping(uint32_t cols, double count); /* share of the mean diagonal that is added to second moments of count samples */
/* moments: the sum over count samples, cols x cols, symmetric, or NULL; damped. In arena a. */
weir_status w_spectrum_of(const float *w, uint32_t rows, uint32_t cols, const float *moments, double count, w_arena *a, w_spectrum *out, weir_error *e);
/* Singular values of W alone. *s lies in a. */
weir_status w_singular_values(const float *w, uint32_t rows, uint32_t cols, w_arena *a, double **s, weir_error *e);
/* The least rank that holds this share of the squares. */
uint32_t w_spectrum_rank(const double *s, uint32_t n, double energy);
/* W ~ second x first: first is rank x cols and gives inner values of second moment 1 each, second is rows x rank. */
weir_status w_spectrum_factors(const w_spectrum *x, uint32_t rank, w_arena *a, float *first, float *second, weir_error *e);

#define W_LOWRANK_VECTOR 8   /* ranks that the kernels like are multiples of it */
/* The largest rank with rank * (rows + cols) < rows * cols; 0 where even 1 saves nothing. */
uint32_t w_lowrank_limit(uint32_t rows, uint32_t cols);
/* Rounded up to whole vectors of the kernels, or down where that passes the limit. */
uint32_t w_lowrank_round(uint32_t rank, uint32_t limit);
bool w_lowrank_takes(const w_graph *g, const w_node *n);
/* Of a node's weights as a matrix of output channels by reduction. */
void w_lowrank_dims(const w_graph *g, const w_node *n, uint32_t *rows, uint32_t *cols);
const char *w_verdict_lowrank(const w_plan *p, const w_step *s, const w_machine *m, w_arena *a, double *saves_s, double *saves_bytes);
#endif
