/* profile.h: what weir_profile takes from the clock. Private to lab/api. */
#ifndef W_PROFILE_H
#define W_PROFILE_H
#include "machine.h"
#include "session.h"

typedef struct w_time {
    double seconds;  /* median over the runs */
    double fraction; /* of the bound reached: median over the runs, each against what the cores gave while it ran */
} w_time;

typedef struct w_times {
    w_time run;
    w_time *step;      /* [nstep] */
    double cores_gave; /* median share of the machine model's peak that was there to take; 1: undisturbed, 0: not known */
} w_times;

/* Runs the session a few times unclocked, then `runs` times against the clock. */
weir_status w_times_take(weir_session *s, const w_machine *m, size_t runs, w_times *out, weir_error *e);
void w_times_free(const weir_session *s, w_times *t);
#endif
