/* Random shapes of implicit GEMM, shared by the f32 and the u8 check. */
#ifndef W_CHECK_IGEMM_H
#define W_CHECK_IGEMM_H
#include "check.h"

enum { ROWS_PLAIN, ROWS_STRIDED, ROWS_TABLE };
typedef struct igemm_shape {
    size_t p, taps, c, n;
    int mode;
    size_t row_stride, tap_stride; /* of ROWS_PLAIN and ROWS_STRIDED */
    size_t elements;               /* of the input */
    int32_t *offset;               /* malloc; NULL for ROWS_PLAIN */
} igemm_shape;

igemm_shape igemm_draw(check *c, size_t index, int mr, int nr);
void igemm_free(igemm_shape *s);
/* Fills the address fields of rows; in and zero are the caller's. Offsets go to guarded memory. */
void igemm_rows(check *c, const igemm_shape *s, w_rows *rows);
const char *igemm_describe(const igemm_shape *s, char text[160]);

/* Layers of real networks for the benchmark. */
typedef struct igemm_layer { const char *name; size_t p, taps, c, n; } igemm_layer;
extern const igemm_layer igemm_layers[];
extern const size_t igemm_nlayers;
#endif
