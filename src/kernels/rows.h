/* Where a run of a row starts: the address arithmetic that all implicit GEMM kernels share. */
#ifndef W_ROWS_H
#define W_ROWS_H
#include "kernels_gemm.h"

/* Element offset of the run of (tap, pixel), or -1 for padding. */
static inline int64_t w_row_offset(const w_rows *r, size_t tap, size_t p) {
    if (!r->offset) return (int64_t)(p * r->row_stride + tap * r->tap_stride);
    if (r->tap_table) return r->offset[tap * r->tap_table + p];
    return r->offset[p] + (int64_t)(tap * r->tap_stride);
}
static inline const float *w_row_f32(const w_rows *r, size_t tap, size_t p) {
    int64_t o = w_row_offset(r, tap, p);
    return o < 0 ? (const float *)r->zero : (const float *)r->in + o;
}
static inline const uint8_t *w_row_u8(const w_rows *r, size_t tap, size_t p) {
    int64_t o = w_row_offset(r, tap, p);
    return o < 0 ? (const uint8_t *)r->zero : (const uint8_t *)r->in + o;
}
#endif
