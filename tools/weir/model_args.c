/* Opening models and binding shapes, the same in every verb. */
#include "cli.h"

weir_session_options session_options(const model_args *m) {
    weir_session_options o = weir_session_options_default();
    o.batch = m->batch;
    o.shapes = m->shapes.item;
    o.nshapes = m->shapes.n;
    return o;
}

weir_status open_model(weir_context *ctx, const char *path, weir_model **out, weir_error *e) {
    return weir_model_open(ctx, path, out, e);
}
