/* Fuzz target: bytes as an ONNX file, through the passes that every model gets, and out again in both formats. */
#include "fuzz.h"
#include "robust.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static weir_context *ctx;
    weir_error e = {0};
    w_graph *g;
    static size_t before;
    if (!ctx) {
        if (!(ctx = robust_context())) abort();
        before = weir_context_live_bytes(ctx);
    }
    w_map map = {.data = size ? data : NULL, .size = size};
    weir_status s = w_onnx_read(ctx, "fuzz.onnx", &map, &g, &e);
    if (s == WEIR_OK) {
        s = w_passes_canonical(g, &e);
        if (s == WEIR_OK && w_onnx_write(g, "/dev/null/fuzz.onnx", &e) == WEIR_OK) abort(); /* encodes, cannot be written */
        if (s == WEIR_OK && w_weir_write(g, NULL, "/dev/null/fuzz.weir", NULL, &e) == WEIR_OK) abort();
        w_graph_destroy(g);
    }
    if (s != WEIR_OK && !robust_allowed(s, &e)) abort();
    if (weir_context_live_bytes(ctx) != before) abort();
    return 0;
}
