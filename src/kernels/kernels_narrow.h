/* Products with weights of few bits: f32 rows by codes of 2, 4 or 8 bits that share a scale and a zero point in groups along
 * the reduction, or by bf16. The weights stream from memory as they are and become f32 in registers.
 *
 * Invariants:
 *  - W[k][j] = scale * (code - zero), code and zero 0 ... 2^bits - 1; bf16 has neither scales nor groups;
 *  - a 32-bit lane belongs to a column and holds codes of consecutive k, the first lowest. A block of columns is
 *    [width] bias, then for each group [width] f32 scales, [width] u8 zero points unless all of them are one number, and
 *    [lanes][width]: groups start in a lane of their own;
 *  - the sums of w_f32_igemm's rules hold; besides, a row that holds Inf or NaN makes results that are not finite, but not
 *    always the infinity that arithmetic on W would make. */
#ifndef W_KERNELS_NARROW_H
#define W_KERNELS_NARROW_H
#include "kernels_gemm.h"

typedef struct w_f32_narrow {
    w_f32_igemm g;           /* one tap, no offsets; w: the packed blocks */
    const void *staged;      /* the rows as the tile's stage function leaves them, w_narrow_line bytes each; the
                              * reference reads g.rows.in */
    size_t group;            /* elements of k that share a scale */
    bool zeros;              /* groups have zero points */
    float zero;              /* else the one of all */
} w_f32_narrow;
typedef void w_fn_f32_narrow(const w_f32_narrow *g, size_t p0, size_t p1, size_t b0, size_t b1);
typedef w_fn_f32_narrow w_fn_f32_digits; /* takes rows as digits */

#define W_BITS_BF16 16
enum { W_NARROW_2, W_NARROW_4, W_NARROW_8, W_NARROW_BF16, W_NARROW_KINDS };
static inline int w_narrow_kind(unsigned bits) {
    return bits == 2 ? W_NARROW_2 : bits == 4 ? W_NARROW_4 : bits == 8 ? W_NARROW_8 : W_NARROW_BF16;
}
typedef void w_fn_stage(void *staged, const float *row, unsigned bits, size_t k, size_t group);
typedef struct w_narrow_tile {
    w_fn_f32_narrow *fn;
    const char *name;
    uint8_t mr, nr;
    bool digits;             /* rows are staged as digits: below */
    w_fn_stage *stage;
} w_narrow_tile;

/* Elements that the kernels put together before their scale and zero point are applied; no group's lane is cut by it. */
#define W_NARROW_STRETCH 256

static inline size_t w_narrow_lanes(unsigned bits, size_t count) { return (count * bits + 31) / 32; }
/* Bytes of a block of `width` columns. */
static inline size_t w_narrow_block(unsigned bits, bool zeros, size_t width, size_t k, size_t group) {
    size_t whole = k / group, rest = k % group, heads = bits == W_BITS_BF16 ? 0 : whole + (rest > 0);
    size_t lanes = whole * w_narrow_lanes(bits, group) + w_narrow_lanes(bits, rest);
    return width * (sizeof(float) + heads * (sizeof(float) + zeros) + lanes * 4);
}

/* A row as the kernels want it, done once for all blocks: stretches of up to W_NARROW_STRETCH elements that do not cross groups,
 * each filled up with zeros to a multiple of 16 and followed by the sum of its elements. A code is converted where it stands in
 * its lane, so that it comes out as itself times a power of two, whose inverse the element carries. */
static inline size_t w_narrow_staged(size_t count) { return (count + 15) / 16 * 16 + (count + W_NARROW_STRETCH - 1) / W_NARROW_STRETCH; }
w_fn_stage w_stage_narrow;

/* Or, for sets that multiply bytes: each stretch as a head, then its elements by sixteens as three digits to the base 256 of a
 * whole number of units. The unit is the power of two 21 or 22 places below the largest element of the stretch, so that an
 * element loses at most 1.01 * 2^-23 of that one, about the last place of its f32; what is summed of them is exact. Codes of a
 * byte take turns: a quad holds what one product takes, element [code of the byte] of each byte of a lane. Inf and NaN make
 * the unit NaN. */
#define W_DIGITS 3
typedef struct w_digits_head { float unit; int32_t sum[W_DIGITS]; } w_digits_head; /* the sums of the digits, lowest first */
typedef struct w_digits { int32_t quad[W_DIGITS][4]; } w_digits;
w_fn_stage w_stage_digits__vnni;
static inline size_t w_digits_staged(size_t count) {
    return (count + 15) / 16 * sizeof(w_digits) + (count + W_NARROW_STRETCH - 1) / W_NARROW_STRETCH * sizeof(w_digits_head);
}

/* Bytes of a staged row. */
static inline size_t w_narrow_line(bool digits, size_t k, size_t group) {
    return digits ? k / group * w_digits_staged(group) + w_digits_staged(k % group)
                  : (k / group * w_narrow_staged(group) + w_narrow_staged(k % group)) * sizeof(float);
}

/* Where the weights lie, unpacked: element (j, i) is number j * stride_n + i * stride_k of a row of codes, the first in the
 * low bits of a byte; its scale and zero point are numbers j * scale_n + i / group * scale_k. */
typedef struct w_narrow_source {
    unsigned bits;
    const void *w;
    size_t stride_n, stride_k;
    uint8_t flip;            /* turned over in every code: the sign bit, where they are signed */
    const float *scale;      /* NULL: bf16 */
    const uint8_t *zero;     /* of codes that were turned over; NULL: one for all */
    size_t scale_n, scale_k;
    const float *bias;       /* NULL: 0 */
    size_t n, k, group;
} w_narrow_source;
void w_pack_narrow(void *dst, size_t nr, const w_narrow_source *s);
/* Columns j0 <= j < j1 as f32, [j1 - j0][k]. */
void w_unpack_narrow(float *dst, const w_narrow_source *s, float zero, size_t j0, size_t j1);
#endif
