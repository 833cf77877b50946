/* What a recipe will cost on data that it has not met, and what a look at it will show: margins.c has the two halves of the
 * prediction. */
#include "search.h"
#include <math.h>

#define LUCK 0.67       /* standard deviations of the look itself that a first look leaves room for: three of four succeed */
#define LUCK_MORE 0.67  /* more for each look that failed */

double w_predicted_drop(const w_search *s, const w_paired *p) {
    double drop = 0;
    for (size_t b = 0; b < W_MARGINS; b++) drop += p->rate[b] * s->worth[b];
    return drop;
}

double w_look_confidence(const w_search *s) { return s->o->accept_point ? 0.5 : 1 - 0.05 / W_LOOKS; }

/* A look at n samples scatters by its own flips; those here say how many there will be. */
double w_predicted_upper(const w_search *s, const w_paired *p) {
    double n = (double)p->n, flips = ((double)p->lost + (double)p->won + 1) / (n + 2), drop = w_predicted_drop(s, p);
    double look = 100 * sqrt(flips / (double)s->verify.n);
    double z = s->o->accept_point ? 0 : w_normal_quantile(w_look_confidence(s));
    return fmax(drop + look * (z + LUCK + LUCK_MORE * (double)s->failed_looks), drop + s->limit - s->ceiling);
}

void w_look_failed(w_search *s, const w_paired *predicted, double excess) {
    s->failed_looks++;
    double was = w_predicted_drop(s, predicted);
    s->ceiling = fmin(s->ceiling, fmax(was - excess, was / 2)); /* the error grows with the drop: half of it ends most of it */
}
