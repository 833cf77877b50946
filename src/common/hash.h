/* Checksums and hashes (xxHash). Stable across machines; used in files. */
#ifndef W_HASH_H
#define W_HASH_H
#include <stddef.h>
#include <stdint.h>
uint64_t w_hash64(const void *data, size_t size, uint64_t seed); /* XXH3 64 bit */
#endif
