/* Boxes: the arithmetic of access maps. An axis of a box is a lattice lo + step * [0, n); an exact map promises that every
 * point of it matters. */
#include "op_util.h"

int64_t w_sat_mul(int64_t a, int64_t b) {
    int64_t r;
    return w_mul_i64(a, b, &r) ? r : INT64_MAX;
}

int64_t w_box_count(const w_box *b) {
    int64_t c = 1;
    for (int i = 0; i < b->rank; i++) c = w_sat_mul(c, W_MAX(b->n[i], 0));
    return c;
}

void w_box_axis(w_box *b, int axis, int64_t lo, int64_t n, int64_t step) {
    b->lo[axis] = lo;
    b->n[axis] = n;
    b->step[axis] = n > 1 ? step : 1;
}

w_tag w_box_end(const w_box *in, w_tag tag) {
    for (int i = 0; i < in->rank; i++)
        if (in->n[i] <= 0) return W_UNUSED;
    return tag;
}

w_tag w_box_whole(const w_shape *s, w_tag tag, w_box *in) {
    *in = (w_box){.rank = s->rank};
    for (int i = 0; i < s->rank; i++) w_box_axis(in, i, 0, W_MAX(s->dim[i], 0), 1);
    return w_box_end(in, tag);
}

w_tag w_box_broadcast(const w_shape *s, const w_box *out, w_box *in) {
    *in = (w_box){.rank = s->rank};
    for (int i = 0; i < s->rank; i++) {
        int j = i + out->rank - s->rank;
        if (s->dim[i] == 1) w_box_axis(in, i, 0, W_MIN(out->n[j], 1), 1);
        else w_box_axis(in, i, out->lo[j], out->n[j], out->step[j]);
    }
    return w_box_end(in, W_EXACT);
}

static int64_t gcd(int64_t a, int64_t b) {
    while (b) {
        int64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

/* Keeps the part of lo + step*[0,n) inside [0, dim). */
static void clip_axis(w_box *b, int axis, int64_t lo, int64_t n, int64_t step, int64_t dim) {
    int64_t skip = lo < 0 ? (-lo + step - 1) / step : 0;
    lo += skip * step;
    n -= skip;
    if (lo >= dim) n = 0;
    else n = W_MIN(n, (dim - 1 - lo) / step + 1);
    w_box_axis(b, axis, n > 0 ? lo : 0, W_MAX(n, 0), step);
}

w_tag w_box_sum(w_box *b, int axis, int64_t lo, int64_t sa, int64_t na, int64_t sb, int64_t nb, int64_t dim) {
    if (na <= 0 || nb <= 0) {
        w_box_axis(b, axis, 0, 0, 1);
        return W_EXACT;
    }
    if (na == 1) sa = sb;
    if (nb == 1) sb = sa;
    int64_t big = W_MAX(sa, sb), small = W_MIN(sa, sb), nbig = sa >= sb ? na : nb, nsmall = sa >= sb ? nb : na;
    if (small > 0 && big % small == 0 && (big / small <= nsmall || nbig == 1)) {
        clip_axis(b, axis, lo, (nbig - 1) * (big / small) + nsmall, small, dim);
        return W_EXACT;
    }
    int64_t step = W_MAX(gcd(big, small), 1);
    clip_axis(b, axis, lo, ((na - 1) * sa + (nb - 1) * sb) / step + 1, step, dim);
    return W_COVER;
}

w_tag w_map_window(const w_window *win, const w_box *out, w_box *in, int first_axis) {
    w_tag tag = W_EXACT;
    for (int i = 0; i < win->nsp; i++) {
        int a = first_axis + i, j = 3 - win->nsp + i;
        w_tag t = w_box_sum(in, a, out->lo[a] * win->s[j] - win->lo[j], out->step[a] * win->s[j], out->n[a], win->d[j], win->k[j], win->in[j]);
        if (t == W_COVER) tag = W_COVER;
    }
    return tag;
}

w_tag w_map_all(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    (void)o;
    (void)out;
    const w_value *v = w_node_in(g, n, i);
    if (v) return w_box_whole(&v->shape, W_COVER, in);
    *in = (w_box){0};
    return W_UNUSED;
}

w_tag w_map_same(const w_graph *g, const w_node *n, uint32_t o, const w_box *out, uint32_t i, w_box *in) {
    (void)o;
    const w_value *v = w_node_in(g, n, i);
    if (v) return w_box_broadcast(&v->shape, out, in);
    *in = (w_box){0};
    return W_UNUSED;
}

int64_t w_work_elements(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    (void)g;
    (void)n;
    (void)o;
    return w_box_count(box);
}

int64_t w_work_none(const w_graph *g, const w_node *n, uint32_t o, const w_box *box) {
    (void)g;
    (void)n;
    (void)o;
    (void)box;
    return 0;
}

int64_t w_node_work(const w_graph *g, const w_node *n) {
    const w_op_def *def = w_op_get(n->op);
    int64_t sum = 0;
    for (uint32_t o = 0; def && o < n->nout; o++) {
        const w_value *v = w_node_out(g, n, o);
        w_box box;
        if (!v || !v->shape.known) continue;
        if (w_box_whole(&v->shape, W_EXACT, &box) == W_UNUSED) continue;
        int64_t w = def->work(g, n, o, &box);
        sum = sum > INT64_MAX - w ? INT64_MAX : sum + w;
    }
    return sum;
}
