/* Weights as Winograd's products want them: see kernels_wino.h. Kernels are transformed side by side, so that the compiler
 * makes vectors of them. */
#include "kernels.h"
#include <string.h>

#define N W_WINO_KERNELS
#define INLINE static inline __attribute__((always_inline))

/* G g of one column or row; neighbours are `from` and `to` apart. */
INLINE void line(size_t edge, const double *g, size_t from, double *restrict u, size_t to) {
    const double a = W_WINO_A, b = W_WINO_B, na = 1 / (2 * a * a * (a * a - b * b)), nb = 1 / (2 * b * b * (b * b - a * a));
    for (size_t i = 0; i < N; i++) {
        double x = g[i], y = g[from + i], z = g[2 * from + i];
        if (edge == 2) {
            u[i] = x;
            u[to + i] = 0.5 * (x + y + z);
            u[2 * to + i] = 0.5 * (x - y + z);
            u[3 * to + i] = z;
            continue;
        }
        u[i] = x / (a * a * b * b);
        u[to + i] = na * (x + a * y + a * a * z);
        u[2 * to + i] = na * (x - a * y + a * a * z);
        u[3 * to + i] = nb * (x + b * y + b * b * z);
        u[4 * to + i] = nb * (x - b * y + b * b * z);
        u[5 * to + i] = z;
    }
}

INLINE void transform(size_t edge, const double g[9 * N], double u[W_WINO_PLACES_MOST * N]) {
    double half[6 * 3 * N];
    size_t size = edge + 2;
    for (size_t x = 0; x < 3; x++) line(edge, g + x * N, 3 * N, half + x * N, 3 * N);
    for (size_t y = 0; y < size; y++) line(edge, half + y * 3 * N, N, u + y * size * N, N);
}

void w_wino_weights(size_t edge, const void *kernels, size_t stride, size_t n, float *u, size_t apart) {
    double g[9 * N] = {0}, all[W_WINO_PLACES_MOST * N];
    for (size_t j = 0; j < n; j++) {
        float taps[9];
        memcpy(taps, (const char *)kernels + j * stride * sizeof *taps, sizeof taps);
        for (size_t i = 0; i < 9; i++) g[i * N + j] = (double)taps[i];
    }
    if (edge == 2) transform(2, g, all);
    else transform(4, g, all);
    for (size_t e = 0; e < w_wino_places(edge); e++) {
        float place[N];
        for (size_t j = 0; j < N; j++) place[j] = (float)all[e * N + j];
        if (n == N) memcpy(u + e * apart, place, sizeof place);
        else memcpy(u + e * apart, place, n * sizeof *place);
    }
}

/* ---- integers: twice G, on both sides ---- */

#define COLUMNS 16

INLINE void line_s16(const int16_t *g, size_t from, int16_t *restrict u, size_t to) {
    for (size_t j = 0; j < COLUMNS; j++) {
        int16_t x = g[j], y = g[from + j], z = g[2 * from + j];
        u[j] = (int16_t)(2 * x);
        u[to + j] = (int16_t)(x + y + z);
        u[2 * to + j] = (int16_t)(x - y + z);
        u[3 * to + j] = (int16_t)(2 * z);
    }
}

/* Input channel i of columns j0 ..., zeros beyond n: all[16][COLUMNS]. */
static void transform_s16(const int8_t *kernels, size_t n, size_t c, size_t j0, size_t i, int16_t all[16 * COLUMNS]) {
    int16_t g[9 * COLUMNS] = {0}, half[4 * 3 * COLUMNS];
    for (size_t j = 0; j < COLUMNS && j0 + j < n; j++)
        for (size_t t = 0; t < 9; t++) g[t * COLUMNS + j] = kernels[((j0 + j) * c + i) * 9 + t];
    for (size_t x = 0; x < 3; x++) line_s16(g + x * COLUMNS, 3 * COLUMNS, half + x * COLUMNS, 3 * COLUMNS);
    for (size_t y = 0; y < 4; y++) line_s16(half + y * 3 * COLUMNS, COLUMNS, all + y * 4 * COLUMNS, COLUMNS);
}

void w_wino_weights_s16(const int8_t *kernels, size_t n, size_t c, size_t nr, int16_t *u, size_t apart) {
    for (size_t b = 0; b * nr < n; b++)
        for (size_t i = 0; i < c; i += 2)
            for (size_t j = 0; j < nr; j += COLUMNS) {
                int16_t even[16 * COLUMNS], odd[16 * COLUMNS], *to = u + (b * c * nr + i * nr) + 2 * j;
                transform_s16(kernels, n, c, b * nr + j, i, even);
                transform_s16(kernels, n, c, b * nr + j, i + 1, odd);
                for (size_t e = 0; e < 16; e++)
                    for (size_t l = 0; l < COLUMNS; l++) {
                        to[e * apart + 2 * l] = even[e * COLUMNS + l];
                        to[e * apart + 2 * l + 1] = odd[e * COLUMNS + l];
                    }
            }
}
