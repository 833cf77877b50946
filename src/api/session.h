/* session.h: what a weir_session is. Private to src/api. */
#ifndef W_SESSION_H
#define W_SESSION_H
#include "model.h"
#include "run.h"

struct weir_session {
    const weir_model *model; /* held */
    w_plan *plan;
    w_exec *exec;            /* NULL: planned only, as for inspect */
    bool profile;
};

/* Everything but the memory to run in. Both `inspect` and sessions come this way, so that what inspect certifies is what
 * a session then takes. */
weir_status w_session_plan(const weir_model *model, const weir_session_options *options, weir_session **out, weir_error *e);
#endif
