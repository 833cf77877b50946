/* CPU features, the named CPU sets of --cpu, caches and cores. */
#ifndef W_CPU_H
#define W_CPU_H
#include "status.h"

enum {
    W_CPU_AVX2 = 1u << 0,    /* AVX2, FMA, F16C */
    W_CPU_AVX512 = 1u << 1,  /* F, BW, DQ, VL (implies AVX2) */
    W_CPU_VNNI = 1u << 2,    /* AVX512-VNNI (implies AVX512) */
    W_CPU_BF16 = 1u << 3,    /* AVX512-BF16 (implies VNNI) */
    W_CPU_AMX = 1u << 4,     /* AMX-TILE, INT8, BF16 (implies BF16) */
    W_CPU_AVXVNNI = 1u << 5, /* AVX-VNNI (implies AVX2) */
    W_CPU_NEON = 1u << 6,    /* ARMv8-A's vectors, which every such CPU has */
    W_CPU_DOTPROD = 1u << 7, /* dot products of bytes of one signedness (implies NEON) */
    W_CPU_I8MM = 1u << 8,    /* dot products of unsigned with signed bytes (implies DOTPROD) */
};
uint32_t w_cpu_detect(void);                                            /* what this machine has and its kernel enables */
weir_status w_cpu_cap(uint32_t have, const char *name, uint32_t *flags, weir_error *e); /* NULL or "": have */
const char *w_cpu_name(uint32_t flags);                                 /* the largest named set inside flags */

typedef struct w_topology {
    int cores;                 /* physical cores this process may use */
    int cpus;                  /* logical ones */
    size_t l1d, l2, llc;       /* bytes per core (llc: whole); 0 unknown */
    bool llc_victim;           /* the LLC is not inclusive */
    char model[64];            /* CPU model name */
} w_topology;
void w_topology_read(w_topology *t);
#endif
