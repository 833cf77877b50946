/* Gemm and MatMul seen alike: what their steps share. */
#ifndef W_STEP_GEMM_H
#define W_STEP_GEMM_H
#include "step.h"

typedef struct w_product {
    size_t batch, m, k, n;     /* batch > 1 only where B has one matrix per A matrix */
    bool trans_b;
    float alpha, beta;
    const w_epilogue *ep;
    uint32_t res;              /* number of the residual input; MatMul: one that never exists */
} w_product;

/* A [.., m, k] x B [k, n] or [n, k], or one B matrix for every A matrix. NULL: fine. */
const char *w_product_of(const w_graph *g, const w_node *n, w_product *o);
/* The bias is a scalar, or one number a column; constant. */
const char *w_product_refuse_bias(const w_graph *g, const w_node *n, const w_product *o);
/* beta * C, one number a column, in `a`; NULL without C. */
weir_status w_product_bias(w_plan *p, const w_step *s, const w_product *o, w_arena *a, float **out, weir_error *e);
#endif
