/* weir-check: every kernel of kernels.inc against its meaning, on shapes and values that hurt.
 *
 * A check draws cases from a seed, puts every operand against an inaccessible page (at its end or its start), computes what is
 * expected in plain C with wider arithmetic, and compares. Adding a kind of kernel: a file check_<kind>.c with
 * void check_<kind>(check *c, w_fn_<kind> *fn, int mr, int nr, int pack), declared here. */
#ifndef W_CHECK_H
#define W_CHECK_H
#include "kernels.h"

typedef struct check {
    const char *kernel;        /* name of the one under test */
    uint64_t seed, state;
    bool bench;
    size_t cases, failures;    /* of this kernel */
    char first[400];           /* its first failure */
    double peak_f32, peak_u8;  /* check_peak of the kernel's set, with bench */
} check;

uint64_t check_random(check *c);                       /* 64 bits */
int64_t check_range(check *c, int64_t lo, int64_t hi); /* inclusive */
float check_unit(check *c);                            /* in (-1, 1) */
/* A number in (-1, 1), a small integer, of size `huge`, up to `tiny`; VALUE_SPECIAL: one of `rare` + 1 times each Inf, -Inf, NaN. */
enum { VALUE_UNIT, VALUE_INTEGER, VALUE_HUGE, VALUE_TINY, VALUE_SPECIAL, VALUE_KINDS };
float check_value(check *c, int kind, float huge, float tiny, int rare);
/* Counts a failed case and keeps the words of the first. */
void check_fail(check *c, const char *fmt, ...) WEIR_PRINTF(2, 3);
/* `bytes` bytes that end (or start) at an inaccessible page; every call flips a coin. Freed by check_release_all. */
void *check_guarded(check *c, size_t bytes);
void check_release_all(void);
/* Shortest time of one call in seconds: repeats for about 60 ms. */
double check_time(void (*call)(void *), void *arg);
/* 1e9 multiply-adds/s of the instructions that a set's kernels use; 0: not known. */
double check_peak(uint32_t flags, bool u8);
void check_print_speed(const check *c, const char *shape, double seconds, double macs, double bytes, double peak);

void check_f32_igemm(check *c, w_fn_f32_igemm *fn, int mr, int nr, int pack);
void check_f32_wino_in(check *c, w_fn_f32_wino_in *fn, int mr, int nr, int pack);
void check_f32_wino_out(check *c, w_fn_f32_wino_out *fn, int mr, int nr, int pack);
/* How far apart places of tiles lie: the next follows at once, or as w_wino_apart wants it. */
size_t check_wino_apart(check *c, size_t tiles, size_t channels, size_t elem);
void check_u8_wino_in(check *c, w_fn_u8_wino_in *fn, int mr, int nr, int pack);
void check_u8_wino_out(check *c, w_fn_u8_wino_out *fn, int mr, int nr, int pack);
void check_sums_u8(check *c, w_fn_sums_u8 *fn, int mr, int nr, int pack);
void check_s16_gemm(check *c, w_fn_s16_gemm *fn, int mr, int nr, int pack);
void check_u8_igemm(check *c, w_fn_u8_igemm *fn, int mr, int nr, int pack);
void check_f32_narrow(check *c, w_fn_f32_narrow *fn, int mr, int nr, int bits);
void check_f32_digits(check *c, w_fn_f32_digits *fn, int mr, int nr, int bits);
/* Bytes a second that one thread reads from memory, in units of 1e9; measured once. */
double check_read_speed(void);
#include "check_leaf.h"
#endif
