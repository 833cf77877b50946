/* A table of 256 bytes for NEON: four look-ups of 64 bytes each, which give zero for an index outside. */
#include "kernels.h"
#include <arm_neon.h>

void w_lut_u8__neon(const uint8_t *lut, const uint8_t *in, uint8_t *out, size_t n) {
    uint8x16x4_t part[4];
    size_t i = 0;
    for (size_t t = 0; t < 4; t++) part[t] = vld1q_u8_x4(lut + t * 64);
    for (; i + 16 <= n; i += 16) {
        uint8x16_t x = vld1q_u8(in + i), y = vqtbl4q_u8(part[0], x);
        _Pragma("GCC unroll 4") for (size_t t = 1; t < 4; t++)
            y = vorrq_u8(y, vqtbl4q_u8(part[t], vsubq_u8(x, vdupq_n_u8((uint8_t)(t * 64)))));
        vst1q_u8(out + i, y);
    }
    for (; i < n; i++) out[i] = lut[in[i]];
}
