/* Fuzz target: bytes as an array or image file for `weir run`, told apart by content as there; written out again. */
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t live;
    weir_error e = {0}, other = {0};
    weir_array a;
    weir_context *ctx = fuzz_context(&live);
    const w_map map = {.data = size ? data : NULL, .size = size};
    const char *name = "x";
    weir_status s = w_npy_read(ctx, &map, "fuzz.npy", &a, &e);
    if (s == WEIR_OK) {
        if (weir_array_write(ctx, "/dev/null/fuzz.npy", &a, &name, 1, &other) == WEIR_OK) abort();
        weir_array_destroy(ctx, &a);
    }
    fuzz_check(ctx, live, s, &e);
    fuzz_file f = fuzz_file_open(data, size);
    s = weir_array_read(ctx, f.path, NULL, &a, &e);
    if (s == WEIR_OK) weir_array_destroy(ctx, &a);
    fuzz_check(ctx, live, s, &e);
    fuzz_file_close(&f);
    return 0;
}
