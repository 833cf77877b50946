/* Bytes as 16-bit differences to their zero point, as s16 products read them. */
#include "kernels_gemm.h"

#define INLINE static inline __attribute__((always_inline))

void w_widen_rows(int16_t *restrict dst, const uint8_t *restrict src, size_t rows, size_t k, size_t k_even, int32_t zero) {
    for (size_t r = 0; r < rows; r++, dst += k_even, src += k) {
        for (size_t i = 0; i < k; i++) dst[i] = (int16_t)(src[i] - zero);
        if (k < k_even) dst[k] = 0;
    }
}

typedef uint32_t pair __attribute__((may_alias));

/* Two elements of a column side by side. As numbers of 32 bits, because compilers know how to make those many at a time. */
INLINE uint32_t beside(uint8_t even, uint8_t odd, uint32_t zero) { return ((even - zero) & 0xffff) | (odd - zero) << 16; }

/* A block of `width` columns, of which `cols` are there; nr is known when this is compiled. */
INLINE void block(int16_t *dst, size_t nr, const uint8_t *restrict b, size_t stride_n, size_t stride_k, size_t cols, size_t k, int32_t zero) {
    pair *restrict to = (pair *)(void *)dst;
    for (size_t i = 0; i < k; i += 2, to += nr) {
        const uint8_t *even = b + i * stride_k, *odd = even + stride_k;
        bool both = i + 1 < k;
        if (cols == nr && stride_n == 1 && both)
            for (size_t j = 0; j < nr; j++) to[j] = beside(even[j], odd[j], (uint32_t)zero);
        else
            for (size_t j = 0; j < nr; j++)
                to[j] = j < cols ? beside(even[j * stride_n], both ? odd[j * stride_n] : (uint8_t)zero, (uint32_t)zero) : 0;
    }
}

void w_pack_s16(int16_t *dst, size_t nr, const uint8_t *b, size_t stride_n, size_t stride_k, size_t n, size_t k, int32_t zero) {
    size_t k_even = k + k % 2;
    for (size_t j = 0; j < n; j += nr, dst += nr * k_even, b += nr * stride_n) {
        size_t cols = n - j < nr ? n - j : nr;
        switch (nr) {
        case 8: block(dst, 8, b, stride_n, stride_k, cols, k, zero); break;
        case 16: block(dst, 16, b, stride_n, stride_k, cols, k, zero); break;
        default: block(dst, nr, b, stride_n, stride_k, cols, k, zero); break;
        }
    }
}
