/* Fuzz target: bytes as a machine model; what is accepted must say finite, positive things, and reads back the same. */
#include "fuzz_input.h"
#include "machine_parts.h"
#include "doc.h"
#include <math.h>

static void plausible(const w_machine *m) {
    for (int l = 0; l < 4; l++)
        if (!(w_machine_bw(m, l, 1, false) > 0) || isinf(w_machine_bw(m, l, m->threads, true))) abort();
    if (!(w_machine_peak(m, W_PEAK_F32, 1) > 0)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t live;
    weir_error e = {0};
    weir_document *doc;
    weir_context *ctx = fuzz_context(&live);
    fuzz_file f = fuzz_file_open(data, size);
    w_machine m = {0};
    weir_status s = w_machine_read(ctx, f.path, &m, &e);
    if (s == WEIR_OK) {
        plausible(&m);
        if (w_machine_doc(&m, &doc, NULL) != WEIR_OK) abort();
        weir_document_destroy(doc);
    }
    fuzz_check(ctx, live, s, &e);
    fuzz_file_close(&f);
    return 0;
}
