/* Kernels: leaf loops behind a table of pointers.
 *
 * Invariants:
 *  - a kernel takes pointers, sizes and a parameter struct; it allocates nothing, asks no CPU flag, and neither reads nor
 *    writes outside its operands;
 *  - common code names no instruction set: w_kernels_init fills the table with the reference first, then each set inside the
 *    flags, low to high, overwrites entries. Tiles travel with the pointers;
 *  - one file per (kernel, instruction set), compiled with that set's flags only, sharing only static inline code;
 *  - kernels.inc lists every kernel once; declarations, weir-check and its benchmark all come from those lines. */
#ifndef W_KERNELS_H
#define W_KERNELS_H
#include "cpu.h"
#include "kernels_gemm.h"
#include "kernels_leaf.h"
#include "kernels_narrow.h"
#include "kernels_wino.h"

#if defined(__x86_64__)
#define W_ARCH_X86 1
#else
#define W_ARCH_X86 0
#endif
#if defined(__aarch64__)
#define W_ARCH_ARM 1
#else
#define W_ARCH_ARM 0
#endif

#define W_MAX_TILES 6
typedef struct w_kernels {
    uint32_t cpu;                               /* the flags it was made for */
    uint8_t lanes;                              /* f32 lanes of a vector of the tiles below */
    w_f32_tile f32_igemm[W_MAX_TILES];          /* best first for large shapes; nf32 of them, never 0 */
    size_t nf32;
    w_u8_tile u8_igemm[W_MAX_TILES];
    size_t nu8;
    w_s16_tile s16_gemm;
    w_narrow_tile narrow[W_NARROW_KINDS];       /* weights of 2, 4, 8 bits and bf16 */
    w_wino_tile wino[W_WINO_SIZES];             /* Winograd's transforms, by growing edge */
    w_u8_wino_tile wino_u8;                     /* and of u8 images */
    w_leaf_kernels leaf;                        /* depthwise, pooling, element-wise: kernels_leaf.h */
} w_kernels;

/* W_KERNEL(kind, name, flags, mr, nr, pack): w_fn_<kind> is the function type, w_<name> the function. */
#define W_KERNEL(kind, name, flags, mr, nr, pack) extern w_fn_##kind w_##name;
#include "kernels.inc"
#undef W_KERNEL

void w_kernels_init(w_kernels *k, uint32_t cpu_flags);
/* One per architecture and part of the table, called by w_kernels_init. */
void w_kernels_init_x86(w_kernels *k, uint32_t cpu_flags);
void w_kernels_init_arm(w_kernels *k, uint32_t cpu_flags);
void w_leaf_init_ref(w_leaf_kernels *k);
void w_leaf_init_x86(w_leaf_kernels *k, uint32_t cpu_flags);
void w_leaf_init_arm(w_leaf_kernels *k, uint32_t cpu_flags);
#endif
