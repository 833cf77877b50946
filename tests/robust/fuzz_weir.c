/* Fuzz target: bytes as a .weir file. Behind the magic number the whole reader runs; other inputs are taken as sections
 * without header, compression and checksums (u32 size of the metadata, u32 size of the coded tensors, the three sections),
 * so that a fuzzer reaches what lies behind those. */
#include "fuzz.h"
#include "robust.h"
#include "weir_format.h"
#include <stdlib.h>
#include <string.h>

static weir_status sections(weir_context *ctx, const uint8_t *data, size_t size, w_graph **out, weir_error *e) {
    uint32_t n[2];
    char *recipe;
    if (size < sizeof n) return w_fail(e, WEIR_BAD_INPUT, "too short");
    memcpy(n, data, sizeof n);
    data += sizeof n, size -= sizeof n;
    size_t meta = W_MIN((size_t)n[0], size), coded = W_MIN((size_t)n[1], size - meta);
    w_weir_sections s = {.coded = data + meta, .coded_size = coded, .dense = data + meta + coded, .dense_size = size - meta - coded};
    W_TRY(w_graph_create(ctx, "fuzz.weir", out, e));
    weir_status st = w_meta_read(*out, data, meta, &s, &recipe, e);
    if (st != WEIR_OK) {
        w_graph_destroy(*out);
        *out = NULL;
    }
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static weir_context *ctx;
    weir_error e = {0};
    w_graph *g = NULL;
    char *recipe;
    static size_t before;
    if (!ctx) {
        if (!(ctx = robust_context())) abort();
        before = weir_context_live_bytes(ctx);
    }
    w_map map = {.data = size ? data : NULL, .size = size};
    weir_status s = w_weir_is(&map) ? w_weir_read(ctx, "fuzz.weir", &map, &g, &recipe, &e) : sections(ctx, data, size, &g, &e);
    if (s == WEIR_OK) s = w_passes_canonical(g, &e);
    if (s == WEIR_OK && w_weir_write(g, NULL, "/dev/null/fuzz.weir", NULL, &e) == WEIR_OK) abort();
    w_graph_destroy(g);
    if (s != WEIR_OK && !robust_allowed(s, &e)) abort();
    if (weir_context_live_bytes(ctx) != before) abort();
    return 0;
}
