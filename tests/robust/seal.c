/* Fills in the checksums of .weir files, so that hand-made ones reach the checks behind them.
 *
 * usage: seal FILE... */
#include "hash.h"
#include "robust.h"
#include "weir_format.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t u64_at(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static void put_hash(uint8_t *to, const uint8_t *p, size_t n) {
    uint64_t h = w_hash64(p, n, 0);
    memcpy(to, &h, 8);
}

static void seal(uint8_t *p, size_t size) {
    size_t left = size - W_WEIR_HEADER;
    size_t meta = (size_t)W_MIN(u64_at(p + 24), left), coded = (size_t)W_MIN(u64_at(p + 40), left - meta);
    size_t at = W_WEIR_HEADER + meta + coded, dense = u64_at(p + 48) ? W_ALIGN_UP(at, (size_t)W_WEIR_ALIGN) : at;
    put_hash(p + 56, p + W_WEIR_HEADER, meta);
    put_hash(p + 64, p + W_WEIR_HEADER + meta, coded);
    put_hash(p + 72, p + W_MIN(dense, size), size - W_MIN(dense, size));
    put_hash(p + 80, p, 80);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        uint8_t *data;
        size_t size;
        if (!robust_load(argv[i], &data, &size)) return 1;
        if (size >= W_WEIR_HEADER) seal(data, size);
        bool ok = robust_save(argv[i], data, size);
        free(data);
        if (!ok) return 1;
    }
    return 0;
}
