/* Binding shapes, the same in every verb. */
#include "cli.h"

weir_session_options session_options(const model_args *m) {
    weir_session_options o = weir_session_options_default();
    o.batch = m->batch;
    o.shapes = m->shapes.item;
    o.nshapes = m->shapes.n;
    return o;
}
