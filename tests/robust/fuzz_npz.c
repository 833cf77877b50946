/* Fuzz target: bytes as an .npz archive: its first array, one by name, and as a data set. */
#include "fuzz_input.h"

static void read_one(const w_map *map, const char *name) {
    size_t live;
    weir_error e = {0};
    weir_array a;
    weir_context *ctx = fuzz_context(&live);
    weir_status s = w_npz_read(ctx, map, "fuzz.npz", name, &a, &e);
    if (s == WEIR_OK) weir_array_destroy(ctx, &a);
    fuzz_check(ctx, live, s, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const w_map map = {.data = size ? data : NULL, .size = size};
    char spec[60];
    read_one(&map, NULL);
    read_one(&map, "labels");
    fuzz_file f = fuzz_file_open(data, size);
    snprintf(spec, sizeof spec, "npz:%s", f.path);
    fuzz_set(spec);
    fuzz_file_close(&f);
    return 0;
}
