/* The two transforms of Winograd's F(2x2, 3x3) (Lavin and Gray, arXiv 1509.09308) for 3x3 convolutions of stride 1 on
 * channels-last f32 images: between them stand 16 plain matrix products, one for each place of a 4x4 tile.
 *
 * Invariants:
 *  - tile (ty, tx) makes the output pixels 2ty, 2ty + 1 by 2tx, 2tx + 1 and reads the 4x4 pixels from 2ty - pt, 2tx - pl on,
 *    those outside the image as zero; output pixels outside the image are not written;
 *  - tiles count along the rows, t = ty * tiles_x + tx; a call takes any run of them. Places lie one after the other: place e
 *    of the i-th tile of a call is at (e * tiles of the call + i) * channels;
 *  - sums of up to four numbers before and after the products round once each: the error against the direct sum is stated
 *    where the step is chosen. An output depends on its place in the tile, never on the split of the work. */
#ifndef W_KERNELS_WINO_H
#define W_KERNELS_WINO_H
#include "kernels_gemm.h"

typedef struct w_f32_wino {
    const float *in;         /* [ih][iw][c] */
    size_t ih, iw, c;
    int pt, pl;              /* padding above and left */
    size_t tiles_x;
    float *places;           /* in: [16][tiles][c], written; out: [16][tiles][n], read */
    float *out;              /* [oh][ow][n] */
    size_t oh, ow, n;
    const float *bias;       /* [n] */
    const float *res;        /* NULL, or [oh][ow][n], added before the activation; may be equal to out */
    w_kepi ep;
} w_f32_wino;
/* Tiles t0 <= t < t1. c and n are multiples of the lanes. */
typedef void w_fn_f32_wino_in(const w_f32_wino *g, size_t t0, size_t t1);
typedef void w_fn_f32_wino_out(const w_f32_wino *g, size_t t0, size_t t1);

#define W_WINO_PLACES 16
/* u[16] = G g G^T of one 3x3 kernel g, row-major; in double, rounded once. */
static inline void w_wino_weights(const float g[9], float u[W_WINO_PLACES]) {
    double t[4][3]; /* G = {1, 0, 0}, {1, 1, 1} / 2, {1, -1, 1} / 2, {0, 0, 1} */
    for (int k = 0; k < 3; k++) {
        double a = (double)g[k], b = (double)g[3 + k], c = (double)g[6 + k];
        t[0][k] = a;
        t[1][k] = 0.5 * (a + b + c);
        t[2][k] = 0.5 * (a - b + c);
        t[3][k] = c;
    }
    for (int i = 0; i < 4; i++) {
        double a = t[i][0], b = t[i][1], c = t[i][2];
        u[i * 4] = (float)a;
        u[i * 4 + 1] = (float)(0.5 * (a + b + c));
        u[i * 4 + 2] = (float)(0.5 * (a - b + c));
        u[i * 4 + 3] = (float)c;
    }
}
#endif
