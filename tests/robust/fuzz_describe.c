/* Fuzz target: bytes as the JSON form of a data set. The files that it names are not opened: they are the file system's. */
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t live;
    weir_error e = {0};
    weir_context *ctx = fuzz_context(&live);
    w_data_options o = {0};
    fuzz_file f = fuzz_file_open(data, size);
    w_arena_init(&o.arena, ctx);
    weir_status s = w_data_json(&o, f.path, &e);
    w_arena_fini(&o.arena);
    fuzz_check(ctx, live, s, &e);
    fuzz_file_close(&f);
    return 0;
}
