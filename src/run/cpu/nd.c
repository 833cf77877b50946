/* Strided loops (nd.h). */
#include "nd.h"
#include <string.h>

void w_layout_strides(const w_shape *s, w_layout layout, int64_t stride[W_MAX_RANK]) {
    if (layout == W_NHWC && s->rank == 4) {
        stride[1] = 1;
        stride[3] = s->dim[1];
        stride[2] = stride[3] * s->dim[3];
        stride[0] = stride[2] * s->dim[2];
        return;
    }
    int64_t step = 1;
    for (int d = s->rank - 1; d >= 0; d--) {
        stride[d] = step;
        step *= s->dim[d];
    }
}

bool w_layouts_agree(const w_shape *s) {
    return s->rank != 4 || s->dim[1] == 1 || (s->dim[2] == 1 && s->dim[3] == 1);
}

void w_nd_broadcast(const w_shape *out, const w_shape *s, w_layout layout, int64_t stride[W_MAX_RANK]) {
    int64_t own[W_MAX_RANK];
    w_layout_strides(s, layout, own);
    int shift = out->rank - s->rank;
    for (int d = 0; d < out->rank; d++) stride[d] = d < shift || s->dim[d - shift] == 1 ? 0 : own[d - shift];
}

static bool mergeable(const w_nd *nd, uint32_t outer, uint32_t inner) {
    for (uint32_t o = 0; o < nd->noperand; o++)
        if (nd->stride[o][outer] != nd->stride[o][inner] * nd->n[inner]) return false;
    return true;
}

static void swap_dims(w_nd *nd, uint32_t a, uint32_t b) {
    int64_t t = nd->n[a];
    nd->n[a] = nd->n[b];
    nd->n[b] = t;
    for (uint32_t o = 0; o < nd->noperand; o++) {
        t = nd->stride[o][a];
        nd->stride[o][a] = nd->stride[o][b];
        nd->stride[o][b] = t;
    }
}

/* Outermost first by the output's stride (insertion sort: rank <= 8, and equal strides keep their order). */
static void sort_dims(w_nd *nd) {
    for (uint32_t i = 1; i < nd->rank; i++)
        for (uint32_t j = i; j > 0 && nd->stride[0][j - 1] < nd->stride[0][j]; j--) swap_dims(nd, j - 1, j);
}

static void merge_dims(w_nd *nd) {
    uint32_t last = 0;
    for (uint32_t d = 1; d < nd->rank; d++) {
        int64_t n = nd->n[d];
        if (mergeable(nd, last, d)) n *= nd->n[last];
        else last++;
        nd->n[last] = n;
        for (uint32_t o = 0; o < nd->noperand; o++) nd->stride[o][last] = nd->stride[o][d];
    }
    nd->rank = last + 1;
}

void w_nd_init(w_nd *nd, const w_shape *dims, uint32_t noperand, int64_t (*stride)[W_MAX_RANK], const int64_t *start) {
    memset(nd, 0, sizeof *nd);
    nd->noperand = noperand;
    for (uint32_t o = 0; o < noperand; o++) nd->start[o] = start ? start[o] : 0;
    for (uint32_t d = 0; d < dims->rank; d++) {
        if (dims->dim[d] == 1) continue;
        nd->n[nd->rank] = dims->dim[d];
        for (uint32_t o = 0; o < noperand; o++) nd->stride[o][nd->rank] = stride[o][d];
        nd->rank++;
    }
    if (nd->rank == 0) {
        nd->n[0] = 1;
        for (uint32_t o = 0; o < noperand; o++) nd->stride[o][0] = 1;
        nd->rank = 1;
        return;
    }
    sort_dims(nd);
    merge_dims(nd);
}

int64_t w_nd_count(const w_nd *nd) {
    int64_t n = 1;
    for (uint32_t d = 0; d < nd->rank; d++) n *= nd->n[d];
    return n;
}

void w_nd_at(const w_nd *nd, uint32_t outer, int64_t k, int64_t offset[W_ND_OPERANDS]) {
    for (uint32_t o = 0; o < nd->noperand; o++) offset[o] = nd->start[o];
    for (uint32_t d = outer; d-- > 0;) {
        int64_t i = k % nd->n[d];
        k /= nd->n[d];
        for (uint32_t o = 0; o < nd->noperand; o++) offset[o] += i * nd->stride[o][d];
    }
}

/* Constants in a file mapping begin at any byte. */
#define COPY_LINE(T)                                                                                                   \
    typedef T any_##T __attribute__((aligned(1), may_alias));                                                          \
    static void line_##T(void *dst, int64_t sd, const void *src, int64_t ss, int64_t n) {                              \
        any_##T *d = dst;                                                                                              \
        const any_##T *s = src;                                                                                        \
        for (int64_t i = 0; i < n; i++) d[i * sd] = s[i * ss];                                                         \
    }
COPY_LINE(uint8_t)
COPY_LINE(uint16_t)
COPY_LINE(uint32_t)
COPY_LINE(uint64_t)

static void copy_line(size_t elem, uint8_t *dst, int64_t sd, const uint8_t *src, int64_t ss, int64_t n) {
    if (sd == 1 && ss == 1) memcpy(dst, src, (size_t)n * elem);
    else if (elem == 1) line_uint8_t(dst, sd, src, ss, n);
    else if (elem == 2) line_uint16_t(dst, sd, src, ss, n);
    else if (elem == 4) line_uint32_t(dst, sd, src, ss, n);
    else line_uint64_t(dst, sd, src, ss, n);
}

/* `n` runs of `bytes`, so many bytes apart. A call a run would cost more than a short one does. */
static void copy_runs(uint8_t *dst, int64_t sd, const uint8_t *src, int64_t ss, size_t bytes, int64_t n) {
#define OF(size) case size: for (int64_t i = 0; i < n; i++) memcpy(dst + i * sd, src + i * ss, size); return
    switch (bytes) {
        OF(2); OF(4); OF(8); OF(12); OF(16); OF(24); OF(32); OF(48); OF(64);
    }
#undef OF
    for (int64_t i = 0; i < n; i++) memcpy(dst + i * sd, src + i * ss, bytes);
}

/* The last two dims as a grid. When the source runs along the outer one, 16 x 16 blocks keep its lines in cache. */
static void copy_grid(const w_nd *nd, size_t elem, uint8_t *dst, const uint8_t *src, int64_t r0, int64_t r1) {
    uint32_t in = nd->rank - 1, out = nd->rank - 2;
    int64_t to = nd->stride[0][out] * (int64_t)elem, from = nd->stride[1][out] * (int64_t)elem;
    if (nd->stride[0][in] == 1 && nd->stride[1][in] == 1) {
        copy_runs(dst + r0 * to, to, src + r0 * from, from, (size_t)nd->n[in] * elem, r1 - r0);
        return;
    }
    int64_t cols = nd->n[in], block = nd->stride[1][out] == 1 && nd->stride[1][in] != 1 ? 16 : cols;
    int64_t rows = block == cols ? 1 : 16;
    for (int64_t r = r0; r < r1; r += rows)
        for (int64_t c = 0; c < cols; c += block)
            for (int64_t i = r; i < W_MIN(r + rows, r1); i++)
                copy_line(elem, dst + (size_t)(i * nd->stride[0][out] + c * nd->stride[0][in]) * elem, nd->stride[0][in],
                          src + (i * nd->stride[1][out] + c * nd->stride[1][in]) * (int64_t)elem, nd->stride[1][in],
                          W_MIN(block, cols - c));
}

void w_nd_copy(const w_nd *nd, size_t elem, void *dst, const void *src, int64_t first, int64_t last) {
    uint8_t *d = dst;
    const uint8_t *s = src;
    if (w_nd_count(nd) == 0) return;
    if (nd->rank == 1) {
        copy_line(elem, d + (size_t)(nd->start[0] + first * nd->stride[0][0]) * elem, nd->stride[0][0],
                  s + (nd->start[1] + first * nd->stride[1][0]) * (int64_t)elem, nd->stride[1][0], last - first);
        return;
    }
    if (nd->rank == 2) {
        copy_grid(nd, elem, d + (size_t)nd->start[0] * elem, s + nd->start[1] * (int64_t)elem, first, last);
        return;
    }
    int64_t middle = 1, off[W_ND_OPERANDS];
    for (uint32_t i = 1; i + 2 < nd->rank; i++) middle *= nd->n[i];
    for (int64_t k = first * middle; k < last * middle; k++) {
        w_nd_at(nd, nd->rank - 2, k, off);
        copy_grid(nd, elem, d + (size_t)off[0] * elem, s + off[1] * (int64_t)elem, 0, nd->n[nd->rank - 2]);
    }
}
