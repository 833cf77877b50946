/* Fuzz target: bytes as a shard of images and labels, plain or packed. */
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char spec[60];
    fuzz_file f = fuzz_file_open(data, size);
    snprintf(spec, sizeof spec, "tar:%s", f.path);
    fuzz_set(spec);
    fuzz_file_close(&f);
    return 0;
}
