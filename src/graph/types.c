/* Element types, half-precision conversion, and equality of quantisation and coding records. */
#include "graph.h"
#include <string.h>

size_t w_type_size(w_type t) {
    switch (t) {
    case WEIR_F32: case WEIR_S32: return 4;
    case WEIR_F16: case WEIR_BF16: case WEIR_U16: case WEIR_S16: return 2;
    case WEIR_F64: case WEIR_S64: return 8;
    case WEIR_U8: case WEIR_S8: case WEIR_BOOL: return 1;
    }
    return 0;
}

const char *w_type_name(w_type t) {
    switch (t) {
    case WEIR_F32: return "f32";
    case WEIR_F16: return "f16";
    case WEIR_BF16: return "bf16";
    case WEIR_F64: return "f64";
    case WEIR_U8: return "u8";
    case WEIR_S8: return "s8";
    case WEIR_U16: return "u16";
    case WEIR_S16: return "s16";
    case WEIR_S32: return "s32";
    case WEIR_S64: return "s64";
    case WEIR_BOOL: return "bool";
    }
    return "?";
}

/* Subnormals are scaled by the float unit; infinities and NaN keep their payload. */
float w_f16_to_f32(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = (h >> 10) & 31, mantissa = h & 0x3ff, bits;
    if (exponent == 31) bits = sign | 0x7f800000 | mantissa << 13;
    else if (exponent) bits = sign | (exponent + 112) << 23 | mantissa << 13;
    else {
        float f = (float)mantissa * 0x1p-24f;
        memcpy(&bits, &f, 4);
        bits |= sign;
    }
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

uint16_t w_f32_to_f16(float f) {
    uint32_t bits;
    memcpy(&bits, &f, 4);
    uint16_t sign = (uint16_t)((bits >> 16) & 0x8000);
    bits &= 0x7fffffff;
    if (bits > 0x7f800000) return sign | 0x7e00;
    if (bits >= 0x477ff000) return sign | 0x7c00; /* rounds to 65536 or more */
    if (bits < 0x38800000) {                      /* below 2^-14: multiples of 2^-24 */
        memcpy(&f, &bits, 4);
        f += 0.5f; /* the float unit rounds to 24 bits below 0.5 */
        memcpy(&bits, &f, 4);
        return sign | (uint16_t)(bits - 0x3f000000);
    }
    uint32_t odd = (bits >> 13) & 1;
    return sign | (uint16_t)((bits - 0x38000000 + 0xfff + odd) >> 13);
}

bool w_quant_equal(const w_quant *a, const w_quant *b) {
    if (a == b) return true;
    if (!a || !b || a->n != b->n || (a->n > 1 && a->axis != b->axis)) return false;
    return !memcmp(a->scale, b->scale, a->n * sizeof *a->scale) && !memcmp(a->zero, b->zero, a->n * sizeof *a->zero);
}

bool w_coding_equal(const w_coding *a, const w_coding *b) {
    if (a == b) return true;
    if (!a || !b || a->ans != b->ans || a->ncodebook != b->ncodebook || a->density != b->density) return false;
    return !a->ncodebook || !memcmp(a->codebook, b->codebook, a->ncodebook * sizeof *a->codebook);
}
