/* The two transforms of Winograd's F(2x2, 3x3) and F(4x4, 3x3) (Lavin and Gray, arXiv 1509.09308) for 3x3 convolutions of stride 1
 * on channels-last f32 images: between them stand plain matrix products, one for each place of a tile.
 *
 * F(m x m, 3x3) makes m x m outputs of (m + 2) x (m + 2) places by the Toom-Cook scheme: row i of B^T holds the product of (x - q)
 * over all other points q, row i of G the powers of its point over the product of its differences to the others, column i of A^T
 * the point's powers. The points are 0, 1, -1 and infinity for m = 2; 0, a, -a, b, -b and infinity for m = 4, with a = 5/8 and b = 3/2:
 * their errors are a quarter to a half of those of 1 and 2 (measured; all factors are exact in f32).
 *
 * Invariants:
 *  - tile (ty, tx) makes the m x m output pixels from (m ty, m tx) on and reads the pixels from m ty - pt, m tx - pl on, those
 *    outside the image as zero; output pixels outside the image are not written;
 *  - tiles count along the rows, t = ty * tiles_x + tx; a call takes any run of them. Place e of the i-th tile of a
 *    call is at e * apart + i * channels; w_wino_apart says how far apart they best lie;
 *  - all sets give the same bits, but for activations beyond exact arithmetic. The error against the direct sum is stated where
 *    the step is chosen. An output depends on its place in the tile, never on the split of the work. */
#ifndef W_KERNELS_WINO_H
#define W_KERNELS_WINO_H
#include "kernels_gemm.h"

typedef struct w_f32_wino {
    const float *in;         /* [ih][iw][c] */
    size_t ih, iw, c;
    int pt, pl;              /* padding above and left */
    size_t tiles_x;
    float *places;           /* in: of c channels, written; out: of n, read */
    size_t apart;            /* floats from a place to the next, at least tiles of the call * channels */
    float *out;              /* [oh][ow][n] */
    size_t oh, ow, n;
    size_t out_stride;       /* floats from an output pixel to the next */
    const float *bias;       /* [n] */
    const float *res;        /* NULL, or [oh][ow][n], added before the activation; may be equal to out where pixels adjoin */
    w_kepi ep;
} w_f32_wino;
/* Tiles t0 <= t < t1. c and n are multiples of the lanes. */
typedef void w_fn_f32_wino_in(const w_f32_wino *g, size_t t0, size_t t1);
typedef void w_fn_f32_wino_out(const w_f32_wino *g, size_t t0, size_t t1);
/* edge: m; lanes: channels at once, 1 for the reference, which is not worth choosing. */
typedef struct w_wino_tile { w_fn_f32_wino_in *in; w_fn_f32_wino_out *out; uint8_t edge, lanes; } w_wino_tile;
enum { W_WINO_SIZES = 2, W_WINO_PLACES_MOST = 36 };

static inline size_t w_wino_places(size_t edge) { return (edge + 2) * (edge + 2); }

/* An odd number of lines: the places of a tile, touched together, meet in as many sets of a cache as there are. elem: bytes. */
static inline size_t w_wino_apart(size_t tiles, size_t channels, size_t elem) {
    return ((tiles * channels * elem + 63) / 64 | 1) * 64 / elem;
}

/* F(2x2, 3x3) on u8 images and s8 weights, in integers. Places of the input are s16, at most 4 * 255; those of the weights, twice
 * G for G, s16 and at most 9 * 128; their products sum up to s32 modulo 2^32. What comes back is four times the direct sum, which has to
 * fit s32, and is divided exactly: the outputs have the bits of every other u8 kernel. */
typedef struct w_u8_wino {
    const uint8_t *in;       /* [ih][iw][c], c a multiple of 16 */
    size_t ih, iw, c;
    int pt, pl;
    int32_t zero;            /* of the input, and what lies outside the image */
    size_t tiles_x;
    int16_t *v;              /* places of the input, of c channels */
    const int32_t *m;        /* places of the output, of n channels */
    size_t v_apart, m_apart; /* elements from a place to the next */
    size_t oh, ow;
    const float *mul, *bias; /* [n], n a multiple of 8 */
    w_u8_igemm to;           /* n, residual, activation and output as there, with rows for the pixels of [oh][ow]; no late scale */
} w_u8_wino;
/* Tiles t0 <= t < t1: in writes v, out reads m. */
typedef void w_fn_u8_wino_in(const w_u8_wino *g, size_t t0, size_t t1);
typedef void w_fn_u8_wino_out(const w_u8_wino *g, size_t t0, size_t t1);

/* in NULL: the set has none, or direct sums are faster. Between the two stands the set's s16_gemm. */
typedef struct w_u8_wino_tile { w_fn_u8_wino_in *in; w_fn_u8_wino_out *out; } w_u8_wino_tile;

#define W_WINO_A 0.625f
#define W_WINO_B 1.5f
/* G g G^T, in double and rounded once, of n <= W_WINO_KERNELS kernels of 3 x 3, row-major and `stride` floats apart: place e of
 * kernel j becomes u[e * apart + j]. */
#define W_WINO_KERNELS 8
void w_wino_weights(size_t edge, const void *kernels, size_t stride, size_t n, float *u, size_t apart);
/* 4 G g G^T of 3 x 3 kernels k[j][i] = kernels + (j * c + i) * 9 of n outputs and c inputs, for w_s16_gemm with blocks of nr columns:
 * place e lies at u + e * apart. */
void w_wino_weights_s16(const int8_t *kernels, size_t n, size_t c, size_t nr, int16_t *u, size_t apart);
#endif
