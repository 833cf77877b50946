/* From a calibrated range to the scale and zero point of an unsigned 8-bit activation. */
#include "quant.h"
#include <math.h>

static double bin_centre(const w_range *r, int b) { return r->min + (r->max - r->min) * (b + 0.5) / W_CAL_BINS; }

/* Cuts the same share of samples from both tails. */
static void cut_percentile(const w_range *r, double percentile, double *lo, double *hi) {
    double total = 0, tail = 0;
    for (int b = 0; b < W_CAL_BINS; b++) total += r->hist[b];
    double drop = total * (1 - percentile / 100) / 2;
    int a = 0, z = W_CAL_BINS - 1;
    while (a < z && tail + r->hist[a] <= drop) tail += r->hist[a++];
    for (tail = 0; z > a && tail + r->hist[z] <= drop;) tail += r->hist[z--];
    double width = (r->max - r->min) / W_CAL_BINS;
    *lo = r->min + a * width;
    *hi = r->min + (z + 1) * width;
}

/* Expected squared error of 255 steps over [lo, hi]. */
static double grid_error(const w_range *r, double lo, double hi) {
    double step = (hi - lo) / 255, sum = 0;
    for (int b = 0; b < W_CAL_BINS; b++) {
        if (r->hist[b] == 0) continue;
        double x = bin_centre(r, b);
        double d = x < lo ? lo - x : x > hi ? x - hi : 0;
        sum += r->hist[b] * (d > 0 ? d * d : step * step / 12);
    }
    return sum;
}

static void best_mse(const w_range *r, double *lo, double *hi) {
    double a = fmin(r->min, 0), z = fmax(r->max, 0), best = INFINITY;
    for (int i = 100; i >= 20; i -= 2)
        for (int j = a < 0 ? 100 : 20; j >= 20; j -= 8) {
            double l = a * j / 100, h = z * i / 100, err = grid_error(r, l, h);
            if (err < best) best = err, *lo = l, *hi = h;
        }
}

w_affine w_affine_choose(const w_range *r, w_calibrate how, double percentile) {
    double lo = r->min, hi = r->max;
    if (how == W_CAL_PERCENTILE) cut_percentile(r, percentile, &lo, &hi);
    else if (how == W_CAL_MSE) best_mse(r, &lo, &hi);
    else if (how == W_CAL_KL) w_range_entropy(r, &lo, &hi);
    lo = fmin(lo, 0); /* zero must be exact: padding is zero */
    hi = fmax(hi, 0);
    w_affine q = {.scale = (float)((hi - lo) / 255)};
    if (!(q.scale > 0) || !isfinite(q.scale)) q.scale = 1;
    double zero = -lo / q.scale;
    q.zero = (int32_t)fmin(fmax(rint(zero), 0), 255);
    return q;
}
