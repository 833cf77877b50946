/* The machine model: bandwidth per level and thread count, peak operations per type and instruction set.
 * Measured once and cached ($XDG_CACHE_HOME/weir/machine-<hash>.json), or read from a file. */
#ifndef W_MACHINE_H
#define W_MACHINE_H
#include "context.h"
#include "doc.h"

enum { W_L1, W_L2, W_LLC, W_DRAM, W_LEVELS };
typedef struct w_level {
    size_t bytes;              /* capacity seen by one core (LLC: whole, shared); DRAM: 0 */
    double read_gbs[2];        /* one thread, all threads: 1e9 bytes/s */
    double write_gbs[2];
} w_level;
enum { W_PEAK_F32, W_PEAK_BF16, W_PEAK_INT8, W_PEAKS };
/* What a kernel ("impl/microkernel") reaches of its bound on this machine, bound over clock, in steps of about this bound: what a
 * step does beside its arithmetic weighs more in a short one. */
#define W_KERNEL_SHARES 256
typedef struct w_kernel_share { char kernel[64]; double bound_s, share; } w_kernel_share;
typedef struct w_machine {
    char cpu_model[64];
    char isa[16];              /* the set these peaks were measured with */
    int threads;               /* what index 1 of the arrays means */
    double ghz;                /* estimated clock under load; 0 unknown */
    w_level level[W_LEVELS];
    bool llc_victim;
    double gops[W_PEAKS][2];   /* 1e9 multiply-adds/s: one thread, all threads */
    double barrier_us;         /* cost of one parallel region */
    double step_us;            /* fixed cost of one step of the executor */
    w_kernel_share kernel[W_KERNEL_SHARES]; /* learnt when first met (w_machine_learn); the rest counts as 1 */
    size_t nkernel;
} w_machine;
/* Loads ctx->machine_file, or the cache, or measures (about 2 s, progress reported) and caches; keeps it in ctx->machine. */
weir_status w_machine_get(weir_context *ctx, bool refresh, const w_machine **out, weir_error *e);
/* Between the two bounds that were met next to this one; 0 where this kernel was not met at all. */
double w_machine_share(const w_machine *m, const char *kernel, double bound_s);
/* Whether the kernel was met in a step of this bound, give or take half an octave. */
bool w_machine_met(const w_machine *m, const char *kernel, double bound_s);
bool w_same_bound(double a, double b);
/* Adds kernels that the context's model has not met yet, and caches the model with them. What another process has cached
 * meanwhile counts first, so that all agree. A model read from a file learns nothing. */
void w_machine_learn(weir_context *ctx, const w_kernel_share *k, size_t n);
weir_status w_machine_doc(const w_machine *m, weir_document **out, weir_error *e);
/* Bandwidth in bytes/s of a level at a thread count (interpolated between 1 and m->threads). */
double w_machine_bw(const w_machine *m, int level, int threads, bool write);
double w_machine_peak(const w_machine *m, int what, int threads); /* multiply-adds/s */
/* The share of its f32 peak that a core gives right now (less than 1: a lower frequency, or somebody else on it), from some 20
 * microseconds of multiply-adds on this thread; 0 where the model is of another machine or CPU set. */
double w_machine_now(const weir_context *ctx, const w_machine *m);
#endif
