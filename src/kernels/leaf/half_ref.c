/* f16 to f32 and back in portable C. */
#include "kernels.h"
#include <math.h>
#include <string.h>

void w_half_to_f32__ref(const uint16_t *in, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t sign = (uint32_t)(in[i] >> 15) << 31, exponent = in[i] >> 10 & 31u, mantissa = in[i] & 1023u, bits;
        if (exponent == 0) {
            float tiny = (float)mantissa * 0x1p-24f;
            memcpy(&bits, &tiny, 4);
        } else if (exponent == 31) bits = 0x7f800000u | mantissa << 13 | (mantissa ? 0x400000u : 0);
        else bits = (exponent + 112) << 23 | mantissa << 13;
        bits |= sign;
        memcpy(out + i, &bits, 4);
    }
}

void w_f32_to_half__ref(const float *in, uint16_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        float a = fabsf(in[i]);
        memcpy(&bits, &in[i], 4);
        uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
        bits &= 0x7fffffffu;
        if (a != a) out[i] = (uint16_t)(sign | 0x7e00u | (bits >> 13 & 1023u));
        else if (a >= 65520.0f) out[i] = sign | 0x7c00u;
        else if (a < 0x1p-14f) out[i] = (uint16_t)(sign | (uint16_t)rintf(a * 0x1p24f));
        else out[i] = (uint16_t)(sign | (uint16_t)((bits - (112u << 23) + 0xfffu + (bits >> 13 & 1u)) >> 13));
    }
}
