/* Entropy coding of small-alphabet symbols by range ANS (Duda, arXiv 1311.2540): 8-bit symbols, static probabilities of
 * 12 to 14 bits, one or four interleaved states. The stream is self-describing: model, count, payload (ans.c has the
 * layout).
 *
 * Decoding never reads outside `in` nor writes outside `out`; a damaged stream fails. */
#ifndef W_ANS_H
#define W_ANS_H
#include "status.h"
/* Upper bound of the coded size of n symbols. */
size_t w_ans_bound(size_t n);
/* Codes n symbols; *written <= w_ans_bound(n). Chooses the smallest of: one repeated symbol, bits stored raw, coded with
 * the table size and precision that pay. Allocates nothing. Returns false only when cap is too small. */
bool w_ans_encode(const uint8_t *sym, size_t n, uint8_t *out, size_t cap, size_t *written);
/* Decodes exactly n symbols from exactly size bytes. */
weir_status w_ans_decode(const uint8_t *in, size_t size, uint8_t *sym, size_t n, weir_error *e);
#endif
