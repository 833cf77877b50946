/* What a recipe will cost on data that nobody has seen, from what it did to the search samples.
 *
 * A sample that goes to another class is lost if the float network was right about it. The labels of data that the network
 * was trained on side with it: it has learnt by heart samples that it would get wrong elsewhere, so too much seems lost.
 * With --train the prediction therefore asks no label: each sample that moves loses what the float network's own
 * probabilities say, that of the old class less that of the new. This also scatters less, since a moved sample counts for the
 * small difference of two near probabilities and not for a whole hit or miss. Samples split off from unseen data have honest
 * labels, and those are used. Decision 10 has the figures. */
#include "search.h"
#include <math.h>

#define LUCK 0.67       /* standard deviations of the look itself that a first look leaves room for: three of four succeed */
#define LUCK_MORE 0.67  /* more for each look that failed */

double w_predicted_drop(const w_search *s, const w_paired *p) {
    return s->o->train ? p->soft : w_paired_drop(p);
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
