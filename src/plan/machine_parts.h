/* machine_parts.h: reading and measuring a machine model. Private to src/plan. */
#ifndef W_MACHINE_PARTS_H
#define W_MACHINE_PARTS_H
#include "file.h"
#include "machine.h"

#define W_MACHINE_VERSION 3 /* of the JSON form and of the way of measuring; read are 1, without kernels, and 2, without its own */

/* machine_json.c: hostile input; every field is checked for presence, type and range. */
weir_status w_machine_read(weir_context *ctx, const char *path, w_machine *out, weir_error *e); /* *out changes even when it fails */
/* measure.c: fills everything but the key (cpu_model, isa, threads). */
weir_status w_machine_measure(weir_context *ctx, const w_topology *t, w_machine *m, weir_error *e);

/* measure_loops.c: what is timed. The loops of the largest instruction set inside the flags. */
typedef struct w_loops {
    /* Reads or writes `bytes` (a multiple of 1024) at a 64-byte aligned block, `times` over. */
    void (*read)(void *block, size_t bytes, size_t times);
    void (*write)(void *block, size_t bytes, size_t times);
    /* Runs `times` turns of independent multiply-adds in registers; NULL: no such instructions. */
    void (*peak[W_PEAKS])(size_t times);
    double macs[W_PEAKS]; /* multiply-adds a turn */
} w_loops;
void w_loops_for(uint32_t cpu_flags, w_loops *out);
/* Runs `times` turns of W_CLOCK_ADDS additions, each of which needs the one before; 0 where that is not known. */
#define W_CLOCK_ADDS 64
bool w_loop_clock(size_t times);
#endif
