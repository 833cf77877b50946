/* What a .weir file needs beyond its version: bits in the header, and names at the head of the metadata.
 *
 * A bit or a name says for itself whether a reader that does not know it may go on. This version knows one bit, that of the
 * list of names, and no name: every name is a later weir's. */
#include "weir_format.h"
#include "utf8.h"
#include <string.h>

weir_status w_features_check(uint32_t version, uint32_t features, weir_error *e) {
    uint32_t unknown = features & W_WEIR_NEEDED & ~(uint32_t)W_WEIR_FEATURES;
    if (version > W_WEIR_VERSION) {
        return w_fail(e, WEIR_BAD_INPUT, "format version %u: weir " WEIR_VERSION " reads up to version %d, a newer weir wrote this", version, W_WEIR_VERSION);
    }
    if (version == 0) return w_fail(e, WEIR_BAD_INPUT, "format version 0, expected 1 to %d", W_WEIR_VERSION);
    if (!unknown) return WEIR_OK;
    return w_fail(e, WEIR_BAD_INPUT, "needs feature bit %d, which weir " WEIR_VERSION " does not know: a newer weir wrote this", __builtin_ctz(unknown));
}

static weir_status damaged(weir_error *e) { return w_fail(e, WEIR_BAD_INPUT, "the metadata ends early or is damaged in its list of features"); }

static weir_status feature_read(w_rbuf *in, w_arena *scratch, weir_error *e) {
    char *name = w_get_string(in, scratch);
    if (!name) return in->bad ? damaged(e) : w_oom(e, 1, "the name of a feature");
    uint8_t needed = w_get_u8(in);
    size_t size = w_get_count(in, 1);
    w_get_bytes(in, size);
    if (in->bad || needed > 1 || !name[0] || w_utf8_check(name, strlen(name)) != strlen(name)) return damaged(e);
    if (needed) return w_fail(e, WEIR_BAD_INPUT, "needs the feature '%.200s', which weir " WEIR_VERSION " does not have: a newer weir wrote this", name);
    return WEIR_OK;
}

weir_status w_features_read(w_rbuf *in, w_arena *scratch, weir_error *e) {
    size_t n = w_get_count(in, 3);
    if (in->bad) return damaged(e);
    for (size_t i = 0; i < n; i++) W_TRY(feature_read(in, scratch, e));
    return WEIR_OK;
}
