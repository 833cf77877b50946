/* The probability model of w_ans and its compact form in the stream; only ans.c and ans_model.c include this.
 *
 * A symbol's probability is sent as a level: 0 absent, else a step on a logarithmic scale of 2^fine steps an octave.
 * Levels of neighbouring symbols are close, so their differences take a few bits each (Exp-Golomb). Both sides derive
 * the frequencies from the levels by the same integer arithmetic, so the table costs tens of bytes. */
#ifndef W_ANS_MODEL_H
#define W_ANS_MODEL_H
#include "status.h"

enum { W_ANS_MIN_BITS = 12, W_ANS_MAX_BITS = 14, W_ANS_MAX_FINE = 3, W_ANS_OCTAVES = 18, W_ANS_TABLE_MAX = 512 };

typedef struct w_ans_model {
    unsigned flip;           /* symbols are XORed with 0x80: signed bytes become one contiguous range */
    unsigned lo, hi;         /* range of flipped symbols */
    unsigned fine, golomb;   /* steps an octave (log2), Exp-Golomb order */
    uint16_t level[256];     /* by flipped symbol; 0 outside lo..hi */
} w_ans_model;

/* Fills the model for these counts (by flipped symbol, n in all) at `fine`; returns the table's bytes. */
size_t w_ans_model_fit(w_ans_model *m, const size_t *count, size_t n, unsigned flip, unsigned fine);
/* Frequencies of all 256 flipped symbols, summing to 1 << bits; false when the levels cannot make a table. */
bool w_ans_model_freqs(const w_ans_model *m, unsigned bits, uint16_t *freq);
/* The table's bytes, at most W_ANS_TABLE_MAX; out may be NULL to count only. */
size_t w_ans_model_write(const w_ans_model *m, uint8_t *out);
/* Reads a table; returns the bytes used, 0 when it is damaged. */
size_t w_ans_model_read(w_ans_model *m, const uint8_t *in, size_t size);
#endif
