/* Strided walks over whole tensors: how references visit elements, with counters instead of recursion. */
#include "op_util.h"
#include <string.h>

int64_t w_count(const w_tensor *t) {
    int64_t c = 1;
    for (int i = 0; i < t->shape.rank; i++) c *= t->shape.dim[i];
    return c;
}

void w_strides(const w_shape *s, int64_t stride[W_MAX_RANK]) {
    int64_t step = 1;
    for (int i = s->rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= s->dim[i];
    }
}

void w_walk_init(w_walk *k, const w_shape *out) {
    *k = (w_walk){.rank = out->rank};
    memcpy(k->dim, out->dim, sizeof k->dim);
}

void w_walk_broadcast(w_walk *k, int operand, const w_shape *s) {
    int64_t own[W_MAX_RANK];
    w_strides(s, own);
    for (int i = 0; i < s->rank; i++) k->stride[operand][k->rank - s->rank + i] = s->dim[i] == 1 ? 0 : own[i];
}

void w_walk_step(w_walk *k) {
    for (int i = k->rank - 1; i >= 0; i--) {
        for (int j = 0; j < 3; j++) k->off[j] += k->stride[j][i];
        if (++k->at[i] < k->dim[i]) return;
        for (int j = 0; j < 3; j++) k->off[j] -= k->stride[j][i] * k->dim[i];
        k->at[i] = 0;
    }
}

static void copy_row(uint8_t *d, int64_t ds, const uint8_t *s, int64_t ss, int64_t n, size_t es) {
    if (ds == 1 && ss == 1) {
        memcpy(d, s, (size_t)n * es);
        return;
    }
    for (int64_t i = 0; i < n; i++) memcpy(d + i * ds * (int64_t)es, s + i * ss * (int64_t)es, es);
}

void w_copy_strided(void *dst, const int64_t *ds, const void *src, const int64_t *ss, const int64_t *dim, int rank, size_t es) {
    uint8_t *d = dst;
    const uint8_t *s = src;
    int64_t at[W_MAX_RANK] = {0};
    for (int i = 0; i < rank; i++)
        if (dim[i] <= 0) return;
    if (rank == 0) {
        memcpy(d, s, es);
        return;
    }
    int last = rank - 1;
    for (;;) {
        copy_row(d, ds[last], s, ss[last], dim[last], es);
        int i = last - 1;
        for (; i >= 0; i--) {
            d += ds[i] * (int64_t)es;
            s += ss[i] * (int64_t)es;
            if (++at[i] < dim[i]) break;
            d -= ds[i] * dim[i] * (int64_t)es;
            s -= ss[i] * dim[i] * (int64_t)es;
            at[i] = 0;
        }
        if (i < 0) return;
    }
}
