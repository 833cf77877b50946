/* Calibration by entropy: the bounds whose clipped and coarsened histogram diverges least from the clipped one (the method of
 * Migacz, 8-bit inference with TensorRT, GTC 2017, for unsigned values with a zero point).
 *
 * The bounds shrink together towards zero. Samples outside count in the outermost bins of the reference, and not in the
 * coarse distribution, so that clipping costs as soon as it takes much. */
#include "quant.h"
#include <math.h>

#define LEVELS 256
#define STEP 8             /* bins between candidates */
#define FLOOR 1e-7         /* share of a bin that the coarse distribution leaves empty */

/* Histogram bins a <= b < z. */
typedef struct cut { const w_range *r; int a, z; } cut;

static double outside(const cut *c, bool below) {
    double sum = 0;
    for (int b = below ? 0 : c->z; b < (below ? c->a : W_CAL_BINS); b++) sum += c->r->hist[b];
    return sum;
}

static int level_of(const cut *c, int b) { return (int)((int64_t)(b - c->a) * LEVELS / (c->z - c->a)); }

/* A level's samples spread evenly over those of its bins that have any. */
static void coarsen(const cut *c, double per_bin[LEVELS]) {
    int filled[LEVELS] = {0};
    for (int l = 0; l < LEVELS; l++) per_bin[l] = 0;
    for (int b = c->a; b < c->z; b++) {
        per_bin[level_of(c, b)] += c->r->hist[b];
        filled[level_of(c, b)] += c->r->hist[b] > 0;
    }
    for (int l = 0; l < LEVELS; l++)
        if (filled[l]) per_bin[l] /= filled[l];
}

static double divergence(const cut *c) {
    double per_bin[LEVELS], below = outside(c, true), above = outside(c, false), inside = 0, sum = 0;
    coarsen(c, per_bin);
    for (int b = c->a; b < c->z; b++) inside += c->r->hist[b];
    double total = inside + below + above;
    if (!(inside > 0)) return INFINITY;
    for (int b = c->a; b < c->z; b++) {
        double p = c->r->hist[b] + (b == c->a ? below : 0) + (b == c->z - 1 ? above : 0);
        double q = c->r->hist[b] > 0 ? per_bin[level_of(c, b)] / inside : FLOOR;
        if (p > 0) sum += p / total * log(p / total / q);
    }
    return sum;
}

void w_range_entropy(const w_range *r, double *lo, double *hi) {
    double width = ((double)r->max - r->min) / W_CAL_BINS, least = INFINITY;
    int zero = width > 0 ? (int)fmin(fmax(-r->min / width, 0), W_CAL_BINS) : 0;
    *lo = r->min;
    *hi = r->max;
    for (int n = W_CAL_BINS; n >= LEVELS && width > 0; n -= STEP) {
        int below = (int)((int64_t)zero * n / W_CAL_BINS);
        cut c = {r, zero - below, zero - below + n};
        double d = divergence(&c);
        if (d < least) {
            least = d;
            *lo = r->min + c.a * width;
            *hi = r->min + c.z * width;
        }
    }
}
