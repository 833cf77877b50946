/* VPDPBUSD(acc, x, w): four u8 x s8 products into each 32-bit lane of acc, without saturation, and the names of vec_*.h at the width
 * that the set has the instruction for. In assembly because gcc 12 copies the accumulator before and after each intrinsic. */
#ifndef W_DPBUSD_H
#define W_DPBUSD_H
#ifdef __AVX512VNNI__
#include "vec_avx512.h"
#define VPDPBUSD(acc, x, w) __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(w))
#else
#include "vec_avx2.h"
#define VPDPBUSD(acc, x, w) __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(x), "x"(w))
#endif
#endif
