/* Fuzz target: a pair of IDX files, plain or packed. The first byte says how long the file of labels is that follows it; the
 * rest is the file of images. */
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char spec[120];
    if (size == 0) return 0;
    size_t cut = W_MIN((size_t)data[0], size - 1);
    fuzz_file images = fuzz_file_open(data + 1 + cut, size - 1 - cut), labels = fuzz_file_open(data + 1, cut);
    snprintf(spec, sizeof spec, "idx:%s,%s", images.path, labels.path);
    fuzz_set(spec);
    fuzz_file_close(&images);
    fuzz_file_close(&labels);
    return 0;
}
