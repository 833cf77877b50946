/* Shapes for the implicit GEMM checks: tails of one more and one less than a tile, single elements, primes, long sums, rows
 * that overlap as the pixels of a convolution do, and runs that lie in padding. */
#include "check_igemm.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t pick(check *c, const size_t *list, size_t n) { return list[check_range(c, 0, (int64_t)n - 1)]; }

static size_t around(check *c, size_t tile) {
    size_t base = tile * (size_t)check_range(c, 1, 2);
    int64_t v = (int64_t)base + check_range(c, -1, 1);
    return v < 1 ? 1 : (size_t)v;
}

/* Rows start anywhere in the input, the last run ending at its last element. */
static void draw_offsets(check *c, igemm_shape *s) {
    bool table = s->mode == ROWS_TABLE;
    size_t count = table ? s->p * s->taps : s->p, span = table ? s->c : s->c + (s->taps - 1) * s->tap_stride;
    s->elements = span + (size_t)check_range(c, 0, 300);
    s->offset = malloc(count * sizeof *s->offset);
    if (!s->offset) exit(WEIR_NO_RESOURCE);
    for (size_t i = 0; i < count; i++) {
        s->offset[i] = (int32_t)check_range(c, 0, (int64_t)(s->elements - span));
        if (table && check_range(c, 0, 3) == 0) s->offset[i] = -1;
    }
    s->offset[check_range(c, 0, (int64_t)count - 1)] = (int32_t)(s->elements - span);
}

igemm_shape igemm_draw(check *c, size_t index, int mr, int nr) {
    static const size_t depths[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 64}, primes[] = {1, 2, 3, 13, 29, 53, 101};
    igemm_shape s = {.taps = 1};
    s.mode = (int)(index % 3);
    s.p = check_range(c, 0, 2) ? around(c, (size_t)mr) : pick(c, primes, W_COUNT(primes));
    s.n = check_range(c, 0, 2) ? around(c, (size_t)nr) : pick(c, primes, W_COUNT(primes));
    s.c = pick(c, depths, W_COUNT(depths));
    if (s.mode != ROWS_PLAIN) s.taps = (size_t)check_range(c, 1, 9);
    if (index % 50 == 7) s.c = 1500;
    if (index % 200 == 11) s.c = 8000;
    if (index == 0) s.p = s.n = s.c = s.taps = 1;
    s.tap_stride = s.c + (size_t)check_range(c, 0, 5);
    s.row_stride = s.c + (size_t)check_range(c, 0, 3);
    if (s.mode == ROWS_PLAIN) s.elements = (s.p - 1) * s.row_stride + s.c;
    else draw_offsets(c, &s);
    return s;
}

void igemm_free(igemm_shape *s) { free(s->offset); }

void igemm_rows(check *c, const igemm_shape *s, w_rows *rows) {
    rows->taps = s->taps;
    rows->c = s->c;
    rows->row_stride = s->row_stride;
    rows->tap_stride = s->mode == ROWS_STRIDED ? s->tap_stride : 0;
    rows->tap_table = 0;
    rows->offset = NULL;
    if (s->mode == ROWS_PLAIN) return;
    size_t count = s->mode == ROWS_TABLE ? s->p * s->taps : s->p;
    int32_t *offset = check_guarded(c, count * sizeof *offset);
    memcpy(offset, s->offset, count * sizeof *offset);
    rows->offset = offset;
    if (s->mode == ROWS_TABLE) rows->tap_table = s->p;
}

const char *igemm_describe(const igemm_shape *s, char text[160]) {
    snprintf(text, 160, "rows %zu, taps %zu, c %zu, n %zu, %s", s->p, s->taps, s->c, s->n,
             s->mode == ROWS_PLAIN ? "plain" : s->mode == ROWS_STRIDED ? "strided" : "table");
    return text;
}

const igemm_layer igemm_layers[] = {
    {"square 512", 512, 1, 512, 512},
    {"lenet5 conv1 5x5 1-20 @24", 576, 5, 5, 20},
    {"lenet5 conv2 5x5 20-50 @8", 64, 5, 100, 50},
    {"lenet5 fc 800-500", 1, 1, 800, 500},
    {"lenet5 fc 500-10", 1, 1, 500, 10},
    {"resnet8 3x3 1-16 @28", 784, 3, 3, 16},
    {"resnet8 3x3 16-16 @28", 784, 3, 48, 16},
    {"resnet8 3x3 16-32 @14", 196, 3, 48, 32},
    {"resnet8 3x3 32-32 @14", 196, 3, 96, 32},
    {"resnet8 3x3 32-64 @7", 49, 3, 96, 64},
    {"resnet8 3x3 64-64 @7", 49, 3, 192, 64},
    {"mobilenet 1x1 16-32 @28", 784, 1, 16, 32},
    {"mobilenet 1x1 32-64 @14", 196, 1, 32, 64},
    {"mobilenet 1x1 64-128 @14", 196, 1, 64, 128},
    {"mobilenet 1x1 128-128 @7", 49, 1, 128, 128},
    {"mobilenet 1x1 128-256 @7", 49, 1, 128, 256},
    {"resnet50 3x3 256-256 @14", 196, 9, 256, 256},
};
const size_t igemm_nlayers = W_COUNT(igemm_layers);
